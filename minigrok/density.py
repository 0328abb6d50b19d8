"""From activations to a density matrix, rho = A^T A / tr(A^T A), and from there to its spectrum.

The activations of one layer over n inputs are a matrix A (n, d), one row an input, one column a
neuron. Read a row as a vector |a>; then rho is the average of |a><a|, scaled to unit trace:
symmetric, positive semidefinite, trace 1. Formally that is the density matrix of d levels, and its
eigenvalues p are a probability distribution. Only formally: this is the linear algebra of the
uncentred second moment; no quantum system is behind it, and nothing is entangled.

How the rows are prepared is a *convention*, and results depend on it, so it has a name:

    "trace"             rho = A^T A / tr(A^T A): inputs with long activation vectors weigh more
    "rows"              rho = mean of |a><a| / <a|a>: each input weighs the same; inputs that
                        no neuron sees (a = 0) have no direction and are left out of the mean
    "centered"          "trace" of A minus its column means: the covariance, scaled to unit trace
    "centered_rows"     "rows" of A minus its column means

In the literature: "rows" is the Vendi score's (D. Friedman and A. B. Dieng, 2022, with exp S), "centered" that of the
participation ratio of neural activity, "centered_rows" Diff-eRank's (L. Wei et al., 2024); how each was checked,
and who takes singular values instead of their squares, is in tutorials/pages/conventions.md.
"""

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, as_double, numeric_array
from minigrok.fast.eigenvalues import hermitian_eigenvalues
from minigrok.grams import activation_array, gram_matrix, hermitian_part, prepared_rows
from minigrok.kernels import are_states, clip_stack

TRACE_TOLERANCE = 1e-6         # float32 activations (2000 x 256) miss trace 1 by 1.2e-7
HERMITIAN_TOLERANCE = 1e-6     # the same roundings, off the diagonal
NEGATIVE_TOLERANCE = 1e-6      # and the same in an eigenvalue that should be 0


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
    .. [2] O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007, section 2 (a spectrum so normalised, but there
       of the singular values of A, whose squares are the eigenvalues here).

    Examples
    --------
    >>> density_matrix([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    array([[0.5 , 0.25],
           [0.25, 0.5 ]])
    """
    return _unit_trace(gram_matrix(A, convention))


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
    array = activation_array(A)
    n, d = array.shape[-2:]
    if n >= d:
        return gram_spectrum(gram_matrix(array, convention))
    rows = prepared_rows(array, convention)
    p = gram_spectrum(hermitian_part(rows @ np.swapaxes(rows, -1, -2).conj()))
    padding = np.zeros((*p.shape[:-1], d - n))
    return np.concatenate([padding, p], axis=-1)


def gram_spectrum(gram: InexactArray) -> FloatArray:
    """Spectrum (..., d) of Gram matrices (..., d, d), Hermitian and positive, of any trace above 0."""
    return _clipped(hermitian_eigenvalues(_unit_trace(gram)), "the state")


def spectrum(rho: ArrayLike, name: str = "rho") -> FloatArray:
    """Eigenvalues p of a density matrix in ascending order, after a check that it is one.

    Eigenvalues a rounding below zero become zero, and p is divided by its sum, so that p is a
    probability distribution to the last bit.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
        Density matrix, or a stack of them.
    name : str
        What an error calls it.

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
    return _clipped(hermitian_eigenvalues(checked_state(rho, name)), name)


def eigensystem(rho: ArrayLike, name: str = "rho") -> tuple[FloatArray, InexactArray]:
    """The `spectrum` p (..., d) of a density matrix, and its eigenvectors, the columns of V (..., d, d).

    Errors as for `spectrum`.
    """
    p, V = np.linalg.eigh(checked_state(rho, name))
    return _clipped(p, name), V


@np.errstate(over="ignore", invalid="ignore")            # what comes of that is refused, in words
def checked_state(rho: ArrayLike, name: str = "rho") -> InexactArray:
    """`rho` as an array, float64 or complex128 (..., d, d), Hermitian and of unit trace; else ValueError.

    A look over all entries says that all is well; only where it does not, each rule is tried by itself.
    """
    array = rho if type(rho) is np.ndarray and rho.dtype.char in "dD" and rho.dtype.isnative else None
    if array is None or array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.size == 0:
        array = _square(rho, name)
    d = array.shape[-1]
    if not are_states(np.ascontiguousarray(array).reshape(-1, d, d), HERMITIAN_TOLERANCE, TRACE_TOLERANCE):
        _square(array, name)                             # NaN and infinity
        require_hermitian(array, name)
        require_unit_trace(array, name)
    return array


def require_unit_trace(rho: InexactArray, name: str = "rho") -> None:
    """Raise ValueError that names the trace, and the index in the stack, unless it is 1 to 1e-6."""
    trace = np.trace(rho, axis1=-2, axis2=-1)
    for index in np.argwhere(~(abs(trace - 1) <= TRACE_TOLERANCE)).tolist():    # NaN is caught too
        raise ValueError(f"{name}{index or ''} has trace {trace[tuple(index)]:.6g}, but a density matrix has trace 1: "
                         "build it with density_matrix(A), or divide it by its trace")


def require_hermitian(rho: InexactArray, name: str = "rho") -> None:
    """Raise ValueError that names the first element that is not the conjugate of its mirror image, to 1e-6."""
    difference = abs(rho - np.swapaxes(rho, -1, -2).conj())
    for index in np.argwhere(~(difference <= HERMITIAN_TOLERANCE)).tolist():
        *stack, j, k = index
        raise ValueError(f"{name}{stack or ''} is not Hermitian: element [{j}, {k}] is {rho[tuple(index)]:.6g}, but "
                         f"the conjugate of [{k}, {j}] is {rho[(*stack, k, j)].conj():.6g}; average it with its "
                         "conjugate transpose if that is rounding")


def _square(rho: ArrayLike, name: str) -> InexactArray:
    array = numeric_array(name, rho)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise ValueError(f"{name} has shape {array.shape}, but a density matrix is square, (..., d, d): "
                         "density_matrix(A) makes one of activations A")
    return as_double(array)


def _unit_trace(gram: InexactArray) -> InexactArray:
    trace: FloatArray = np.trace(gram, axis1=-2, axis2=-1).real
    return gram / trace[..., None, None]


def _clipped(p: FloatArray, name: str) -> FloatArray:
    """Ascending eigenvalues, roundings of zero set to zero and divided by their sum, in place; others below 0 raise."""
    lowest = p[..., 0]
    if not (lowest >= -NEGATIVE_TOLERANCE).all():
        index = np.argwhere(~(lowest >= -NEGATIVE_TOLERANCE))[0].tolist()
        raise ValueError(f"{name}{index or ''} has the eigenvalue {lowest[tuple(index)]:.6g}, but a density matrix has "
                         "none below 0: build it with density_matrix(A)")
    clip_stack(p.reshape(-1, p.shape[-1]))
    return p
