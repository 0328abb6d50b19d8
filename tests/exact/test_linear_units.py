import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import entr
from scipy.stats import t as student

from minigrok import NetworkLandscape, WangLandau
from minigrok.exact.linear_units import two_linear_units_log_g
from minigrok.jit import JIT_ENABLED

LN_2 = np.log(2)
X = np.array([[1.0, 0.3], [-0.5, 0.8], [0.2, -1.0], [1.5, 0.1], [-1.0, 0.4]])


def landscape_of(inputs):
    return NetworkLandscape(inputs, hidden=2, activation="identity", bias=False, prior="gauss")


def inputs_with(c1, c2, seed=0):
    """X (5, 2) with these eigenvalues of X^T X."""
    rng = np.random.default_rng(seed)
    Q, R = np.linalg.qr(rng.normal(size=(5, 2)))[0], np.linalg.qr(rng.normal(size=(2, 2)))[0]
    return Q * np.sqrt([c1, c2]) @ R


def entropy_at(y):
    p = (1 - np.sqrt(1 - y)) / 2
    return entr(p) + entr(1 - p)


def by_quadrature(c1, c2, y):
    """P(4 p (1 - p) <= y) with A^T A = c_1 v v^T + c_2 w w^T.

    |v|^2 and |w|^2 are exponential, so x = c_1 |v|^2 / tr has density c_1 c_2 / (c_2 x + c_1 (1 - x))^2, the angle psi
    between v and w is uniform, and 4 p (1 - p) = 4 x (1 - x) sin^2 psi.
    """
    def integrand(x):
        share = y / (4 * x * (1 - x))
        return c1 * c2 / (c2 * x + c1 * (1 - x)) ** 2 * (2 / np.pi * np.arcsin(np.sqrt(share)) if share < 1 else 1)

    kinks = [0, (1 - np.sqrt(1 - y)) / 2, (1 + np.sqrt(1 - y)) / 2, 1]
    return sum(quad(integrand, *ends, epsabs=1e-12, limit=500)[0] for ends in pairwise(kinks))


@pytest.mark.parametrize(("c1", "c2"), [(1, 1), (3, 1), (1, 40)])
@pytest.mark.parametrize("y", [0.001, 0.05, 0.3, 0.8, 0.99])
def test_the_closed_form_is_the_integral_over_lengths_and_angle(c1, c2, y):
    log_g = two_linear_units_log_g(inputs_with(c1, c2), [0, entropy_at(y), LN_2])
    expected = by_quadrature(c1, c2, y)
    np.testing.assert_allclose(np.exp(log_g), [expected, 1 - expected], rtol=0, atol=1e-9)


@given(st.floats(0.01, 0.99), st.integers(0, 100))
def test_white_inputs_have_the_root_of_y(y, seed):
    log_g = two_linear_units_log_g(inputs_with(2, 2, seed), [0, entropy_at(y), LN_2])
    np.testing.assert_allclose(np.exp(log_g), [np.sqrt(y), 1 - np.sqrt(y)], rtol=1e-12)


@given(st.floats(-8, 8), st.integers(0, 100))
def test_neither_the_scale_of_the_inputs_nor_their_basis_matters(exponent, seed):
    edges = np.linspace(0, LN_2, 9)
    turned = inputs_with(3, 1, seed) * 10.0**exponent
    np.testing.assert_allclose(two_linear_units_log_g(turned, edges), two_linear_units_log_g(inputs_with(3, 1), edges),
                               rtol=1e-11)


def test_masses_add_up_to_one_and_outside_there_is_none():
    log_g = two_linear_units_log_g(X, [-2, -0.1, 0.2, 0.4, LN_2, 0.8])
    assert np.isneginf(log_g[[0, -1]]).all()
    assert np.logaddexp.reduce(log_g) == pytest.approx(0, abs=1e-14)
    assert log_g[1] == two_linear_units_log_g(X, [0, 0.2])[0]


def test_tails_keep_their_digits():
    """P = sqrt(y / q) for small y, where S = y / 4 (1 - ln(y / 4)); and 1 - P = q (1 - y) / 2 near 1, with small q."""
    y = 1e-12
    S = y / 4 * (1 - np.log(y / 4))
    q = 4 * 3 / 16
    assert two_linear_units_log_g(inputs_with(3, 1), [0, S])[0] == pytest.approx(np.log(y / q) / 2, abs=1e-11)
    thin, rest = [[1.0, 0.0], [0.0, 1e-7]], 1e-4         # q = 4e-14; ln 2 - S = (1 - y) / 2 + (1 - y)^2 / 12 + ...
    S = LN_2 - rest / 2 - rest**2 / 12 - rest**3 / 30
    expected = 4e-14 * rest / (2 * (1 - rest))           # to first order in q
    assert two_linear_units_log_g(thin, [S, LN_2])[0] == pytest.approx(np.log(expected), abs=1e-11)


@pytest.mark.parametrize("inputs", [X, inputs_with(1, 1), inputs_with(200, 1)], ids=["any", "white", "thin"])
def test_the_landscape_is_that_of_direct_sampling(inputs):
    edges = np.linspace(0, LN_2 + 1e-12, 13)
    entropies = landscape_of(inputs).direct_sample(40_000, seed=1)
    counts, _ = np.histogram(entropies, edges)
    mass = np.exp(two_linear_units_log_g(inputs, edges))
    sigma = np.sqrt(len(entropies) * mass * (1 - mass))
    assert counts.sum() == len(entropies)
    assert (abs(counts - len(entropies) * mass) <= 5 * sigma).all()
    chi_square = ((counts - len(entropies) * mass) ** 2 / (len(entropies) * mass)).sum()
    assert chi_square < 11 + 5 * np.sqrt(22)             # 12 bins that add up: 11 degrees of freedom


@pytest.mark.skipif(not JIT_ENABLED, reason="long")
def test_a_walk_finds_the_landscape_within_its_own_error():
    edges = np.linspace(0, LN_2 + 1e-12, 13)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="poor convergence")
        states = WangLandau(landscape_of(X), edges, walkers=8, seed=0, workers=2).run(steps=500_000)
    error = np.sqrt(np.mean(states.error**2))
    assert error < 0.01
    # neighbouring bins err together, so a spread over 8 walkers is Student's with 7 degrees of freedom, pooled or not
    assert (abs(states.log_g - two_linear_units_log_g(X, edges)) < student.isf(1e-4, 7) * error).all()


@pytest.mark.parametrize(("inputs", "message"), [
    (np.ones((3, 3)), r"real matrix \(N, 2\)"),
    (np.ones(2), r"real matrix \(N, 2\)"),
    (np.eye(2) * 1j, r"real matrix \(N, 2\)"),
    (np.outer([1, 2, 3], [0.1, 0.7]), "rank 1 at most, so S is 0 .* one line"),
    (np.zeros((3, 2)), "rank 1 at most"),
    ([[1.0, 2.0]], "rank 1 at most"),
])
def test_inputs_without_an_answer_are_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        two_linear_units_log_g(inputs, [0, 0.5])
