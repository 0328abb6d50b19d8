"""Hostile arguments, and the law that every call has to keep whatever it is given.

A call either gives a result all of whose numbers are finite (but where the docstring says what NaN or infinity means),
or refuses with an error that names the argument. It warns of nothing but what is documented, and leaves its arguments
as they were, to the byte.
"""

import dataclasses
import datetime
import decimal
import fractions
import re
import tempfile
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

DOCUMENTED_WARNINGS = (r"\d+ independent inputs for", "poor convergence")
HUGE = 1e308
TINY = 5e-324
ENTRIES = st.sampled_from([np.nan, np.inf, -np.inf, HUGE, -HUGE, 1e200, 1e-200, TINY, -1.0, 0.0, -0.0, 0.5, 1e19])


class Tagged(np.ndarray):
    """An array of a subclass, as units and labels make it."""


class OnlyArray:
    """What speaks `__array__`, and nothing else."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


class OnlyDLPack:
    """What an array of a framework that does not know NumPy looks like from here."""

    def __init__(self, values):
        self.values = np.array(values)                   # writable, as DLPack wants it

    def __dlpack__(self, **keywords):
        return self.values.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Refusing:
    """What has an answer to nothing."""

    def __array__(self, *words, **keywords):
        raise RuntimeError("no array today")

    def __float__(self):
        raise TypeError("no number today")

    def __repr__(self):
        return "Refusing()"


# ------------------------------------------------------------------ the same numbers in other clothes

def _memory_mapped(values):
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, values.dtype, "w+", shape=values.shape)
        mapped[...] = values
        return mapped


def _unaligned(values):
    raw = np.zeros(values.nbytes + 1, np.uint8)
    shifted = raw[1:].view(values.dtype).reshape(values.shape)
    shifted[...] = values
    return shifted


def _read_only(values):
    values = values.copy()
    values.setflags(write=False)
    return values


def _spread(values):
    wide = np.full(tuple(2 * n for n in values.shape), 7, values.dtype)
    wide[(slice(None, None, 2),) * values.ndim] = values
    return wide[(slice(None, None, 2),) * values.ndim]


def _backwards(values):
    return np.flip(np.flip(values).copy())


def _long(values):
    return values.astype(np.clongdouble if values.dtype.kind == "c" else np.longdouble)


def _nested(values):
    return values.tolist()


DISGUISES = {
    "Fortran": np.asfortranarray, "spread": _spread, "backwards": _backwards, "read-only": _read_only,
    "big-endian": lambda values: values.astype(values.dtype.newbyteorder(">")), "unaligned": _unaligned,
    "subclass": lambda values: values.view(Tagged), "memory-mapped": _memory_mapped, "lists": _nested,
    "tuple": lambda values: tuple(values), "long doubles": _long, "__array__": OnlyArray, "DLPack": OnlyDLPack,
    "mask without a masked entry": lambda values: np.ma.array(values, mask=np.zeros(values.shape, bool)),
    "broadcast": lambda values: np.broadcast_to(values, values.shape),
}


# ------------------------------------------------------------------ arrays with something wrong

def _with_entry(values, entry, place):
    array = values.astype(complex if values.dtype.kind == "c" else float)
    array.reshape(-1)[place % array.size] = entry
    return array


def _masked(values, place):
    mask = np.zeros(values.shape, bool)
    mask.reshape(-1)[place % mask.size] = True
    return np.ma.array(values, mask=mask)


def _ragged(values):
    lists = values.tolist()
    return [*lists, [1.0, [2.0]]] if isinstance(lists, list) else [[1.0], [1.0, 2.0]]


def _as_text(values):
    return values.astype(str)


def _fields(values):
    return np.zeros(values.shape, [("x", float), ("y", int)])


UNUSABLE = {                   # what no function may take for numbers
    "objects": lambda values: values.astype(object), "text": _as_text, "bytes": lambda values: values.astype("S8"),
    "dates": lambda values: np.zeros(values.shape, "datetime64[s]"), "fields": _fields, "ragged": _ragged,
    "durations": lambda values: np.zeros(values.shape, "timedelta64[s]"), "all masked":
    lambda values: np.ma.masked_all(values.shape), "none": lambda values: np.full(values.shape, None),
    "a masked entry": lambda values: _masked(values, 3), "a masked entry in a list": lambda values:
    [_masked(values, 0), values] if values.ndim == 1 else list(_masked(values, 1)) or [np.ma.masked],
    "empty": lambda values: np.zeros((0, *values.shape[1:])), "no columns": lambda values:
    np.zeros((*values.shape[:-1], 0)), "not a number": lambda values: values * np.nan,
}
SUSPECT = {                    # what some may take, and others not
    "transposed": np.transpose, "one row": lambda values: values[:1], "a number": lambda values: values.reshape(-1)[0],
    "no axis": lambda values: np.array(values.reshape(-1)[0]), "an axis more": lambda values: values[None],
    "flat": np.ravel, "many axes": lambda values: values.reshape((1,) * 20 + values.shape), "negative": np.negative,
    "zeros": np.zeros_like, "ones": np.ones_like, "huge": lambda values: np.full_like(values, HUGE, float),
    "tiny": lambda values: np.full_like(values, TINY, float), "truth values": lambda values: values.real > 0.5,
    "halves": lambda values: np.clip(values.real, -6e4, 6e4).astype(np.float16), "wrong shape":
    lambda values: np.resize(values, tuple(n + 1 for n in values.shape)), "whole numbers":
    lambda values: np.clip(values.real, -100, 100).astype(np.int8), "unsigned": lambda values:
    np.full(values.shape, 2**64 - 1, np.uint64), "complex": lambda values: values + 1e-3j, "singles":
    lambda values: np.clip(values.real, -1e30, 1e30).astype(np.float32), "scaled up": lambda values:
    values.real / max(abs(values.real).max(), 1) * 1e300, "scaled down": lambda values: values * 1e-300,
    "too long": lambda values: np.full(values.shape, np.longdouble("1e4000")), "doubled":
    lambda values: np.concatenate([values, values]),
}


def _cyclic():
    values = []
    values.append(values)
    return values


def _deep():
    values = [1.0]
    for _ in range(5000):
        values = [values]
    return values


STRANGERS = (
    None, "text", "", b"bytes", "0.5", 1j, True, Ellipsis, object(), object, {}, {1.0}, {"a": 1}, [],
    [[]], (), [None], ["a"], [[1.0, None]], range(0), float("nan"), float("-inf"), HUGE, 10**400,
    fractions.Fraction(1, 3),
    decimal.Decimal("0.5"), datetime.date(2026, 1, 1), np.ma.masked, np.datetime64("NaT", "s"), np.float64("nan"),
    np.array(None), np.array("text"), np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((2, 2, 0)), Refusing(),
    np.dtype(float), np.float64, Path("nowhere"), slice(2), memoryview(b"1234"), print, _cyclic(), _deep(), [10**400])
NUMBERS = (
    -1, 0, 1, 2, 3, 0.0, -0.0, 0.5, 1.0, 2.0, -0.5, 1.5, 1e-300, TINY, HUGE, -HUGE, float("nan"), float("inf"),
    float("-inf"), 1 + 1e-16, 1 - 1e-16, np.float16(0.5), np.float32(0.1), np.int8(3), np.uint8(2), np.float64(0.25),
    np.longdouble("0.5"), np.longdouble("1e4000"), np.array(2), np.array(0.5), np.array([2]), np.array([1.0, 2.0]),
    np.array([], float), np.array("2"), np.bool_(True), np.str_("2"), np.ma.array(1.0, mask=True), [1], [[1.0]], (2,),
    np.complex128(1), np.int64(-5), decimal.Decimal("NaN"), decimal.Decimal("sNaN"), 1e19, 2.0**53,
    np.timedelta64(3, "s"), np.array(1.0, object), np.array([1.0], ">f8"))
ABSURD = (2**63, 2**64 - 1, 10**30, np.uint64(2**63), 10**16, -(10**30))     # no loop that counts to them may get them
WORDS = ("trac", "TRACE", "trace ", "trace\0", "all", "\n", "a\ud800b", "x" * 5000, np.str_("relu"), np.array("trace"),
         np.array(["trace", "rows"]), ["trace", "trace"], ("trace",), {"trace": 1}, b"trace", "fd", "add", "test")

disguise = st.sampled_from(list(DISGUISES.values()))
wrong = st.sampled_from(list(SUSPECT.values()))
unusable = st.sampled_from(list(UNUSABLE.values()))
places = st.integers(0, 60)
strangers = st.sampled_from(STRANGERS)


def shown(value):
    """At most two lines of what a value looks like, though it may hold itself, or be deeper than Python goes."""
    try:
        return repr(value)[:200]
    except (RecursionError, UnicodeError):
        return f"a {type(value).__name__} that cannot be shown"


@dataclasses.dataclass(frozen=True)
class Hostile:
    """An argument, whether it must be refused, and whether it holds the numbers of the one it stands for."""

    value: object
    must_refuse: bool = False
    same: bool = False

    def __repr__(self):
        return shown(self.value)


@st.composite
def hostile_array(draw, valid, strict=True):
    """Something in the place of an array; with `strict` NaN and infinity, too, must be refused."""
    kind = draw(st.integers(0, 11))
    if kind < 4:
        return Hostile(draw(disguise)(valid), same=True)
    if kind < 6:
        entry = draw(ENTRIES)
        return Hostile(_with_entry(valid, entry, draw(places)), must_refuse=strict and not np.isfinite(entry))
    if kind < 8:
        return Hostile(draw(unusable)(valid), must_refuse=strict)
    if kind < 11:
        with np.errstate(all="ignore"):
            value = draw(wrong)(valid)
            if isinstance(value, np.ndarray) and value.ndim and draw(st.booleans()):
                value = draw(disguise)(value)
        return Hostile(value)
    return Hostile(draw(strangers))


def hostile_number(absurd=True):
    """Something in the place of a setting that is a number."""
    return st.sampled_from((*NUMBERS, *STRANGERS, *(ABSURD if absurd else ()))).map(Hostile)


hostile_word = st.sampled_from((*WORDS, *STRANGERS, *NUMBERS)).map(Hostile)


# ------------------------------------------------------------------ what must not change, and what must be finite

def fingerprint(value, depth=0):
    """All of an argument that a call might change, the bytes under its array and what it is a view of among them."""
    if depth > 50:                                       # a list of itself, or nearly
        return id(value)
    if isinstance(value, np.ndarray):
        whole = value
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        content = [repr(item) for item in value.flat] if value.dtype.hasobject else whole.tobytes()
        mask = fingerprint(np.array(value.mask)) if isinstance(value, np.ma.MaskedArray) else None
        return type(value), value.dtype, value.shape, value.strides, value.flags.writeable, content, mask
    if isinstance(value, OnlyArray | OnlyDLPack):
        return fingerprint(value.values, depth + 1)
    if isinstance(value, list | tuple | set):
        return type(value), [fingerprint(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return [(name, fingerprint(item, depth + 1)) for name, item in value.items()]
    if isinstance(value, np.random.Generator):
        return "may be drawn from"
    if hasattr(value, "__dict__") and not callable(value):
        return type(value), fingerprint(vars(value), depth + 1)
    return repr(value)


def not_finite(value, path="the result"):
    """Where a result has NaN or infinity: names, the deepest first; [] where all is finite."""
    if isinstance(value, np.ma.MaskedArray):
        return [f"{path} is masked"]
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "O":
            return [f"{path} holds objects"]
        return [path] if value.dtype.kind in "fc" and not np.isfinite(value).all() else []
    if isinstance(value, float | complex):
        return [] if np.isfinite(value) else [path]
    if isinstance(value, Mapping):
        return [found for name, item in value.items() for found in not_finite(item, f"{path}[{name!r}]")]
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return [found for name, item in value._asdict().items() for found in not_finite(item, f"{path}.{name}")]
    if isinstance(value, list | tuple):
        return [found for i, item in enumerate(value) for found in not_finite(item, f"{path}[{i}]")]
    if type(value).__module__.startswith("minigrok") and hasattr(value, "__dict__"):
        return [found for name, item in vars(value).items() for found in not_finite(item, f"{path}.{name}")]
    return []


def called(function, arguments):
    """(result, error) of a call. Every warning is an error, but for those that a docstring speaks of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in DOCUMENTED_WARNINGS:
            warnings.filterwarnings("ignore", message, UserWarning)
        try:
            return function(**arguments), None
        except Exception as error:
            return None, error


def names_it(error, words):
    """Whether an error's message names one of the words."""
    message = str(error)
    return any(re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", message) for word in words)


@cache
def folder():
    """A folder for files, removed when Python ends."""
    keep = tempfile.TemporaryDirectory(prefix="minigrok-hostile-")
    folder.keep = keep
    return Path(keep.name)
