"""More numbers of one state, beside those in `minigrok.metrics`.

With the eigenvalues p_1 >= ... >= p_d of a density matrix:

    Tsallis entropy       (1 - sum p^q) / (q - 1)                    0 .. (1 - d^(1-q)) / (q - 1)
    min-entropy           -ln p_1                                    0 .. ln d   (nats)
    spectral gap          p_1 - p_2                                  0 .. 1
    stable rank           1 / p_1                                    1 .. d
    numerical rank        how many p exceed a tolerance times p_1    1 .. d
    normalised entropy    S / ln d                                   0 .. 1
    l1 coherence          sum_{j != k} |rho_jk|                      0 .. d - 1
    relative entropy of coherence    S(diag rho) - S(rho)            0 .. ln d   (nats)

The two coherences, alone of all these, depend on the basis. Here the basis is the neurons: they measure how
far the state is from one in which no two neurons fire together, and a rotation of the layer changes them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, real_number, whole_number
from minigrok.density import checked_state, spectrum
from minigrok.metrics import Number, entropy_of_spectrum, purity_of_spectrum, renyi_of_spectrum

RANK_TOLERANCE = 1e-10         # share of the largest eigenvalue below which one counts as zero
HALVINGS = 200                 # of an interval within [0, 1]: more than float64 has places for


class PurityBounds(NamedTuple):
    """The smallest and the largest purity that a state of given entropy and dimension can have."""

    smallest: float
    largest: float


def tsallis_entropy(rho: ArrayLike, q: float) -> Number:
    """Tsallis entropy (1 - tr rho^q) / (q - 1) of order q; its limit at q = 1 is the von Neumann entropy in nats.

    Order 2 is the linear entropy. Order 0 is the rank minus one.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
    q : float
        0 or above.

    Raises
    ------
    ValueError
        If `rho` is not a density matrix, or q is negative, infinite or NaN.

    References
    ----------
    .. [1] C. Tsallis, Journal of Statistical Physics 52, 479 (1988), eq. 1.

    Examples
    --------
    >>> tsallis_entropy(np.diag([0.5, 0.5]), 2)
    np.float64(0.5)
    """
    q = real_number("q", q, 0)
    S = renyi_of_spectrum(spectrum(rho), q)              # sum p^q = exp((1 - q) S_q): no power underflows
    entropy: Number = S if q == 1 else np.expm1((1 - q) * S) / (1 - q)
    return entropy


def min_entropy(rho: ArrayLike) -> Number:
    """Min-entropy -ln p_max in nats, the Renyi entropy of infinite order: 0 to ln d. Errors as for `purity`.

    Examples
    --------
    >>> min_entropy(np.diag([0.5, 0.25, 0.25])).round(4)             # ln 2
    np.float64(0.6931)
    """
    return renyi_of_spectrum(spectrum(rho), np.inf)


def spectral_gap(rho: ArrayLike) -> Number:
    """The largest eigenvalue minus the next, 0 to 1; 1 for a single neuron. Errors as for `purity`.

    Examples
    --------
    >>> spectral_gap(np.diag([0.5, 0.3, 0.2])).round(4)
    np.float64(0.2)
    """
    p = spectrum(rho)
    gap: Number = p[..., -1] - (p[..., -2] if p.shape[-1] > 1 else 0.0)
    return gap


def stable_rank(rho: ArrayLike) -> Number:
    """Stable rank 1 / p_max, that is |A|_F^2 / |A|_2^2 of the activations: 1 to d. Errors as for `purity`.

    Rudelson and Vershynin, Journal of the ACM 54, 21 (2007), section 1.

    Examples
    --------
    >>> stable_rank(np.diag([0.5, 0.3, 0.2]))
    np.float64(2.0)
    """
    rank: Number = 1 / spectrum(rho)[..., -1]
    return rank


def numerical_rank(rho: ArrayLike, tolerance: float = RANK_TOLERANCE) -> np.int64 | FloatArray:
    """How many eigenvalues exceed `tolerance` times the largest: 1 to d. Errors as for `purity`.

    p are *squared* singular values of A: 1e-10 here is a share of 1e-5 of the largest singular value.

    Examples
    --------
    >>> numerical_rank(np.diag([0.5, 0.5, 0.0]))
    np.int64(2)
    """
    tolerance = real_number("tolerance", tolerance, 0, 1)
    p = spectrum(rho)
    rank: np.int64 | FloatArray = (p > tolerance * p[..., -1:]).sum(axis=-1)
    return rank


def normalised_entropy(rho: ArrayLike) -> Number:
    """S / ln d: 0 to 1, whatever the width. Errors as for `purity`; also for d = 1, where it is 0 / 0.

    Examples
    --------
    >>> normalised_entropy(np.eye(5) / 5).round(6)
    np.float64(1.0)
    """
    p = spectrum(rho)
    if p.shape[-1] == 1:
        raise ValueError("rho has one level, where S / ln d is 0 / 0: a normalised entropy needs two neurons at least")
    normalised: Number = entropy_of_spectrum(p) / np.log(p.shape[-1])
    return normalised


def l1_coherence(rho: ArrayLike) -> Number:
    """Sum of the sizes of all off-diagonal elements: 0 to d - 1. The basis is the neurons. Errors as for `purity`.

    References
    ----------
    .. [1] T. Baumgratz, M. Cramer and M. B. Plenio, Physical Review Letters 113, 140401 (2014), eq. 7.

    Examples
    --------
    >>> l1_coherence([[0.5, 0.5], [0.5, 0.5]])           # two neurons that always fire together
    np.float64(1.0)
    """
    array = checked_state(rho)
    spectrum(array)                                      # which refuses a negative eigenvalue
    coherence: Number = abs(array).sum(axis=(-2, -1)) - abs(np.diagonal(array, axis1=-2, axis2=-1)).sum(axis=-1)
    return np.maximum(coherence, 0.0)


def relative_entropy_of_coherence(rho: ArrayLike) -> Number:
    """S(diag rho) - S(rho) in nats: 0 to ln d. The basis is the neurons. Errors as for `purity`.

    It is the relative entropy to the nearest diagonal state: what is lost if one looks at how strongly each
    neuron fires, and forgets which fire together.

    References
    ----------
    .. [1] T. Baumgratz, M. Cramer and M. B. Plenio, Physical Review Letters 113, 140401 (2014), eq. 6.

    Examples
    --------
    >>> relative_entropy_of_coherence([[0.5, 0.5], [0.5, 0.5]]).round(4)     # ln 2
    np.float64(0.6931)
    """
    array = checked_state(rho)
    S = entropy_of_spectrum(spectrum(array))
    diagonal = np.diagonal(array, axis1=-2, axis2=-1).real
    return np.maximum(entropy_of_spectrum(np.maximum(diagonal, 0.0)) - S, 0.0)


def purity_bounds(entropy: float, dimension: int) -> PurityBounds:
    """The smallest and largest purity of any state with this entropy (nats) in this dimension.

    Largest: one eigenvalue above d - 1 equal ones. Smallest: k equal ones, one below them, zeros. In both
    families S falls as P grows, so each is found by bisection to the last bits.

    Raises
    ------
    ValueError
        For an entropy outside [0, ln d].

    References
    ----------
    .. [1] D. W. Berry and B. C. Sanders, Journal of Physics A 36, 12255 (2003), section 3.

    Examples
    --------
    >>> low, high = purity_bounds(1.42, 6)
    >>> round(low, 4), round(high, 4)                    # the study's P = 0.29 lies between
    (0.2463, 0.3391)
    """
    d = whole_number("dimension", dimension, 1)
    S = real_number("entropy", entropy, 0, float(np.log(d)) * (1 + 1e-15))       # ln d itself, computed elsewhere

    def one_above(top: float) -> FloatArray:
        return np.array([top, *[(1 - top) / max(d - 1, 1)] * (d - 1)])

    def equal_ones(last: float) -> FloatArray:
        return np.array([*[(1 - last) / k] * k, last])

    k = max(1, min(d - 1, int(np.floor(np.exp(S) + 1e-12))))     # ln k <= S <= ln (k + 1), but for a rounding
    largest = _at_entropy(one_above, S, 1.0, 1 / d)
    smallest = _at_entropy(equal_ones, S, 0.0, 1 / (k + 1))
    return PurityBounds(smallest, largest)


def _at_entropy(family: Callable[[float], FloatArray], S: float, low: float, high: float) -> float:
    """Purity of the member of a one-parameter family whose entropy is S; the entropy grows from `low` to `high`."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if entropy_of_spectrum(family(middle)) < S:
            low = middle
        else:
            high = middle
    return float(purity_of_spectrum(family(high)))
