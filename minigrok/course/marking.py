"""Marking: is a student's file not started, not yet right, or passed, and if not yet, why?

The answer is always found anew, by running the check on the file as it is; nothing is stored.
"""

import ast
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from minigrok.course.exercises import Exercise, checks_folder
from minigrok.course.exercises import exercise as exercise_named
from minigrok.course.laws import Failure, Student, close
from minigrok.course.student import CALL_SECONDS, StudentProcess, local
from minigrok.course.worker import Reply, Source, decode, encode

NOT_STARTED, NOT_YET, PASSED = STATES = ("not started", "not yet", "passed")
Ask = Callable[[Sequence[Any]], Reply]


@dataclass(frozen=True)
class Mark:
    """What the marker says of one file."""

    name: str
    state: str                           # one of STATES
    failure: Failure | None = None       # why not yet
    looks_like: str = ""                 # what the code seems to do, if it behaves as a known wrong one
    printed: str = ""                    # by the student's code: the beginning of it


def mark(exercise: Exercise, file: Path, seed: int = 0, seconds: float = CALL_SECONDS) -> Mark:
    """Mark one file.

    Parameters
    ----------
    exercise : Exercise
    file : Path
        The student's; missing, or with nothing in it changed but comments, it is not started.
    seed : int
        Of the inputs.
    seconds : float
        How long one call of the student's function may take.
    """
    if untouched(file, exercise):
        return Mark(exercise.name, NOT_STARTED)
    with StudentProcess(file, exercise.function, [checks_folder()], seconds) as process:
        ready = process.ready()
        if ready["kind"] == "ready":
            failure, looks_like = judge(exercise, process.ask, seed)
        else:
            failure, looks_like = failure_of(ready, exercise, called=False), ""
        process.close()
        printed = process.printed()
    if failure is None:
        return Mark(exercise.name, PASSED, printed=printed)
    if failure.kind == "not written" and not begun(file, exercise):
        return Mark(exercise.name, NOT_STARTED, printed=printed)
    return Mark(exercise.name, NOT_YET, failure, looks_like, printed)


def judge(exercise: Exercise, ask: Ask, seed: int) -> tuple[Failure | None, str]:
    """The first failure of the check, None if there is none; and the known wrong answer that this one equals, or ""."""
    student = Student(ask, exercise.solution, lambda reply: failure_of(reply, exercise))
    try:
        exercise.check(student, np.random.default_rng(seed))
    except Failure as failure:
        if failure.kind in ("timeout", "died", "exited", "refused", "not written"):
            return failure, ""
        return failure, diagnosis(exercise, ask, seed)
    except Exception as error:                           # of a check that computes with an answer it did not foresee
        arguments = student.calls[-1] if student.calls else ()
        return Failure(f"the check cannot compute with this answer ({type(error).__name__}: {error})", arguments,
                       kind="structure"), diagnosis(exercise, ask, seed)
    return None, ""


def diagnosis(exercise: Exercise, ask: Ask, seed: int) -> str:
    """Which of the known wrong functions answers as this one does on all inputs of the check, in words; or "".

    On all of them, for on one small input very different mistakes often give one answer.
    """
    suspects = dict.fromkeys(exercise.wrong)
    for encoded, replies in _known_answers(exercise.name, seed):
        reply = ask(encoded)
        if reply["kind"] in ("timeout", "died"):
            return ""
        suspects = {words: None for words in suspects if _alike(reply, replies[words])}
        if not suspects:
            return ""
    return next(iter(suspects))


@lru_cache(maxsize=64)
def _known_answers(name: str, seed: int) -> list[tuple[list[Any], dict[str, Reply]]]:
    """All inputs of a check, encoded, each with the replies of the known wrong functions."""
    the = exercise_named(name)
    ours = Student(local(the.solution), the.solution, lambda reply: failure_of(reply, the))
    with suppress(Failure):                              # of a check that its own solution fails: it is being written
        the.check(ours, np.random.default_rng(seed))
    inputs = [[encode(argument) for argument in arguments] for arguments in ours.calls]
    wrong = {words: local(function) for words, function in the.wrong.items()}
    return [(encoded, {words: answer(encoded) for words, answer in wrong.items()}) for encoded in inputs]


def _alike(reply: Reply, other: Reply) -> bool:
    if reply == other:                                   # to the bit: no need to look closer
        return True
    if reply["kind"] != other["kind"]:
        return False
    if reply["kind"] == "answer":
        return close(decode(reply["value"]), decode(other["value"]))
    return reply.get("type") == other.get("type")


def untouched(file: Path, exercise: Exercise) -> bool:
    """Whether a file is missing, or is the stub, comments and blank lines aside."""
    try:
        text = file.read_text(encoding="utf-8")
        return text == exercise.stub or ast.dump(ast.parse(text)) == ast.dump(ast.parse(exercise.stub))
    except FileNotFoundError:
        return True
    except (SyntaxError, ValueError):                    # work, and no Python yet
        return False


def begun(file: Path, exercise: Exercise) -> bool:
    """Whether the function holds more than its docstring and `raise NotImplementedError`, or what the stub has."""
    mine, stub = (_statements(text, exercise.function) for text in (file.read_bytes(), exercise.stub))
    return mine != stub and not all(statement.startswith("Raise(") for statement in mine)


def _statements(text: str | bytes, function: str) -> list[str]:
    """The statements of a function, docstring and comments aside."""
    bodies = [node.body for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == function]
    return [ast.dump(node) for body in bodies for node in body
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def failure_of(reply: Reply, exercise: Exercise, called: bool = True) -> Failure:
    """What happened instead of an answer, as a sentence; and the line of code, if one is to blame."""
    shown = {f"in line {reply['line']}": Source("", reply["text"])} if "line" in reply else {}
    return Failure(_sentence_of(reply, exercise, called), shown=shown, kind=reply["kind"])


def _sentence_of(reply: Reply, exercise: Exercise, called: bool) -> str:
    function, kind = exercise.function, reply["kind"]
    who = function if called else f"{exercise.name}.py"
    if kind == "raised":
        return _sentence_of_error(reply["type"], reply["message"])
    if kind == "mutated":
        argument = argument_names(exercise)[reply["argument"]]
        return (f"it changes its argument {argument} in place, or does not put it back to the last bit: work on a "
                f"copy, {argument}.copy(), and return a new value")
    return {
        "not written": "there is still a `raise NotImplementedError`: take it out, and return a value",
        "refused": "it takes the answer from minigrok, which is what you are to write: do it without importing or "
                   "reading minigrok",
        "no function": f"it defines no {function}, which is what the marker calls: keep the name that the stub has",
        "memory": f"{who} ran out of memory: on inputs of this size it should need next to none",
        "died": f"the process of {who} ended by itself (exit status {reply.get('code')}): did it call os._exit, or "
                "crash?",
        "exited": f"{who} called exit({reply.get('code')}): return a value instead",
        "timeout": f"{who} was still running after {reply.get('seconds', 0):g} s: does a loop never end?",
        "no value": f"it returned something of type {reply.get('type')}, which cannot be compared: return numbers, "
                    "arrays of numbers, or a tuple or list of them",
    }[kind]


def _sentence_of_error(name: str, message: str) -> str:
    if name == "EOFError":
        return "it asks for input, but nobody is at the keyboard while it is marked: use its arguments alone"
    if name != "ModuleNotFoundError":
        return f"it raised {name}: {message}"
    if "'hypothesis'" in message:
        return "it needs Hypothesis: python -m pip install hypothesis"
    if "'exercises" in message:
        return f"{message}: a file beside this one is imported by its own name, from e01_gram_matrix import gram_matrix"
    return f"{message}: is the name spelt right, and the library installed?"


def argument_names(exercise: Exercise) -> list[str]:
    """The names of the function's arguments."""
    code = exercise.solution.__code__
    return list(code.co_varnames[: code.co_argcount])
