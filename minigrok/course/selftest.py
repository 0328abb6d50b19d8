"""The marker marked: does each check pass what is right, and refuse what is wrong with the words that fit?

    python -m minigrok.course.selftest [NAME...]

is for whoever writes an exercise: of each it tries the stub, all RIGHT, all WRONG and the solution, on seeds 0 to 19.
"""

import ast
import inspect
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from minigrok.course.exercises import Exercise, exercise, find, names
from minigrok.course.marking import NOT_STARTED, judge, mark
from minigrok.course.student import local

SEEDS = range(20)
FEWEST_RIGHT, FEWEST_WRONG, FEWEST_WRONG_LARGER = 3, 5, 8
STEPS = 3                      # hints an exercise


class Tried(NamedTuple):
    """What became of one exercise."""

    name: str
    stub: str                  # the state of the stub
    right: int                 # how many right functions passed on every seed, the solution not counted
    of_right: int
    wrong: int                 # how many wrong ones were refused on every seed with their own words
    of_wrong: int
    hints: int
    milliseconds: float        # a check of the solution
    faults: tuple[str, ...]    # what is not as it must be


def try_out(the: Exercise, seeds: Iterable[int] = SEEDS) -> Tried:
    """Try one exercise on all seeds."""
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{the.name}.py"
        file.write_text(the.stub, encoding="utf-8")
        stub = mark(the, file).state
        file.write_text(f"started = True\n{the.stub}", encoding="utf-8")
        run = mark(the, file).state
    if (stub, run) != (NOT_STARTED, NOT_STARTED):
        faults.append(f"the stub reads {stub!r}, and run {run!r}, not {NOT_STARTED!r}")
    judge(the, local(the.solution), 0)                   # compiles
    started, right, wrong = time.process_time(), 0, 0
    faults += _refusals(the, the.solution, "the solution", seeds)
    spent = time.process_time() - started
    for number, function in enumerate(the.right):
        found = _refusals(the, function, f"RIGHT[{number}]", seeds)
        right, faults = right + (not found), faults + found
    for words, function in the.wrong.items():
        said = {seed: judge(the, local(function), seed) for seed in seeds}
        found = [f"seed {seed}: WRONG {words!r} passes" if failure is None else
                 f"seed {seed}: WRONG {words!r} is taken for {looks_like!r}"
                 for seed, (failure, looks_like) in said.items() if failure is None or looks_like != words]
        wrong, faults = wrong + (not found), faults + found
    fewest = FEWEST_WRONG_LARGER if the.larger else FEWEST_WRONG
    if len(the.right) < FEWEST_RIGHT or len(the.wrong) < fewest:
        faults.append(f"has {len(the.right)} RIGHT and {len(the.wrong)} WRONG: {FEWEST_RIGHT} and {fewest} are needed")
    if len(the.hints) != STEPS or len(set(the.hints)) != STEPS or not all(the.hints):
        faults.append(f"has {len(the.hints)} hints, not {STEPS} different ones")
    if list(inspect.signature(the.solution).parameters) != _parameters_of_stub(the):
        faults.append("the solution's arguments are not the stub's")
    return Tried(the.name, stub, right, len(the.right), wrong, len(the.wrong), len(the.hints),
                 1000 * spent / len(list(seeds)), tuple(faults))


def as_student(the: Exercise, wrong: str | None = None) -> str:
    """A file as a student might have written it: the solution, or one of WRONG, with what it needs of its module."""
    tree = ast.parse(Path(inspect.getsourcefile(the.check) or "").read_text(encoding="utf-8"))
    parts: list[ast.stmt] = []
    ours = {"check", "LESSON", "HINTS", "RIGHT"} | (set() if wrong else {"WRONG"})
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and "minigrok" in ast.unparse(node):
            ours |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef):
            parts += [node] if node.name not in ours else []
        elif not (isinstance(node, ast.Assign) and ours & _names_in(node)):
            parts.append(node)
    text = "\n".join(map(ast.unparse, parts)) + "\n"
    if wrong is None:
        return text
    # In a namespace of its own, since a wrong function may call the right one, by the name that it is to have here.
    return (f"names = {{}}\nexec({text!r}, names)\n\n\n"
            f"def {the.function}(*arguments):\n    return names['WRONG'][{wrong!r}](*arguments)\n")


def _names_in(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def table(rows: Iterable[Tried]) -> str:
    """The rows, aligned, with what is wrong below each."""
    lines = [f"{'exercise':28}{'stub':13}{'right passed':>13}{'wrong refused':>15}{'hints':>7}{'ms a check':>12}"]
    for row in rows:
        right, wrong = f"{row.right} of {row.of_right}", f"{row.wrong} of {row.of_wrong}"
        lines.append(f"{row.name:28}{row.stub:13}{right:>13}{wrong:>15}{row.hints:7}{row.milliseconds:12.1f}")
        lines += [f"    {fault}" for fault in row.faults[:8]]
    return "\n".join(lines)


def _refusals(the: Exercise, function: object, what: str, seeds: Iterable[int]) -> list[str]:
    assert callable(function)
    found = []
    for seed in seeds:
        failure, _ = judge(the, local(function), seed)
        if failure is not None:
            found.append(f"seed {seed}: {what} is refused: {failure.sentence}; {failure.arguments} {failure.shown}")
    return found


def _parameters_of_stub(the: Exercise) -> list[str]:
    namespace: dict[str, object] = {}
    exec(compile(the.stub, the.name, "exec"), namespace)
    function = namespace[the.function]
    assert callable(function)
    return list(inspect.signature(function).parameters)


if __name__ == "__main__":
    sys.stdout.write(table(try_out(exercise(find(name))) for name in sys.argv[1:] or names()) + "\n")
