"""Functionals of one state, and the classical control beside them.

With the eigenvalues p_1 ... p_d of a density matrix rho, a probability distribution:

    von Neumann entropy     S = -tr(rho ln rho) = -sum p ln p     0 .. ln d   (nats)
    purity                  P = tr(rho^2)       = sum p^2         1/d .. 1
    linear entropy          1 - P                                 0 .. 1 - 1/d
    effective rank          exp S                                 1 .. d
    participation ratio     1 / P                                 1 .. d
    Renyi entropy           ln(sum p^alpha) / (1 - alpha)         0 .. ln d   (nats)

Each takes one matrix (d, d) or a stack (..., d, d) and gives a number for each matrix. The
functions `..._of_spectrum` take p itself, (..., d), for a caller that has it already.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from minigrok.checks import FloatArray, real_array, real_number, short
from minigrok.density import spectrum

DEFAULT_BINS = 30              # of the weights' histogram; the weight entropy depends on it, so it has a name
NEAR_ONE = 0.1                 # orders so near 1 that ln(sum p^alpha) / (1 - alpha) loses digits
Number = np.float64 | FloatArray


def entropy_of_spectrum(p: FloatArray) -> Number:
    """S = -sum_i p_i ln p_i in nats, where 0 ln 0 = 0, of probabilities p (..., d)."""
    S: Number = entr(p).sum(axis=-1)                     # entr(p) = -p ln p
    return S


def purity_of_spectrum(p: FloatArray) -> Number:
    """P = sum_i p_i^2 of probabilities p (..., d)."""
    P: Number = (p**2).sum(axis=-1)
    return P


def renyi_of_spectrum(p: FloatArray, alpha: float) -> Number:
    """Renyi entropy of order alpha in nats of probabilities p (..., d), with its limits at 0, 1 and infinity."""
    S: Number
    if alpha == 1:
        S = entropy_of_spectrum(p)
    elif alpha == 0:                                     # ln of the rank
        S = np.log((p > 0).sum(axis=-1))
    elif alpha == np.inf:                                # min-entropy
        S = -np.log(p.max(axis=-1))
    elif abs(alpha - 1) < NEAR_ONE:                      # sum p^alpha - 1 = sum p (p^(alpha - 1) - 1), undivided by ~0
        log_p = np.log(p, out=np.zeros_like(p), where=p > 0)
        S = np.log1p((p * np.expm1((alpha - 1) * log_p)).sum(axis=-1)) / (1 - alpha)
    else:                                                # in units of p_max: not all powers vanish
        largest = p.max(axis=-1)
        powers = ((p / largest[..., None]) ** alpha).sum(axis=-1)
        S = np.log(powers) / (1 - alpha) + np.log(largest) * (alpha / (1 - alpha))
    return np.maximum(S, 0.0)                            # a pure state has 0, not -0


def von_neumann_entropy(rho: ArrayLike, base: float | None = None) -> Number:
    """Von Neumann entropy of a state, S = -tr(rho ln rho), in nats.

    With the eigenvalues p_i of `rho`, S = -sum_i p_i ln p_i, where 0 ln 0 = 0.
    S is 0 for a pure state and ln d for the maximally mixed one.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
        Density matrix, or a stack of them: Hermitian, positive semidefinite, unit trace.
    base : float, optional
        Base of the logarithm, say 2 for bits. Left out: natural, nats.

    Returns
    -------
    float, or ndarray of shape (...)
        One entropy for each matrix.

    Raises
    ------
    ValueError
        If `rho` is not a density matrix, or `base` is not finite and above 1.

    References
    ----------
    .. [1] M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum
       Information", Cambridge, 2000, section 11.3.

    Examples
    --------
    >>> maximally_mixed, pure = np.eye(4) / 4, np.diag([1.0, 0, 0, 0])
    >>> von_neumann_entropy([maximally_mixed, pure]).round(4)    # ln 4, and 0
    array([1.3863, 0.    ])
    """
    S = entropy_of_spectrum(spectrum(rho))
    return S if base is None else S / np.log(real_number("base", base, 1, low_open=True))


def renyi_entropy(rho: ArrayLike, alpha: float) -> Number:
    """Renyi entropy of order alpha, ln(tr rho^alpha) / (1 - alpha), in nats.

    Its limits are taken exactly: order 0 is ln of the rank (eigenvalues above 0, as computed),
    1 the von Neumann entropy, 2 -ln P, infinity the min-entropy -ln p_max. It falls with alpha.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
        Density matrix, or a stack of them.
    alpha : float
        Order, 0 or above; `np.inf` is allowed.

    Returns
    -------
    float, or ndarray of shape (...)

    Raises
    ------
    ValueError
        If `rho` is not a density matrix, or alpha is negative or NaN.

    References
    ----------
    .. [1] A. Renyi, "On measures of entropy and information", Proc. 4th Berkeley
       Symposium, vol. 1, 1961, section 1.

    Examples
    --------
    >>> renyi_entropy(np.diag([0.5, 0.25, 0.25]), 2).round(4)    # -ln 0.375
    np.float64(0.9808)
    """
    return renyi_of_spectrum(spectrum(rho), real_number("alpha", alpha, 0, np.inf))


def purity(rho: ArrayLike) -> Number:
    """Purity of a state, P = tr(rho^2): 1 for a pure state, 1/d for the maximally mixed one.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
        Density matrix, or a stack of them.

    Returns
    -------
    float, or ndarray of shape (...)

    Raises
    ------
    ValueError
        If `rho` is not a density matrix.

    References
    ----------
    .. [1] M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum
       Information", Cambridge, 2000, section 2.4.1.

    Examples
    --------
    >>> purity(np.diag([0.5, 0.5]))
    np.float64(0.5)
    """
    return purity_of_spectrum(spectrum(rho))


def linear_entropy(rho: ArrayLike) -> Number:
    """Linear entropy 1 - P = 1 - tr(rho^2), from 0 (pure) to 1 - 1/d. Input and errors as for `purity`.

    Examples
    --------
    >>> linear_entropy(np.diag([0.5, 0.5]))
    np.float64(0.5)
    """
    return 1.0 - purity(rho)


def effective_rank(rho: ArrayLike) -> Number:
    """Effective rank exp S: how many equally used modes have this entropy. From 1 to d.

    Roy and Vetterli (EUSIPCO 2007, eq. 4) take the singular values of A themselves as the
    distribution; here, as for all of this module, p are their squares. Input and errors as for `purity`.

    Examples
    --------
    >>> effective_rank(np.diag([0.5, 0.5, 0.0])).round(6)
    np.float64(2.0)
    """
    rank: Number = np.exp(von_neumann_entropy(rho))
    return rank


def participation_ratio(rho: ArrayLike) -> Number:
    """Participation ratio 1 / P: how many equally used modes have this purity. From 1 to d.

    It is the exponential of the Renyi entropy of order 2, hence never above exp S.
    Input and errors as for `purity`.

    Examples
    --------
    >>> participation_ratio(np.diag([0.5, 0.5, 0.0]))
    np.float64(2.0)
    """
    return 1.0 / purity(rho)


def weight_entropy(weights: ArrayLike, bins: int | str | Sequence[float] | FloatArray = DEFAULT_BINS) -> np.float64:
    """Shannon entropy in nats of the histogram of all weights: the classical control.

    H = -sum_b q_b ln q_b, where q_b is the share of weights in bin b. The binning decides the
    value, and even whether it rises or falls, so name it with every figure:

    - a whole number: that many equal bins from the smallest to the largest weight (30 if left
      out). Then H is blind to the scale of the weights;
    - a name: one of NumPy's rules, such as "fd" (Freedman and Diaconis) or "sturges";
    - edges: fixed bins, in which growing weights spread out. They must hold all weights;
      -inf and inf may be edges.

    Parameters
    ----------
    weights : array_like
        Any shape: it is taken flat. Real.
    bins : int, str or sequence of increasing edges

    Returns
    -------
    float
        From 0 to ln(number of bins).

    Raises
    ------
    ValueError
        If `weights` is empty or not finite or complex, `bins` is no binning, or a weight lies outside the edges.

    References
    ----------
    .. [1] C. E. Shannon, "A mathematical theory of communication", Bell System
       Technical Journal 27, 379 (1948), section 6.

    Examples
    --------
    >>> weight_entropy([0.0, 0.0, 1.0, 1.0], bins=2).round(4)            # ln 2
    np.float64(0.6931)
    """
    flat = real_array("weights", weights).ravel()
    try:
        with np.errstate(over="ignore", invalid="ignore"):     # a rule asks for more bins than there are numbers
            counts, edges = np.histogram(flat, bins)
        if len(edges) < 2 or np.isnan(edges).any():
            raise ValueError("edges are two or more increasing numbers, none NaN")
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ValueError(f"bins is {short(bins)}, which is no binning ({error}): give a whole number, increasing "
                         "edges, or a rule's name such as 'fd'") from error
    if counts.sum() < flat.size:
        outside = flat[(flat < edges[0]) | (flat > edges[-1])][0]
        raise ValueError(f"a weight is {outside:.6g}, outside the edges from {edges[0]:g} to {edges[-1]:g}: "
                         "widen them, say with -inf and inf at the ends")
    H: np.float64 = entr(counts / flat.size).sum()
    return H
