import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from minigrok import tasks
from minigrok.mlp import ACTIVATIONS
from minigrok.systems import Box, Ising2D, NetworkLandscape, ising, network
from minigrok.systems.ising import exact_counts


def enumerated_ising(L):
    counts = {}
    for spins in itertools.product([-1, 1], repeat=L * L):
        s = np.reshape(spins, (L, L))
        energy = -int((s * np.roll(s, 1, 0)).sum() + (s * np.roll(s, 1, 1)).sum())
        counts[energy] = counts.get(energy, 0) + 1
    return tuple(counts.get(energy, 0) for energy in range(-2 * L * L, 2 * L * L + 1, 4))


def test_exact_ising_counts_are_those_of_enumeration():
    assert exact_counts(2) == enumerated_ising(2)
    assert exact_counts(4) == enumerated_ising(4)


@pytest.mark.parametrize("L", [4, 6, 8, 16])
def test_exact_ising_counts_obey_their_laws(L):
    counts, N = exact_counts(L), L * L
    assert sum(counts) == 2**N
    assert counts[:3] == (2, 0, 2 * N)                   # all alike; no level there; one spin turned
    assert counts == counts[::-1]                        # E -> -E on the bipartite torus


@given(st.integers(0, 1000))
def test_the_energy_of_an_ising_move_is_that_of_the_turned_configuration(seed):
    model, rng = Ising2D(4), np.random.default_rng(seed)
    state = model.start(rng)
    for _ in range(20):
        energy, log_ratio = model.propose(state, rng.random(1))
        model.accept(state, energy)
        assert log_ratio == 0
        assert energy == model.energy(state) == state.energy[0]


def test_every_site_has_its_four_neighbours():
    state = Ising2D(3).start(np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(state.neighbours[0]), [1, 2, 3, 6])
    assert (np.bincount(state.neighbours.ravel()) == 4).all()


def test_exact_box_and_gauss_are_known_volumes():
    edges = np.array([0.0, 0.25, 1.0])
    expected = {1: np.array([0.5, 1]), 2: np.pi / 4 * np.array([0.25, 1]), 3: np.pi / 6 * np.array([0.125, 1])}
    for n, volume in expected.items():
        np.testing.assert_allclose(np.exp(Box(n).exact_log_g(edges)), np.diff([0, *volume]), rtol=1e-7)
    assert np.exp(Box(3).exact_log_g([0.0, 1.5, 3.0])).sum() == pytest.approx(1, abs=1e-7)
    np.testing.assert_allclose(Box(4, "gauss").exact_log_g(edges), np.log(np.diff(chi2.cdf(edges, 4))))


def test_the_exact_box_is_direct_sampling():
    x = np.random.default_rng(0).uniform(-1, 1, (400_000, 3))
    edges = np.linspace(0, 3, 13)
    counts, _ = np.histogram((x**2).sum(axis=1), edges)
    expected = np.exp(Box(3).exact_log_g(edges)) * len(x)
    assert (abs(counts - expected) <= 5 * np.sqrt(expected)).all()


@pytest.mark.parametrize("kind", ["box", "gauss"])
def test_a_box_move_changes_one_coordinate_and_knows_its_measure(kind):
    box, rng = Box(4, kind), np.random.default_rng(0)
    state = box.start(rng)
    for _ in range(200):
        before = state.x.copy()
        energy, log_ratio = box.propose(state, rng.random(2))
        np.testing.assert_array_equal(state.x, before)   # pending only
        if np.isnan(energy):
            assert kind == "box"
            assert abs(state.pending[1]) > 1
            continue
        box.accept(state, energy)
        assert (state.x != before).sum() <= 1
        assert energy == pytest.approx((state.x**2).sum())
        expected = 0 if kind == "box" else -((state.x**2).sum() - (before**2).sum()) / 2
        assert log_ratio == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", network.CODES)
def test_activations_of_the_landscape_are_those_of_the_mlp(name):
    z = np.linspace(-3, 3, 101)
    for kernel in (network.activate, network.activate.py_func):
        row = z.copy()
        kernel(row, network.CODES[name])
        np.testing.assert_allclose(row, ACTIVATIONS[name].function(z), rtol=1e-14)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_an_overlap_is_a_dot_product(seed, n):
    a, b = np.random.default_rng(seed).normal(size=(2, n))
    for kernel in (network.overlap, network.overlap.py_func):
        assert kernel(a, b) == pytest.approx(a @ b, abs=1e-13)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("prior", ["box", "gauss"])
def test_a_walk_by_increments_equals_full_recomputation_to_the_bit(activation, prior):
    landscape = NetworkLandscape(tasks.moons(n=60), activation=activation, prior=prior)
    rng = np.random.default_rng(0)
    state = landscape.start(rng)
    for _ in range(300):
        energy, _ = landscape.propose(state, rng.random(2))
        if not np.isnan(energy):
            landscape.accept(state, energy)
            gram, activations = state.gram.copy(), state.activations.copy()
            assert landscape.energy(state) == energy
            np.testing.assert_array_equal(state.gram, gram)
            np.testing.assert_array_equal(state.activations, activations)


def test_the_landscapes_entropy_is_that_of_the_layer():
    from minigrok import MLP, density_matrix, von_neumann_entropy

    task = tasks.moons(n=60)
    landscape = NetworkLandscape(task, prior="gauss")
    state = landscape.start(np.random.default_rng(0))
    net = MLP([2, 6, 2])
    net.layers[0].W[:] = state.weights[:, :2].T
    net.layers[0].b[:] = state.weights[:, 2]
    rho = density_matrix(net.hidden(task.X_train))
    assert landscape.energy(state) == pytest.approx(von_neumann_entropy(rho), abs=1e-13)


def test_the_atom_at_zero_is_a_single_live_unit():
    """P(S = 0) = 6 (1 - q) q^5 and P(dead layer) = q^6, with q the chance that a unit is dead on all inputs."""
    X = np.array([[1.0, 0.2], [0.8, -0.3]])
    landscape = NetworkLandscape(X, bias=False)
    entropies = landscape.direct_sample(20_000, seed=0)
    weights = np.random.default_rng(1).uniform(-1, 1, (200_000, 2))
    q = ((weights @ X.T) <= 0).all(axis=1).mean()
    dead, atom = np.isnan(entropies).mean(), (entropies == 0).mean()
    for share, expected in ((dead, q**6), (atom, 6 * (1 - q) * q**5)):
        assert abs(share - expected) < 5 * np.sqrt(expected / len(entropies)) + 1e-3


def test_accuracy_counts_ties_by_their_share():
    Z = np.array([[[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]])
    assert network.tied_accuracy(Z, np.array([0, 1, 1]))[0] == pytest.approx((0.5 + 1 + 0) / 3)


def test_random_readouts_have_mean_accuracy_one_half_and_the_best_readout_is_better():
    landscape, rng = NetworkLandscape(tasks.moons(n=100)), np.random.default_rng(0)
    looks = [landscape.observe(landscape.start(rng), rng) for _ in range(300)]
    mean = {name: np.mean([look[name] for look in looks]) for name in looks[0]}
    assert mean["mean_accuracy"] == pytest.approx(0.5, abs=0.02)
    assert 0.5 < mean["folded_accuracy"] < mean["readout_accuracy"] <= 1


@pytest.mark.parametrize(("call", "message"), [
    (lambda: Ising2D(1), "L is 1"),
    (lambda: Ising2D(5).exact_log_g(), "even L"),
    (lambda: Box(0), "n is 0"),
    (lambda: Box(2, "sphere"), "choose one of: box, gauss"),
    (lambda: Box(9).exact_log_g([0.0, 1.0]), "up to n = 3"),
    (lambda: NetworkLandscape(np.ones(3)), "inputs are a matrix"),
    (lambda: NetworkLandscape(np.ones((3, 2)), prior="boxx"), "did you mean 'box'"),
    (lambda: NetworkLandscape(np.ones((3, 2)), scale=0), "scale is 0"),
    (lambda: NetworkLandscape(np.ones((3, 2)), activation="rellu"), "did you mean 'relu'"),
])
def test_bad_settings_are_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_prime_test_knows_its_primes():
    primes = [q for q in range(13, 2000, 2) if ising._is_prime(q)]
    assert primes == [q for q in range(13, 2000, 2) if all(q % d for d in range(3, int(q**0.5) + 1, 2))]
