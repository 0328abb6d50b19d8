import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import density_matrices, dimensions, rotation, seeds

from minigrok import density_matrix, purity, von_neumann_entropy
from minigrok.states import distances as ds

pairs = dimensions.flatmap(lambda d: st.tuples(*[density_matrices(st.just(d))] * 2))
triples = dimensions.flatmap(lambda d: st.tuples(*[density_matrices(st.just(d))] * 3))
SYMMETRIC = [ds.jensen_shannon_divergence, ds.trace_distance, ds.bures_angle, ds.bures_distance,
             ds.hilbert_schmidt_distance]


def full_rank(seed, d=4):
    return density_matrix(np.random.default_rng(seed).normal(size=(20, d)))


@settings(max_examples=15)                               # scipy's matrix logarithm takes its time
@given(seeds, seeds)
def test_distances_are_their_formulas_on_full_rank_states(first, second):
    rho, sigma = full_rank(first), full_rank(second)
    logarithm, root = scipy.linalg.logm, scipy.linalg.sqrtm
    expected = np.trace(rho @ (logarithm(rho) - logarithm(sigma))).real
    assert ds.relative_entropy(rho, sigma) == pytest.approx(expected, abs=1e-10)
    inner = root(root(rho) @ sigma @ root(rho))
    assert ds.fidelity(rho, sigma) == pytest.approx(np.trace(inner).real ** 2, abs=1e-10)
    assert ds.trace_distance(rho, sigma) == pytest.approx(np.linalg.svd(rho - sigma)[1].sum() / 2, abs=1e-13)
    assert ds.hilbert_schmidt_distance(rho, sigma) == pytest.approx(np.sqrt(((rho - sigma) ** 2).sum()), abs=1e-13)
    middle = (rho + sigma) / 2
    assert ds.jensen_shannon_divergence(rho, sigma) == pytest.approx(
        (ds.relative_entropy(rho, middle) + ds.relative_entropy(sigma, middle)) / 2, abs=1e-11)
    assert np.cos(ds.bures_angle(rho, sigma)) == pytest.approx(ds.root_fidelity(rho, sigma), abs=1e-13)
    assert ds.bures_distance(rho, sigma) ** 2 == pytest.approx(2 - 2 * ds.root_fidelity(rho, sigma), abs=1e-13)


@given(pairs)
def test_distances_stay_within_their_ranges_and_their_inequalities(states):
    rho, sigma = states
    F, D = ds.fidelity(rho, sigma), ds.trace_distance(rho, sigma)
    assert 0 <= F <= 1
    assert 0 <= D <= 1 + 1e-14
    assert 1 - np.sqrt(F) <= D + 1e-7                    # Fuchs and van de Graaf
    assert np.sqrt(max(1 - F, 0)) >= D - 1e-7
    assert 0 <= ds.jensen_shannon_divergence(rho, sigma) <= np.log(2) + 1e-12
    assert ds.relative_entropy(rho, sigma) >= 2 * D**2 - 1e-9                # Pinsker


@given(density_matrices())
def test_a_state_is_at_distance_zero_from_itself(rho):
    for distance in SYMMETRIC:
        assert distance(rho, rho) == pytest.approx(0, abs=3e-7)              # roots of roundings of 0
    assert ds.relative_entropy(rho, rho) == pytest.approx(0, abs=1e-12)
    assert ds.fidelity(rho, rho) == pytest.approx(1, abs=1e-13)


@given(pairs, seeds)
def test_distances_are_symmetric_and_blind_to_a_common_rotation(states, seed):
    rho, sigma = states
    Q = rotation(len(rho), seed)
    for distance in SYMMETRIC:
        assert distance(rho, sigma) == pytest.approx(distance(sigma, rho), abs=3e-7)
        turned = distance(Q @ rho @ Q.T, Q @ sigma @ Q.T)
        assert turned == pytest.approx(distance(rho, sigma), abs=3e-7)


@given(triples)
def test_the_triangle_inequality_holds(states):
    rho, sigma, tau = states
    for distance in (*SYMMETRIC[1:], lambda a, b: np.sqrt(ds.jensen_shannon_divergence(a, b))):
        assert distance(rho, tau) <= distance(rho, sigma) + distance(sigma, tau) + 1e-6


def test_relative_entropy_is_infinite_off_the_support_and_finite_on_it():
    pure, other = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    assert ds.relative_entropy(pure, other) == np.inf
    assert ds.relative_entropy(np.eye(2) / 2, pure) == np.inf
    assert ds.relative_entropy(pure, np.eye(2) / 2) == pytest.approx(np.log(2))


def test_stacks_are_their_states_one_by_one():
    stack, one = np.array([full_rank(s) for s in range(3)]), full_rank(9)
    for distance in (*SYMMETRIC, ds.relative_entropy, ds.fidelity):
        stacked = distance(stack, one)
        assert stacked.shape == (3,)
        assert stacked[1] == pytest.approx(distance(stack[1], one), abs=1e-12)


@given(seeds)
def test_cka_is_the_overlap_of_the_states_of_the_inputs(seed):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(12, 3)), rng.normal(size=(12, 5))
    rho, sigma = (density_matrix((M - M.mean(axis=0)).T) for M in (A, B))
    assert ds.linear_cka(A, B) == pytest.approx((rho * sigma).sum() / np.sqrt(purity(rho) * purity(sigma)), abs=1e-12)
    assert purity(rho) == pytest.approx(purity(density_matrix(A, "centered")), abs=1e-13)
    assert ds.linear_cka(A, 2 * A @ rotation(3, seed) + 1) == pytest.approx(1, abs=1e-12)
    assert 0 <= ds.linear_cka(A, B) <= 1


def test_subspace_overlap_is_one_for_the_same_and_zero_for_orthogonal_modes():
    first, second = np.diag([0.6, 0.3, 0.1, 0.0]), np.diag([0.0, 0.1, 0.3, 0.6])
    assert ds.subspace_overlap(first, first, 2) == pytest.approx(1)
    assert ds.subspace_overlap(first, second, 2) == pytest.approx(0)
    assert ds.subspace_overlap(first, second, 3) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="tie"):
        ds.subspace_overlap(np.eye(3) / 3, first[:3, :3], 1)
    with pytest.raises(ValueError, match="k is 5"):
        ds.subspace_overlap(first, second, 5)
    with pytest.raises(ValueError, match="k is 0"):
        ds.subspace_overlap(first, second, 0)
    with pytest.raises(ValueError, match=r"1 and 2 of sigma\[1\] tie"):
        ds.subspace_overlap(first, [second, np.eye(4) / 4], 1)
    np.testing.assert_allclose(ds.subspace_overlap([first, second], first, 3), [1, 2 / 3])


@given(pairs, seeds)
def test_the_overlap_is_the_cosine_of_the_states_and_blind_to_a_common_rotation(states, seed):
    rho, sigma = states
    expected = np.trace(rho @ sigma).real / np.sqrt(purity(rho) * purity(sigma))
    assert ds.state_overlap(rho, sigma) == pytest.approx(expected, abs=1e-13)
    assert ds.state_overlap(sigma, rho) == pytest.approx(expected, abs=1e-13)
    assert ds.state_overlap(rho, rho) == pytest.approx(1)
    Q = rotation(len(rho), seed)
    assert ds.state_overlap(Q @ rho @ Q.T, Q @ sigma @ Q.T) == pytest.approx(expected, abs=1e-12)


def projector(angle):
    return np.outer(*[[np.cos(angle), np.sin(angle)]] * 2)


@pytest.mark.parametrize("angle", [1.5, 0.3, 1e-3, 1e-6])
def test_pure_states_are_as_far_apart_as_the_angle_between_them(angle):
    rho, sigma = projector(0.2), projector(0.2 + angle)
    assert ds.bures_angle(rho, sigma) == pytest.approx(angle, abs=1e-15, rel=1e-8)
    assert ds.bures_distance(rho, sigma) == pytest.approx(2 * np.sin(angle / 2), abs=1e-15, rel=1e-8)
    assert ds.trace_distance(rho, sigma) == pytest.approx(np.sin(angle), abs=1e-15, rel=1e-9)
    assert ds.root_fidelity(rho, sigma) == pytest.approx(np.cos(angle), abs=2e-15)
    assert ds.fidelity(rho, sigma) == pytest.approx(np.cos(angle) ** 2, abs=2e-15)


def test_orthogonal_states_of_many_levels_are_at_the_largest_distance_and_no_further():
    u, v = np.linalg.qr(np.random.default_rng(0).normal(size=(200, 2)))[0].T
    rho, sigma = np.outer(u, u), np.outer(v, v)
    assert 1 - 1e-14 < ds.trace_distance(rho, sigma) <= 1
    assert np.pi / 2 - 1e-14 < ds.bures_angle(rho, sigma) <= np.pi / 2
    assert np.sqrt(2) - 1e-14 < ds.bures_distance(rho, sigma) <= np.sqrt(2)
    assert ds.fidelity(rho, sigma) == pytest.approx(0, abs=1e-28)
    assert ds.fidelity(rho, rho) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("faint", [1e-3, 1e-9, 1e-13, 1e-15])
def test_relative_entropy_stays_finite_as_long_as_sigma_has_support(faint):
    expected = -np.log(2) - np.log(faint * (1 - faint)) / 2
    assert ds.relative_entropy(np.eye(2) / 2, np.diag([1 - faint, faint])) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("angle", [1e-2, 1e-6, 1e-7])
def test_relative_entropy_is_infinite_as_soon_as_rho_leaves_the_support(angle):
    assert ds.relative_entropy(projector(angle), np.diag([1.0, 0.0])) == np.inf


@given(seeds, st.integers(1, 5), st.booleans())
def test_relative_entropy_is_finite_on_a_common_support_however_it_is_turned(seed, rank, complex_):
    rng = np.random.default_rng(seed)
    Q = rotation(6, seed, complex_=complex_)[:, :rank]
    first, second = (density_matrix(rng.normal(size=(20, rank))) for _ in range(2))
    expected = ds.relative_entropy(first, second)
    assert ds.relative_entropy(Q @ first @ Q.conj().T, Q @ second @ Q.conj().T) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("rho", "sigma", "message"), [
    (np.eye(2), np.eye(2) / 2, "trace 2"),
    (np.eye(2) / 2, np.diag([1.5, -0.5]), "eigenvalue -0.5"),
    (np.eye(2) / 2, np.eye(3) / 3, "same layer width"),
])
def test_what_is_no_pair_of_states_is_refused(rho, sigma, message):
    for distance in (*SYMMETRIC, ds.relative_entropy, ds.fidelity):
        with pytest.raises(ValueError, match=message):
            distance(rho, sigma)


def test_cka_refuses_layers_of_other_inputs():
    with pytest.raises(ValueError, match="one row an input"):
        ds.linear_cka(np.random.default_rng(0).normal(size=(3, 2)), np.random.default_rng(0).normal(size=(4, 2)))


def test_holevo_of_two_equal_halves_is_the_jensen_shannon_divergence():
    from minigrok.states.labels import holevo_information

    A, B = np.random.default_rng(0).normal(size=(2, 30, 4))
    A, B = A / np.linalg.norm(A), B / np.linalg.norm(B)
    chi = holevo_information(np.concatenate([A, B]), [0] * 30 + [1] * 30)
    assert chi == pytest.approx(ds.jensen_shannon_divergence(density_matrix(A), density_matrix(B)), abs=1e-13)
    assert von_neumann_entropy(density_matrix(A)) > 0
