"""ln of the mass in bins of E = |x|^2, for x uniform in the cube [-1, 1]^n or standard normal in n dimensions.

The normal: the length w = |x| has the density w^(n-1) exp(-w^2 / 2) / (2^(n/2-1) Gamma(n/2)).

The cube: one coordinate has u = |x_i| uniform in [0, 1], so the density f_n of E grows by one dimension as

    f_n(e) = integral_0^1 f_(n-1)(e - u^2) du,    f_1(e) = 1 / (2 sqrt e) on (0, 1).

As long as the ball is inside the cube, e <= 1, it is f_n(e) = (sqrt(pi) / 2)^n e^(n/2-1) / Gamma(n/2). At each whole
number k a further kind of corner comes in, and f_n has a kink; between them, at e = k + w^2 with 0 < w < 1, it is
analytic in w. With u = w sin(phi) before the kink at e - u^2 = k, and u = sqrt(1 + w^2) sin(phi) behind it,

    f_n(k + w^2) = integral_0^(pi/2)        f_(n-1)(k + w^2 cos^2 phi)             w cos(phi)             dphi
                 + integral_(A)^(pi/2 - A)  f_(n-1)(k - 1 + (1 + w^2) cos^2 phi)   sqrt(1 + w^2) cos(phi) dphi,

A = arctan w, both by Gauss and Legendre's rule. ln f_n is kept at Chebyshev's points of w, in the last interval
without the factor (n - e)^(n-1) of the corners of the cube, and interpolated by the barycentric formula [1]. All terms
are positive, nothing cancels: the relative error is small in the tails too, where the mass is exp(-100) or less.

References
----------
.. [1] J.-P. Berrut and L. N. Trefethen, SIAM Review 46, 501 (2004).
"""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.special import gammaln

from minigrok.checks import FloatArray, increasing_edges, whole_number

FEWEST_NODES = 48              # ln f_3 is the least smooth, and needs them for 14 digits
FARTHEST = 40.0                # lengths beyond the bulk at which the normal's mass is below exp(-FARTHEST^2 / 2)


def cube_log_g(n: int, edges: ArrayLike) -> FloatArray:
    """ln P(edges[i] < |x|^2 <= edges[i + 1]) for x uniform in the cube [-1, 1]^n; -inf below 0 and above n.

    The mass is the integral of f_n over the bin, cut at whole numbers, with f_n as at the top of this module.
    Relative error of a mass: below 1e-12 for n <= 30, below 1e-10 for n <= 100, in the farthest tails too
    (measured, against the inversion of the Laplace transform and the series of the corners in the tests).

    Parameters
    ----------
    n : int
        Dimension, 1 or more.
    edges : array_like, shape (bins + 1,)
        Increasing limits.

    Returns
    -------
    ndarray, shape (bins,)
        Natural logarithms of masses that add up to 1 if the bins cover [0, n].

    Raises
    ------
    ValueError
        If `n` is no whole number above 0, or `edges` do not increase.

    Examples
    --------
    The ball of radius 1/2 in the cube, pi / 48 of it, and the corners at the end:

    >>> np.exp(cube_log_g(3, [0.0, 0.25, 3.0])).round(4)
    array([0.0654, 0.9346])
    >>> cube_log_g(30, [0.0, 10.0, 29.0, 30.0]).round(3)
    array([ -0.678,  -0.709, -94.953])
    """
    n = whole_number("n", n, 1)
    masses = [[_log_cube_mass(n, k, max(a, k), min(b, k + 1)) for k in range(n)]
              for a, b in pairwise(increasing_edges("edges", edges).tolist())]
    return np.array([np.logaddexp.reduce(parts) for parts in masses])


def normal_log_g(n: int, edges: ArrayLike) -> FloatArray:
    """ln P(edges[i] < |x|^2 <= edges[i + 1]) for x standard normal in n dimensions: chi-square; -inf below 0.

    By quadrature of the density of w = |x| (top of this module), since a difference of cumulative
    probabilities cancels in the tails.
    Relative error of a mass: below 1e-12 for n <= 100 (measured, against incomplete gamma functions with 40 digits).

    Parameters
    ----------
    n : int
        Dimension, 1 or more.
    edges : array_like, shape (bins + 1,)
        Increasing limits.

    Returns
    -------
    ndarray, shape (bins,)

    Raises
    ------
    ValueError
        If `n` is no whole number above 0, or `edges` do not increase.

    References
    ----------
    .. [1] M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", NBS, 1964, section 26.4.

    Examples
    --------
    For n = 2, P(|x|^2 > e) = exp(-e / 2):

    >>> normal_log_g(2, [0.0, 2 * np.log(2), 2000.0, 3000.0]).round(4).tolist()
    [-0.6931, -0.6931, -1000.0]
    """
    n = whole_number("n", n, 1)
    limits = np.clip(increasing_edges("edges", edges), 0, None)
    masses = [[_log_normal_mass(n, low, high) for low, high in pairwise(_cut(n, a, b))]
              for a, b in pairwise(limits.tolist())]
    return np.array([np.logaddexp.reduce(parts) for parts in masses])


class _Stretch(NamedTuple):
    """Where f_(n-1) is asked for, on one side of the kink: at q for each node w and each point phi of the rule."""

    interpolation: FloatArray  # (K * K, K) takes values at the nodes to those at q
    log_q: FloatArray          # (K * K,)
    log_corner: FloatArray     # (K * K,) ln(1 - q^2)
    log_weights: FloatArray    # (K * K,) ln(du), the weight of the rule in it


@cache
def _rule(n: int) -> tuple[FloatArray, FloatArray]:
    """Points in (0, 1) and weights of Gauss and Legendre, as many as n dimensions need."""
    x, weights = leggauss(FEWEST_NODES + n // 2)
    return (x + 1) / 2, weights / 2


def _nodes(K: int) -> tuple[FloatArray, FloatArray]:
    """Chebyshev's points w in (0, 1), and 1 - w without cancellation."""
    half_angle = (np.arange(K) + 0.5) * np.pi / (2 * K)
    return np.cos(half_angle) ** 2, np.sin(half_angle) ** 2


@cache
def _stretches(n: int) -> tuple[_Stretch, _Stretch]:
    """Before the kink q = w cos(phi), behind it q = sqrt(1 + w^2) cos(phi)."""
    x, weights = _rule(n)
    w, below_one = (column[:, None] for column in _nodes(len(x)))
    q = w * np.cos(np.pi / 2 * x)                        # (K, K)
    before = _stretch(q, 1 - q**2, np.pi / 2 * weights)
    half = np.arctan(below_one / (1 + w))                # pi / 4 - A: phi runs over twice that
    rest = 2 * half * x                                  # pi / 2 - A - phi
    length = np.sqrt(1 + w**2)
    corner = length**2 * np.sin(2 * half - rest) * np.cos(rest)        # 1 - q^2, without cancellation
    return before, _stretch(length * np.sin(np.arctan(w) + rest), corner, 2 * half * weights)


def _stretch(q: FloatArray, corner: FloatArray, dphi: FloatArray) -> _Stretch:
    """du = q dphi on either side."""
    return _Stretch(_interpolation(len(q), q.ravel()), np.log(q.ravel()), np.log(corner.ravel()),
                    np.log((q * dphi).ravel()))


def _interpolation(K: int, points: FloatArray) -> FloatArray:
    """The matrix (points, K) that takes values at the nodes to those of their polynomial: the barycentric formula."""
    w, below_one = _nodes(K)
    distance = points[:, None] - w
    hit = distance == 0
    share = (-1.0) ** np.arange(K) * np.sqrt(w * below_one) / np.where(hit, 1.0, distance)
    matrix: FloatArray = np.where(hit.any(axis=1, keepdims=True), hit, share / share.sum(axis=1, keepdims=True))
    return matrix


@cache
def _log_densities(n: int) -> FloatArray:
    """ln f_n at e = k + w^2, shape (n, K): a row for each k = 0 .. n - 1, a column for each node w.

    The row k = 0 is without its factor w^(n-2), which leaves a constant, and the last without (1 - w^2)^(n-1).
    """
    before, behind = _stretches(n)
    w, below_one = _nodes(len(_rule(n)[0]))
    rows = np.full((1, len(w)), -math.log(2))            # f_1 = w^(-1) / 2
    for m in range(2, n + 1):                            # from m - 1 dimensions to m
        here = rows @ before.interpolation.T             # (m - 1, K * K) ln f_(m-1) in the interval k
        here[-1] += (m - 2) * before.log_corner
        here = np.concatenate([here[1:], np.full_like(here[:1], -np.inf)])     # k = 1 .. m - 1; in the last it is 0
        below = rows @ behind.interpolation.T            # and in the interval k - 1
        below[0] += (m - 3) * behind.log_q
        below[-1] += (m - 2) * behind.log_corner
        terms = np.stack([here + before.log_weights, below + behind.log_weights])
        sums = _log_sum(terms.reshape(2, m - 1, len(w), -1), axis=(0, 3))
        sums[-1] -= (m - 1) * np.log(below_one * (1 + w))
        ball = m / 2 * math.log(math.pi) - m * math.log(2) - gammaln(m / 2)
        rows = np.concatenate([np.full((1, len(w)), ball), sums])
    return rows


def _log_cube_mass(n: int, k: int, a: float, b: float) -> float:
    """ln of the mass in (a, b) within [k, k + 1], with e = k + w^2 and de = 2 w dw; -inf where a >= b."""
    def log_density(w: FloatArray, below_b: FloatArray) -> FloatArray:
        row: FloatArray = _interpolation(len(w), w) @ _log_densities(n)[k] + np.log(2 * w)
        if k == 0:
            row += (n - 2) * np.log(w)
        if k == n - 1:
            row += (n - 1) * np.log(k + 1 - b + below_b)
        return row

    return _log_integral(n, log_density, a - k, b - k)


def _log_normal_mass(n: int, a: float, b: float) -> float:
    constant = (1 - n / 2) * math.log(2) - gammaln(n / 2)
    return _log_integral(n, lambda w, _: constant + (n - 1) * np.log(w) - w * w / 2, a, b)


def _cut(n: int, a: float, b: float) -> list[float]:
    """Limits from a to b whose roots are at most 1 apart, up to FARTHEST beyond the bulk or, if that is more, a."""
    low, high = math.sqrt(a), min(math.sqrt(b), max(math.sqrt(a), math.sqrt(n)) + FARTHEST)
    return [a, *(np.linspace(low, high, 1 + math.ceil(high - low))[1:-1] ** 2).tolist(), min(b, high**2)]


def _log_integral(n: int, log_density: Callable[[FloatArray, FloatArray], FloatArray], a: float, b: float) -> float:
    """ln of the integral of exp(log_density(w, b - w^2)) over w from sqrt(a) to sqrt(b)."""
    if not a < b:
        return -math.inf
    x, weights = _rule(n)
    high, width = math.sqrt(b), (b - a) / (math.sqrt(a) + math.sqrt(b))
    w = high - width * x
    return float(_log_sum(log_density(w, width * x * (high + w)) + np.log(width * weights), axis=(0,)))


def _log_sum(terms: FloatArray, axis: tuple[int, ...]) -> FloatArray:
    """ln sum exp along these axes, where not all terms are -inf; scipy.special.logsumexp takes ten times as long."""
    top = terms.max(axis=axis, keepdims=True)
    logarithm: FloatArray = np.log(np.exp(terms - top).sum(axis=axis)) + top.squeeze(axis)
    return logarithm
