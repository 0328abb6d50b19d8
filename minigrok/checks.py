"""What every public function asks of its input: the names of array types, and errors that help.

Each error names the offending value, the rule that it broke and the way out.
"""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
InexactArray = NDArray[Any]          # real or complex


def one_of(what: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is among the `known` ones; else raise ValueError that says the nearest."""
    known = list(known)
    if name in known:
        return name
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"{what} {name!r} is not known; {hint}choose one of: {', '.join(map(str, known))}")


def numeric_array(name: str, values: ArrayLike) -> InexactArray:
    """`values` as a float or complex array (integers, booleans and long doubles become float64), finite throughout.

    Raises
    ------
    ValueError
        For an empty array, one that holds something else than numbers, masked entries, NaN or
        infinity (naming the first offending index).

    Examples
    --------
    >>> numeric_array("A", [[1, 2], [3, float("nan")]])
    Traceback (most recent call last):
    ...
    ValueError: A[1, 1] is nan, but every entry must be finite: look for an overflow or a missing value upstream
    """
    if _holds_masked(values):
        raise ValueError(f"{name} has masked entries, which have no value: fill them, or leave their rows out")
    try:
        array = np.asarray(values)
    except ValueError as error:                  # ragged nested lists
        raise ValueError(f"{name} is no rectangular array ({error}): give every row the same length") from error
    if array.dtype.kind not in "biufc":
        raise ValueError(
            f"{name} has dtype {array.dtype}, but must hold numbers: convert it, say with np.asarray(x, float)")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape} and so no entry: give at least one row and one column")
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    elif array.dtype.char in "gG":               # long doubles, which neither LAPACK nor numba takes
        with np.errstate(over="ignore"):         # what overflows is found below, as an infinity
            array = array.astype(np.float64 if array.dtype.char == "g" else np.complex128)
    if not np.isfinite(array).all():
        index = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(
            f"{name}{index or ''} is {array[tuple(index)]}, but every entry must be finite: "
            "look for an overflow or a missing value upstream")
    return array


def whole_number(name: str, value: Any, at_least: int) -> int:
    """`value` as an int, if it is a whole number not below `at_least`; else ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise ValueError(f"{name} is {value!r}, but must be a whole number, {at_least} or more")
    return int(value)


def real_number(
    name: str, value: Any, low: float = -np.inf, high: float = np.inf, *, low_open: bool = False
) -> float:
    """`value` as a finite float in [low, high], or (low, high] if `low_open`; else ValueError."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number) or number < low or number > high or (low_open and number == low):
        bracket = "(" if low_open or low == -np.inf else "["
        closing = ")" if high == np.inf else "]"
        raise ValueError(f"{name} is {value!r}, but must be a number in {bracket}{low:g}, {high:g}{closing}")
    return number


def _holds_masked(values: Any) -> bool:
    """Whether a masked entry hides in an array or in nested lists of them: np.asarray would use what lies beneath."""
    if isinstance(values, list | tuple):
        return any(map(_holds_masked, values))
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.is_masked(values))
