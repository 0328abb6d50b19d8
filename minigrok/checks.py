"""What every public function asks of its input: the names of array types, and errors that help.

Each error names the offending value, the rule that it broke and the way out.
"""

import difflib
import numbers
import reprlib
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
MOST_AXES = 64                       # of a NumPy array
LARGEST, LARGEST_WHOLE = float(np.finfo(np.float64).max), 2**63 - 1
_SHORT = reprlib.Repr()              # how an error shows a value, which may be long, or a list of itself
_SHORT.maxstring = _SHORT.maxother = 80


def one_of(what: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is among the `known` ones; else raise ValueError that says the nearest."""
    known = list(known)
    if isinstance(name, str) and name in known:          # an array would be compared entry by entry
        return name
    near = difflib.get_close_matches(name if isinstance(name, str) else "", known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"{what} {short(name)} is not known; {hint}choose one of: {', '.join(map(str, known))}")


def short(value: Any) -> str:
    """What an error shows of a value: its repr, but no more than a line or two of it, whatever it is."""
    return " ".join(_SHORT.repr(value).split("\n"))


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


def real_array(name: str, values: ArrayLike) -> FloatArray:
    """As `numeric_array`, and ValueError for a complex one."""
    array = numeric_array(name, values)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} has dtype {array.dtype}, but must be real: give its real part, or its size")
    return array


def increasing_edges(name: str, edges: ArrayLike, bins: int = 1) -> FloatArray:
    """The limits of so many bins or more, each half-open but the last, as float64.

    Raises
    ------
    ValueError
        If they are something else, naming the first that does not increase.

    Examples
    --------
    >>> increasing_edges("edges", [0, 2, 1])
    Traceback (most recent call last):
    ...
    ValueError: edges[2] is 1, not above edges[1] = 2: edges must increase
    """
    limits: FloatArray = real_array(name, edges).astype(np.float64)
    if limits.ndim != 1 or len(limits) <= bins:
        raise ValueError(f"{name} has shape {limits.shape}, but must be limits of bins: {bins + 1} numbers or more")
    for i in np.flatnonzero(np.diff(limits) <= 0)[:1].tolist():
        raise ValueError(f"{name}[{i + 1}] is {limits[i + 1]:g}, not above {name}[{i}] = {limits[i]:g}: "
                         f"{name} must increase")
    return limits


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
        only_dlpack = hasattr(values, "__dlpack__") and not hasattr(values, "__array__")
        array: InexactArray = np.from_dlpack(values) if only_dlpack else np.asarray(values)
    except ValueError as error:                  # ragged nested lists
        raise ValueError(f"{name} is no rectangular array ({error}): give every row the same length") from error
    except (TypeError, RuntimeError, BufferError) as error:      # a tensor that will not be an array
        raise ValueError(f"{name} cannot be had as a NumPy array ({error}): convert it yourself") from error
    if array.dtype.name == "bfloat16":           # JAX's
        array = array.astype(np.float32)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name} has dtype {array.dtype}, but must hold numbers: convert it, as np.asarray(x, float)")
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
            raise ValueError(f"{name}{index.tolist() or ''} is {entry}, but every entry must be finite: "
                             "look for an overflow or a missing value upstream")


def whole_number(name: str, value: Any, at_least: int, at_most: float = LARGEST_WHOLE) -> int:
    """`value` as an int, if it is a whole number in [at_least, at_most]; else ValueError. A seed has no upper limit."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)
    if not whole or not at_least <= value <= at_most:
        below = " and below 2^63" if whole and value > at_most else ""
        raise ValueError(f"{name} is {short(value)}, but must be a whole number, {at_least} or more{below}")
    return int(value)


def real_number(
    name: str, value: Any, low: float = -LARGEST, high: float = LARGEST, *, low_open: bool = False
) -> float:
    """`value` as a float in [low, high], or (low, high] if `low_open`; else ValueError. Finite, unless `high` is not.

    A number is what Python knows as real, or an array of one without axes: no text, truth value or masked entry.
    """
    try:
        scalar = value.item() if getattr(value, "ndim", 1) == 0 and not _holds_masked(value) else value
        number = float(scalar) if isinstance(scalar, numbers.Real) and not isinstance(scalar, bool) else np.nan
    except (OverflowError, AttributeError):              # a whole number may be too large; a dtype has an ndim, too
        number = np.nan
    if not low <= number <= high or (low_open and number == low):      # not so for NaN
        first = "(-inf" if low == -LARGEST else f"{'(' if low_open else '['}{low:g}"
        last = "inf)" if high == LARGEST else f"{high:g}]"
        raise ValueError(f"{name} is {short(value)}, but must be a number in {first}, {last}")
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
    return values


def _holds_masked(values: Any, axes: int = MOST_AXES) -> bool:
    """Whether a masked entry hides in an array or in nested lists of them: np.asarray would use what lies beneath."""
    if isinstance(values, list | tuple):                 # a list of itself has no end, and is refused by np.asarray
        return axes > 0 and any(_holds_masked(inner, axes - 1) for inner in values)
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.is_masked(values))
