"""Mutation testing of the textbook part: change one operator, number or condition, and see whether a test notices.

    python bench/mutation.py [--only kernels --only mlp] [--workers 2] [--out bench/kept/mutants.csv]
    python bench/mutation.py --summary bench/kept/mutants.csv

The mutants are cosmic-ray's (`pip install -e '.[test,trust]'`), made from the source text, so a decorated function is
changed like any other; the JIT is off, so the changed lines of a kernel are the ones that run (but for `jit.py`, whose
tests need it: they run on a changed copy of the package). Left out are what changes no compiled code, type annotations,
`==` into `is` and bit operations between numbers (see OPERATORS). A mutant is tried in a process of its own, forked
with NumPy and pytest loaded, against the doctests of its file and the tests named in TESTS, 25 examples a property,
always the same ones. *killed*: a test fails. *timeout*: it runs for three times as long as without a change, and ten
seconds. *survived*: all tests pass; each is to be killed by a new test, or listed in
`bench/kept/equivalent_mutants.csv` with the reason why no test could see it.

The list is written as it grows and gone on with, if the file is there; a mutant is known by its changed line, so edits
elsewhere leave it as it is.
"""

import os

os.environ |= {"MINIGROK_NO_JIT": "1", "OPENBLAS_NUM_THREADS": "1",
               "MPLBACKEND": "agg"}

import argparse
import ast
import contextlib
import csv
import importlib
import importlib.abc
import importlib.util
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple

MEMORY = 8 * 2**30             # bytes, lest a changed size fill the machine
BROKEN = 99                    # status of a child whose mutant cannot be imported
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FIELDS = ("file", "line", "operator", "before", "after", "nth", "outcome")
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow")
ORDER = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
OPERATORS = [
    *(f"ReplaceBinaryOperator_{a}_{b}" for a in ARITHMETIC for b in ARITHMETIC if a != b),
    "ReplaceBinaryOperator_BitOr_BitAnd", "ReplaceBinaryOperator_BitAnd_BitOr",
    *(f"ReplaceComparisonOperator_{a}_{b}" for a in ORDER for b in ORDER if a != b),
    "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Invert", "ReplaceUnaryOperator_Delete_Not",
    "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer", "RemoveDecorator",
    "ZeroIterationForLoop"]
# file of the textbook part -> tests that hold it, the nearest first
TESTS = {
    "jit": ["test_jit"],
    "checks": ["test_checks", "test_density", "states/test_readers", "states/test_measure"],
    "kernels": ["test_kernels", "test_density", "test_metrics"],
    "grams": ["test_grams", "test_density", "test_accumulator", "states/test_labels"],
    "density": ["test_density", "test_metrics", "states/test_measure"],
    "accumulator": ["test_accumulator", "runs/test_together"],
    "metrics": ["test_metrics", "test_density", "states/test_functionals"],
    "gradients": ["test_gradients"],
    "tasks/arrays": ["test_tasks"], "tasks/base": ["test_tasks"], "tasks/modular": ["test_tasks"],
    "tasks/planar": ["test_tasks"],
    "mlp": ["test_mlp", "test_training"],
    "optimizers": ["test_optimizers", "test_training"],
    "schedules": ["test_schedules"],
    "stopping": ["test_stopping"],
    "checkpoint": ["test_checkpoint", "test_checkpoint_faults"],
    "history": ["test_training", "test_stopping"],
    "recording": ["test_training", "test_stopping"],
    "keeping": ["test_keeping", "test_training"],
    "training": ["test_training", "test_keeping", "test_schedules", "test_stopping"],
    "walk": ["test_walk", "test_walker", "test_wanglandau"],
    "walker": ["test_walker", "test_walk", "test_wanglandau"],
    "dos": ["test_walker", "test_wanglandau", "test_walk"],
    "wanglandau": ["test_wanglandau", "test_walker", "test_systems"],
    "systems/ising": ["test_systems", "exact/test_ising"],
    "systems/network": ["test_network", "test_systems"],
}
# Half a minute and more of plain Python: only survivors meet them, with --again --thorough
SLOW = [f"tests/test_walker.py::{test}" for test in (
    "test_a_walker_put_back_from_its_arrays_goes_on_to_the_bit", "test_production_knows_whether_ln_g_was_biased",
    "test_a_run_interrupted_between_two_rounds_judges_the_first_as_it_was",
    "test_until_error_goes_on_while_there_are_doubts", "test_the_step_size_follows_the_share_of_accepted_moves")]
ON_DISK = ("jit",)             # with the JIT, and from a copy, since its tests start Python anew


class Mutant(NamedTuple):
    """One change of one file."""

    file: str
    line: int
    operator: str
    before: str
    after: str
    nth: int                   # among those of this file that look alike
    source: str


class FromText(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text instead of its file."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name, path=None, target=None):
        """Only that one."""
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_filename(self, name):
        """Where the unchanged one is."""
        return str(self.path)

    def get_data(self, path):
        """The changed one; no compiled file of it is read or kept."""
        if Path(path) != self.path:
            raise OSError(path)
        return self.source.encode()


def mutants(name: str) -> list[Mutant]:
    """All of a file."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    path = ROOT / "minigrok" / f"{name}.py"
    source = path.read_text()
    whole = compile(source, "it", "exec")
    annotated = spans_of_annotations(source)
    found, alike = [], Counter()
    nodes = list(ast_nodes(get_ast(source)))
    for operator_name in OPERATORS:
        operator = get_operator(f"core/{operator_name}")()
        places = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (begin, _) in enumerate(places):
            if any(first <= begin < last for first, last in annotated):
                continue
            try:
                changed = mutate_code(source, operator, occurrence)
            except AttributeError:                       # cosmic-ray cannot change `except module.Error`
                continue
            if same_code(whole, changed):
                continue
            line = (operator_name, *first_difference(source, changed))
            found.append(Mutant(name, begin[0], *line, alike[line], changed))
            alike[line] += 1
    return sorted(found, key=lambda mutant: mutant.line)


def spans_of_annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where types stand."""
    tree = ast.parse(source)
    kinds = [getattr(node, field, None) for node in ast.walk(tree) for field in ("annotation", "returns")]
    aliases = [node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)
               and isinstance(node.value.op, ast.BitOr)]
    return [((kind.lineno, kind.col_offset), (kind.end_lineno, kind.end_col_offset))
            for kind in [*kinds, *aliases] if kind is not None]


def same_code(whole, changed: str) -> bool:
    """Whether a text compiles to what the unchanged one does."""
    try:
        return compile(changed, "it", "exec") == whole
    except SyntaxError:                                  # no mutant of the program
        return True


def first_difference(before: str, after: str) -> tuple[str, str]:
    """The lines in which two texts differ first, stripped."""
    pairs = zip([*before.splitlines(), ""], [*after.splitlines(), ""], strict=False)
    old, new = next(pair for pair in pairs if pair[0] != pair[1])
    return old.strip(), new.strip()


def words_for_pytest(name: str, place: str, thorough: bool) -> list[str]:
    """The tests of a file, to stop at the first that fails."""
    slow = [] if thorough else [f"--deselect={test}" for test in SLOW]
    return ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning",
            "--hypothesis-profile=quick", f"--basetemp={place}/pytest", *slow,
            f"minigrok/{name}.py", *(f"tests/{test}.py" for test in TESTS[name])]


def changed_copy(name: str, source: str | None, place: str) -> list[str]:
    """Copy the package and its tests, with one file changed; the command that tests them."""
    for part in ("minigrok", "tests"):
        shutil.copytree(ROOT / part, f"{place}/copy/{part}", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", f"{place}/copy")
    if source is not None:
        Path(place, "copy", "minigrok", f"{name}.py").write_text(source)
    return [sys.executable, "-m", "pytest", *words_for_pytest(name, place, False)]


def start(name: str, source: str | None, place: str, thorough: bool) -> int:
    """Fork a process that runs a file's tests on a changed source; its number. It ends with pytest's status."""
    child = os.fork()
    if child:
        return child
    status = BROKEN
    try:
        os.setsid()
        log = os.open(f"{place}/log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ |= {"HOME": place, "XDG_CACHE_HOME": place, "TMPDIR": place, "PYTHONPATH": str(ROOT)}
        tempfile.tempdir = place
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
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

        status = int(pytest.main(words_for_pytest(name, place, thorough)))
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


class Running(NamedTuple):
    """A child."""

    mutant: Mutant
    place: str
    deadline: float


def outcomes(todo: list[Mutant], workers: int, seconds: dict[str, float], thorough: bool):
    """Yield each mutant with what became of it, as they end."""
    todo, running = list(reversed(todo)), {}
    while todo or running:
        while todo and len(running) < workers:
            mutant = todo.pop()
            place = tempfile.mkdtemp()
            child = start(mutant.file, mutant.source, place, thorough)
            running[child] = Running(mutant, place, time.monotonic() + 3 * seconds[mutant.file] + 10)
        child, status = os.waitpid(-1, os.WNOHANG)
        late = [other for other, each in running.items() if time.monotonic() > each.deadline]
        for each in late:
            os.killpg(each, signal.SIGKILL)
            os.waitpid(each, 0)
            yield finished(running.pop(each)), "timeout"
        if child in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)         # what its tests started
            yield finished(running.pop(child)), "survived" if status == 0 else "killed"
        elif not late:
            time.sleep(0.01)


def finished(each: Running) -> Mutant:
    """Its mutant, once its folder is away."""
    shutil.rmtree(each.place, ignore_errors=True)
    return each.mutant


def baseline(name: str, thorough: bool) -> float:
    """Seconds of a file's tests without a change; RuntimeError unless they pass."""
    place = tempfile.mkdtemp()
    begun = time.monotonic()
    _, status = os.waitpid(start(name, None, place, thorough), 0)
    if status:
        raise RuntimeError(f"the tests of {name} fail without a change: {Path(place, 'log').read_text()[-2000:]}")
    shutil.rmtree(place)
    return time.monotonic() - begun


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
    todo = [mutant for each, mutant in found.items() if each not in done]
    seconds = {name: baseline(name, settings.thorough) for name in dict.fromkeys(mutant.file for mutant in todo)}
    print(f"{len(found)} mutants, {len(todo)} to try", file=sys.stderr, flush=True)
    with temporary.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(done.values())
        for count, (mutant, outcome) in enumerate(outcomes(todo, settings.workers, seconds, settings.thorough), 1):
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
