"""From activations A (n, d) to their Gram matrix A^T A: how each convention prepares the rows.

    "trace"             the rows as they are
    "rows"              each row divided by its length; a row of zeros has no direction and stays out
    "centered"          the rows minus their mean
    "centered_rows"     the rows minus their mean, then each divided by its length

Many rows are read block by block, so that a memory-mapped file may be larger than memory and float32 rows
are never all copied; every block is summed in float64. The mean, where it is wanted, takes a pass of its own.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, IntArray, as_double, number_array, one_of, require_finite
from minigrok.fast.tall import serves, tall_gram

CONVENTIONS = ("trace", "rows", "centered", "centered_rows")
# Squares of entries between these neither overflow nor vanish beside each other's sum.
SAFE_SMALLEST, SAFE_LARGEST = 1e-100, 1e100
FEWEST_ENTRIES = 2**21         # of A, from which on `fast.tall` is worth the 0.3 s that it takes to load
BLOCK_BYTES = 4 * 2**20        # of float64 rows at a time: they stay in the cache


def gram_matrix(A: ArrayLike, convention: str = "trace") -> InexactArray:
    """B^T conj(B) of the prepared rows B, shape (..., d, d), Hermitian to the last bit, with a trace above 0.

    Parameters, errors as for `minigrok.density_matrix`, which is this divided by its trace.
    """
    array = activation_array(A)
    if array.ndim == 2:
        whole: InexactArray = grams_by_group(array, convention, np.zeros(len(array), np.int64), 1)[0]
        return whole
    rows = prepared_rows(array, convention)
    return hermitian_part(np.swapaxes(rows, -1, -2) @ rows.conj())


def grams_by_group(A: ArrayLike, convention: str, groups: IntArray, m: int) -> InexactArray:
    """Gram matrices (m, d, d) of the prepared rows of each group 0 .. m - 1; their sum is `gram_matrix(A, convention)`.

    Parameters
    ----------
    A : array_like, shape (n, d)
    groups : ndarray of int, shape (n,)
        The group of each row. The mean, where one is taken off, is that of all rows.

    Errors as for `minigrok.density_matrix`.
    """
    one_of("convention", convention, CONVENTIONS)
    array = activation_array(A)
    with np.errstate(over="ignore", invalid="ignore"):   # what comes of that is found below, by its trace
        grams = _sums(_blocks(array, convention), array, groups, m)
    trace = np.trace(grams, axis1=-2, axis2=-1).real.sum()
    if not SAFE_SMALLEST**2 < trace < SAFE_LARGEST**2:   # NaN too: the longer way says what is wrong, or scales
        grams = _sums(iter([prepared_rows(array, convention)]), array, groups, m)
    return hermitian_part(grams)


def prepared_rows(A: ArrayLike, convention: str = "trace") -> InexactArray:
    """The rows B whose Gram matrix, divided by its trace, is the state: rho = B^T conj(B) / tr.

    Parameters, errors as for `minigrok.density_matrix`; the result is float64 or complex128, of A's shape.
    """
    one_of("convention", convention, CONVENTIONS)
    rows = as_double(activation_array(A))
    require_finite("A", rows)                            # after that: a long double may be infinite as a double
    if convention.startswith("centered"):
        rows = _safely_scaled(rows, (-2, -1))
        rows = _off(rows, mean_row(rows), abs(rows).max(axis=-2, keepdims=True))
    rows = _unit_rows(rows) if convention.endswith("rows") else _safely_scaled(rows, (-2, -1))
    nothing = ~rows.any(axis=(-2, -1))
    for index in np.argwhere(nothing).tolist():
        why = "all its rows are alike" if convention.startswith("centered") else "all its activations are zero"
        raise ValueError(f"A{index or ''} has no state in the convention {convention!r}: {why}; "
                         "a dead layer or a single input has no spectrum, so leave it out")
    return rows


def activation_array(A: ArrayLike) -> InexactArray:
    """A as an array of numbers of any type with two axes or more; else ValueError. Its entries are not looked at."""
    array = number_array("A", A)
    if array.ndim < 2:
        raise ValueError(f"A has shape {array.shape}, but activations are a matrix (inputs, neurons): "
                         "A[None, :] makes one input of it, A[:, None] one neuron")
    return array


def rows_of_a_block(array: InexactArray) -> int:
    """How many rows (n, d) to read at a time: what fits into the cache, but not fewer than neurons."""
    d = int(array.shape[-1])
    return max(BLOCK_BYTES // (8 * d), d)


def hermitian_part(gram: InexactArray) -> InexactArray:
    """(G + G^H) / 2 of matrices (..., d, d): Hermitian to the last bit."""
    return (gram + np.swapaxes(gram, -1, -2).conj()) / 2


def _sums(blocks: Iterator[InexactArray], array: InexactArray, groups: IntArray, m: int) -> InexactArray:
    """The sum over blocks of rows of B_g^T conj(B_g), for each group g: (m, d, d)."""
    d, start = array.shape[1], 0
    grams = np.zeros((m, d, d), np.complex128 if array.dtype.kind == "c" else np.float64)
    for rows in blocks:
        mine = groups[start : start + len(rows)]
        start += len(rows)
        if m == 1:
            quick = array.size >= FEWEST_ENTRIES and serves(rows)
            grams[0] += tall_gram(rows) if quick else rows.T @ rows.conj()
            continue
        order = np.argsort(mine, kind="stable")
        present, first = np.unique(mine[order], return_index=True)
        for g, members in zip(present, np.split(order, first[1:]), strict=True):
            part = rows[members]
            grams[g] += part.T @ part.conj()
    return grams


def _blocks(array: InexactArray, convention: str) -> Iterator[InexactArray]:
    """Prepared rows of a matrix (n, d), block by block, not looked at nor scaled: squares may overflow or vanish."""
    step = rows_of_a_block(array)

    def blocks() -> Iterator[InexactArray]:
        for start in range(0, len(array), step):
            yield as_double(array[start : start + step])

    if convention.startswith("centered"):
        parts = [(len(rows), mean_row(rows)[0], abs(rows).max(axis=0)) for rows in blocks()]
        shares = np.array([n for n, _, _ in parts])[:, None] / len(array)
        mean = mean_row(np.stack([m for _, m, _ in parts]) * shares * len(parts))
        largest = np.max([size for _, _, size in parts], axis=0)
        if not SAFE_SMALLEST < largest.max() < SAFE_LARGEST:     # the mean itself is lost: leave it to the longer way
            yield np.full((1, array.shape[1]), np.nan)
            return
    for rows in blocks():
        if convention.startswith("centered"):
            rows = _off(rows, mean, largest)
        yield _unit_rows(rows) if convention.endswith("rows") else rows


def _safely_scaled(array: InexactArray, axes: tuple[int, ...]) -> InexactArray:
    """The same, or where squares might overflow or vanish, divided by a power of two (which rounds nothing)."""
    size = np.maximum(abs(array.real), abs(array.imag)) if array.dtype.kind == "c" else abs(array)   # |z| may overflow
    largest = size.max(axis=axes, keepdims=True)
    safe = (largest == 0) | ((largest > SAFE_SMALLEST) & (largest < SAFE_LARGEST))
    if safe.all():
        return array
    exponent = np.frexp(np.where(safe, 1.0, largest))[1]
    half = -exponent // 2                                # in two steps, for 2^1074 is no float64
    scaled: InexactArray = array * np.ldexp(1.0, half) * np.ldexp(1.0, -exponent - half)
    return scaled


def _unit_rows(rows: InexactArray) -> InexactArray:
    """Each row divided by its length, a row of zeros left: row by row, for a faint input has a direction too."""
    rows = _safely_scaled(rows, (-1,))
    norm = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: InexactArray = np.divide(rows, norm, out=np.zeros_like(rows), where=norm != 0)
    return unit


def mean_row(rows: InexactArray) -> InexactArray:
    """The mean row (..., 1, d), good to 3 eps: along contiguous columns NumPy sums pairwise."""
    columns = np.ascontiguousarray(np.swapaxes(rows, -1, -2))
    mean: InexactArray = columns.mean(axis=-1)[..., None, :]
    return mean


def _off(rows: InexactArray, mean: InexactArray, largest: FloatArray) -> InexactArray:
    """Rows minus their mean. What lies within rounding of its column's mean is on it, and becomes zero.

    Else constant columns, or a row at the mean (of which "centered_rows" takes the direction), would leave noise.
    """
    centered = rows - mean
    rounding = 8 * np.finfo(np.float64).eps * largest
    return np.where(abs(centered) <= rounding, 0.0, centered)
