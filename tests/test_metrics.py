import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import entr
from strategies import density_matrices, dimensions, rotation, seeds, spectra

from minigrok.density import density_matrix
from minigrok.metrics import (
    effective_rank,
    linear_entropy,
    participation_ratio,
    purity,
    renyi_entropy,
    von_neumann_entropy,
    weight_entropy,
)

pairs = dimensions.flatmap(lambda d: st.tuples(*[density_matrices(st.just(d))] * 2))


@given(spectra(), seeds)
def test_entropy_and_purity_are_their_formulas_of_the_spectrum(p, seed):
    Q = rotation(len(p), seed)
    rho = (Q * p) @ Q.T
    live = p[p > 0]
    assert von_neumann_entropy(rho) == pytest.approx(-(live * np.log(live)).sum(), abs=1e-13)
    assert purity(rho) == pytest.approx(np.trace(rho @ rho), abs=1e-14)
    assert linear_entropy(rho) == 1 - purity(rho)
    assert effective_rank(rho) == pytest.approx(np.exp(von_neumann_entropy(rho)))
    assert participation_ratio(rho) == pytest.approx(1 / purity(rho))


@given(density_matrices())
def test_entropy_and_purity_stay_within_their_bounds(rho):
    d = len(rho)
    assert 0 <= von_neumann_entropy(rho) <= np.log(d) + 1e-15
    assert 1 / d - 1e-15 <= purity(rho) <= 1 + 1e-15


@given(density_matrices())
def test_entropy_lies_between_minus_ln_purity_and_that_of_the_extremal_states(rho):
    """-ln P <= S, as Renyi entropies fall with their order; given P, one large and d - 1 equal p have the largest S."""
    assert von_neumann_entropy(rho) >= -np.log(purity(rho)) - 1e-12
    d, P = len(rho), purity(rho)
    large = (1 + np.sqrt((d - 1) * max(d * P - 1, 0.0))) / d
    extremal = np.array([large, *[max(1 - large, 0.0) / max(d - 1, 1)] * (d - 1)])
    assert von_neumann_entropy(rho) <= entr(extremal).sum() + 1e-6           # at the pure end dS/dP is infinite
    assert effective_rank(rho) >= participation_ratio(rho) * (1 - 1e-12)
    assert von_neumann_entropy(rho) >= linear_entropy(rho) - 1e-12


@given(st.integers(1, 40))
def test_the_maximally_mixed_state_is_extreme(d):
    rho = np.eye(d) / d
    assert von_neumann_entropy(rho) == pytest.approx(np.log(d), abs=1e-14)
    assert purity(rho) == pytest.approx(1 / d, abs=1e-16)


@given(dimensions, seeds)
def test_a_pure_state_has_entropy_zero_to_the_bit_and_purity_one(d, seed):
    psi = np.random.default_rng(seed).normal(size=(1, d))
    assert von_neumann_entropy(density_matrix(psi)) == 0
    assert purity(density_matrix(psi)) == 1


@given(density_matrices(), seeds)
def test_a_rotation_leaves_entropy_and_purity_alone(rho, seed):
    Q = rotation(len(rho), seed)
    assert von_neumann_entropy(Q @ rho @ Q.T) == pytest.approx(von_neumann_entropy(rho), abs=1e-12)
    assert purity(Q @ rho @ Q.T) == pytest.approx(purity(rho), abs=1e-13)


@given(pairs, st.floats(0, 1))
def test_mixing_never_lowers_entropy(states, t):
    """Concavity: S(t rho + (1 - t) sigma) >= t S(rho) + (1 - t) S(sigma)."""
    rho, sigma = states
    mixed = von_neumann_entropy(t * rho + (1 - t) * sigma)
    assert mixed >= t * von_neumann_entropy(rho) + (1 - t) * von_neumann_entropy(sigma) - 1e-12


@given(pairs, st.floats(0, 1))
def test_mixing_never_raises_purity(states, t):
    """Convexity: P(t rho + (1 - t) sigma) <= t P(rho) + (1 - t) P(sigma)."""
    rho, sigma = states
    assert purity(t * rho + (1 - t) * sigma) <= t * purity(rho) + (1 - t) * purity(sigma) + 1e-14


@given(density_matrices(st.integers(1, 3)), density_matrices(st.integers(1, 3)))
def test_entropy_adds_and_purity_multiplies_over_tensor_products(rho, sigma):
    both = np.kron(rho, sigma)
    assert von_neumann_entropy(both) == pytest.approx(von_neumann_entropy(rho) + von_neumann_entropy(sigma), abs=1e-12)
    assert purity(both) == pytest.approx(purity(rho) * purity(sigma), abs=1e-14)


orders = st.floats(0, 20) | st.floats(0.8, 1.2) | st.sampled_from([0.0, 1 - 2.0**-52, 1.0, 1 + 2.0**-52, 1e308, np.inf])


@given(density_matrices(), orders, orders)
def test_renyi_entropy_falls_with_its_order(rho, first, second):
    low, high = sorted((first, second))
    assert renyi_entropy(rho, low) >= renyi_entropy(rho, high) - 1e-13
    assert 0 <= renyi_entropy(rho, high) <= np.log(len(rho)) + 1e-13


@given(density_matrices(), st.integers(1, 15), st.sampled_from([-1, 1]))
def test_renyi_entropy_runs_smoothly_through_order_one(rho, digits, side):
    """dS_alpha/dalpha at 1 is -V/2, V the variance of ln p, and V < 1 + ln(d)^2; no digits are lost on the way."""
    step = 0.9 * 10.0**-digits
    assert abs(renyi_entropy(rho, 1 + side * step) - von_neumann_entropy(rho)) <= 4 * step + 1e-13


@given(spectra())
def test_renyi_entropy_takes_its_limits_exactly(p):
    rho = np.diag(p)
    assert renyi_entropy(rho, 1) == von_neumann_entropy(rho)
    assert renyi_entropy(rho, 2) == pytest.approx(-np.log(purity(rho)), abs=1e-13)
    assert renyi_entropy(rho, np.inf) == pytest.approx(-np.log(p.max()), abs=1e-13)
    assert renyi_entropy(rho, 0) == pytest.approx(np.log((p > len(p) * 2.0**-52).sum()), abs=1e-13)
    assert renyi_entropy(rho, 0.5) == pytest.approx(2 * np.log(np.sqrt(p).sum()), abs=1e-6)


def test_bits_are_nats_over_ln_2():
    assert von_neumann_entropy(np.eye(8) / 8, base=2) == pytest.approx(3)


@given(pairs)
def test_a_stack_is_its_states_one_by_one(states):
    stack = np.array([states, states[::-1]])             # (2, 2, d, d)
    for function in (von_neumann_entropy, purity, linear_entropy, effective_rank, participation_ratio,
                     *(lambda rho, alpha=alpha: renyi_entropy(rho, alpha) for alpha in (0.5, 1.01, 3, np.inf))):
        first, second = map(function, states)
        np.testing.assert_allclose(function(stack), [[first, second], [second, first]], atol=1e-6, rtol=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(1, 20))
def test_weight_entropy_is_the_shannon_entropy_of_its_histogram(weights, bins):
    counts, _ = np.histogram(weights, bins)
    q = counts[counts > 0] / len(weights)
    assert weight_entropy(weights, bins) == pytest.approx(-(q * np.log(q)).sum(), abs=1e-13)
    assert -1e-15 <= weight_entropy(weights, bins) <= np.log(bins) + 1e-12


def test_weight_entropy_takes_names_and_open_edges():
    weights = np.random.default_rng(0).normal(size=1000)
    edges = [-np.inf, 0.0, np.inf]
    assert weight_entropy(weights, edges) == pytest.approx(np.log(2), abs=1e-2)
    assert weight_entropy(weights, "fd") > weight_entropy(weights, 2)
    assert weight_entropy(weights) == weight_entropy(weights, 30) == weight_entropy(weights.reshape(10, -1) * 8)
    edges = [-np.inf, -1, 0, 1, np.inf]
    assert weight_entropy(weights * 8, edges) < weight_entropy(weights, edges)
    assert weight_entropy([0.1] * 9) == 0


@pytest.mark.parametrize(("call", "message"), [
    (lambda: von_neumann_entropy(np.eye(2) / 2, base=1), "base is 1"),
    (lambda: von_neumann_entropy(np.eye(2) / 2, base=np.nan), "base is nan"),
    (lambda: von_neumann_entropy(np.eye(2) / 2, base=np.inf), "base is inf"),
    (lambda: renyi_entropy(np.eye(2) / 2, -1), "alpha is -1"),
    (lambda: renyi_entropy(np.eye(2) / 2, np.nan), "alpha is nan"),
    (lambda: weight_entropy([]), "no entry"),
    (lambda: weight_entropy([1.0, np.nan]), r"weights\[1\] is nan"),
    (lambda: weight_entropy([1j]), "complex"),
    (lambda: weight_entropy([1.0], bins=0), "no binning"),
    (lambda: weight_entropy([1.0], bins="none"), "no binning"),
    (lambda: weight_entropy([1.0], bins=2.5), "bins is 2.5, which is no binning"),
    (lambda: weight_entropy([1.0], bins=[1.0, 0.0]), "no binning"),
    (lambda: weight_entropy([1.0], bins=[0.0, np.nan, 2.0]), "none NaN"),
    (lambda: weight_entropy([1.0], bins=[1.0]), "two or more"),
    (lambda: weight_entropy([1.0], bins=[]), "two or more"),
    (lambda: weight_entropy([1.0], bins=[[0.0, 2.0]]), "no binning"),
    (lambda: weight_entropy([3.0], bins=[0.0, 1.0]), "outside the edges"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("function", [
    von_neumann_entropy, purity, linear_entropy, effective_rank, participation_ratio,
    lambda rho: renyi_entropy(rho, 2)], ids=range(6))
def test_what_is_no_state_has_no_number(function):
    with pytest.raises(ValueError, match="trace 2"):
        function(np.eye(2))


@pytest.mark.parametrize(("weights", "outside"), [
    ([0.5, -1.0, 2.0, 3.0], "-1"), ([0.0, 2.0, 1.0, 2.5, 1.5, 3.0], "2.5"), ([2.0, 0.0, -0.25, 1.0], "-0.25")])
def test_the_first_weight_that_lies_outside_is_named_with_the_edges(weights, outside):
    with pytest.raises(ValueError, match=f"a weight is {outside}, outside the edges from 0 to 2: widen"):
        weight_entropy(weights, bins=[0.0, 1.5, 2.0])


@pytest.mark.parametrize("alpha", [0, 0.5, 0.95, 1, 1.05, 2, 7, np.inf])
def test_renyi_entropy_of_a_stack_and_of_pure_states(alpha):
    rng = np.random.default_rng(0)
    pure, mixed = np.diag([1.0, 0, 0, 0]), density_matrix(rng.normal(size=(9, 4)))
    values = renyi_entropy(np.stack([pure, mixed, np.eye(4) / 4]), alpha)
    assert values[0] == 0
    assert not np.signbit(values[0])
    assert values[1] == pytest.approx(renyi_entropy(mixed, alpha), abs=1e-14)
    assert values[2] == pytest.approx(np.log(4), abs=1e-14)


@pytest.mark.parametrize("base", [0.5, 1, 0, -2, np.inf, np.nan])
def test_a_base_of_logarithms_is_more_than_one_and_finite(base):
    with pytest.raises(ValueError, match="base is"):
        von_neumann_entropy(np.eye(2) / 2, base=base)
