import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from minigrok import WangLandau
from minigrok.jit import JIT_ENABLED
from minigrok.systems import BinaryPerceptron, Box, Ising2D


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


@pytest.mark.parametrize("L", [2, 3, 4])
def test_the_ising_levels_are_the_energies_that_occur_and_two_that_do_not(L):
    model = Ising2D(L)
    N = L * L
    np.testing.assert_array_equal(model.levels, [-2 * N + 4 * k for k in range(N + 1)])
    np.testing.assert_array_equal(model.edges, [-2 * N - 2 + 4 * k for k in range(N + 2)])
    state = model.start(np.random.default_rng(0))
    energies = set()
    for spins in itertools.product([-1, 1], repeat=min(N, 9)):
        state.spins[:len(spins)] = spins
        energies.add(model.energy(state))
    assert energies <= set(model.levels)
    if L == 2:
        assert energies == {-8, 0, 8}
    assert model.configuration == {"name": "Ising2D", "L": L}


@pytest.mark.parametrize("L", [2, 3, 5])
def test_each_part_of_the_unit_interval_turns_its_site(L):
    model, N = Ising2D(L), L * L
    for site in range(N):
        state = model.start(np.random.default_rng(site))
        assert set(np.unique(state.spins)) == {-1, 1}
        before = state.spins.copy()
        energy, _ = model.propose(state, np.array([(site + 0.5) / N, 1.0]))
        assert state.site.tolist() == [site]
        model.accept(state, energy)
        assert np.flatnonzero(state.spins != before).tolist() == [site]
        assert state.energy.tolist() == [energy]


@given(st.integers(2, 6), st.integers(0, 1000))
def test_the_ising_energy_is_its_sum_over_bonds(L, seed):
    model = Ising2D(L)
    state = model.start(np.random.default_rng(seed))
    grid = state.spins.reshape(L, L).astype(int)
    assert model.energy(state) == state.energy[0] == -sum(
        grid[x, y] * (grid[(x + 1) % L, y] + grid[x, (y + 1) % L]) for x in range(L) for y in range(L))
    assert model.observe(state, np.random.default_rng(0)) == {"magnetisation": abs(grid.mean())}


@pytest.mark.parametrize(("model", "expected"), [(Ising2D(2), 1), (Box(3), 2), (BinaryPerceptron(3), 1)])
def test_a_move_takes_as_many_uniform_numbers_as_the_system_says(model, expected):
    """Which fixes the random numbers of a walk, and so all that a seed stands for."""
    taken = set()

    class Uniforms(list):
        def __getitem__(self, k):
            taken.add(k)
            return super().__getitem__(k)

    model.propose(model.start(np.random.default_rng(0)), Uniforms([0.5] * model.uniforms))
    assert taken == set(range(expected)) == set(range(model.uniforms))


def test_exact_box_and_gauss_are_known_volumes():
    edges = np.array([0.0, 0.25, 1.0])
    expected = {1: np.array([0.5, 1]), 2: np.pi / 4 * np.array([0.25, 1]), 3: np.pi / 6 * np.array([0.125, 1])}
    for n, volume in expected.items():
        np.testing.assert_allclose(np.exp(Box(n).exact_log_g(edges)), np.diff([0, *volume]), rtol=1e-12)
    assert np.exp(Box(30).exact_log_g([0.0, 8.0, 12.0, 30.0])).sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(Box(4, "gauss").exact_log_g(edges), np.log(np.diff(chi2.cdf(edges, 4))))


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


@given(st.integers(0, 5), st.integers(1, 9), st.integers(0, 1000))
def test_a_perceptrons_move_equals_full_recomputation(half, patterns, seed):
    model, rng = BinaryPerceptron(2 * half + 1, patterns, seed), np.random.default_rng(seed)
    state = model.start(rng)
    for _ in range(20):
        weights, fields = state.weights.copy(), state.fields.copy()
        energy, log_ratio = model.propose(state, rng.random(1))
        np.testing.assert_array_equal(state.weights, weights)          # pending only
        np.testing.assert_array_equal(state.fields, fields)
        model.accept(state, energy)
        assert (state.weights != weights).sum() == 1
        assert log_ratio == 0
        np.testing.assert_array_equal(state.fields, model.examples @ state.weights)
        wrong = sum(sum(w * x for w, x in zip(state.weights, example, strict=True)) < 0 for example in model.examples)
        assert energy == model.energy(state) == wrong


def test_a_perceptron_has_a_bin_a_level_and_patterns_of_its_own_seed():
    model, again, other = BinaryPerceptron(seed=1), BinaryPerceptron(seed=1), BinaryPerceptron(seed=2)
    assert set(np.unique(model.examples)) == {-1, 1}
    assert model.examples.shape == (22, 11)
    np.testing.assert_array_equal(model.examples, again.examples)
    assert (model.examples != other.examples).any()
    np.testing.assert_array_equal(model.levels, np.arange(23))
    np.testing.assert_array_equal((model.edges[1:] + model.edges[:-1]) / 2, model.levels)
    assert model.configuration == {"name": "BinaryPerceptron", "n": 11, "patterns": 22, "seed": 1}
    model.start(np.random.default_rng(0)).examples[:] = 0
    np.testing.assert_array_equal(model.examples, again.examples)      # a walk has its own


@given(st.integers(0, 3), st.integers(1, 9), st.integers(0, 1000))
def test_a_perceptrons_counts_are_those_of_all_its_weights_one_by_one(half, patterns, seed):
    model = BinaryPerceptron(2 * half + 1, patterns, seed)
    counts = np.zeros(patterns + 1)
    for weights in itertools.product([-1, 1], repeat=model.n):
        counts[(model.examples @ weights < 0).sum()] += 1
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(model.exact_log_g(), np.log(counts))
    np.testing.assert_array_equal(counts, counts[::-1])                # w -> -w


@pytest.mark.skipif(not JIT_ENABLED, reason="long")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_walk_counts_the_perceptrons_weights(seed):
    model = BinaryPerceptron()
    exact = model.exact_log_g() - 11 * np.log(2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="poor convergence")
        states = WangLandau(model, model.edges, seed=seed).run(steps=2_000_000)
    known = np.isfinite(exact)
    assert known.sum() == 15                             # of 23 levels: 4 to 18 patterns can be wrong
    assert (states.visited == known).all()
    assert np.isneginf(states.log_g[~known]).all()
    assert np.sqrt(np.mean((states.log_g[known] - exact[known]) ** 2)) < 0.05           # measured: 0.010 to 0.028


@pytest.mark.parametrize(("call", "message"), [
    (lambda: Ising2D(1), "L is 1"),
    (lambda: Ising2D(5).exact_log_g(), "even L"),
    (lambda: Box(0), "n is 0"),
    (lambda: Box(2, "sphere"), "choose one of: box, gauss"),
    (lambda: Box(9).exact_log_g([0.0, 1.0, 0.5]), "edges must increase"),
    (lambda: BinaryPerceptron(4), "n is 4, but must be odd, .* take 3 or 5"),
    (lambda: BinaryPerceptron(0), "n is 0"),
    (lambda: BinaryPerceptron(3, patterns=0), "patterns is 0"),
    (lambda: BinaryPerceptron(3, seed=-1), "seed is -1"),
    (lambda: BinaryPerceptron(23).exact_log_g(), "up to n = 21: let WangLandau"),
])
def test_bad_settings_are_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
