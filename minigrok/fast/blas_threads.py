"""BLAS kept to one thread for a while, so that its threads do not fight with ours.

OpenBLAS wakes its threads for the eigenvalues of a matrix of a hundred rows and lets them spin for some milliseconds
afterwards: beside a run on two threads of its own that took away all that the second had won. The wheels of NumPy and
SciPy bring one OpenBLAS each, whose number of threads can be set and put back. Where there is none (another BLAS, or
another way of installation) nothing is done; then OPENBLAS_NUM_THREADS=1 or MKL_NUM_THREADS=1 in the environment do it.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from types import ModuleType

import numpy as np
import scipy

SUFFIXES = ("64_", "")                                   # of the names in NumPy's and in SciPy's OpenBLAS

_lock = Lock()
_inside = 0                                              # how many threads are inside `one_blas_thread`
_before: list[int] = []


@cache
def _libraries() -> list[tuple[Callable[[], int], Callable[[int], None]]]:
    """How to get and to set the number of threads of each OpenBLAS that NumPy and SciPy brought with them."""
    found = []
    for package in (np, scipy):
        for path in _shared_libraries(package):
            try:
                library = ctypes.CDLL(str(path))         # it is loaded already: the same one
            except OSError:
                continue
            for suffix in SUFFIXES:
                names = [f"scipy_openblas_{verb}_num_threads{suffix}" for verb in ("get", "set")]
                if all(hasattr(library, name) for name in names):
                    found.append(tuple(getattr(library, name) for name in names))
                    break
    return found


def _shared_libraries(package: ModuleType) -> list[Path]:
    """The files of OpenBLAS beside or inside an installed package."""
    folder = Path(str(package.__file__)).parent
    places = (folder.parent / f"{folder.name}.libs", folder / ".dylibs")
    return [path for place in places if place.is_dir() for path in sorted(place.glob("*openblas*"))]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread in here; the last of several threads that are inside puts back what there was."""
    global _inside, _before
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = [get() for get, _ in _libraries()]
            for _, put in _libraries():
                put(1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for (_, put), threads in zip(_libraries(), _before, strict=True):
                    put(threads)
