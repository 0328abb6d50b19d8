"""Activations and labels from files and arrays of other frameworks, as plain NumPy arrays.

Arrays: anything that speaks `__array__` or DLPack (NumPy, PyTorch on the CPU, JAX). Files: `.npy` (memory-mapped, so it
may be larger than memory), `.npz` (one entry a layer), `.csv`, and `.safetensors` where that package is
installed. Pickles are never read: they can run code.
"""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrok.checkpoint import load_arrays
from minigrok.checks import InexactArray, numeric_array, one_of

Arrays = dict[str, NDArray[Any]]


def as_array(values: Any) -> InexactArray:
    """A finite numeric NumPy array of whatever holds one: NumPy, PyTorch on the CPU, JAX, nested lists.

    Raises
    ------
    ValueError
        For a tensor on another device (move it: `tensor.cpu()`), or one that needs its gradient kept
        (`tensor.detach()` is taken for you), objects, NaN.

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]]).dtype
    dtype('float64')
    """
    device = getattr(getattr(values, "device", None), "type", "cpu")
    if device not in ("cpu", "CpuDevice"):
        raise ValueError(
            f"the array lies on the device {values.device}, but must lie in main memory: call .cpu() on it first")
    if hasattr(values, "detach"):                        # a PyTorch tensor that records its history
        values = values.detach()
        if str(values.dtype) == "torch.bfloat16":        # a type that NumPy has not got
            values = values.float()
    if not hasattr(values, "__array__") and hasattr(values, "__dlpack__"):
        values = np.from_dlpack(values)
    return numeric_array("the array", values)


def as_matrix(A: InexactArray, neuron_axis: int = 1) -> InexactArray:
    """Activations of more than two axes as a matrix (inputs, neurons).

    All axes but that of the neurons become inputs: (n, channels, h, w) with `neuron_axis=1` becomes
    (n h w, channels), every place of every picture an input; (n, tokens, width) with `neuron_axis=-1` becomes
    (n tokens, width). Places of one picture depend on each other: resample them in groups.

    Raises
    ------
    ValueError
        If A has fewer than two axes, or no such axis.

    Examples
    --------
    >>> as_matrix(np.zeros((10, 3, 4, 5)), neuron_axis=1).shape
    (200, 3)
    """
    if A.ndim < 2 or not -A.ndim <= neuron_axis < A.ndim:
        raise ValueError(
            f"A has shape {A.shape} and so no axis {neuron_axis} beside one of inputs: name the axis of the neurons")
    return np.moveaxis(A, neuron_axis, -1).reshape(-1, A.shape[neuron_axis])


def read_arrays(path: str | PathLike[str]) -> Arrays:
    """All arrays of a file by name, unchecked; a file of one array names it by its own stem.

    Raises
    ------
    FileNotFoundError
    ValueError
        For an unknown ending, a truncated file, one that holds pickles, or text that is no table of numbers.
    """
    path = Path(path)
    reader = READERS[one_of("file type", path.suffix.lower(), READERS)]
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there, or no file")
    return reader(path)


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


def _npy(path: Path) -> Arrays:
    try:
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is no whole .npy file of numbers ({error}): save it again with np.save") from error


def _npz(path: Path) -> Arrays:
    return load_arrays(path)


def _csv(path: Path) -> Arrays:
    """Numbers separated by commas; a first line that holds none is a header."""
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        header = 0 if _are_numbers(first) else 1
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
        from safetensors.numpy import load_file
    except ImportError as error:
        raise ValueError(
            f"{path} needs the package safetensors, which is not installed: pip install safetensors") from error
    try:
        return dict(load_file(path))
    except Exception as error:                           # the package raises an exception class of its own, in Rust
        raise ValueError(f"{path} is no whole .safetensors file ({error})") from error


READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npy": _npy, ".npz": _npz, ".csv": _csv, ".safetensors": _safetensors}
