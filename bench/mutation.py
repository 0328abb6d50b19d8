"""Mutation testing of the textbook part: change one operator, number or condition, and see whether a test notices.

    python bench/mutation.py [--only kernels --only mlp] [--workers 2] [--out bench/kept/mutants.csv]
    python bench/mutation.py --summary bench/kept/mutants.csv

The mutants are cosmic-ray's (`pip install -e '.[test,trust]'`; see mutants.py), made from the text, so a decorated
function is changed like any other; the JIT is off, so the changed lines of a kernel are the ones that run (but for
`jit.py`, whose tests need it: they run on a changed copy of the package). A mutant is tried in a process of its own,
against the doctests of its file and the tests named in TESTS, 25 examples a property, always the same ones, first that
which killed the mutant before, then the quickest. Pytest collects them once and forks a process for each mutant, in
which the changed body takes the place of the function's; what runs as the module is loaded is tried in a new process
instead. *killed*: a test fails. *timeout*: one test takes more of the processor's time than twice what it takes without
a change and three seconds, or never ends. *survived*: all tests pass; each is to be killed by a new test, or listed in
`bench/kept/equivalent_mutants.csv` with the reason why no test could see it.

The list is written as it grows and gone on with, if the file is there; a mutant is known by its changed line, so edits
elsewhere leave it as it is.
"""

import os

os.environ |= {"MINIGROK_NO_JIT": "1", "OPENBLAS_NUM_THREADS": "1",
               "MPLBACKEND": "agg"}

import argparse
import csv
import importlib
import json
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutant_trials import BROKEN, NAMES, Forking, FromText, clear_up, settle_in
from mutants import ROOT, Mutant, function_of, mutants

QUICK = 1.5                    # seconds: a test that takes longer meets only survivors, with --again --thorough
sys.path.insert(0, str(ROOT))
FIELDS = ("file", "line", "operator", "before", "after", "nth", "outcome")
# file of the textbook part -> tests that hold it, the nearest first
TESTS = {
    "jit": ["test_jit"],
    "checks": ["test_checks", "test_density", "states/test_readers", "states/test_measure"],
    "kernels": ["test_kernels", "test_density", "test_metrics"],
    "grams": ["test_grams", "test_density", "test_accumulator", "states/test_labels"],
    "density": ["test_density", "test_metrics", "states/test_measure"],
    "accumulator": ["test_accumulator", "test_density"],
    "metrics": ["test_metrics", "test_density", "states/test_functionals"],
    "gradients": ["test_gradients"],
    "tasks/arrays": ["test_tasks"], "tasks/base": ["test_tasks"], "tasks/modular": ["test_tasks"],
    "tasks/planar": ["test_tasks"],
    "mlp": ["test_mlp", "test_training"],
    "optimizers": ["test_optimizers", "test_training"],
    "schedules": ["test_schedules"],
    "stopping": ["test_stopping"],
    "checkpoint": ["test_checkpoint_layout", "test_checkpoint", "test_checkpoint_faults"],
    "history": ["test_history", "test_training", "test_stopping"],
    "recording": ["test_history", "test_training_settings", "test_training", "test_stopping"],
    "keeping": ["test_keeping", "test_training"],
    "training": ["test_training_settings", "test_training", "test_keeping", "test_schedules", "test_stopping"],
    "walk": ["test_walk_limits", "test_walk", "test_schedule", "test_walker", "test_wanglandau"],
    "walker": ["test_schedule", "test_walker_begins", "test_walker", "test_walk", "test_wanglandau"],
    "dos": ["test_dos", "test_walker", "test_wanglandau"],
    "wanglandau": ["test_meeting", "test_schedule", "test_wanglandau", "test_walker"],
    "systems/ising": ["test_systems", "exact/test_ising"],
    "systems/network": ["test_network_formulas", "test_network", "test_systems"],
}
# Half a minute and more of plain Python: not even tried without --thorough
SLOW = [f"tests/test_walker.py::{test}" for test in (
    "test_a_walker_put_back_from_its_arrays_goes_on_to_the_bit", "test_production_knows_whether_ln_g_was_biased",
    "test_a_run_interrupted_between_two_rounds_judges_the_first_as_it_was",
    "test_the_step_size_follows_the_share_of_accepted_moves")]
ON_DISK = ("jit",)             # with the JIT, and from a copy, since its tests start Python anew


def words_for_pytest(name: str, place: str, thorough: bool) -> list[str]:
    """The tests of a file, to stop at the first that fails."""
    slow = [] if thorough else [f"--deselect={test}" for test in SLOW]
    return ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning",
            "-o", "tmp_path_retention_policy=none", "--hypothesis-profile=quick", f"--basetemp={place}/pytest", *slow,
            f"minigrok/{name}.py", *(f"tests/{test}.py" for test in TESTS[name])]


def changed_copy(name: str, source: str | None, place: str) -> list[str]:
    """Copy the package and its tests, with one file changed; the command that tests them."""
    for part in ("minigrok", "tests"):
        shutil.copytree(ROOT / part, f"{place}/copy/{part}", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", f"{place}/copy")
    if source is not None:
        Path(place, "copy", "minigrok", f"{name}.py").write_text(source)
    return [sys.executable, "-m", "pytest", *words_for_pytest(name, place, False)]


def start(name: str, source: str | None, place: str, plugin: Forking, thorough: bool) -> int:
    """Fork a process that runs a file's tests, on a changed source if there is one; its status will be pytest's."""
    child = os.fork()
    if child:
        return child
    status = BROKEN
    try:
        settle_in(place)
        if name in ON_DISK:
            command = changed_copy(name, source, place)
            os.chdir(f"{place}/copy")
            os.execve(sys.executable, command, {
                **os.environ, "MINIGROK_NO_JIT": "0", "PYTHONPATH": f"{place}/copy"})
        os.chdir(ROOT)
        if source is not None:
            module = f"minigrok.{name.replace('/', '.')}"
            sys.meta_path.insert(0, FromText(module, ROOT / "minigrok" / f"{name}.py", source))
            importlib.import_module(module)              # before pytest, whose own importer reads the file
        import pytest

        status = int(pytest.main(words_for_pytest(name, place, thorough), plugins=[plugin]))
        Path(place, "seconds").write_text(json.dumps(plugin.taken))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def preload() -> None:
    """Load what every child needs, and nothing of minigrok."""
    for name in ("numpy", "scipy.integrate", "scipy.linalg", "scipy.optimize", "scipy.special", "scipy.stats",
                 "matplotlib.pyplot", "mpmath", "pytest", "hypothesis.extra.numpy"):
        importlib.import_module(name)


def baseline(name: str, thorough: bool) -> dict[str, float]:
    """Seconds of each test of a file without a change; RuntimeError unless they pass."""
    place = tempfile.mkdtemp()
    child = start(name, None, place, Forking({}), thorough)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"the tests of {name} fail without a change: {Path(place, 'log').read_text()[-2000:]}")
    seconds = Path(place, "seconds")
    usual = json.loads(seconds.read_text()) if seconds.exists() else {}
    clear_up(child, place)
    return usual


def outcomes(todo: list[Mutant], workers: int, thorough: bool) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant with what became of it, file by file."""
    for name in dict.fromkeys(mutant.file for mutant in todo):
        usual = baseline(name, thorough)
        mine = [mutant for mutant in todo if mutant.file == name]
        quick = [each for each in mine if name not in ON_DISK and function_of(each.source, each.line)]
        yield from forked(name, quick, workers, usual, thorough)
        for mutant in mine:
            if mutant not in quick:
                yield mutant, anew(mutant, usual, thorough)


def forked(name: str, todo: list[Mutant], workers: int, usual: dict[str, float],
           thorough: bool) -> Iterator[tuple[Mutant, str]]:
    """Yield those tried in forks of a process that has collected the tests of their file."""
    if not todo:
        return
    place = tempfile.mkdtemp()
    listen, tell = os.pipe()
    child = start(name, None, place, Forking(usual, longest(thorough), todo, workers, tell), thorough)
    os.close(tell)
    with os.fdopen(listen) as lines:
        for line in lines:
            number, outcome = line.split()
            mutant = todo[int(number)]
            yield mutant, anew(mutant, usual, thorough) if outcome == "broken" else outcome
    os.waitpid(child, 0)
    clear_up(child, place)


def longest(thorough: bool) -> float:
    """Seconds of a test that is run."""
    return float("inf") if thorough else QUICK


def anew(mutant: Mutant, usual: dict[str, float], thorough: bool) -> str:
    """What becomes of a mutant in a process that loads it."""
    place = tempfile.mkdtemp()
    child = start(mutant.file, mutant.source, place, Forking(usual, longest(thorough)), thorough)
    _, status = os.waitpid(child, 0)
    clear_up(child, place)
    outcome = NAMES.get(os.waitstatus_to_exitcode(status), "killed")
    return "killed" if outcome == "broken" else outcome


def known(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    """What a list has, by file, operator and changed line."""
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        return {key(row): row for row in csv.DictReader(lines)}


def key(row: dict[str, str]) -> tuple[str, ...]:
    """By what a mutant is known."""
    return tuple(str(row[field]) for field in ("file", "operator", "before", "after", "nth"))


def summary(rows: list[dict[str, str]]) -> str:
    """Score of each file and of all."""
    reasons = known(ROOT / "bench/kept/equivalent_mutants.csv")
    lines = [f"{'file':<18}{'mutants':>8}{'killed':>8}{'timeout':>8}{'survived':>9}{'listed':>8}{'score':>8}"]
    total: Counter[str] = Counter()
    for name in [*TESTS, None]:
        mine = [row for row in rows if name in (None, row["file"])]
        if mine:
            total = Counter(row["outcome"] for row in mine)
            listed = sum(row["outcome"] == "survived" and key(row) in reasons for row in mine)
            score = 100 * (1 - total["survived"] / len(mine))
            lines.append(f"{name or 'all':<18}{len(mine):>8}{total['killed']:>8}{total['timeout']:>8}"
                         f"{total['survived']:>9}{listed:>8}{score:>7.1f}%")
    return "\n".join(lines)


def main() -> None:
    """Try what is not in the list yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=TESTS)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=ROOT / "bench/kept/mutants.csv")
    parser.add_argument("--again", action="store_true", help="try survivors of the list once more")
    parser.add_argument("--thorough", action="store_true", help="with the slow tests")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try only each N-th of what is left to try")
    parser.add_argument("--summary", type=Path, help="print the scores of a list, and run nothing")
    settings = parser.parse_args()
    if settings.summary:
        print(summary(list(known(settings.summary).values())))
        return
    preload()
    names = settings.only or list(TESTS)
    temporary = settings.out.with_suffix(".part")
    before = known(settings.out) | known(temporary)      # what was broken off is gone on with
    found = {key(mutant._asdict()): mutant for name in names for mutant in mutants(name)}
    done = {each: row for each, row in before.items()
            if (row["file"] not in names or each in found) and not (settings.again and row["outcome"] == "survived"
                                                                     and row["file"] in names)}
    todo = [mutant for each, mutant in found.items() if each not in done][:: settings.every]
    print(f"{len(found)} mutants, {len(todo)} to try", file=sys.stderr, flush=True)
    with temporary.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(done.values())
        tried = outcomes(todo, settings.workers, settings.thorough)
        for count, (mutant, outcome) in enumerate(tried, 1):
            row = mutant._asdict() | {"outcome": outcome}
            done[key(row)] = row
            writer.writerow(row)
            lines.flush()
            if count % 50 == 0:
                survived = sum(row["outcome"] == "survived" for row in done.values())
                print(f"{count} of {len(todo)} tried; {survived} survive", file=sys.stderr, flush=True)
    temporary.replace(settings.out)
    print(summary(list(done.values())))


if __name__ == "__main__":
    main()
