"""The loop of a walk where numbers meet their limits: each move is written down, and so is what it must do."""

import linecache
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from minigrok import walk as walk_module
from minigrok.checks import FloatArray
from minigrok.jit import jit
from minigrok.systems import Ising2D
from minigrok.walk import BUILD_UP, FROZEN, ONE_OVER_T, Walk, loops_for

EDGES = np.array([0.0, 1.0, 2.0, 4.0])
PHASES = [BUILD_UP, ONE_OVER_T, FROZEN]


class Told(NamedTuple):
    """A state that goes where the random numbers say."""

    there: FloatArray          # (1,)


def propose(state: Told, uniforms: FloatArray) -> tuple[float, float]:
    return uniforms[0], uniforms[1]


def accept(state: Told, energy: float) -> None:
    state.there[0] = energy


class Puppet:
    uniforms = 2
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def start(self, rng):
        return Told(np.zeros(1))


def walked(rows, phase=BUILD_UP, at=0, seen=(0, 1, 2), log_g=(0, 0, 0), steps=(0, 0, 0, 0, 0), log_f=0.5):
    """The walk after these moves, each (chance, energy, log_ratio), its state, and what the loop returns."""
    state = Told(np.array([EDGES[at] + 0.5]))
    walk = Walk(np.array(log_g, float), np.zeros(3, np.int64), np.isin(np.arange(3), seen), state.there.copy(),
                np.array([at]), np.array(steps))
    fault = loops_for(Puppet(), state)[0](state, walk, EDGES, np.array(rows, float), log_f, phase)
    assert state.there[0] == walk.energy[0]
    return walk, fault


def approached(rows, start, low=2.0, high=4.0):
    """Where these moves toward [low, high] lead."""
    state, energy = Told(np.array([start])), np.array([start])
    loops_for(Puppet(), state)[1](state, energy, low, high, np.array([(0.0, *row) for row in rows]))
    assert state.there[0] == energy[0]
    return energy[0]


@pytest.mark.parametrize(("chance", "log_ratio", "moves"), [
    (0.5, math.log(0.5), False), (0.5, math.nextafter(math.log(0.5), 0), True), (0.5, 0.0, True),
    (0.0, 0.0, False), (0.0, 1e-300, True), (math.nextafter(1, 0), -36.0, True), (math.nextafter(1, 0), -37.0, False)])
@pytest.mark.parametrize("phase", PHASES)
def test_a_move_is_made_where_the_number_is_less_than_its_chance(chance, log_ratio, moves, phase):
    """Of a number in [0, 1) the loop takes 1 - it, in (0, 1]: a chance of 0 is never taken, one above 1 always."""
    walk, fault = walked([(chance, 1.5, log_ratio)], phase)
    assert (walk.energy_bin[0], walk.steps[1], fault) == (moves, moves, -1)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("fault", [(math.nan, 0.0), (math.inf, 0.0), (-math.inf, 0.0), (1.5, math.nan),
                                   (1.5, math.inf), (math.nan, math.nan), (9.0, math.inf)])
def test_the_walk_stops_before_the_move_that_is_at_fault(phase, fault):
    rows = [(0.5, 1.5, 1.0), (0.5, 3.0, 1.0), (0.5, *fault), (0.5, 0.5, 1.0)]
    walk, row = walked(rows, phase)
    assert row == 2
    assert (walk.energy_bin[0], walk.steps[0], walk.histogram.tolist()) == (2, 2, [0, 1, 1])
    for kept, found in zip(walked(rows[:2], phase)[0], walk, strict=True):
        np.testing.assert_array_equal(kept, found)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("wall", [
    (1.5, -math.inf), (math.nan, -math.inf), (math.inf, -math.inf), (-0.1, 0.0), (4.1, 0.0), (-1e300, 1e300)])
def test_a_wall_is_no_fault_and_the_move_counts_where_the_walk_stands(phase, wall):
    walk, fault = walked([(0.0, *wall)] * 3, phase, at=1)
    assert (fault, walk.energy_bin[0], walk.energy[0]) == (-1, 1, 1.5)
    assert walk.histogram.tolist() == [0, 3, 0]
    assert walk.steps.tolist() == [3, 0, 0, 0, 0]
    added = {BUILD_UP: 1.5, ONE_OVER_T: 1 + 1 + 1, FROZEN: 0}         # in 1/t: never more than 1, then 3 bins / 3 steps
    assert walk.log_g.tolist() == [0, added[phase], 0]


@pytest.mark.parametrize(("energies", "seen", "half_trips", "last_end"), [
    ([0.5], [0, 1, 2], 0, -1), ([1.5, 1.7], [0, 1, 2], 0, 0), ([3.0], [0, 1, 2], 0, 1),
    ([3.0, 0.5], [0, 1, 2], 1, -1), ([0.5, 3.0], [0, 1, 2], 1, 1), ([3.0, 1.5, 3.0], [0, 1, 2], 0, 1),
    ([0.5, 1.5, 0.5, 1.5], [0, 1, 2], 0, -1), ([0.5, 3.0, 0.5, 3.0], [0, 1, 2], 3, 1),
    ([0.5, 1.5, 0.5, 1.5], [0, 1], 3, 1), ([3.0, 1.5, 3.0, 1.5], [1, 2], 3, -1)])
@pytest.mark.parametrize("phase", PHASES)
def test_half_a_round_trip_leads_from_one_end_to_the_other(energies, seen, half_trips, last_end, phase):
    walk, _ = walked([(0.5, energy, 9.0) for energy in energies], phase, at=1, seen=seen)
    assert walk.steps.tolist() == [len(energies), len(energies), half_trips, last_end, 0]


def test_a_bin_found_beyond_the_end_is_the_new_end():
    rows = [(0.5, energy, 9.0) for energy in (1.5, 3.0, 1.5, 0.5, 1.5, 3.0)]
    walk, _ = walked(rows, at=1, seen=[1])
    assert walk.steps.tolist() == [6, 6, 3, 1, 0]        # from the one bin up to 3.0, down to 0.5, up again
    assert walk.seen.all()


@pytest.mark.parametrize("phase", PHASES)
def test_the_energy_is_kept_and_not_that_of_a_refused_move(phase):
    walk, _ = walked([(0.5, 1.25, 9.0), (0.5, 1.75, -9.0), (0.5, 9.0, 9.0)], phase)
    assert walk.energy.tolist() == [1.25]


@pytest.mark.parametrize(("rows", "reached"), [
    ([(1.0, 0.0)], 1.0),                                                                # nearer
    ([(0.5, 0.0)], 0.5),                                                                # no nearer, and no further
    ([(5.5, 0.0)], 5.5), ([(5.6, 0.0)], 0.5),                                           # on the other side too
    ([(0.4, 0.0)], 0.5), ([(math.nan, 0.0)], 0.5), ([(-math.inf, 0.0)], 0.5),
    ([(3.0, -math.inf)], 0.5), ([(3.0, math.nan)], 0.5), ([(3.0, -1e300)], 3.0),        # a wall, no chance at all, some
    ([(2.0, 0.0), (3.0, 0.0)], 2.0), ([(4.0, 0.0), (3.0, 0.0)], 4.0), ([(3.0, 0.0), (3.5, 0.0)], 3.0)])
def test_the_approach_takes_what_leads_not_away_and_ends_at_the_edge(rows, reached):
    assert approached(rows, 0.5) == reached
    assert approached([(6.0 - energy, ratio) for energy, ratio in rows], 5.5) == 6.0 - reached


def test_the_loops_of_a_class_of_states_are_made_once():
    state = Puppet().start(None)
    assert loops_for(Puppet(), state) is loops_for(Puppet(), state)


def test_the_phases_have_the_numbers_that_the_c_twin_gives_them():
    """bench/ising.c counts them in an enum, which begins at 0."""
    assert PHASES == [0, 1, 2]


def functions_of(source, name):
    """What a text defines, as if it stood in a file of that name."""
    names = {"__name__": "typed"}
    exec(compile(source, name, "exec"), names)
    return names


def test_machine_code_depends_on_the_files_of_a_users_system_and_on_no_other(monkeypatch, tmp_path):
    """The package's own are in the name of its cache folder already; what was typed into a session has no file."""
    path = tmp_path / "moves.py"
    path.write_text("def move(): pass")
    theirs = functions_of(path.read_text(), str(path))["move"]
    typed = functions_of("def move(): pass\nclass Typed: pass", "<typed>")
    remembered = functions_of("def move(): pass", "<line 1>")["move"]
    monkeypatch.setitem(linecache.cache, "<line 1>", (16, None, ["def move(): pass"], "<line 1>"))
    here = Path(__file__).resolve()
    for things, files in (
            ((Ising2D, loops_for, jit(theirs)), (path,)), ((typed["Typed"], Told), (here,)),
            ((typed["move"], Told), (here,)), ((remembered, Told), (here,)), ((Ising2D, loops_for), ()),
            ((Puppet, theirs, Told, propose), tuple(sorted([here, path])))):
        assert walk_module._sources_outside(*things) == files


def test_a_system_that_moves_known_states_by_another_function_is_refused():
    class Stubborn(Puppet):
        accept = staticmethod(lambda state, energy: None)

    state = Puppet().start(None)
    loops_for(Puppet(), state)
    with pytest.raises(ValueError, match="Stubborn moves states of class Told by another function <lambda> than"):
        loops_for(Stubborn(), state)
