"""How far two states of the same layer width are apart.

For density matrices rho and sigma with eigenvalues p, q, and the trace norm |X|_1 = sum of the singular values:

    relative entropy          S(rho || sigma) = tr rho (ln rho - ln sigma)                 0 .. inf   (nats)
    Jensen-Shannon            J = S((rho + sigma) / 2) - (S(rho) + S(sigma)) / 2          0 .. ln 2  (nats)
    trace distance            D = |rho - sigma|_1 / 2                                     0 .. 1
    fidelity (squared)        F = (tr sqrt(sqrt(rho) sigma sqrt(rho)))^2                  0 .. 1
    Bures angle, distance     arccos sqrt F;  sqrt(2 - 2 sqrt F)                          0 .. pi/2;  0 .. sqrt 2
    Hilbert-Schmidt distance  sqrt(tr (rho - sigma)^2)                                    0 .. sqrt 2
    overlap (a cosine)        tr(rho sigma) / sqrt(P(rho) P(sigma))                       0 .. 1

Two layers of other widths, on the same inputs, are compared by `linear_cka`, the overlap of the states of the inputs.

References
----------
.. [1] M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum Information", 2000, chapters 9 and 11.
"""

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import InexactArray, whole_number
from minigrok.density import checked_state, eigensystem, spectrum
from minigrok.fast.eigenvalues import hermitian_eigenvalues
from minigrok.grams import prepared_rows
from minigrok.kernels import EPSILON
from minigrok.metrics import Number, entropy_of_spectrum

SUPPORT_TOLERANCE = 4 * EPSILON      # times d, of rho's weight where sigma has none: above the roundings there
TIE_TOLERANCE = 1e-12                # two eigenvalues as near as this have no eigenvectors of their own


def relative_entropy(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Relative entropy S(rho || sigma) = tr rho (ln rho - ln sigma) in nats; infinite off sigma's support.

    In the eigenbasis of sigma, with r_k = <k|rho|k>, it is -S(rho) - sum_k r_k ln q_k; it is infinite if
    an eigenvalue q_k is 0 (a rounding of 0) where r_k is more than a rounding, 4 d eps.

    Parameters
    ----------
    rho, sigma : array_like, shape (..., d, d)
        Density matrices, or stacks of them that broadcast.

    Returns
    -------
    float, or ndarray of shape (...)

    Raises
    ------
    ValueError
        If one of them is no density matrix, or their sizes differ.

    References
    ----------
    .. [1] M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum Information", 2000, section 11.3.1.

    Examples
    --------
    >>> relative_entropy(np.diag([0.5, 0.5]), np.diag([0.9, 0.1])).round(4)
    np.float64(0.5108)
    >>> relative_entropy(np.diag([0.5, 0.5]), np.diag([1.0, 0.0]))
    np.float64(inf)
    """
    first, second = _two_states(rho, sigma)
    q, K = eigensystem(second, "sigma")
    r = (K.conj() * (first @ K)).sum(axis=-2).real       # <k|rho|k>
    log_q = np.log(q, out=np.zeros_like(q), where=q > 0)
    outside = (np.where(q > 0, 0.0, r) > SUPPORT_TOLERANCE * q.shape[-1]).any(axis=-1)
    finite = -entropy_of_spectrum(spectrum(first)) - (r * log_q).sum(axis=-1)
    distance: Number = np.where(outside, np.inf, np.maximum(finite, 0.0))[()]
    return distance


def jensen_shannon_divergence(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Jensen-Shannon divergence S((rho + sigma)/2) - S(rho)/2 - S(sigma)/2, in nats: 0 to ln 2, always finite.

    It is the Holevo information of the two states at equal weights; its square root is a metric
    (D. Virosztek, Advances in Mathematics 380, 107595 (2021)). Input and errors as for `relative_entropy`.

    Examples
    --------
    >>> jensen_shannon_divergence(np.diag([1.0, 0.0]), np.diag([0.0, 1.0])).round(4)     # ln 2
    np.float64(0.6931)
    """
    first, second = _two_states(rho, sigma)
    middle, one, two = (entropy_of_spectrum(spectrum(state)) for state in ((first + second) / 2, first, second))
    divergence: Number = np.maximum(middle - (one + two) / 2, 0.0)
    return divergence


def trace_distance(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Trace distance |rho - sigma|_1 / 2, half the sum of the sizes of the eigenvalues of the difference: 0 to 1.

    Input and errors as for `relative_entropy`; Nielsen and Chuang, section 9.2.1.

    Examples
    --------
    >>> trace_distance(np.diag([0.5, 0.5]), np.diag([0.9, 0.1])).round(4)
    np.float64(0.4)
    """
    first, second = _two_states(rho, sigma)
    distance: Number = abs(hermitian_eigenvalues(first - second)).sum(axis=-1) / 2
    return np.minimum(distance, 1.0)


def fidelity(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Fidelity, the *squared* one, F = (tr sqrt(sqrt(rho) sigma sqrt(rho)))^2: 0 to 1, |<a|b>|^2 for pure states.

    sqrt F is the sum of the singular values of sqrt(rho) sqrt(sigma); the root itself is what Nielsen
    and Chuang (section 9.2.2) and QuTiP call fidelity. Input and errors as for `relative_entropy`.

    References
    ----------
    .. [1] R. Jozsa, "Fidelity for mixed quantum states", J. Modern Optics 41, 2315 (1994), eq. 2.

    Examples
    --------
    >>> fidelity(np.diag([0.5, 0.5]), np.diag([1.0, 0.0])).round(4)
    np.float64(0.5)
    """
    return root_fidelity(rho, sigma) ** 2


def root_fidelity(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Root of the fidelity, |sqrt(rho) sqrt(sigma)|_1: 0 to 1. Input and errors as for `relative_entropy`.

    Examples
    --------
    >>> root_fidelity(np.diag([0.5, 0.5]), np.diag([1.0, 0.0])).round(4)     # 1 / sqrt 2
    np.float64(0.7071)
    """
    first, second = _two_roots(rho, sigma)
    root: Number = np.linalg.svd(first @ second, compute_uv=False).sum(axis=-1)
    return np.minimum(root, 1.0)


def bures_angle(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Bures angle arccos sqrt F, in radians: 0 to pi/2. Input and errors as for `relative_entropy`.

    Taken as 2 arcsin(D_B / 2) of the Bures distance, for arccos loses half of all digits near 0.

    Examples
    --------
    >>> bures_angle(np.diag([1.0, 0.0]), np.diag([0.5, 0.5])).round(4)       # pi / 4
    np.float64(0.7854)
    """
    angle: Number = 2 * np.arcsin(bures_distance(rho, sigma) / 2)
    return np.minimum(angle, np.pi / 2)


def bures_distance(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Bures distance sqrt(2 - 2 sqrt F): 0 to sqrt 2. Input and errors as for `relative_entropy`.

    It is the smallest |sqrt(rho) - sqrt(sigma) U| over unitary U, which with sqrt(rho) sqrt(sigma) = W s V^H is that of
    U = V W^H; so taken, two states that are near are not lost in 2 - 2.

    Examples
    --------
    >>> bures_distance(np.diag([1.0, 0.0]), np.diag([0.0, 1.0])).round(4)    # sqrt 2
    np.float64(1.4142)
    """
    first, second = _two_roots(rho, sigma)
    W, _, Vh = np.linalg.svd(first @ second)
    U = _adjoint(Vh) @ _adjoint(W)
    distance: Number = np.linalg.norm(first - second @ U, axis=(-2, -1))
    return np.minimum(distance, np.sqrt(2.0))


def hilbert_schmidt_distance(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Hilbert-Schmidt distance sqrt(tr (rho - sigma)^2), the Frobenius norm of the difference: 0 to sqrt 2.

    Input and errors as for `relative_entropy`.

    Examples
    --------
    >>> hilbert_schmidt_distance(np.diag([1.0, 0.0]), np.diag([0.0, 1.0])).round(4)
    np.float64(1.4142)
    """
    first, second = _two_states(rho, sigma)
    distance: Number = np.linalg.norm(first - second, axis=(-2, -1))
    return distance


def state_overlap(rho: ArrayLike, sigma: ArrayLike) -> Number:
    """Overlap tr(rho sigma) / sqrt(P(rho) P(sigma)), the cosine between two states: 0 orthogonal, 1 the same.

    Input and errors as for `relative_entropy`.

    Examples
    --------
    >>> state_overlap(np.diag([0.5, 0.5]), np.diag([1.0, 0.0])).round(4)     # 1 / sqrt 2
    np.float64(0.7071)
    """
    first, second = _two_states(rho, sigma)
    # the norm is the root of the purity, and tr(rho sigma) = sum_jk rho_jk conj(sigma_jk), for sigma is Hermitian
    one, two = (state / np.linalg.norm(state, axis=(-2, -1), keepdims=True) for state in (first, second))
    overlap: Number = (one * two.conj()).sum(axis=(-2, -1)).real
    return np.clip(overlap, 0.0, 1.0)


def linear_cka(A: ArrayLike, B: ArrayLike) -> np.float64:
    """Linear centred kernel alignment of two layers on the same inputs: |B^T A|^2 / (|A^T A| |B^T B|), means taken off.

    With the states of the *inputs* rho = A A^T / tr and sigma = B B^T / tr, shape (n, n), it is their `state_overlap`,
    tr(rho sigma) / sqrt(P(rho) P(sigma)); and P(rho) is also the purity of A's centred state. 1 for layers that
    differ by a rotation and a scale.

    Parameters
    ----------
    A, B : array_like, shape (n, d) and (n, e)
        Real activations on the same inputs in the same order; the widths may differ.

    Raises
    ------
    ValueError
        If they have not the same number of rows, or a layer's rows are all alike.

    References
    ----------
    .. [1] S. Kornblith et al., "Similarity of neural network representations revisited", ICML 2019, section 3.

    Examples
    --------
    >>> A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> linear_cka(A, 3 * A[:, ::-1]).round(6)
    np.float64(1.0)
    """
    first, second = prepared_rows(A, "centered"), prepared_rows(B, "centered")
    if first.ndim != 2 or first.shape[0] != second.shape[0]:
        raise ValueError(
            f"A has shape {first.shape}, B {second.shape}, but both must be matrices with one row an input")
    norm = np.linalg.norm
    return np.float64(norm(second.T @ first) ** 2 / (norm(first.T @ first) * norm(second.T @ second)))


def subspace_overlap(rho: ArrayLike, sigma: ArrayLike, k: int) -> Number:
    """Overlap of the spaces of the k strongest modes of two states, |U^H V|^2 / k: 0 orthogonal, 1 the same.

    U and V hold the eigenvectors of the k largest eigenvalues. Where the k-th and the next eigenvalue tie, the space
    is not defined: that is refused.

    Parameters
    ----------
    rho, sigma : array_like, shape (..., d, d)
    k : int
        From 1 to d.

    Raises
    ------
    ValueError
        As for `relative_entropy`; also for k out of range or a tie at k.

    Examples
    --------
    >>> subspace_overlap(np.diag([0.6, 0.3, 0.1]), np.diag([0.3, 0.6, 0.1]), 2).round(6)
    np.float64(1.0)
    """
    bases = []
    for name, state in zip(("rho", "sigma"), _two_states(rho, sigma), strict=True):
        p, V = eigensystem(state, name)
        d = p.shape[-1]
        if whole_number("k", k, 1) > d:
            raise ValueError(f"k is {k}, but {name} has {d} modes: give a whole number from 1 to {d}")
        gap = p[..., d - k] - p[..., d - k - 1] if k < d else np.ones(p.shape[:-1])
        for index in np.argwhere(gap < TIE_TOLERANCE).tolist():
            raise ValueError(
                f"eigenvalues {k} and {k + 1} of {name}{index or ''} tie at {p[(*index, d - k)]:.6g}: "
                f"its {k} strongest modes are not defined")
        bases.append(V[..., d - k :])
    overlap: Number = np.linalg.norm(_adjoint(bases[0]) @ bases[1], axis=(-2, -1)) ** 2 / k
    return np.minimum(overlap, 1.0)


def _two_states(rho: ArrayLike, sigma: ArrayLike) -> tuple[InexactArray, InexactArray]:
    """Both as arrays, checked to be density matrices of one size."""
    first, second = checked_state(rho), checked_state(sigma, "sigma")
    for state, name in ((first, "rho"), (second, "sigma")):
        spectrum(state, name)                            # which refuses a negative eigenvalue
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"rho is of size {first.shape[-1]}, sigma of size {second.shape[-1]}: distances need the same layer width")
    return first, second


def _two_roots(rho: ArrayLike, sigma: ArrayLike) -> tuple[InexactArray, InexactArray]:
    """The positive square roots of two states, checked as in `_two_states`; roundings of 0 have the root 0."""
    roots: list[InexactArray] = []
    for state, name in zip(_two_states(rho, sigma), ("rho", "sigma"), strict=True):
        p, V = eigensystem(state, name)
        roots.append((V * np.sqrt(p)[..., None, :]) @ _adjoint(V))
    return roots[0], roots[1]


def _adjoint(M: InexactArray) -> InexactArray:
    return np.swapaxes(M, -1, -2).conj()
