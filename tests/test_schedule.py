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

LIMITS = {"check_every": 20, "stretch": 60, "observe_every": 4, "most_looks": 30, "final_log_f": 0.02}
LEVELS = np.array([0.0, 0.2, 1.0, 1.5, 2.0, np.nan, 3.0, 3.0, 4.0, 9.0, 8.0, 4.5])        # 9 and 8 lie outside
EDGES = np.array([0.0, 0.5, 1.5, 2.5, 3.5, 4.2, 5.0])
DOOR = 8                       # the place that few moves lead to, so that its bin is found late
JOINT = {"chance": np.array([0.0, 0.5, 0.9]), "height": np.array([0.1, 1.0, 3.0])}


class Stairs(NamedTuple):
    """A ring of places, each with its level."""

    levels: FloatArray
    place: IntArray            # (2,) where it stands, where it would go
    step_size: FloatArray      # (1,)


class Steps(NamedTuple):
    """The same without a step size."""

    levels: FloatArray
    place: IntArray


@jit
def to(state: Any, ahead: int, chance: float) -> tuple[float, float]:
    there = (state.place[0] + ahead) % len(state.levels)
    state.place[1] = there
    if np.isnan(state.levels[there]) or (there == DOOR and chance < 0.97):
        return np.nan, -np.inf
    return state.levels[there], 0.3 * ahead


def propose(state: Stairs, uniforms: FloatArray) -> tuple[float, float]:
    """As many places ahead as the step size allows; a place without a level is a wall."""
    reach = 1 + int(3.0 * state.step_size[0])
    return to(state, int(uniforms[0] * (2 * reach + 1)) - reach, uniforms[1])


def propose_one(state: Steps, uniforms: FloatArray) -> tuple[float, float]:
    return to(state, int(3.0 * uniforms[0]) - 1, uniforms[1])


def accept(state: Stairs, energy: float) -> None:
    state.place[0] = state.place[1]


class Staircase:
    uniforms = 2
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(self, begins=slice(None)):
        self.begins = np.arange(len(LEVELS))[begins]

    def start(self, rng):
        return Stairs(LEVELS.copy(), np.array([rng.choice(self.begins), 0]), np.ones(1))

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
                   "control log_f": [book.log_f], "control phase": [book.phase], "control bins_known": [book.known],
                   "control round_trips": [book.round_trips]}


def assert_alike(walker, book):
    found = walker.arrays()
    assert found["state place"][0] == book.state.place[0]
    for name, value in arrays_of(book).items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    for one, other in zip(walker.rngs, (book.numbers.moves, book.numbers.looks), strict=True):
        np.testing.assert_array_equal(*(rng.bit_generator.state["state"]["state"] for rng in (one, other)))


ROUNDS = [Round(0, 1200), Round(1200, 401), Round(1601, 1800)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("system", [Staircase(), OneByOne(), Staircase([9])], ids=["jumps", "steps", "outside"])
@pytest.mark.parametrize("schedule", ["one_over_t", "flatness"])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_walker_goes_by_the_book(system, schedule, seed):
    walker, book = pair(system, schedule, seed)
    for part in ROUNDS:
        for step in book.round(part.start, part.steps):
            if step % 37 == 0 or step == part.end:
                walker.walk_to(step, part)
                assert_alike(walker, book)
        result = walker.result()
        assert (result.round_trips, result.log_f, result.steps) == (book.round_trips, book.log_f, part.end)


@pytest.mark.usefixtures("small")
def test_all_that_the_book_knows_happens_there():
    books = {(schedule, seed): pair(Staircase(), schedule, seed)[1]
             for schedule in ("one_over_t", "flatness") for seed in range(4)}
    after_one = set()
    for book in books.values():
        for part in ROUNDS:
            assert [*book.round(part.start, part.steps)] == [*range(part.start + 1, part.end + 1)]
            after_one |= {book.phase} if part is ROUNDS[0] else set()
    tails = [book for (schedule, _), book in books.items() if schedule == "one_over_t"]
    assert after_one == {book.phase for book in tails} == {BUILD_UP, ONE_OVER_T}
    assert any(book.walk.steps[4] > 0 for book in tails)                   # a bin was found in 1/t
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


def test_one_over_t_begins_where_ln_f_has_come_down_to_it_and_no_later():
    for log_f, phase in ((0.0625, ONE_OVER_T), (np.nextafter(0.0625, 1), BUILD_UP)):
        walker = begun()
        walker.walk_to(999, Round(0, 10_000))
        walker.walk.seen[:], walker.walk.histogram[:], walker.walk.steps[4] = True, 0, 904
        walker.control.log_f[0] = log_f                  # 6 bins / 96 steps
        walker.walk_to(1000, Round(0, 10_000))
        assert (walker.control.phase[0], walker.control.log_f[0]) == (phase, log_f)


def begun(system=None, edges=EDGES, joint=None):
    return Walker(system or Staircase(), np.asarray(edges, float), "one_over_t", joint or {}, np.random.SeedSequence(0))


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


def test_the_approach_takes_no_more_moves_than_it_says(monkeypatch):
    drawn, numbers = [], Walker._numbers
    monkeypatch.setattr(walker_module, "STRETCH", 100)
    monkeypatch.setattr(walker_module, "LONGEST_APPROACH", 2000)
    monkeypatch.setattr(Walker, "_numbers", lambda walker, rows: drawn.append(rows) or numbers(walker, rows))
    with pytest.raises(ValueError, match="after 2000 moves"):
        begun(edges=[20.0, 30.0, 40.0])
    assert sum(drawn) == 2000


def test_a_state_is_drawn_a_thousand_times():
    assert begun(Deaf([math.nan] * 999 + [1.0, 1.0])).walk.energy[0] == 1.0


@pytest.mark.parametrize(("level", "bins"), [(0.0, 0), (5.0, 5), (0.5, 1)])
def test_both_ends_of_the_range_belong_to_it(level, bins):
    walker = begun(Deaf([level, level]))
    assert walker.walk.energy_bin[0] == bins
    assert walker.walk.seen.tolist() == [place == bins for place in range(6)]


def test_a_walk_that_leaves_no_bin_is_refused_when_production_begins(monkeypatch):
    walker = begun(Staircase([0, 1]), edges=[-1.0, 0.5, 0.7, 0.9])
    with pytest.raises(ValueError, match=r"never left the bin from -1 to 0.5 in 2000 moves"):
        walker.walk_to(4000, Round(0, 4000))


class Fall(NamedTuple):
    depth: FloatArray
    limit: FloatArray          # of the numbers


def fall(state: Fall, uniforms: FloatArray) -> tuple[float, float]:
    """A move that leads to NaN, where the numbers say so."""
    return np.nan if uniforms[0] >= state.limit[0] else 1.0 - state.depth[0], 0.0


def fallen(state: Fall, energy: float) -> None:
    state.depth[0] = energy


class Pit(Staircase):
    uniforms = 1
    propose = staticmethod(fall)
    accept = staticmethod(fallen)

    def __init__(self, limit):
        self.limit = limit

    def start(self, rng):
        return Fall(np.zeros(1), np.array([self.limit]))

    def energy(self, state):
        return float(state.depth[0])


@pytest.mark.parametrize("limit", [0.0, 0.99])
def test_a_move_to_no_energy_is_named_by_its_number(limit):
    walker = begun(Pit(limit), edges=[0.0, 0.5, 1.0])
    rows = np.random.Generator(np.random.SFC64(np.random.SeedSequence(0).spawn(1)[0])).random((1000, 2))
    number = np.flatnonzero(rows[:, 1] >= limit)[0] + 1
    with pytest.raises(ValueError, match=rf"move {number}, from energy [01], leads to energy nan with log_ratio 0.0, "):
        walker.walk_to(1000, Round(0, 10_000))


def test_what_the_page_on_the_landscape_and_the_docstrings_promise():
    assert (walker_module.FLATNESS, walker_module.FINAL_LOG_F) == (0.8, 1e-8)
    assert (walker_module.CHECK_EVERY, walker_module.STRETCH, walker_module.OBSERVE_EVERY) == (1000, 20_000, 200)
    assert (walker_module.MOST_LOOKS, walker_module.LONGEST_APPROACH) == (10_000, 200_000)
