"""The loop of a walk, one step at a time, and what it refuses to walk."""

import inspect
import math
import os
import subprocess
import sys
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from by_the_book import walked_by_the_book
from hypothesis import assume, example, given
from hypothesis import strategies as st

from minigrok import walk as walk_module
from minigrok import walker
from minigrok.checks import FloatArray, IntArray
from minigrok.jit import JIT_ENABLED, jit
from minigrok.systems import Box, Ising2D, NetworkLandscape
from minigrok.walk import BUILD_UP, FROZEN, ONE_OVER_T, Moves, Walk, bin_of, bins_per_energy, loops_for, walk_loop
from minigrok.wanglandau import WangLandau

COINS = 10
SLOW_WITHOUT_NUMBA = pytest.mark.skipif(not JIT_ENABLED, reason="a million steps of plain Python")


class Coins(NamedTuple):
    """Coins on a table; E is the number of heads, so g is binomial."""

    heads: IntArray            # (COINS,) 0 or 1
    site: IntArray             # (1,)


def propose(state: Coins, uniforms: FloatArray) -> tuple[float, float]:
    """Pick heads three times as often as tails, which log_ratio makes good."""
    number = state.heads.sum()
    tails = len(state.heads) - number
    chance = 3.0 * number / (3.0 * number + tails)       # of picking some head
    wanted = 1 if uniforms[0] < chance else 0
    rank, site = int(uniforms[1] * (number if wanted else tails)), 0
    for i in range(len(state.heads)):
        if state.heads[i] == wanted:
            if rank == 0:
                site = i
            rank -= 1
    state.site[0] = site
    after = number - 1 if wanted else number + 1
    forward = (3.0 if wanted else 1.0) / (3.0 * number + tails)
    backward = (1.0 if wanted else 3.0) / (3.0 * after + len(state.heads) - after)
    return float(after), math.log(backward / forward)


def accept(state: Coins, energy: float) -> None:
    state.heads[state.site[0]] = 1 - state.heads[state.site[0]]


class CoinToss:
    uniforms = 2
    propose: Any = staticmethod(propose)
    accept: Any = staticmethod(accept)

    def start(self, rng: np.random.Generator) -> Coins:
        return Coins(rng.integers(0, 2, COINS), np.zeros(1, np.int64))

    def energy(self, state: Coins) -> float:
        return float(state.heads.sum())

    def observe(self, state: Coins, rng: np.random.Generator) -> dict[str, float]:
        return {"heads": float(state.heads.sum())}


COIN_EDGES = np.arange(-0.5, COINS + 1)
COIN_LOG_G = np.log([math.comb(COINS, k) for k in range(COINS + 1)]) - COINS * math.log(2)


@SLOW_WITHOUT_NUMBA
def test_proposals_need_not_be_symmetric():
    states = WangLandau(CoinToss(), COIN_EDGES).run(2_000_000)
    assert abs(states.log_g - COIN_LOG_G).max() <= 0.05
    np.testing.assert_allclose(states.observables["heads"], np.arange(COINS + 1))


MUTANTS = {                    # right, wrong
    "counts a move only where it was accepted": (
        "        if phase != FROZEN:\n            log_g[here] += log_f",
        "        if phase != FROZEN and energy == new_energy:\n            log_g[here] += log_f"),
    "counts the bin that was proposed": ("            log_g[here] += log_f", "            log_g[new] += log_f"),
}


@SLOW_WITHOUT_NUMBA
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_sampler_that_is_wrong_fails_the_ising_test(monkeypatch, mutant):
    """A refused move counts again where the walk stands: who forgets that, or the like, is found out."""
    right, wrong = MUTANTS[mutant]
    source = inspect.getsource(walk_loop)
    assert source.count(right) == 1
    names = dict(vars(walk_module))
    exec(source.replace(right, wrong), names)            # no file holds it, so nothing is cached
    approach = loops_for(Ising2D(4), Ising2D(4).start(np.random.default_rng(0)))[1]
    monkeypatch.setattr(walker, "loops_for", lambda system, state: (jit(names["walk_loop"]), approach))
    model = Ising2D(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        states = WangLandau(model, model.edges).run(1_000_000)
    there = np.isfinite(model.exact_log_g())
    difference = states.log_g[there] + 16 * math.log(2) - model.exact_log_g()[there]
    assert not np.sqrt(np.mean(difference**2)) <= 0.3    # ten times what the right one may have


def walk_of(system: Any, edges: FloatArray, numbers: FloatArray, loop: Any, phase: int) -> list[bytes]:
    state = system.start(np.random.default_rng(1))
    energy, bins = np.array([system.energy(state)]), len(edges) - 1
    here = int(bin_of(energy[0], edges, bins_per_energy(edges)))
    walk = Walk(np.zeros(bins), np.zeros(bins, np.int64), np.arange(bins) == here, energy, np.array([here]),
                np.zeros(5, np.int64))
    loop(state, walk, edges, numbers, 0.5, phase)
    return [array.tobytes() for array in (*walk, *state)]


@pytest.mark.parametrize(("system", "edges"), [
    (Ising2D(4), Ising2D(4).edges), (Box(3), np.linspace(0, 3, 11)), (Box(2, "gauss"), np.linspace(0, 9, 11)),
    (NetworkLandscape(np.eye(5, 2) - 0.3, 3), np.linspace(0, 1.2, 11)),
    (CoinToss(), COIN_EDGES)])
@pytest.mark.parametrize("phase", [BUILD_UP, ONE_OVER_T])
def test_compiled_and_plain_loop_walk_the_same_path_to_the_bit(monkeypatch, system, edges, phase):
    numbers = np.random.default_rng(2).random((2000, 1 + system.uniforms))
    state = system.start(np.random.default_rng(1))
    compiled = walk_of(system, edges, numbers, loops_for(system, state)[0], phase)
    plain = Moves(*(getattr(move, "py_func", move) for move in (system.propose, system.accept)))
    monkeypatch.setitem(walk_module._MOVES, type(state), plain)
    assert walk_of(system, edges, numbers, walk_loop, phase) == compiled


@pytest.mark.parametrize(("system", "edges"), [
    (Ising2D(3), np.linspace(-20.0, 3.0, 5)), (Box(2), np.array([0.1, 0.2, 0.5, 0.9])), (CoinToss(), COIN_EDGES[2:-1])])
@pytest.mark.parametrize("phase", [BUILD_UP, ONE_OVER_T, FROZEN])
@pytest.mark.parametrize(("seed", "clock"), [(0, 0), (1, 50), (2, 90)])
def test_the_loop_is_the_algorithm_to_the_bit(system, edges, phase, seed, clock):
    bins, walks, states = len(edges) - 1, [], []
    loop = loops_for(system, system.start(np.random.default_rng(0)))[0]
    for walk_on in (loop, walked_by_the_book):
        rng = np.random.default_rng(seed)
        state = system.start(rng)
        while not edges[0] <= system.energy(state) <= edges[-1]:
            state = system.start(rng)
        here = np.searchsorted(edges, system.energy(state), side="right") - 1
        seen = (np.arange(bins) == here) | (rng.random(bins) < 0.5 * (phase == FROZEN))
        walk = Walk(rng.random(bins), rng.integers(0, 9, bins), seen, np.array([system.energy(state)]),
                    np.array([here]), np.array([100, 3, 5, seed - 1, clock]))
        walk_on(state, walk, edges, rng.random((500, 1 + system.uniforms)), 0.25, phase)
        walks.append(walk)
        states.append(state)
    for one, other in zip((*walks[0], *states[0]), (*walks[1], *states[1]), strict=True):
        np.testing.assert_array_equal(one, other)


PROGRAM = """
import sys
from minigrok.systems import Ising2D
from minigrok.wanglandau import WangLandau
WangLandau(Ising2D(2), Ising2D(2).edges).run(5000).save(sys.argv[1])
"""


def test_without_numba_the_same_bytes_come_out(tmp_path):
    files = []
    for switch in ("0", "1"):
        files.append(tmp_path / f"{switch}.npz")
        subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM, files[-1]], check=True,
                       env={**os.environ, "MINIGROK_NO_JIT": switch})
    assert files[0].read_bytes() == files[1].read_bytes()


SYSTEM = """
from typing import NamedTuple
import numpy as np
class Ladder(NamedTuple):
    rung: np.ndarray
def propose(state, uniforms): return float((state.rung[0] + 1) % 3), 0.0
def accept(state, energy): state.rung[0] = energy
class OnLadder:
    uniforms = 1
    propose, accept = staticmethod(propose), staticmethod(accept)
    def start(self, rng): return Ladder(np.zeros(1))
    def energy(self, state): return state.rung[0]
    def observe(self, state, rng): return {}
"""
USE = """
import numpy as np
from minigrok.wanglandau import WangLandau
from ladder import OnLadder
print(WangLandau(OnLadder(), [-0.5, 0.5, 1.5, 2.5]).run(20_000).visited.sum())
"""


def test_an_edited_system_is_never_walked_by_its_old_machine_code(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    seen = []
    for modulus in (3, 2):
        (tmp_path / "ladder.py").write_text(SYSTEM.replace("% 3", f"% {modulus}"))
        paths = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run([sys.executable, "-W", "ignore", "use.py"], cwd=tmp_path, check=True,
                             capture_output=True, env={**os.environ, **paths})
        seen.append(int(run.stdout))
    assert seen == [3, 2]


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12, unique=True), st.data())
@example([0.0, 1e-310, 5e-310], None)
@pytest.mark.parametrize("kernel", [bin_of, bin_of.py_func])
def test_bin_of_is_a_search_with_the_last_bin_closed(kernel, limits, data):
    edges = np.sort(limits)
    energy = 2e-310 if data is None else data.draw(
        st.one_of(st.sampled_from([*edges.tolist(), math.nan]), st.floats(-2e3, 2e3)))
    inside = edges[0] <= energy <= edges[-1]
    bins = len(edges) - 1
    wanted = min(int(np.searchsorted(edges, energy, side="right")) - 1, bins - 1) if inside else bins
    assert kernel(energy, edges, bins_per_energy(edges)) == wanted


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12, unique=True))
@pytest.mark.parametrize("kernel", [bins_per_energy, bins_per_energy.py_func])
def test_a_bin_of_even_width_is_found_at_once_and_the_highest_energy_is_in_the_last(kernel, limits):
    edges = np.sort(limits)
    width = edges[-1] - edges[0]
    assume(width >= 1e-300)                              # a narrower range is searched
    assert (1 - 2e-12) * (len(edges) - 1) < kernel(edges) * width < len(edges) - 1
    assert int(width * kernel(edges)) == len(edges) - 2


def one_step(chance: float, heads: int, log_g: list[float], seen: list[int], phase: int = BUILD_UP,
             clock: int = 0) -> Walk:
    """The walk after one move on coins, from `heads` heads up to heads + 1, ln f = 0.5."""
    bins = COINS + 1
    state = Coins((np.arange(COINS) < heads).astype(np.int64), np.zeros(1, np.int64))
    walk = Walk(np.array(log_g + [0.0] * (bins - len(log_g))), np.full(bins, 7), np.isin(np.arange(bins), seen),
                np.array([float(heads)]), np.array([heads]), np.array([9, 0, 0, 0, clock]))
    rows = np.array([[chance, 0.999, 0.5]])              # 0.999: a tail is picked
    loops_for(CoinToss(), state)[0](state, walk, COIN_EDGES, rows, 0.5, phase)
    return walk


def test_a_refused_move_counts_again_where_it_stands():
    walk = one_step(0.5, 1, [0, 2.0, 5.0], seen=[1, 2])
    assert (walk.energy_bin[0], walk.log_g[1], walk.log_g[2], walk.histogram[1]) == (1, 2.5, 5.0, 8)
    assert (walk.steps[0], walk.steps[1]) == (10, 0)


def test_a_bin_found_late_starts_as_its_neighbour_stands_and_the_histogram_starts_again():
    walk = one_step(0.0, 1, [0, 40.0], seen=[0, 1])
    assert (walk.energy_bin[0], walk.log_g[2], walk.seen[2], walk.steps[1]) == (2, 40.5, True, 1)
    assert walk.histogram.tolist() == [0, 0, 1] + [0] * 8


def test_in_production_ln_g_stays_and_unseen_bins_are_walls():
    walk = one_step(0.0, 1, [0, 40.0], seen=[0, 1], phase=FROZEN)
    assert (walk.energy_bin[0], walk.log_g[1], walk.seen[2], walk.histogram[1]) == (1, 40.0, False, 8)


def test_in_the_tail_ln_f_is_the_seen_bins_over_the_steps():
    assert one_step(0.5, 1, [0, 5.0, 2.0], seen=[1, 2], phase=ONE_OVER_T).log_g[2] == 2.0 + 2 / 10
    assert one_step(0.0, 1, [0, 5.0], seen=[1], phase=ONE_OVER_T).log_g[2] == 5.0 + 2 / 10     # one of them just found
    assert one_step(0.5, 1, [0, 5.0, 2.0], seen=[1, 2], phase=ONE_OVER_T, clock=6).log_g[2] == 2.0 + 2 / 4
    assert one_step(0.5, 1, [0, 5.0, 2.0], seen=[1, 2], phase=ONE_OVER_T, clock=9).log_g[2] == 2.0 + 1


@pytest.mark.parametrize(("low", "high", "reached"), [(-3.0, -2.0, 0.0), (12.0, 14.0, 10.0)])
def test_the_approach_never_leads_away(low, high, reached):
    state, energy = CoinToss().start(np.random.default_rng(0)), np.array([5.0])
    state.heads[:] = np.arange(COINS) < 5
    loops_for(CoinToss(), state)[1](state, energy, low, high, np.random.default_rng(1).random((1000, 3)))
    assert energy[0] == state.heads.sum() == reached


@pytest.mark.parametrize(("start", "low", "high", "reached"), [
    (9, 3.0, 7.0, 7.0), (1, 3.0, 7.0, 3.0), (9, 3.5, 7.5, 7.0), (1, 2.5, 7.5, 3.0)])
def test_the_approach_stops_as_soon_as_it_is_there(start, low, high, reached):
    state, energy = CoinToss().start(np.random.default_rng(0)), np.array([float(start)])
    state.heads[:] = np.arange(COINS) < start
    loops_for(CoinToss(), state)[1](state, energy, low, high, np.random.default_rng(1).random((1000, 3)))
    assert energy[0] == state.heads.sum() == reached


class Walled(NamedTuple):
    """One number, 0 or 1; every second move meets what `refusal` holds: an energy and a log_ratio."""

    x: FloatArray              # (1,)
    refusal: FloatArray        # (2,)


def propose_walled(state: Walled, uniforms: FloatArray) -> tuple[float, float]:
    if uniforms[0] < 0.5:
        return state.refusal[0], state.refusal[1]
    return 1.0 - state.x[0], 0.0


def accept_walled(state: Walled, energy: float) -> None:
    state.x[0] = energy


class Walls:
    uniforms = 1
    propose: Any = staticmethod(propose_walled)
    accept: Any = staticmethod(accept_walled)

    def __init__(self, energy: float, log_ratio: float) -> None:
        self.refusal = np.array([energy, log_ratio])

    def start(self, rng: np.random.Generator) -> Walled:
        return Walled(np.zeros(1), self.refusal)

    def energy(self, state: Walled) -> float:
        return float(state.x[0])

    def observe(self, state: Walled, rng: np.random.Generator) -> dict[str, float]:
        return {}


@pytest.mark.parametrize(("energy", "log_ratio"), [
    (math.nan, 0.0), (math.inf, 0.0), (-math.inf, 0.0), (1.0, math.nan), (1.0, math.inf)])
@pytest.mark.parametrize("edges", [[-0.5, 0.5, 1.5], [0.5, 1.5, 2.5]])
def test_an_energy_that_is_no_number_stops_the_walk(energy, log_ratio, edges):
    with pytest.raises(ValueError, match=f"leads to energy {energy} with log_ratio {log_ratio}, but energies must be"):
        WangLandau(Walls(energy, log_ratio), edges).run(10_000)


@pytest.mark.parametrize("energy", [math.nan, math.inf, 0.2])
def test_a_wall_refuses_and_is_no_error(energy):
    states = WangLandau(Walls(energy, -math.inf), [-0.5, 0.5, 1.5]).run(200_000)
    np.testing.assert_allclose(np.exp(states.log_g), [0.5, 0.5], atol=0.02)


def test_the_approach_goes_round_walls():
    state, energy = Walls(0.4, -math.inf).start(np.random.default_rng(0)), np.zeros(1)
    loops_for(Walls(0.4, -math.inf), state)[1](state, energy, 0.5, 2.0, np.array([[0.0, 0.1], [0.0, 0.9]]))
    assert energy[0] == state.x[0] == 1.0


def test_two_systems_that_move_the_same_states_otherwise_are_refused():
    """Compiled code finds the moves by the class of the state: the second system would walk by the first one's."""
    class Halted(CoinToss):
        propose: Any = staticmethod(lambda state, uniforms: (5.0, 0.0))

    WangLandau(CoinToss(), COIN_EDGES).run(200_000)
    with pytest.raises(ValueError, match="Halted moves states of class Coins by another function"):
        WangLandau(Halted(), COIN_EDGES).run(10_000)
