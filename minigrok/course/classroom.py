"""Many exercises of many folders marked side by side, and what a teacher is told of them."""

import csv
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrok.course.exercises import exercise
from minigrok.course.folder import course_folder, file_of
from minigrok.course.marking import NOT_YET, PASSED, Mark, mark


@dataclass(frozen=True)
class Progress:
    """One student's folder."""

    folder: str                # as it was given
    marks: tuple[Mark, ...]    # () where it holds no course
    problem: str = ""

    @property
    def passed(self) -> int:
        """How many exercises passed."""
        return sum(mark.state == PASSED for mark in self.marks)


def mark_all(
    names: Sequence[str], folder: Path, seed: int = 0, workers: int | None = None,
    told: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> list[Mark]:
    """Mark exercises of one folder, several at a time, and give the marks in their order; the same for any `workers`.

    `told` is called with (done, of, name) as the marks come in.
    """
    marks = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        jobs = [pool.submit(mark, exercise(name), file_of(name, folder), seed) for name in names]
        try:
            for done, (name, job) in enumerate(zip(names, jobs, strict=True)):
                told(done, len(names), name)
                marks.append(job.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)           # Ctrl-C: those under way end within their limit
            raise
    told(len(names), len(names), "marked")
    return marks


def progress_of(
    given: str, names: Sequence[str], seed: int = 0, workers: int | None = None,
    told: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> Progress:
    """What a folder's student has done; a folder without a course is a problem that is told, not raised."""
    try:
        if not Path(given).is_dir():
            raise FileNotFoundError(f"{given} is no folder")
        folder = course_folder(Path(given))
        if folder != Path(given).resolve():
            raise FileNotFoundError(f"{given} holds no course")
        return Progress(given, tuple(mark_all(names, folder, seed, workers, told)))
    except OSError as error:
        return Progress(given, (), str(error))


def as_rows(classroom: Sequence[Progress]) -> list[dict[str, Any]]:
    """One flat row a folder, for JSON and CSV."""
    return [
        {"folder": one.folder, "problem": one.problem or None, "passed": one.passed, "of": len(one.marks)}
        | {mark.name: mark.state for mark in one.marks} for one in classroom]


def as_csv(classroom: Sequence[Progress], names: Sequence[str]) -> str:
    """The rows as CSV; empty where a folder holds no course."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["folder", "problem", "passed", "of", *names], lineterminator="\n")
    writer.writeheader()
    writer.writerows(as_rows(classroom))
    return text.getvalue()


def as_text(classroom: Sequence[Progress]) -> str:
    """One line a folder: how many passed, and which are not right yet."""
    width = max(len(one.folder) for one in classroom)
    lines = []
    for one in classroom:
        if one.problem:
            lines.append(f"{one.folder:{width}}  {one.problem}")
            continue
        wrong = ", ".join(mark.name for mark in one.marks if mark.state == NOT_YET)
        lines.append(f"{one.folder:{width}}  {one.passed:2} of {len(one.marks)} passed"
                     + (f"; not yet: {wrong}" if wrong else ""))
    return "\n".join(lines)
