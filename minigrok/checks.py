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
FINITE_BLOCK = 2**20                 # entries looked at in one go
CPU, PINNED = 1, 3                   # devices in DLPack's numbering whose memory NumPy can read


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
        As `number_array`, and for NaN or infinity (naming the first offending index).

    Examples
    --------
    >>> numeric_array("A", [[1, 2], [3, float("nan")]])
    Traceback (most recent call last):
    ...
    ValueError: A[1, 1] is nan, but every entry must be finite: look for an overflow or a missing value upstream
    """
    array = number_array(name, values)
    if array.dtype.kind in "biu" or array.dtype.char in "gG":    # long doubles, which neither LAPACK nor numba takes
        array = as_double(array)
    require_finite(name, array)
    return array


def number_array(name: str, values: Any) -> InexactArray:
    """`values` as a NumPy array of numbers of any type, not copied where it is one; its entries are not looked at.

    Takes what speaks `__array__` or DLPack and lies in main memory: NumPy (memory-mapped files too), PyTorch
    (detached from its history; bfloat16, which NumPy has not got, as float32), JAX, nested lists.

    Raises
    ------
    ValueError
        For an empty array, one that holds something else than numbers, masked entries, or one on another device.
    """
    if type(values) is not np.ndarray:
        values = _in_main_memory(name, values)
    if _holds_masked(values):
        raise ValueError(f"{name} has masked entries, which have no value: fill them, or leave their rows out")
    try:
        array = np.asarray(values)
    except ValueError as error:                  # ragged nested lists
        raise ValueError(f"{name} is no rectangular array ({error}): give every row the same length") from error
    except (TypeError, RuntimeError, BufferError) as error:      # a tensor that will not be an array
        raise ValueError(f"{name} cannot be had as a NumPy array ({error}): convert it yourself") from error
    if array.dtype.name == "bfloat16":           # JAX's
        array = array.astype(np.float32)
    if array.dtype.kind not in "biufc":
        raise ValueError(
            f"{name} has dtype {array.dtype}, but must hold numbers: convert it, say with np.asarray(x, float)")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape} and so no entry: give at least one row and one column")
    return array


def as_double(array: InexactArray) -> InexactArray:
    """float64, or complex128 of a complex array; copied only where it is another type."""
    with np.errstate(over="ignore"):             # a long double that overflows is an infinity, found by its caller
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)


def require_finite(name: str, array: InexactArray, first_row: int = 0) -> None:
    """Raise ValueError that names the first entry that is NaN or infinite; looks at blocks of a large array in turn.

    `first_row` is the row of the whole, of which `array` is a part, that stands first here.
    """
    step = max(1, FINITE_BLOCK // max(1, array[:1].size)) if array.ndim else 1
    for start in range(0, len(array) if array.ndim else 1, step):
        block = array[start : start + step] if array.ndim else array
        if not np.isfinite(block).all():
            index = np.argwhere(~np.isfinite(block))[0]
            entry = block[tuple(index)]
            if array.ndim:
                index[0] += start + first_row
            raise ValueError(
                f"{name}{index.tolist() or ''} is {entry}, but every entry must be finite: "
                "look for an overflow or a missing value upstream")


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
        number = np.nan if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number) or number < low or number > high or (low_open and number == low):
        bracket = "(" if low_open or low == -np.inf else "["
        closing = ")" if high == np.inf else "]"
        raise ValueError(f"{name} is {value!r}, but must be a number in {bracket}{low:g}, {high:g}{closing}")
    return number


def _in_main_memory(name: str, values: Any) -> Any:
    """A tensor of another framework as something that NumPy takes; anything else as it is."""
    if hasattr(values, "__dlpack_device__"):
        try:
            device = values.__dlpack_device__()[0]
        except (ValueError, RuntimeError, BufferError):  # one that DLPack has no number for
            device = None
        if device not in (CPU, PINNED):
            where = getattr(values, "device", "another device")
            raise ValueError(f"{name} lies on {where}, but must lie in main memory: call .cpu() on it first")
    if hasattr(values, "detach"):                # a PyTorch tensor, which may record its history
        values = values.detach()
        if str(values.dtype) == "torch.bfloat16":
            values = values.float()
    if not hasattr(values, "__array__") and hasattr(values, "__dlpack__"):
        values = np.from_dlpack(values)
    return values


def _holds_masked(values: Any) -> bool:
    """Whether a masked entry hides in an array or in nested lists of them: np.asarray would use what lies beneath."""
    if isinstance(values, list | tuple):
        return any(map(_holds_masked, values))
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.is_masked(values))
