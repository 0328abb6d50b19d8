import os
import warnings
from typing import NamedTuple

import numpy as np
import pytest

from minigrok import tasks
from minigrok import walk as walk_module
from minigrok.dos import DensityOfStates, split_r_hat
from minigrok.systems import Box, Ising2D, NetworkLandscape
from minigrok.wanglandau import WangLandau

JIT = "MINIGROK_NO_JIT" not in os.environ


@pytest.fixture(autouse=True)
def _short_runs_may_warn():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="poor convergence")
        yield


def rms_of_ising(L, steps, seed, **settings):
    model = Ising2D(L)
    exact = model.exact_log_g() - L * L * np.log(2)
    states = WangLandau(model, model.edges, seed=seed, **settings).run(steps=steps)
    known = np.isfinite(exact)
    assert (states.visited == known).all()               # the two levels that do not exist stay masked
    assert np.isneginf(states.log_g[~known]).all()
    return np.sqrt(np.mean((states.log_g[known] - exact[known]) ** 2))


@pytest.mark.skipif(not JIT, reason="long")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_4x4_ising_is_exact_within_003_after_1e7_steps(seed):
    assert rms_of_ising(4, 10_000_000, seed) <= 0.03


@pytest.mark.skipif(not JIT, reason="long")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_8x8_ising_is_exact_within_008_after_3e7_steps(seed):
    assert rms_of_ising(8, 30_000_000, seed) <= 0.08


@pytest.mark.skipif(not JIT, reason="long")
def test_the_classic_schedule_is_right_up_to_its_saturation():
    """Its error stays near 0.07 however long it runs: ln f has vanished before the walk could mend it."""
    assert rms_of_ising(4, 10_000_000, 0, schedule="flatness") <= 0.15


@pytest.mark.skipif(not JIT, reason="long")
@pytest.mark.parametrize(("kind", "top"), [("box", 3.0), ("gauss", 12.0)])
def test_a_box_and_a_gauss_have_their_volumes(kind, top):
    box, edges = Box(3, kind), np.linspace(0, top, 25)
    states = WangLandau(box, edges, walkers=2, seed=0, workers=2).run(steps=3_000_000)
    exact = box.exact_log_g(edges)
    exact -= np.log(np.exp(exact).sum())
    assert np.sqrt(np.mean((states.log_g - exact) ** 2)) < 0.02


@pytest.mark.skipif(not JIT, reason="long")
def test_the_network_landscape_is_direct_sampling_where_networks_are_frequent():
    landscape = NetworkLandscape(tasks.moons(n=60, seed=0))
    edges = np.linspace(0.3, 1.1, 9)
    states = WangLandau(landscape, edges, walkers=2, seed=0, workers=2).run(steps=400_000)
    entropies = landscape.direct_sample(30_000, seed=1)
    counts, _ = np.histogram(entropies[~np.isnan(entropies)], edges)
    sampled = np.log(counts / counts.sum())
    assert (abs(states.log_g - sampled) < 3 / np.sqrt(counts) + 0.06).all()
    assert np.nanmax(abs(states.observables["mean_accuracy"] - 0.5)) < 0.1


SMALL = {"steps": 60_000}


def test_twice_the_same_seed_is_the_same_to_the_bit_and_another_is_not():
    model = Ising2D(4)
    first, second, other = (WangLandau(model, model.edges, seed=s).run(**SMALL) for s in (5, 5, 6))
    np.testing.assert_array_equal(first.log_g, second.log_g)
    assert (first.log_g != other.log_g).any()


def test_the_number_of_workers_changes_nothing(tmp_path):
    model = Ising2D(4)
    for workers in (1, 2, 4):
        states = WangLandau(model, model.edges, walkers=4, seed=0, workers=workers).run(**SMALL)
        states.save(tmp_path / f"{workers}.npz")
    assert len({(tmp_path / f"{workers}.npz").read_bytes() for workers in (1, 2, 4)}) == 1


@pytest.mark.parametrize("phase", [walk_module.BUILD_UP, walk_module.ONE_OVER_T, walk_module.FROZEN])
@pytest.mark.parametrize("system", [Ising2D(4), Box(3), Box(3, "gauss")], ids=["ising", "box", "gauss"])
def test_the_compiled_loop_walks_the_path_of_the_plain_one(system, phase):
    edges = system.edges if isinstance(system, Ising2D) else np.linspace(0, 6, 13)
    numbers = np.random.default_rng(3).random((3000, 1 + system.uniforms))
    results = []
    for plain in (False, True):
        state = system.start(np.random.default_rng(0))
        loop, _ = walk_module.loops_for(system, state)
        energy = np.array([system.energy(state)])
        here = int(walk_module.bin_of(energy[0], edges, walk_module.bins_per_energy(edges)))
        bins = len(edges) - 1
        seen = np.ones(bins, bool) if phase == walk_module.FROZEN else np.arange(bins) == here
        walk = walk_module.Walk(np.zeros(bins), np.zeros(bins, np.int64), seen, energy, np.array([here]),
                                np.zeros(5, np.int64))
        (loop.py_func if plain else loop)(state, walk, edges, numbers, 0.01, phase)
        results.append([*walk, *state])
    for compiled, plain in zip(*results, strict=True):
        np.testing.assert_array_equal(compiled, plain)
    assert results[0][5][0] == 3000


def test_the_bin_of_an_energy_is_half_open_but_for_the_last():
    edges = np.array([0.0, 1.0, 2.0, 4.0])
    for find in (walk_module.bin_of, walk_module.bin_of.py_func):
        found = [find(energy, edges, walk_module.bins_per_energy(edges))
                 for energy in (-0.1, 0.0, 0.5, 1.0, 3.9, 4.0, 4.1, np.nan)]
        assert found == [3, 0, 0, 1, 2, 2, 3, 3]


class Coin(NamedTuple):
    heads: np.ndarray


class TwoLevels:
    """A student's own system: one coin, but energy 1 has three times the weight of 0, by the ratio of the measure."""

    uniforms = 1

    @staticmethod
    def propose(state, uniforms):
        new = 1.0 - state.heads[0]
        return new, (2.0 * new - 1.0) * 1.0986122886681098          # ln 3

    @staticmethod
    def accept(state, energy):
        state.heads[0] = energy

    def start(self, rng):
        return Coin(np.array([float(rng.integers(2))]))

    def energy(self, state):
        return float(state.heads[0])

    def observe(self, state, rng):
        return {"heads": float(state.heads[0])}


def test_a_users_own_system_with_an_uneven_measure():
    states = WangLandau(TwoLevels(), [-0.5, 0.5, 1.5], walkers=3, seed=0).run(steps=100_000)
    np.testing.assert_allclose(states.log_g, np.log([0.25, 0.75]), atol=0.03)
    np.testing.assert_array_equal(states.observables["heads"], [0, 1])
    assert (states.error < 0.05).all()


def test_masses_add_up_to_one_and_the_error_is_the_spread():
    model = Ising2D(4)
    states = WangLandau(model, model.edges, walkers=3, seed=0).run(**SMALL)
    assert np.exp(states.log_g).sum() == pytest.approx(1)
    seen = states.visited
    expected = states.walkers_log_g[:, seen].std(axis=0, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(states.error[seen], expected)
    assert np.isnan(WangLandau(model, model.edges, seed=0).run(**SMALL).error).all()
    assert states.histogram.sum() == 3 * SMALL["steps"] // 2


def test_a_density_of_states_is_saved_and_read_back(tmp_path):
    model = Ising2D(4)
    states = WangLandau(model, model.edges, walkers=2, seed=0).run(**SMALL)
    states.save(tmp_path / "g.npz")
    again = DensityOfStates.load(tmp_path / "g.npz")
    for name, value in vars(states).items():
        if isinstance(value, dict):
            assert value.keys() == getattr(again, name).keys()
            for key, inside in value.items():
                np.testing.assert_array_equal(inside, getattr(again, name)[key])
        else:
            np.testing.assert_array_equal(value, getattr(again, name))
    with np.load(tmp_path / "g.npz") as arrays:
        assert {"edges", "log_g", "error"} <= set(arrays)
    np.savez(tmp_path / "other.npz", x=1)
    with pytest.raises(ValueError, match="no density of states"):
        DensityOfStates.load(tmp_path / "other.npz")


def test_r_hat_is_one_for_equal_walkers_and_large_for_strangers():
    rng = np.random.default_rng(0)
    alike = [rng.normal(size=1000) for _ in range(4)]
    assert split_r_hat(alike) == pytest.approx(1, abs=0.02)
    assert split_r_hat([alike[0], alike[1] + 3]) > 1.5
    assert split_r_hat([np.ones(4), np.ones(4)]) == 1


def test_progress_is_told_and_poor_convergence_warns():
    model, told = Ising2D(8), []
    with pytest.warns(UserWarning, match="round trips"):
        WangLandau(model, model.edges, seed=0).run(steps=30_000, progress=told.append)
    assert told[-1].steps == told[-1].of_steps == 30_000
    assert told[0].bins_seen > 2
    assert told[0].steps_per_second > 0


class Nowhere(TwoLevels):
    def energy(self, state):
        return float("nan")


class Infinite(TwoLevels):
    def energy(self, state):
        return float("inf")


@pytest.mark.parametrize(("call", "message"), [
    (lambda: WangLandau(Ising2D(4), [0.0, 1.0]), "3 numbers or more"),
    (lambda: WangLandau(Ising2D(4), [0.0, 1.0, 1.0]), r"edges\[2\] is 1, not above edges\[1\]"),
    (lambda: WangLandau(Ising2D(4), [0.0, np.nan, 1.0]), r"edges\[1\] is nan"),
    (lambda: WangLandau(Ising2D(4), [0, 1, 2], schedule="flat"), "did you mean 'flatness'"),
    (lambda: WangLandau(Ising2D(4), [0, 1, 2], walkers=0), "walkers is 0"),
    (lambda: WangLandau(Ising2D(4), [0, 1, 2]).run(steps=10), "steps is 10"),
    (lambda: WangLandau(Ising2D(4), [100.0, 101, 102]).run(steps=5000), "does not reach this range"),
    (lambda: WangLandau(Nowhere(), [-0.5, 0.5, 1.5]).run(steps=5000), "had no energy"),
    (lambda: WangLandau(Infinite(), [-0.5, 0.5, 1.5]).run(steps=5000), "energy inf"),
    (lambda: WangLandau(TwoLevels(), [-0.5, 1.5, 2.5]).run(steps=5000), "never left the bin"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
