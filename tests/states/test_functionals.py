import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import density_matrices, rotation, seeds, spectra

from minigrok import linear_entropy, purity, von_neumann_entropy
from minigrok.states import functionals as fn
from minigrok.states.distances import relative_entropy


@given(spectra(), seeds)
def test_functionals_are_their_formulas_of_the_spectrum(p, seed):
    Q = rotation(len(p), seed)
    rho, ordered = (Q * p) @ Q.T, np.sort(p)[::-1]
    assert fn.min_entropy(rho) == pytest.approx(-np.log(ordered[0]), abs=1e-13)
    assert fn.stable_rank(rho) == pytest.approx(1 / ordered[0])
    assert fn.spectral_gap(rho) == pytest.approx(ordered[0] - (ordered[1] if len(p) > 1 else 0), abs=1e-13)
    assert fn.numerical_rank(rho) == (p > 1e-10 * ordered[0]).sum() or np.any((p > 0) & (p < 1e-9))
    assert fn.tsallis_entropy(rho, 2) == pytest.approx(linear_entropy(rho), abs=1e-12)
    assert fn.tsallis_entropy(rho, 3) == pytest.approx((1 - (p**3).sum()) / 2, abs=1e-12)
    assert fn.tsallis_entropy(rho, 1) == von_neumann_entropy(rho)
    assert fn.tsallis_entropy(rho, 1 + 1e-9) == pytest.approx(von_neumann_entropy(rho), abs=1e-6)


@given(density_matrices())
def test_coherences_are_those_of_the_neurons(rho):
    off = rho - np.diag(np.diag(rho))
    assert fn.l1_coherence(rho) == pytest.approx(abs(off).sum(), abs=1e-12)
    assert 0 <= fn.l1_coherence(rho) <= len(rho) - 1 + 1e-12
    nearest = np.diag(np.diag(rho).real)
    expected = relative_entropy(rho, nearest / np.trace(nearest))
    assert fn.relative_entropy_of_coherence(rho) == pytest.approx(expected, abs=1e-9)


def test_a_diagonal_state_has_no_coherence_and_a_rotation_gives_it_some():
    rho, Q = np.diag([0.7, 0.2, 0.1]), rotation(3, 0)
    for coherence in (fn.l1_coherence, fn.relative_entropy_of_coherence):
        assert coherence(rho) == 0
        assert coherence(Q @ rho @ Q.T) > 0.01


@given(density_matrices(st.integers(2, 6)))
def test_the_purity_of_a_state_lies_within_its_bounds(rho):
    low, high = fn.purity_bounds(float(von_neumann_entropy(rho)), len(rho))
    assert low - 1e-9 <= purity(rho) <= high + 1e-9
    assert 0 <= fn.normalised_entropy(rho) <= 1 + 1e-14


def test_the_purity_bounds_meet_at_the_ends():
    assert fn.purity_bounds(0.0, 4) == pytest.approx((1, 1), abs=1e-9)
    assert fn.purity_bounds(np.log(4), 4) == pytest.approx((0.25, 0.25), abs=1e-7)
    assert fn.purity_bounds(np.log(2), 4)[0] == pytest.approx(0.5, abs=1e-9)     # two equal modes


def test_stacks_are_their_states_one_by_one():
    states = np.array([np.diag([0.5, 0.3, 0.2]), np.eye(3) / 3])
    for f in (fn.min_entropy, fn.spectral_gap, fn.stable_rank, fn.numerical_rank, fn.normalised_entropy,
              fn.l1_coherence, fn.relative_entropy_of_coherence, lambda rho: fn.tsallis_entropy(rho, 1.5)):
        assert f(states).shape == (2,)
        assert f(states)[0] == f(states[0])


@pytest.mark.parametrize(("call", "message"), [
    (lambda: fn.tsallis_entropy(np.eye(2) / 2, -1), "q is -1"),
    (lambda: fn.tsallis_entropy(np.eye(2) / 2, np.inf), "q is inf"),
    (lambda: fn.normalised_entropy([[1.0]]), "two neurons at least"),
    (lambda: fn.purity_bounds(2.0, 4), "entropy is 2.0"),
    (lambda: fn.numerical_rank(np.eye(2) / 2, 2.0), "tolerance is 2.0"),
    (lambda: fn.l1_coherence(np.eye(2)), "trace 2"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
