"""Activations and labels from files, as plain NumPy arrays.

`.npy` (memory-mapped, so it may be larger than memory), `.npz` (one entry a layer), `.csv`, and `.safetensors` where
that package is installed. Pickles are never read: they can run code. (Arrays of other frameworks need no reader: every
function takes what speaks `__array__` or DLPack, see `minigrok.checks.number_array`.)
"""

import warnings
import zipfile
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import ArrayLike, NDArray

from minigrok.checks import InexactArray, IntArray, number_array, one_of, short

Arrays = dict[str, NDArray[Any]]


def as_matrix(A: ArrayLike, neuron_axis: int = 1) -> InexactArray:
    """Activations of more than two axes as a matrix (inputs, neurons).

    All axes but that of the neurons become inputs: (n, channels, h, w) with `neuron_axis=1` becomes
    (n h w, channels), every place of every picture an input; (n, tokens, width) with `neuron_axis=-1` becomes
    (n tokens, width). Places of one picture depend on each other: `groups_of_places` says which belong together.

    Raises
    ------
    ValueError
        If A has fewer than two axes, or no such axis.

    Examples
    --------
    >>> as_matrix(np.zeros((10, 3, 4, 5)), neuron_axis=1).shape
    (200, 3)
    """
    turned = _neurons_last(A, neuron_axis)
    return turned.reshape(-1, turned.shape[-1])


def groups_of_places(A: ArrayLike, neuron_axis: int = 1) -> IntArray:
    """For each row of `as_matrix(A, neuron_axis)` the input, 0 .. n - 1, of which it is a place; errors as there.

    These are the `groups` that `sampling_error` takes, and index the labels of inputs into those of rows.

    Examples
    --------
    >>> groups_of_places(np.zeros((2, 3, 1, 4)), neuron_axis=1)
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """
    n, *places = _neurons_last(A, neuron_axis).shape[:-1]
    return np.repeat(np.arange(n), int(np.prod(places)))


def read_arrays(path: str | PathLike[str]) -> Arrays:
    """All arrays of a file by name, unchecked; a file of one array names it by its own stem.

    Raises
    ------
    FileNotFoundError
    ValueError
        For an unknown ending, a truncated file, one that holds pickles, or text that is no table of numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there, or no file")
    return READERS[one_of("file type", path.suffix.lower(), READERS)](path)


def read_labels(path: str | PathLike[str]) -> NDArray[Any]:
    """The one array of labels that a file holds, flat.

    Raises
    ------
    ValueError
        As for `read_arrays`; also for a file of several arrays.
    """
    arrays = read_arrays(path)
    if len(arrays) != 1:
        raise ValueError(f"{path} holds {len(arrays)} arrays, but labels are one: {', '.join(arrays) or 'nothing'}")
    return next(iter(arrays.values())).reshape(-1)


def _neurons_last(A: ArrayLike, neuron_axis: int) -> InexactArray:
    """A with the axis of the neurons behind those of inputs and places; a view."""
    array = number_array("A", A)
    is_axis = isinstance(neuron_axis, int | np.integer) and -array.ndim <= neuron_axis < array.ndim
    if array.ndim < 2 or not is_axis:
        raise ValueError(
            f"A has shape {array.shape} and so no axis {short(neuron_axis)} beside one of inputs: name the axis of the "
            "neurons")
    return np.moveaxis(array, int(neuron_axis), -1)


def _npy(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:                    # np.load leaves what begins as an archive, and is none, open
            if file.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
                raise ValueError("it does not begin as one")
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
    except (ValueError, EOFError, OSError, SyntaxError, TokenError) as error:
        raise ValueError(f"{path} is no whole .npy file of numbers ({error}): save it again with np.save") from error


def _npz(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array, an .npy file by another name")
            arrays = {name: archive[name] for name in archive.files}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):        # the bytes of a member of another kind
                raise ValueError(f"its member {name!r} is no array")
        return arrays
    except (ValueError, EOFError, OSError, KeyError, NotImplementedError, RuntimeError, SyntaxError, TokenError,
            zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is no whole .npz file of plain arrays ({error}): save it again with np.savez") from error


def _csv(path: Path) -> Arrays:
    """Numbers separated by commas; a first line that holds none is a header."""
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        header = 0 if _are_numbers(first) else 1
        with warnings.catch_warnings():                  # of a file without data, which is refused for what it lacks
            warnings.simplefilter("ignore", UserWarning)
            return {path.stem: np.loadtxt(path, delimiter=",", ndmin=2, skiprows=header)}
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table of numbers separated by commas ({error})") from error


def _are_numbers(line: str) -> bool:
    try:
        [float(word) for word in line.split(",")]
    except ValueError:
        return False
    return True


def _safetensors(path: Path) -> Arrays:
    try:
        import safetensors
    except ImportError as error:
        raise ValueError(
            f"{path} needs the package safetensors, which is not installed: pip install safetensors") from error
    try:
        deserialize: Any = safetensors.deserialize       # untyped
        return {name: _tensor(entry) for name, entry in deserialize(path.read_bytes())}
    except Exception as error:                           # the package raises an exception class of its own, in Rust
        raise ValueError(f"{path} is no whole .safetensors file ({error})") from error


def _tensor(entry: dict[str, Any]) -> NDArray[Any]:
    """An entry of a .safetensors file; bfloat16, which NumPy has not got, as float32, whose upper half it is."""
    data, shape, kind = bytes(entry["data"]), entry["shape"], entry["dtype"]
    if kind == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    letter = "?" if kind == "BOOL" else f"<{kind[0].lower()}{int(kind[1:]) // 8}"        # F32 is <f4, I64 <i8
    return np.frombuffer(data, letter).reshape(shape)


READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npy": _npy, ".npz": _npz, ".csv": _csv, ".safetensors": _safetensors}
