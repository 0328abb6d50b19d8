"""A walker, held to the schedule as it is written down: every array, at every stop, to the bit."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from by_the_book import ByTheBook

from minigrok import walker as walker_module
from minigrok.checks import FloatArray, IntArray
from minigrok.jit import jit
from minigrok.walk import BUILD_UP, ONE_OVER_T
from minigrok.walker import Round, Walker

LIMITS = {"check_every": 20, "stretch": 60, "observe_every": 4, "most_looks": 30, "final_log_f": 1 / 32}
LEVELS = np.array([0.0, 0.2, 1.0, 1.5, 2.0, np.nan, 3.0, 3.0, 4.0, 9.0, 8.0, 7.0])        # the last three lie outside
EDGES = np.array([0.0, 0.5, 1.5, 2.5, 3.5, 5.0])
DOOR, OPENS = 8, 900           # a place that has a bin of its own, and the moves before anything leads there
JOINT = {"chance": np.array([0.0, 0.5, 0.9]), "height": np.array([0.1, 1.0, 3.0])}


class Stairs(NamedTuple):
    """A ring of places, each with its level."""

    levels: FloatArray
    place: IntArray            # (3,) where it stands, where it would go, moves tried
    step_size: FloatArray      # (1,)


class Steps(NamedTuple):
    """The same without a step size."""

    levels: FloatArray
    place: IntArray


@jit
def to(state: Any, ahead: int) -> tuple[float, float]:
    there = (state.place[0] + ahead) % len(state.levels)
    state.place[1] = there
    state.place[2] += 1
    if np.isnan(state.levels[there]) or (there == DOOR and state.place[2] < OPENS):
        return np.nan, -np.inf
    return state.levels[there], 0.3 * ahead


def propose(state: Stairs, uniforms: FloatArray) -> tuple[float, float]:
    """As many places ahead as the step size allows; a place without a level is a wall."""
    reach = 1 + int(3.0 * state.step_size[0])
    return to(state, int(uniforms[0] * (2 * reach + 1)) - reach)


def propose_one(state: Steps, uniforms: FloatArray) -> tuple[float, float]:
    return to(state, int(3.0 * uniforms[0]) - 1)


def accept(state: Stairs, energy: float) -> None:
    state.place[0] = state.place[1]


class Staircase:
    uniforms = 1
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(self, begins=slice(None)):
        self.begins = np.arange(len(LEVELS))[begins]

    def start(self, rng):
        return Stairs(LEVELS.copy(), np.array([rng.choice(self.begins), 0, 0]), np.ones(1))

    def energy(self, state):
        return float(state.levels[state.place[0]])

    def observe(self, state, rng):
        height = self.energy(state)
        return {"height": height, "chance": rng.random(), "temper": math.nan if height < 1 else height}


class OneByOne(Staircase):
    propose = staticmethod(propose_one)

    def start(self, rng):
        return Steps(*super().start(rng)[:2])


@pytest.fixture
def small(monkeypatch):
    """Few steps between two looks, so that all happens in a thousand."""
    for name, value in LIMITS.items():
        monkeypatch.setattr(walker_module, name.upper(), value)


def pair(system, schedule, seed):
    arguments = system, EDGES, schedule, JOINT
    return (Walker(*arguments, np.random.SeedSequence(seed)),
            ByTheBook(*arguments, np.random.SeedSequence(seed), LIMITS))


def arrays_of(book):
    """As `Walker.arrays` names them, but for what is only the walker's own."""
    kept = {f"state {name}": value for name, value in book.state._asdict().items() if name != "place"}
    kept |= {f"walk {name}": value for name, value in book.walk._asdict().items()}
    kept |= {f"sum {name}": value for name, value in book.sums.items()}
    kept |= {f"count {name}": value for name, value in book.counts.items()}
    return kept | {"visits": book.visits, "shift": book.shift, "energies": np.array(book.energies),
                   "control log_f": [book.log_f], "control phase": [book.phase],
                   "control phase_before": [book.before], "control bins_known": [book.known],
                   "control round_trips": [book.round_trips]}


def assert_alike(walker, book):
    found = walker.arrays()
    assert found["state place"][::2].tolist() == book.state.place[::2].tolist()
    for name, value in arrays_of(book).items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    for one, other in zip(walker.rngs, (book.numbers.moves, book.numbers.looks), strict=True):
        np.testing.assert_array_equal(*(rng.bit_generator.state["state"]["state"] for rng in (one, other)))


ROUNDS = [Round(0, 320), Round(320, 401), Round(721, 1200), Round(1921, 1501)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("system", [Staircase(), OneByOne(), Staircase([9])], ids=["jumps", "steps", "outside"])
@pytest.mark.parametrize("schedule", ["one_over_t", "flatness"])
@pytest.mark.parametrize(("seed", "apart", "rounds"), [
    (0, 9999, [Round(0, 2400)]), (1, 14, ROUNDS), (2, 20, ROUNDS), (3, 30, ROUNDS)])
def test_a_walker_goes_by_the_book(system, schedule, seed, apart, rounds):
    walker, book = pair(system, schedule, seed)
    for part in rounds:
        for step in book.round(part.start, part.steps):
            if step % apart == 0 or step == part.end:
                walker.walk_to(step, part)
                assert_alike(walker, book)
        result = walker.result()
        assert (result.round_trips, result.log_f, result.steps) == (book.round_trips, book.log_f, part.end)


@pytest.mark.usefixtures("small")
def test_all_that_the_book_knows_happens_there():
    books = {(schedule, seed): pair(Staircase(), schedule, seed)[1]
             for schedule in ("one_over_t", "flatness") for seed in range(4)}
    for book in books.values():
        for part in ROUNDS:
            assert list(book.round(part.start, part.steps)) == list(range(part.start + 1, part.end + 1))
    tails = [book for (schedule, _), book in books.items() if schedule == "one_over_t"]
    assert {book.phase for book in tails} == {ONE_OVER_T}
    assert {int(book.walk.steps[4]) for book in tails} == {0, 960}         # some found a bin in 1/t
    assert any(book.log_f < LIMITS["final_log_f"] for book in books.values())
    assert len({book.state.step_size[0] for book in books.values()}) > 2
    assert all(book.round_trips > 0 for book in books.values())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("apart", [7, 60, 501])
def test_where_a_walker_stops_or_is_put_back_from_its_arrays_changes_nothing(apart):
    through, halting = (pair(Staircase(), "one_over_t", 0)[0] for _ in range(2))
    for part in ROUNDS:
        through.walk_to(part.end, part)
        while halting.steps < part.end:
            halting.walk_to(min(halting.steps + apart, part.end), part)
            kept = {name: value.copy() for name, value in halting.arrays().items()}
            halting = pair(Staircase(), "one_over_t", 1)[0]
            halting.restore(kept)
        halting.walk_to(part.end, part)                  # it is there already
    for name, value in through.arrays().items():
        np.testing.assert_array_equal(value, halting.arrays()[name], err_msg=name)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("stop", [20, 149, 160, 161, 201, 320, 330, 521, 600, 721])
def test_a_walker_that_is_further_already_stays_where_it_is(stop):
    walker = pair(Staircase(), "one_over_t", 0)[0]
    behind = [part for part in ROUNDS if part.start < stop]
    for part in behind:
        walker.walk_to(min(stop, part.end), part)
    kept = {name: value.copy() for name, value in walker.arrays().items()}
    for part in behind:
        for step in range(stop + 1):
            walker.walk_to(step, part)
    for name, value in walker.arrays().items():
        np.testing.assert_array_equal(value, kept[name], err_msg=name)


def test_one_over_t_begins_where_ln_f_has_come_down_to_it_and_no_later():
    for log_f, phase in ((0.0625, ONE_OVER_T), (np.nextafter(0.0625, 1), BUILD_UP)):
        walker = Walker(Staircase(), EDGES, "one_over_t", {}, np.random.SeedSequence(0))
        walker.walk_to(999, Round(0, 10_000))
        walker.walk.seen[:], walker.walk.histogram[:], walker.walk.steps[4] = True, 0, 920
        walker.control.log_f[0] = log_f                  # 5 bins / 80 steps
        walker.walk_to(1000, Round(0, 10_000))
        assert (walker.control.phase[0], walker.control.log_f[0]) == (phase, log_f)


def test_what_the_page_on_the_landscape_and_the_docstrings_promise():
    assert (walker_module.FLATNESS, walker_module.FINAL_LOG_F) == (0.8, 1e-8)
    assert (walker_module.CHECK_EVERY, walker_module.STRETCH, walker_module.OBSERVE_EVERY) == (1000, 20_000, 200)
    assert (walker_module.MOST_LOOKS, walker_module.LONGEST_APPROACH) == (10_000, 200_000)
    assert (walker_module.START_DRAWS, walker_module.STEP_SIZES) == (1000, (1e-3, 2))
    assert walker_module.ACCEPTANCE == (0.3, 0.5)
