import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import dawsn, gammaln
from scipy.stats import chi2

from minigrok.exact.squares import _interpolation, _nodes, cube_log_g, normal_log_g


def nested_quadrature(n, e):
    """F_n(e) = P(|x|^2 <= e) = integral_0^1 F_(n-1)(e - u^2) du, as it stands."""
    if n == 1:
        return math.sqrt(min(max(e, 0.0), 1.0))
    kinks = [math.sqrt(e - k) for k in range(n) if 0 < e - k < 1]
    return quad(lambda u: nested_quadrature(n - 1, e - u * u), 0, 1, points=kinks or None, limit=200)[0]


def log_ball(n, e):
    """ln of the volume of the ball with radius sqrt(e), over that of the cube."""
    return n / 2 * math.log(math.pi * e / 4) - gammaln(n / 2 + 1)


def log_corner(n, height):
    """ln P(|x|^2 > n - height) for height < 1: v = 1 - x^2 has density 1/2 sum_j c_j v^j, c_j = (2j choose j) / 4^j.

    By Laplace's transform, with A(z) = (sum_j c_j j! z^j)^n = sum_m A_m z^m, the mass is that of the leading
    corner, (height / 2)^n / n!, times sum_m A_m height^m n! / (n + m)!, where every term is positive.
    """
    terms = 160
    root = np.ones(terms)                                # c_j j!, in units that do not overflow: j! is put in with 1/m!
    for j in range(1, terms):
        root[j] = root[j - 1] * (2 * j - 1) / 2
    scale = np.exp(gammaln(np.arange(terms) + 1))        # A_m / m! stays small
    A = np.ones(1)
    for _ in range(n):
        A = np.convolve(A, root)[:terms]
    m = np.arange(terms)
    series = A / scale * np.exp(m * np.log(height) + gammaln(m + 1) + gammaln(n + 1) - gammaln(n + m + 1))
    assert series[-1] < 1e-16
    return n * np.log(height / 2) - gammaln(n + 1) + np.log(series.sum())


def log_contour(n, a, b):
    """ln P(a < |x|^2 <= b) by inversion of the Laplace transform along a line through the saddle point.

    With M(z) = integral_0^1 exp(z u^2) du = exp(z) dawsn(sqrt z) / sqrt z, the mass is 1 / (2 pi i) times the integral
    of M(z)^n (exp(-z a) - exp(-z b)) / z over z = s + i t. At the saddle point s, M'(s) / M(s) = e / n with e the point
    of the bin nearest to the mean n / 3, the integrand is as large as the mass: H. E. Daniels, Ann. Math. Stat. 25,
    631 (1954). |x|^2 is bounded, so a sum over t with the step 2 pi / n is the integral exactly (sampling theorem);
    far up in the tail a longer step will do, since the mass a period below, times exp(-s * period), vanishes.
    """
    e = min(max(n / 3, a), b)

    def log_m(s):                                        # ln M(s) - s
        root = np.sqrt(complex(s))
        return np.log((dawsn(root) / root).real)

    s = brentq(lambda s: (np.exp(-log_m(s)) - 1) / (2 * s) - e / n, -2 * n / e - 10.01, 2 * n / (n - e) + 10.03)
    s = s if abs(s) > 0.01 else 0.01                     # any s will do; at 0 the integrand is 0 / 0
    period = min(n, 10 * (n - e))
    t = 2 * np.pi / period * np.arange(2**18 if n < 8 else 2**15)
    root = np.sqrt(s + 1j * t)
    ratio = (dawsn(root) / root / np.exp(log_m(s))) ** n                       # (M(z) / M(s))^n exp(-i t n)
    ends = np.exp((n - a) * 1j * t + s * (e - a)) - np.exp((n - b) * 1j * t + s * (e - b))
    values = (ratio * ends / (s + 1j * t)).real
    assert abs(values[-1]) * len(t) < 1e-10 * values.sum()                     # the rest falls off as t^(-n/2-1)
    return n * log_m(s) + s * (n - e) + np.log((2 * values.sum() - values[0]) / period)


def test_the_first_three_cubes_are_elementary():
    """Quarter discs; in three dimensions a shell of radius r in (1, sqrt 2) loses six caps of it."""
    a, b = 1.2, 1.7
    F = {1: lambda e: np.sqrt(min(e, 1)),
         2: lambda e: np.sqrt(e - 1) + e * (np.pi / 4 - np.arctan(np.sqrt(e - 1))),
         3: lambda e: np.pi / 4 * (3 * e - 4 / 3 * e**1.5 - 1)}
    edges = [0.0, 0.09, 0.49]
    for n in (1, 2, 3):
        inner = np.diff(np.exp([log_ball(n, e) for e in edges[1:]]), prepend=0)
        np.testing.assert_allclose(np.exp(cube_log_g(n, edges)), inner, rtol=1e-13)
        np.testing.assert_allclose(np.exp(cube_log_g(n, [a, b])), [F[n](b) - F[n](a)], rtol=0, atol=1e-14)


@pytest.mark.parametrize("n", [2, 3])
def test_small_cubes_are_the_nested_integral(n):
    edges = np.linspace(0, n, 8)
    expected = np.diff([nested_quadrature(n, e) for e in edges])
    np.testing.assert_allclose(np.exp(cube_log_g(n, edges)), expected, atol=1e-7)


@pytest.mark.parametrize("n", [1, 4, 7, 18, 30, 41])
def test_up_to_radius_one_the_mass_is_that_of_the_ball(n):
    for e in (1e-12, 0.3, 1.0):
        assert cube_log_g(n, [0, e])[0] == pytest.approx(log_ball(n, e), rel=1e-14, abs=1e-13)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 18, 30])
@pytest.mark.parametrize("height", [1e-9, 1e-3, 0.2, 0.6])
def test_the_last_corners_have_their_mass_to_twelve_digits(n, height):
    edge = n - height
    assert cube_log_g(n, [edge, n])[0] == pytest.approx(log_corner(n, n - edge), rel=0, abs=1e-12)


def bins_of(n):
    """Narrow and wide, in the bulk, in both tails, across whole numbers and within one."""
    return [(0.02, 0.5), (0.5, 1.1), (1.0, 1.02), (n / 6, n / 6 + 0.05), (n / 3 - 0.01, n / 3 + 0.02), (n / 4, n / 2),
            (0, n), (0.7 * n, 0.8 * n), (0.9 * n, 0.95 * n), (n - 1.5, n - 0.9), (n - 0.5, n), (n - 0.02, n - 0.01)]


@pytest.mark.parametrize("n", [5, 8, 12, 18, 30, 60])
def test_any_cube_is_the_contour_integral_to_twelve_digits(n):
    error = 1e-12 if n <= 30 else 1e-11
    for a, b in bins_of(n):
        assert cube_log_g(n, [a, b])[0] == pytest.approx(log_contour(n, a, b), rel=0, abs=error), (a, b)


@pytest.mark.parametrize("n", [3, 18])
def test_the_cube_is_direct_sampling(n):
    x = np.random.default_rng(0).uniform(-1, 1, (400_000, n))
    edges = np.linspace(0, n, 25)
    counts, _ = np.histogram((x**2).sum(axis=1), edges)
    expected = np.exp(cube_log_g(n, edges)) * len(x)
    likely = expected > 25                               # fewer are not normal
    assert likely.sum() > 9
    assert (abs(counts - expected)[likely] <= 5 * np.sqrt(expected[likely])).all()
    assert counts[~likely].sum() <= 5 * np.sqrt(expected[~likely].sum()) + expected[~likely].sum()


@given(st.sampled_from([cube_log_g, normal_log_g]), st.integers(1, 12), st.tuples(*[st.floats(0, 1)] * 3))
def test_the_mass_of_a_bin_is_that_of_its_two_parts(log_g, n, places):
    a, b, c = np.sort(places) * n
    assume(b - a > 1e-6)
    assume(c - b > 1e-6)
    parts = np.logaddexp(*log_g(n, [a, b, c]))
    assert log_g(n, [a, c])[0] == pytest.approx(parts, rel=0, abs=1e-9 if min(b - a, c - b) < 1e-3 else 1e-12)


def test_interpolation_is_exact_for_polynomials_also_at_the_nodes():
    w, below_one = _nodes(9)
    np.testing.assert_allclose(w + below_one, 1, rtol=1e-15)
    np.testing.assert_array_equal(_interpolation(9, w), np.eye(9))
    points = np.linspace(0, 1, 50)
    np.testing.assert_allclose(_interpolation(9, points) @ (w - 0.3) ** 8, (points - 0.3) ** 8, rtol=0, atol=1e-15)


@pytest.mark.parametrize("n", [1, 3, 30, 60])
def test_all_masses_add_up_to_one_and_outside_there_is_none(n):
    log_g = cube_log_g(n, [-2, -1, *np.linspace(0, n, 2 * n + 1)[1:], n + 0.5, n + 1])
    assert np.isneginf(log_g[[0, -2, -1]]).all()
    assert np.logaddexp.reduce(log_g) == pytest.approx(0, abs=1e-12)
    assert np.logaddexp.reduce(normal_log_g(n, [-3, 0, 0.5, n, 3 * n, 1e9])) == pytest.approx(0, abs=1e-12)
    assert np.isneginf(normal_log_g(n, [-3, -1, 1])[0])


@pytest.mark.parametrize("n", [1, 2, 5, 30, 100])
def test_the_normal_is_chi_square(n):
    edges = np.array([0, 0.1, 0.5, 1, 1.5, 2, 4]) * n
    upper = chi2.sf(edges, n)
    np.testing.assert_allclose(np.exp(normal_log_g(n, edges)), np.where(
        edges[1:] <= n, np.diff(chi2.cdf(edges, n)), upper[:-1] - upper[1:]), rtol=1e-11)


@pytest.mark.parametrize("n", [2, 6, 40])
def test_the_normals_tails_are_the_series_of_even_dimensions(n):
    """P(|x|^2 > e) = exp(-e / 2) sum_(j < n / 2) (e / 2)^j / j!, and the rest of the series of exp for small e."""
    for e in (500.0, 5000.0):
        j = np.arange(n // 2)
        tail = -e / 2 + np.log(np.exp(j * np.log(e / 2) - gammaln(j + 1)).sum())
        assert normal_log_g(n, [e, 1e6])[0] == pytest.approx(tail, rel=0, abs=1e-11)
    j = np.arange(n // 2, n // 2 + 30)
    head = -1e-3 / 2 + np.log(np.exp((j - n // 2) * np.log(1e-3 / 2) - gammaln(j + 1)).sum()) + n / 2 * np.log(1e-3 / 2)
    assert normal_log_g(n, [0, 1e-3])[0] == pytest.approx(head, rel=0, abs=1e-11)


@pytest.mark.parametrize("log_g", [cube_log_g, normal_log_g])
def test_bad_input_is_refused(log_g):
    with pytest.raises(ValueError, match="n is 0"):
        log_g(0, [0, 1])
    with pytest.raises(ValueError, match="edges must increase"):
        log_g(3, [0, 1, 1])
