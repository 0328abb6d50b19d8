"""How entropy and purity change with the activations: dS/dA and dP/dA, each derived by hand in its docstring."""

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, numeric_array
from minigrok.density import density_matrix
from minigrok.metrics import entropy_of_spectrum


def entropy_gradient(A: ArrayLike) -> FloatArray:
    """dS/dA of the state rho = A^T A / t with t = tr(A^T A), convention "trace".

    d rho = (dA^T A + A^T dA) / t - rho dt / t with dt = 2 tr(A^T dA). Since tr d rho = 0,
    dS = -tr(ln rho d rho) = -(2/t) [tr(ln rho A^T dA) + S tr(A^T dA)], hence

        dS/dA = -(2/t) A (ln rho + S).

    Where rho has zero eigenvalues, A ln rho is 0 on their eigenvectors, since A itself is: a step
    of size h off the support adds eigenvalues of order h^2, and h^2 ln h^2 has slope 0 at 0. So
    S is differentiable there too, though not twice.

    Parameters
    ----------
    A : array_like, shape (n, d)
        Real activations.

    Returns
    -------
    ndarray, shape (n, d)
        Nats per unit of activation. It is orthogonal to A: the scale of A does not matter.

    Raises
    ------
    ValueError
        As for `density_matrix`; also if A is complex or no single matrix.

    Examples
    --------
    >>> entropy_gradient([[1.0, 0.0], [0.0, 1.0]]).round(12) + 0.0     # the maximum of S
    array([[0., 0.],
           [0., 0.]])
    """
    array, rho, t, scale = _single_state(A)
    p, Q = np.linalg.eigh(rho)
    # Below eps p is rounding. A is about sqrt(p) on its eigenvector, so any ln p of the right size will do there.
    log_p = np.log(np.maximum(p, np.finfo(np.float64).eps))
    S = entropy_of_spectrum(np.maximum(p, 0.0))
    return divided(-2 / t * (array @ (Q * log_p) @ Q.T + S * array), scale)


def purity_gradient(A: ArrayLike) -> FloatArray:
    """dP/dA of the state rho = A^T A / t with t = tr(A^T A), convention "trace".

    P = tr(G^2) / t^2 with G = A^T A: d tr(G^2) = 4 tr(G A^T dA) and dt = 2 tr(A^T dA), hence

        dP/dA = (4/t) A (rho - P).

    Parameters and errors as for `entropy_gradient`; P is a polynomial over a polynomial, so it
    is smooth for every A but 0.

    Examples
    --------
    >>> purity_gradient([[2.0, 0.0], [0.0, 1.0]])
    array([[ 0.192,  0.   ],
           [ 0.   , -0.384]])
    """
    array, rho, t, scale = _single_state(A)
    P = (rho**2).sum()
    return divided(4 / t * (array @ rho - P * array), scale)


def divided(gradient: FloatArray, scale: np.float64) -> FloatArray:
    """The gradient by A of one by A / scale; ValueError where it overflows, as it does near A = 0."""
    with np.errstate(over="ignore"):
        by_A: FloatArray = gradient / scale
    if not np.isfinite(by_A).all():
        raise ValueError(f"A's largest entry is {scale:g}, so small that the gradient overflows: take a multiple of A")
    return by_A


def _single_state(A: ArrayLike) -> tuple[FloatArray, InexactArray, np.float64, np.float64]:
    """B = A / scale with largest entry 1, float64 (n, d), its state, tr(B^T B), and scale: dS/dA = dS/dB / scale."""
    array = numeric_array("A", A)
    if array.ndim != 2 or array.dtype.kind == "c":
        raise ValueError(
            f"A has shape {array.shape} and dtype {array.dtype}, but a gradient takes one real matrix (n, d)")
    rho = density_matrix(array)
    scale = np.float64(abs(array).max())
    B = array.astype(np.float64) / scale
    return B, rho, np.float64((B**2).sum()), scale
