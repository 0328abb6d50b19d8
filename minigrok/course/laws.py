"""What an exercise's check is made of: laws, agreement with minigrok, and inputs from small to large.

A check is a function `check(student, rng)`. `student(...)` calls the student's function and gives its answer, once that
has the structure (a number, an array of that shape, ...) of the solution's. The first law that fails raises `Failure`,
so the inputs must grow: then the one that is shown is the smallest that fails.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrok.checks import FloatArray
from minigrok.course.worker import Reply, Source, decode, encode

__all__ = ["Failure", "Source", "Student", "activations", "agrees", "close", "fails", "holds", "law", "rotated",
           "rotation", "states"]
TOLERANCE = 1e-9               # relative, and absolute below 1
BY_HAND = {                    # short decimals: diagonal states, and those of a rotation by (3/5, 4/5)
    1: ([1.0],),
    2: ([0.9, 0.1], [1.0, 0.0], [0.5, 0.5], [0.75, 0.25]),
    3: ([0.5, 0.5, 0.0], [0.6, 0.3, 0.1]),
}


class Failure(Exception):      # noqa: N818  (no error of ours: it says what a student has yet to do)
    """What a check found: the law that failed, and on what.

    Attributes
    ----------
    sentence : str
        The law, or what happened.
    arguments : tuple
        With which the student's function was called; () where that does not matter.
    changed : tuple
        Of an invariance, the arguments that should have made no difference; else ().
    shown : dict from str to object
        What is to be compared, by its name: "expected", "yours", "before", ...
    kind : str
        "law", "structure", or the kind of a reply of the worker.
    """

    def __init__(
        self, sentence: str, arguments: tuple[Any, ...] = (), shown: dict[str, Any] | None = None, kind: str = "law",
        changed: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.sentence, self.arguments, self.shown, self.kind = sentence, arguments, shown or {}, kind
        self.changed = changed


class Student:
    """The student's function as a check sees it: called, looked at, and answered for.

    Parameters
    ----------
    ask : function of encoded arguments that gives a Reply
    solution : callable
        Ours: an answer must have the structure of its answer.
    failure_of : function of a Reply that is no answer, which gives the Failure
    """

    def __init__(
        self, ask: Callable[[Sequence[Any]], Reply], solution: Callable[..., Any],
        failure_of: Callable[[Reply], Failure],
    ) -> None:
        self.ask, self.solution, self.failure_of = ask, solution, failure_of
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> Any:
        """The answer; Failure where there is none, or one of another structure than the solution's."""
        self.calls.append(arguments)
        encoded = [encode(argument) for argument in arguments]
        reply = self.ask(encoded)
        if reply["kind"] != "answer":
            failure = self.failure_of(reply)
            failure.arguments = arguments
            raise failure
        answer, expected = decode(reply["value"]), self.solution(*map(decode, encoded))
        as_array = isinstance(expected, list | tuple) and isinstance(answer, np.ndarray) and answer.ndim > 0
        if as_array and len(answer) == len(expected):
            answer = list(answer)                        # (low, high) as an array of two will do
        difference = structure_differs(answer, expected)
        if difference:
            raise Failure(difference, arguments, {"yours": answer}, kind="structure")
        return answer


def agrees(
    student: Student, reference: Callable[..., Any], *arguments: Any, sentence: str = "", tolerance: float = TOLERANCE
) -> None:
    """The student's answer is that of `reference`."""
    answer = student(*arguments)
    expected = reference(*[decode(encode(argument)) for argument in arguments])
    if not close(answer, expected, tolerance):
        raise Failure(sentence or f"it must agree with minigrok's {reference.__name__}", arguments,
                      {"expected": expected, "yours": answer})


def law(student: Student, sentence: str, before: Any, after: Any, tolerance: float = TOLERANCE) -> None:
    """The answers on `before` and on `after`, an argument each or a tuple of arguments, are equal."""
    first, second = (pair if isinstance(pair, tuple) else (pair,) for pair in (before, after))
    old, new = student(*first), student(*second)
    if not close(new, old, tolerance):
        raise Failure(sentence, first, {"yours before": old, "yours after": new}, changed=second)


def holds(student: Student, sentence: str, condition: Callable[[Any], bool], *arguments: Any) -> None:
    """`condition` is true of the student's answer."""
    answer = student(*arguments)
    if not condition(answer):
        fails(sentence, arguments, answer)


def fails(sentence: str, arguments: tuple[Any, ...], answer: Any, expected: Any = None) -> None:
    """Raise the failure of a law that fits none of the above."""
    raise Failure(sentence, arguments, ({} if expected is None else {"expected": expected}) | {"yours": answer})


def close(answer: Any, expected: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two answers are the same: |a - b| <= tolerance max(1, |b|) in every entry, NaN where NaN is."""
    if isinstance(expected, list | tuple):
        return isinstance(answer, list | tuple) and len(answer) == len(expected) and all(
            close(a, b, tolerance) for a, b in zip(answer, expected, strict=True))
    if expected is None or answer is None or isinstance(expected, str) or isinstance(answer, str):
        return type(answer) is type(expected) and bool(answer == expected)
    if isinstance(answer, list | tuple) or np.shape(answer) != np.shape(expected):
        return False
    a, b = np.asarray(answer), np.asarray(expected)
    with np.errstate(invalid="ignore"):                  # inf - inf
        near = np.isfinite(b) & (abs(a - 1.0 * b) <= tolerance * np.maximum(1.0, abs(b)))
    return bool((near | (a == b) | ((a != a) & (b != b))).all())


def structure_differs(answer: Any, expected: Any, what: str = "it") -> str:
    """In what the structure of an answer differs from that of the one expected, in words; "" where it does not."""
    returned = f"{what} returned" if what == "it" else f"{what} is"
    if expected is None or (answer is None and what != "it"):
        return ""                                        # to give None or not is a matter of value
    if answer is None:
        return "it returned None: does every path through it end in a return?"
    if isinstance(expected, list | tuple):
        if not isinstance(answer, list | tuple):
            return f"{returned} {kind_of(answer)}, but {len(expected)} values were expected, as a tuple or a list"
        if len(answer) != len(expected):
            return f"{returned} {kind_of(answer)}, but one of {len(expected)} was expected"
        parts = (structure_differs(a, b, f"value number {i + 1}") for i, (a, b) in enumerate(zip(answer, expected)))
        return next(filter(None, parts), "")
    if not isinstance(answer, list | tuple):
        try:
            np.asarray(answer)
        except (TypeError, ValueError, RuntimeError) as error:
            return f"{returned} what cannot be made an array ({error})"
    difference = f"{returned} {kind_of(answer)}, but {kind_of(expected)} was expected"
    if isinstance(answer, list | tuple) and np.ndim(expected):
        return f"{difference}: np.array(...) makes one of it"
    if isinstance(answer, str | list | tuple) or np.shape(answer) != np.shape(expected):
        return difference
    a, b = np.asarray(answer).dtype.kind, np.asarray(expected).dtype.kind
    if a == "c" and b != "c":
        return f"{difference}; np.linalg.eig does not know that a matrix is symmetric: np.linalg.eigh and eigvalsh do"
    return difference if (a == "b") != (b == "b") else ""


def kind_of(value: Any) -> str:
    """What sort of thing a value is, in words."""
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)} value{'s' * (len(value) != 1)}"
    if isinstance(value, str):
        return "a text"
    array = np.asarray(value)
    entries = {"b": "True or False", "c": "complex numbers"}.get(array.dtype.kind, "numbers")
    if array.ndim:
        return f"an array of {entries} of shape {array.shape}"
    return {"b": "True or False", "c": "a complex number"}.get(array.dtype.kind, "a number")


def states(rng: np.random.Generator, sizes: Sequence[int] = (1, 2, 3, 5)) -> Iterator[FloatArray]:
    """Density matrices (d, d), from those that fit into a line to random ones; pure, mixed, with zeros."""
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    for d in sizes:
        for by_hand in BY_HAND.get(d, ()):
            yield np.diag(by_hand)
            if d == 2:
                yield (turn * by_hand @ turn.T).round(12)            # 0.388 and not 0.38800000000000007
    for d in sizes:
        for zeros in (0, d // 2):
            p = rng.dirichlet(np.ones(d - zeros))
            yield rotated(np.diag(np.append(p, np.zeros(zeros))), rng)


def activations(
    rng: np.random.Generator, shapes: Sequence[tuple[int, int]] = ((1, 1), (2, 2), (3, 2), (5, 3))
) -> Iterator[FloatArray]:
    """Matrices A (n, d), each shape once in whole numbers, then in normal ones, the last with a dead neuron."""
    for n, d in shapes:
        A = rng.integers(-3, 4, (n, d)).astype(float)
        A[0, 0] = rng.integers(1, 4)                     # not all zero, which is no state
        yield A
    for n, d in shapes:
        yield rng.normal(size=(n, d))
    A = rng.normal(size=shapes[-1])
    A[:, -1] = 0.0 if shapes[-1][1] > 1 else 1.0
    yield A


def rotation(d: int, rng: np.random.Generator) -> FloatArray:
    """A random orthogonal matrix (d, d)."""
    Q: FloatArray = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return Q


def rotated(rho: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Q rho Q^T for a random rotation Q."""
    Q = rotation(len(rho), rng)
    turned = Q @ rho @ Q.T
    return (turned + turned.T) / 2
