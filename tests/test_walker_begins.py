"""How a walker begins: a state that has an energy, the way into the range of the edges, and what it refuses."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from test_schedule import EDGES, OneByOne, Staircase

from minigrok import walker as walker_module
from minigrok.checks import FloatArray, IntArray
from minigrok.walk import BUILD_UP
from minigrok.walker import Round, Walker


def begun(system=None, edges=EDGES, joint=None):
    return Walker(system or Staircase(), np.asarray(edges, float), "one_over_t", joint or {}, np.random.SeedSequence(0))


def numbers():
    """Those of the moves, from the first on."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(0).spawn(1)[0]))


class Deaf(Staircase):
    """Has no energy but where it was told to."""

    def __init__(self, energies):
        super().__init__()
        self.energies = iter(energies)

    def energy(self, state):
        return next(self.energies)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: begun(edges=[20.0, 30.0, 40.0]), "after 600 moves toward the range from 20 to 40 the energy is 9: "),
    (lambda: begun(Deaf([math.nan] * 1000)), "1000 random states had no energy"),
    (lambda: begun(Deaf([math.nan, math.inf])), "a random state has energy inf"),
    (lambda: begun(joint={"height": np.zeros(2), "depth": np.zeros(2)}),
     "joint names 'depth', which Staircase does not observe; it observes height, chance, temper"),
])
def test_a_walk_that_cannot_begin_says_why(monkeypatch, make, words):
    monkeypatch.setattr(walker_module, "STRETCH", 60)
    monkeypatch.setattr(walker_module, "LONGEST_APPROACH", 600)
    with pytest.raises(ValueError, match=words):
        make()


class Count(NamedTuple):
    moves: IntArray


def count(state: Count, uniforms: FloatArray) -> tuple[float, float]:
    state.moves[0] += 1
    return 9.0, 0.0


def counted(state: Count, energy: float) -> None:
    pass


class Plain(Staircase):
    """Has one level, and counts its moves."""

    propose = staticmethod(count)
    accept = staticmethod(counted)

    def __init__(self):
        self.state = Count(np.zeros(1, np.int64))

    def start(self, rng):
        return self.state

    def energy(self, state):
        return 9.0


def test_the_walk_gives_up_after_the_moves_that_it_says(monkeypatch):
    monkeypatch.setattr(walker_module, "STRETCH", 60)
    monkeypatch.setattr(walker_module, "LONGEST_APPROACH", 600)
    plain = Plain()
    with pytest.raises(ValueError, match="after 600 moves"):
        begun(plain, edges=[0.0, 1.0, 2.0])
    assert plain.state.moves[0] == 600


@pytest.mark.parametrize(("edges", "level"), [([0.0, 0.5, 7.5, 8.5], 8.0), ([0.1, 0.3, 5.0], 0.2)])
def test_the_approach_ends_in_the_outermost_bins_too(edges, level):
    """Up or down the stairs, one by one: 0, 0.2, 1 and 9, 8, 7."""
    walker = begun(OneByOne([0 if level < 5 else 9]), edges)
    assert walker.walk.energy[0] == level
    assert walker.walk.seen.sum() == walker.walk.seen[0 if level < 5 else -1] == 1


def test_a_state_is_drawn_a_thousand_times():
    assert begun(Deaf([math.nan] * 999 + [1.0, 1.0])).walk.energy[0] == 1.0


@pytest.mark.parametrize(("level", "bins"), [(0.0, 0), (5.0, 4), (0.5, 1)])
def test_both_ends_of_the_range_belong_to_it(level, bins):
    walker, fresh = begun(Deaf([level, level])), numbers()
    Staircase().start(fresh)
    assert walker.walk.energy_bin[0] == bins
    assert walker.walk.seen.tolist() == [place == bins for place in range(5)]
    assert [value.tolist() for value in walker.control] == [[1.0], [BUILD_UP], [BUILD_UP], [1], [0]]
    assert walker.rngs[0].random() == fresh.random()     # no move was made


def test_a_walk_that_leaves_no_bin_is_refused_when_production_begins(monkeypatch):
    walker = begun(Staircase([0, 1]), edges=[-1.0, 0.5, 0.7, 0.9])
    with pytest.raises(ValueError, match=r"never left the bin from -1 to 0.5 in 2000 moves"):
        walker.walk_to(4000, Round(0, 4000))


def test_two_bins_are_enough():
    walker = begun(edges=[0.0, 0.5, 5.0])
    walker.walk_to(4000, Round(0, 4000))
    assert walker.walk.seen.tolist() == [True, True]


class Fall(NamedTuple):
    depth: FloatArray


def fall(state: Fall, uniforms: FloatArray) -> tuple[float, float]:
    """A move that leads to NaN, where the numbers say so."""
    return np.nan if uniforms[0] > 0.99 else 1.0 - state.depth[0], 0.0


def fallen(state: Fall, energy: float) -> None:
    state.depth[0] = energy


class Pit(Staircase):
    uniforms = 1
    propose = staticmethod(fall)
    accept = staticmethod(fallen)

    def start(self, rng):
        return Fall(np.zeros(1))

    def energy(self, state):
        return float(state.depth[0])


def test_a_move_to_no_energy_is_named_by_its_number():
    walker = begun(Pit(), edges=[0.0, 0.5, 1.0])
    rows = numbers().random((1000, 2))
    number = np.flatnonzero(rows[:, 1] > 0.99)[0] + 1
    with pytest.raises(ValueError, match=rf"move {number}, from energy [01], leads to energy nan with log_ratio 0.0, "):
        walker.walk_to(1000, Round(0, 10_000))


class Bottomless(Pit):
    def start(self, rng):
        return Fall(np.full(1, np.nan))

    def energy(self, state):
        return 0.25


def test_the_first_move_may_be_the_one_at_fault():
    with pytest.raises(ValueError, match=r"move 1, from energy 0.25, leads to energy nan with log_ratio 0.0, "):
        begun(Bottomless(), edges=[0.0, 0.5, 1.0]).walk_to(1000, Round(0, 10_000))
