"""`minigrok course`: lessons and exercises, copied, listed, hinted at and marked."""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minigrok.cli.options import add_examples, add_json, add_seed, add_workers, as_json, progress_bar, sentence

EXERCISE = "exercise, such as e03_purity; its beginning will do, e03"
POLL_SECONDS = 0.5             # between two looks at the file that is watched


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's own commands and their options."""
    add_examples(command, ("minigrok course start my-course", "then, in my-course:"), ("minigrok course list", ""),
                 ("minigrok course check e03_purity", ""), ("minigrok course hint e03_purity", ""))
    parts = command.add_subparsers(title="commands", metavar="WHAT", dest="what", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], words: str, example: str) -> argparse.ArgumentParser:
        part = parts.add_parser(name, help=words, description=sentence(words))
        add_examples(part, (f"minigrok course {example}", ""))
        part.set_defaults(run=run)
        return part

    begin = add("start", run_start, "copy lessons and exercises into a folder; what is there stays as it is",
                "start my-course --notebook")
    begin.add_argument("folder", type=Path, metavar="DIR", help="folder of the course, made if it is not there")
    begin.add_argument("--notebook", action="store_true", help="write the lessons as Jupyter notebooks, too")
    listing = add("list", run_list, "mark all exercises and show them, a line each", "list")
    upcoming = add("next", run_next, "show the first exercise that has not passed", "next")
    check = add("check", run_check, "mark exercises, all if none is named; exit with status 1 unless all of them pass",
                "check e03_purity")
    check.add_argument("names", nargs="*", metavar="NAME", help=f"{EXERCISE}; all if none is named")
    watch = add("watch", run_watch, "mark an exercise whenever its file is saved; Ctrl-C ends it", "watch e03_purity")
    watch.add_argument("names", nargs="?", metavar="NAME",
                       help=f"{EXERCISE}; if left out, one after the other from the next on")
    hint = add("hint", run_hint, "show a hint, gentle at step 1, plainer at 2, plain at 3", "hint e03_purity 2")
    hint.add_argument("names", metavar="NAME", help=EXERCISE)
    hint.add_argument("step", nargs="?", type=int, choices=(1, 2, 3), default=1, metavar="STEP",
                      help="how plain, 1, 2 or 3 (default: 1)")
    solution = add("solution", run_solution, "show our solution of an exercise that has passed", "solution e03_purity")
    solution.add_argument("names", metavar="NAME", help=EXERCISE)
    again = add("reset", run_reset, "put the stub of an exercise back; your file is kept beside it", "reset e03_purity")
    again.add_argument("names", metavar="NAME", help=EXERCISE)
    report = add("report", run_report, "mark the folders of many students, for their teacher", "report --csv class/*")
    report.add_argument("folders", nargs="*", metavar="DIR", help="folders that start made (default: this one)")
    form = report.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--csv", action="store_true", help="print CSV instead of text")
    for part in (listing, upcoming, check, watch, solution, report):
        add_seed(part, "the marker's random inputs")
    for part in (listing, check, report):
        add_workers(part)


def run_start(settings: argparse.Namespace) -> int:
    """Copy, and say how to go on."""
    from minigrok.course.folder import start

    written, kept = start(settings.folder, settings.notebook)
    print(f"{len(written)} files written to {settings.folder}"
          + (f"; {len(kept)} that were there stay as they were" if kept else ""))
    into = "" if settings.folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(settings.folder))} && "
    print("Read and run a lesson, then do its exercises. Go on with:")
    print(f"{into}minigrok course list")
    return 0


def run_list(settings: argparse.Namespace) -> int:
    """A line an exercise."""
    from minigrok.course.exercises import exercise, lessons, names
    from minigrok.course.words import list_of

    marks = _marks(names(), settings)
    print(list_of(marks, {name: exercise(name) for name in names()}, lessons(), _colour()))
    return 0


def run_next(settings: argparse.Namespace) -> int:
    """The first that has not passed."""
    from minigrok.course.exercises import exercise, lessons
    from minigrok.course.words import verdict

    found = _first_open(settings)
    if found is None:
        print("all exercises have passed")
        return 0
    the = exercise(found.name)
    lesson = next(lesson for lesson in lessons() if lesson.number == the.lesson)
    print(f"Lesson {lesson.number}: first read it, and run it: python {lesson.path.name}")
    print(verdict(found, the, _colour()))
    print(f"  Mark it:  minigrok course check {found.name}")
    return 0


def run_check(settings: argparse.Namespace) -> int:
    """Mark, and say what is wrong by which law."""
    from minigrok.course.exercises import exercise, find, names
    from minigrok.course.marking import PASSED
    from minigrok.course.words import verdict

    chosen = list(dict.fromkeys(map(find, settings.names))) or names()
    marks = _marks(chosen, settings)
    print("\n".join(verdict(mark, exercise(mark.name), _colour()) for mark in marks))
    passed = sum(mark.state == PASSED for mark in marks)
    if len(marks) > 1:
        print(f"{passed} of {len(marks)} passed")
    return 0 if passed == len(marks) else 1


def run_watch(settings: argparse.Namespace) -> int:
    """Mark at each change, until all has passed."""
    try:
        return _watch(settings)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{str(stop) or 'interrupted'}; your files are as you saved them") from None


def _watch(settings: argparse.Namespace) -> int:
    from minigrok.course.exercises import exercise, find
    from minigrok.course.folder import file_of
    from minigrok.course.marking import PASSED, mark
    from minigrok.course.words import verdict

    folder, colour = _folder(), _colour()
    while True:
        if settings.names:
            name = find(settings.names)
        else:
            found = _first_open(settings)
            if found is None:
                print("all exercises have passed", flush=True)
                return 0
            name = found.name
        file = file_of(name, folder)
        while True:
            seen = _look(file)
            now = mark(exercise(name), file, settings.seed)
            print(verdict(now, exercise(name), colour), flush=True)
            if now.state == PASSED:
                break
            print(f"  Waiting for exercises/{name}.py to be saved; Ctrl-C ends this.\n", flush=True)
            while _look(file) == seen:
                time.sleep(POLL_SECONDS)
        if settings.names:
            return 0


def run_hint(settings: argparse.Namespace) -> int:
    """One step."""
    from minigrok.course.exercises import exercise, find
    from minigrok.course.words import hint_of

    print(hint_of(exercise(find(settings.names)), settings.step))
    return 0


def run_solution(settings: argparse.Namespace) -> int:
    """The solution, if the student's own has passed."""
    from inspect import getsource

    from minigrok.course.exercises import exercise, find
    from minigrok.course.marking import PASSED

    the = exercise(find(settings.names))
    state = _marks([the.name], settings)[0].state
    if state != PASSED:
        print(f"minigrok: {the.name}: {state}. Its solution is shown once it has passed;\n"
              f"a hint: minigrok course hint {the.name}", file=sys.stderr)
        return 1
    print(getsource(the.solution).rstrip())
    return 0


def run_reset(settings: argparse.Namespace) -> int:
    """The stub again."""
    from minigrok.course.exercises import find
    from minigrok.course.folder import reset

    name, folder = find(settings.names), _folder()
    kept = reset(name, folder)
    print(f"{name} is as it was at the start")
    if kept:
        print(f"yours is kept as {kept.relative_to(folder)}")
    return 0


def run_report(settings: argparse.Namespace) -> int:
    """All exercises of all folders; exit status 1 if one of them holds no course."""
    from minigrok.course.classroom import as_csv, as_rows, as_text, progress_of
    from minigrok.course.exercises import names

    folders = settings.folders or [str(_folder())]
    with progress_bar("marking") as move:
        classroom = [progress_of(folder, names(), settings.seed, settings.workers, move) for folder in folders]
    if settings.json:
        print(as_json(as_rows(classroom)))
    elif settings.csv:
        print(as_csv(classroom, names()), end="")
    else:
        print(as_text(classroom))
    return 1 if any(one.problem for one in classroom) else 0


def _folder() -> Path:
    from minigrok.course.folder import course_folder

    return course_folder(Path.cwd())


def _marks(names: Sequence[str], settings: argparse.Namespace) -> list[Any]:
    from minigrok.course.classroom import mark_all

    folder = _folder()
    with progress_bar("marking", quiet=len(names) == 1) as move:
        return mark_all(names, folder, settings.seed, getattr(settings, "workers", 1), move)


def _first_open(settings: argparse.Namespace) -> Any:
    """The mark of the first exercise that has not passed, None if all have."""
    from minigrok.course.exercises import exercise, names
    from minigrok.course.folder import file_of
    from minigrok.course.marking import PASSED, mark

    folder = _folder()
    marks = (mark(exercise(name), file_of(name, folder), settings.seed) for name in names())
    return next((found for found in marks if found.state != PASSED), None)


def _look(file: Path) -> object:
    """What changes when a file is saved; None while it is not there."""
    try:
        status = file.stat()
        return status.st_mtime_ns, status.st_size
    except FileNotFoundError:
        return None


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
