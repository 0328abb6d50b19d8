import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rotation, seeds

from minigrok import density_matrix, von_neumann_entropy
from minigrok.states.distances import state_overlap
from minigrok.states.labels import class_overlaps, class_states, holevo_bound, holevo_gradient, holevo_information


def drawn(seed, classes=3, n=24, d=4, rank=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d)), np.arange(n) % classes


@given(seeds, st.sampled_from(["trace", "rows", "centered", "centered_rows"]))
def test_classes_mix_to_the_whole_and_chi_is_its_formula(seed, convention):
    A, y = drawn(seed)
    split = class_states(A, y, convention)
    rho = density_matrix(A, convention)
    np.testing.assert_allclose(np.tensordot(split.weights, split.states, axes=1), rho, atol=1e-14)
    entropies = [von_neumann_entropy(state) for state in split.states]
    np.testing.assert_allclose(split.entropies, entropies, atol=1e-13)
    expected = von_neumann_entropy(rho) - split.weights @ entropies
    assert split.holevo_information == pytest.approx(expected, abs=1e-13)
    assert split.share == pytest.approx(expected / von_neumann_entropy(rho))


@given(seeds, seeds)
def test_chi_is_bounded_blind_to_rotations_and_to_the_names_of_classes(seed, other):
    A, y = drawn(seed)
    chi, split = holevo_information(A, y), class_states(A, y)
    assert 0 <= chi <= min(split.entropy, holevo_bound(split.weights)) + 1e-12
    assert holevo_information(3 * A @ rotation(4, other), 7 - y) == pytest.approx(chi, abs=1e-12)


def test_alike_classes_have_no_information_and_orthogonal_ones_all_of_it():
    A = np.random.default_rng(0).normal(size=(10, 3))
    assert holevo_information(np.concatenate([A, A]), [0] * 10 + [1] * 10) == pytest.approx(0, abs=1e-14)
    split = class_states(np.eye(3), [0, 1, 2])
    assert split.holevo_information == pytest.approx(np.log(3))
    assert split.share == pytest.approx(1)


def test_a_silent_class_has_no_weight():
    split = class_states([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0, 0, 1])
    np.testing.assert_array_equal(split.weights, [1, 0])
    assert split.holevo_information == 0
    assert np.isnan(split.states[1]).all()
    assert (holevo_gradient([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0, 0, 1])[2] == 0).all()


@given(seeds)
def test_class_overlaps_are_those_of_the_class_states(seed):
    A, y = drawn(seed)
    states, overlaps = class_states(A, y).states, class_overlaps(A, y)
    np.testing.assert_array_equal(overlaps, overlaps.T)
    for j in range(3):
        for k in range(3):
            assert overlaps[j, k] == pytest.approx(state_overlap(states[j], states[k]), abs=1e-13)
    silent = class_overlaps([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0, 1, 5])
    np.testing.assert_array_equal(silent, [[1, 0, np.nan], [0, 1, np.nan], [np.nan] * 3])


def test_many_rows_are_read_in_blocks_and_give_the_same_classes(monkeypatch):
    A, y = drawn(0, n=60)
    at_once = class_states(A, y, "centered")
    monkeypatch.setattr("minigrok.grams.BLOCK_BYTES", 8 * 4 * 7)
    in_blocks = class_states(A, y, "centered")
    for one, other in zip(at_once, in_blocks, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)


def test_the_gradient_is_the_central_difference_where_eigenvalues_tie():
    """Each class on two neurons of its own, all alike: rho and every rho_c are degenerate."""
    A, y, h = np.kron(np.eye(4), np.ones((3, 1))), np.repeat([0, 1], 6), 1e-6
    gradient = holevo_gradient(A, y)
    for index in np.ndindex(A.shape):
        step = np.zeros_like(A)
        step[index] = h
        difference = (holevo_information(A + step, y) - holevo_information(A - step, y)) / (2 * h)
        assert gradient[index] == pytest.approx(difference, abs=3e-5)


@pytest.mark.parametrize("rank", [4, 2, 1])
def test_the_gradient_is_the_central_difference_also_at_deficient_rank(rank):
    A, y = drawn(0, rank=rank)
    gradient, h = holevo_gradient(A, y), 1e-6
    for index in [(0, 0), (3, 1), (11, 2), (23, 3)]:
        step = np.zeros_like(A)
        step[index] = h
        difference = (holevo_information(A + step, y) - holevo_information(A - step, y)) / (2 * h)
        # off the support the difference quotient is off by h ln h^2
        assert gradient[index] == pytest.approx(difference, abs=1e-8 if rank == 4 else 3e-5)
    assert (gradient * A).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("faint", [1e-6, 3e-8, 2.5e-8, 1e-8, 1e-9, 0.0])
def test_the_gradient_is_exact_where_an_eigenvalue_sinks_into_rounding(faint):
    """Class 0 is diag(1, s), class 1 diag(1, 0), and t = 2 + s^2: chi is smooth, for the terms s^2 ln s^2 cancel.

    t chi = t ln t - 2 ln 2 - (1 + s^2) ln(1 + s^2), hence dchi/ds = (2 s / t) [ln t - ln(1 + s^2) - chi].
    """
    s2, Q = faint**2, rotation(2, 0)
    A = np.array([[1.0, 0], [0, faint], [1, 0], [0, 0]]) @ Q.T
    chi = ((2 + s2) * np.log(2 + s2) - 2 * np.log(2) - (1 + s2) * np.log(1 + s2)) / (2 + s2)
    expected = 2 * faint / (2 + s2) * (np.log(2 + s2) - np.log(1 + s2) - chi)
    assert (holevo_gradient(A, [0, 0, 1, 1]) @ Q)[1, 1] == pytest.approx(expected, abs=2e-8)


@pytest.mark.parametrize("scale", [1e-170, 1e-155, 1e-3, 1e155, 1e200])
def test_the_gradient_falls_as_the_scale_of_the_activations_grows(scale):
    A, y = drawn(0)
    np.testing.assert_allclose(holevo_gradient(A * scale, y) * scale, holevo_gradient(A, y), atol=1e-14)


@pytest.mark.parametrize(("labels", "message"), [
    ([0, 1], "one label a row"), ([0, 0, 0], "one class 0"), ([0, 0.5, 1], r"labels\[1\] is 0.5"),
    ([0, np.nan, 1], r"labels\[1\] is nan"), ([[0], [1], [1]], "one label a row")])
def test_bad_labels_are_refused_with_the_reason(labels, message):
    with pytest.raises(ValueError, match=message):
        class_states(np.eye(3), labels)
    with pytest.raises(ValueError, match="must be real"):
        holevo_gradient(np.eye(3) * 1j, [0, 1, 1])
