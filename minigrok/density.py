"""From activations to a density matrix, rho = A^T A / tr(A^T A), and from there to its spectrum.

The activations of one layer over n inputs are a matrix A (n, d), one row an input, one column a
neuron. Read a row as a vector |a>; then rho is the average of |a><a|, scaled to unit trace:
symmetric, positive semidefinite, trace 1. Formally that is the density matrix of d levels, and its
eigenvalues p are a probability distribution. Only formally: this is the linear algebra of the
uncentred second moment; no quantum system is behind it, and nothing is entangled.

How the rows are prepared is a *convention*, and results depend on it, so it has a name:

========================  ==========================================================================
"trace"                   rho = A^T A / tr(A^T A): inputs with long activation vectors weigh more
"rows"                    rho = mean of |a><a| / <a|a>: each input weighs the same; inputs that
                          no neuron sees (a = 0) have no direction and are left out of the mean
"centered"                "trace" of A minus its column means: the covariance, scaled to unit trace
"centered_rows"           "rows" of A minus its column means
========================  ==========================================================================
"""

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, numeric_array, one_of
from minigrok.kernels import eigenvalues_of_stack

CONVENTIONS = ("trace", "rows", "centered", "centered_rows")
TRACE_TOLERANCE = 1e-6         # float32 activations (2000 x 256) miss trace 1 by 1.2e-7
HERMITIAN_TOLERANCE = 1e-6     # the same roundings, off the diagonal
NEGATIVE_TOLERANCE = 1e-6      # and the same in an eigenvalue that should be 0
# Squares of entries between these neither overflow nor vanish beside each other's sum.
SAFE_SMALLEST, SAFE_LARGEST = 1e-100, 1e100
LARGEST_JITTED_DIMENSION = 32  # above it LAPACK is the faster one


def density_matrix(A: ArrayLike, convention: str = "trace") -> InexactArray:
    """Density matrix of a layer's activations, rho = A^T A / tr(A^T A) in the convention "trace".

    For complex A it is A^T conj(A) / tr, the average of |a><a|. The scale of A drops out.

    Parameters
    ----------
    A : array_like, shape (..., n, d)
        Activations: n inputs, d neurons; or a stack of such matrices. Real or complex.
    convention : {"trace", "rows", "centered", "centered_rows"}
        How rows are weighed and whether the mean is taken off; see the head of this module.

    Returns
    -------
    ndarray, shape (..., d, d)
        float64 or complex128, Hermitian, positive semidefinite, of unit trace.

    Raises
    ------
    ValueError
        If A has fewer than two axes, is empty, holds NaN or infinity, or has no state in this
        convention: all activations zero, or (centred) all rows alike.

    References
    ----------
    .. [1] M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum
       Information", Cambridge, 2000, section 2.4.
    .. [2] O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007, section 2 (the spectrum so normalised).

    Examples
    --------
    >>> density_matrix([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    array([[0.5 , 0.25],
           [0.25, 0.5 ]])
    """
    rows = prepared_rows(A, convention)
    gram: InexactArray = np.swapaxes(rows, -1, -2) @ rows.conj()
    gram = (gram + np.swapaxes(gram, -1, -2).conj()) / 2       # Hermitian to the last bit
    rho: InexactArray = gram / _trace(gram)[..., None, None]
    return rho


def activation_spectrum(A: ArrayLike, convention: str = "trace") -> FloatArray:
    """Spectrum of `density_matrix(A, convention)`, from the smaller of the two Gram matrices.

    A^T A (d, d) and A A^T (n, n) have the same non-zero eigenvalues: the squared singular values
    of A. With fewer inputs than neurons the second is smaller, and d - n zeros are added.

    Parameters, errors as for `density_matrix`.

    Returns
    -------
    ndarray, shape (..., d)
        Eigenvalues p in ascending order, p >= 0, sum 1.

    Examples
    --------
    >>> activation_spectrum([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    array([0. , 0.1, 0.9])
    """
    rows = prepared_rows(A, convention)
    n, d = rows.shape[-2:]
    conjugate = np.swapaxes(rows, -1, -2).conj()
    gram = rows @ conjugate if n < d else conjugate @ rows
    gram = (gram + np.swapaxes(gram, -1, -2).conj()) / 2
    p = _clipped(_eigenvalues(gram / _trace(gram)[..., None, None]), "the state")
    padding = np.zeros((*p.shape[:-1], d - p.shape[-1]))
    return np.concatenate([padding, p], axis=-1)


def spectrum(rho: ArrayLike) -> FloatArray:
    """Eigenvalues p of a density matrix in ascending order, after a check that it is one.

    Eigenvalues a rounding below zero become zero, and p is divided by its sum, so that p is a
    probability distribution to the last bit.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
        Density matrix, or a stack of them.

    Returns
    -------
    ndarray, shape (..., d)

    Raises
    ------
    ValueError
        If `rho` is not square, Hermitian, of unit trace and positive semidefinite
        (to 1e-6, the rounding of float32).

    Examples
    --------
    >>> spectrum([[0.5, 0.25], [0.25, 0.5]])
    array([0.25, 0.75])
    >>> spectrum([[1.3, 0.0], [0.0, -0.3]])
    Traceback (most recent call last):
    ...
    ValueError: rho has the eigenvalue -0.3, but a density matrix has none below 0: build it with density_matrix(A)
    """
    array = _square(rho)
    require_hermitian(array)
    require_unit_trace(array)
    return _clipped(_eigenvalues(array), "rho")


def require_unit_trace(rho: InexactArray) -> None:
    """Raise ValueError that names the trace, and the index in the stack, unless it is 1 to 1e-6."""
    trace = np.trace(rho, axis1=-2, axis2=-1)
    for index in np.argwhere(~(abs(trace - 1) <= TRACE_TOLERANCE)).tolist():    # NaN is caught too
        raise ValueError(
            f"rho{index or ''} has trace {trace[tuple(index)]:.6g}, but a density matrix has trace 1: "
            "build it with density_matrix(A), or divide it by its trace")


def require_hermitian(rho: InexactArray) -> None:
    """Raise ValueError that names the first element that is not the conjugate of its mirror image, to 1e-6."""
    difference = abs(rho - np.swapaxes(rho, -1, -2).conj())
    for index in np.argwhere(~(difference <= HERMITIAN_TOLERANCE)).tolist():
        *stack, j, k = index
        raise ValueError(
            f"rho{stack or ''} is not Hermitian: element [{j}, {k}] is {rho[tuple(index)]:.6g}, but "
            f"the conjugate of [{k}, {j}] is {rho[(*stack, k, j)].conj():.6g}; average it with its conjugate "
            "transpose if that is rounding")


def prepared_rows(A: ArrayLike, convention: str = "trace") -> InexactArray:
    """The rows B whose Gram matrix, divided by its trace, is the state: rho = B^T conj(B) / tr.

    Parameters, errors as for `density_matrix`; the result is float64 or complex128, of A's shape.
    """
    one_of("convention", convention, CONVENTIONS)
    array = numeric_array("A", A)
    if array.ndim < 2:
        raise ValueError(
            f"A has shape {array.shape}, but activations are a matrix (inputs, neurons): "
            "A[None, :] makes one input of it, A[:, None] one neuron")
    rows = array.astype(np.result_type(array, np.float64), copy=False)
    if convention.startswith("centered"):
        rows = _centered(_safely_scaled(rows, (-2, -1)))
    if convention.endswith("rows"):
        rows = _safely_scaled(rows, (-1,))               # row by row: a faint input has a direction too
        norm = np.linalg.norm(rows, axis=-1, keepdims=True)
        rows = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)
    else:
        rows = _safely_scaled(rows, (-2, -1))
    nothing = ~rows.any(axis=(-2, -1))
    for index in np.argwhere(nothing).tolist():
        why = "all its rows are alike" if convention.startswith("centered") else "all its activations are zero"
        raise ValueError(
            f"A{index or ''} has no state in the convention {convention!r}: {why}; "
            "a dead layer or a single input has no spectrum, so leave it out")
    return rows


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


def _centered(rows: InexactArray) -> InexactArray:
    """Rows minus their mean. What lies within rounding of its column's mean is on it, and becomes zero.

    Else constant columns, or a row at the mean (of which "centered_rows" takes the direction), would leave noise.
    """
    columns = np.ascontiguousarray(np.swapaxes(rows, -1, -2))      # in this order NumPy sums pairwise: 3 eps off
    centered = rows - columns.mean(axis=-1)[..., None, :]
    rounding = 8 * np.finfo(np.float64).eps * abs(rows).max(axis=-2, keepdims=True)
    return np.where(abs(centered) <= rounding, 0.0, centered)


def _square(rho: ArrayLike) -> InexactArray:
    array = numeric_array("rho", rho)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise ValueError(
            f"rho has shape {array.shape}, but a density matrix is square, (..., d, d): "
            "density_matrix(A) makes one of activations A")
    return array.astype(np.result_type(array, np.float64), copy=False)


def _trace(gram: InexactArray) -> FloatArray:
    trace: FloatArray = np.trace(gram, axis1=-2, axis2=-1).real
    return trace


def _eigenvalues(rho: InexactArray) -> FloatArray:
    """Ascending eigenvalues (..., d) of Hermitian matrices (..., d, d)."""
    d = rho.shape[-1]
    if d > LARGEST_JITTED_DIMENSION or rho.dtype.kind == "c":
        return _lapack_eigenvalues(rho)
    stack = np.ascontiguousarray(rho).reshape(-1, d, d)
    values: FloatArray = np.sort(eigenvalues_of_stack(stack), axis=-1).reshape(rho.shape[:-1])
    return values if np.isfinite(values).all() else _lapack_eigenvalues(rho)


def _lapack_eigenvalues(rho: InexactArray) -> FloatArray:
    values: FloatArray = np.linalg.eigvalsh(rho)
    return values


def _clipped(values: FloatArray, name: str) -> FloatArray:
    """Eigenvalues with roundings of zero (below d eps) set to zero, divided by their sum; others below zero raise.

    So a state of rank one has S = 0 to the bit.
    """
    for index in np.argwhere(values < -NEGATIVE_TOLERANCE).tolist():
        raise ValueError(
            f"{name}{index[:-1] or ''} has the eigenvalue {values[tuple(index)]:.6g}, but a density matrix has none "
            "below 0: build it with density_matrix(A)")
    p = np.where(values > values.shape[-1] * np.finfo(np.float64).eps, values, 0.0)
    p /= p.sum(axis=-1, keepdims=True)
    return p
