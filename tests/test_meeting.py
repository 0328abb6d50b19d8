"""What a sampler's run does between the walks: rounds, meetings, checkpoints, when it stops and what it says."""

from dataclasses import replace

import numpy as np
import pytest

from minigrok import wanglandau as wl
from minigrok.dos import combine
from minigrok.systems import Ising2D
from minigrok.walker import OBSERVE_EVERY, Round, Walker
from minigrok.wanglandau import Progress, WangLandau

MODEL = Ising2D(2)
LEAST = 10 * OBSERVE_EVERY
pytestmark = pytest.mark.filterwarnings("ignore:poor convergence")


def sampler(**settings):
    return WangLandau(MODEL, MODEL.edges, **({"walkers": 3, "seed": 0} | settings))


@pytest.fixture
def clock(monkeypatch):
    """The sampler's clock, which goes so many seconds ahead each time that it is looked at."""
    time = {"now": 1000.0, "ahead": 0.5}

    def monotonic():
        time["now"] += time["ahead"]
        return time["now"]

    monkeypatch.setattr(wl.time, "monotonic", monotonic)
    return time


def test_what_the_page_on_the_landscape_and_the_docstrings_promise():
    assert (wl.FIRST_ROUND, wl.SECONDS_AHEAD, wl.CHECKPOINT_SECONDS) == (100_000, 1, 20)
    assert (wl.ROUND_TRIPS_WANTED, wl.R_HAT_WANTED, wl.LOG_F_WANTED) == (10, 1.05, 0.01)
    assert WangLandau(MODEL, MODEL.edges).walkers == 1


@pytest.mark.parametrize(("seconds", "targets"), [
    (0.5, [100, 300, 700, 1500, 2000]),                  # twice as far, to a second or so
    (0.1, [100, 500, 2000]),                             # at most four times as far
    (0.8, [100, 225, 381, 576, 820, 1125, 1506, 1982, 2000]),
    (4.0, list(range(100, 2001, 100)))])                 # never less than a stretch
def test_walkers_meet_about_every_second(clock, monkeypatch, seconds, targets):
    monkeypatch.setattr(wl, "STRETCH", 100)
    clock["ahead"], told = seconds, []
    states = sampler().run(steps=2000, progress=told.append)
    assert [each.steps for each in told] == [*targets, 2000]
    for each, before in zip(told, [0, *targets], strict=True):
        assert each.of_steps == 2000
        assert each.steps_per_second == pytest.approx(3 * (each.steps - before) / seconds)
    assert [each.error for each in told] == [np.inf] * len(targets) + [states.largest_error]
    assert told[-1].bins_seen == states.visited.sum()


def test_the_first_meeting_is_before_the_walk_where_a_checkpoint_is_kept(tmp_path):
    told = []
    sampler().run(steps=LEAST, progress=told.append, checkpoint=tmp_path / "run.npz")
    assert told[0] == Progress(0, 0, 1, np.inf, 0.0)


@pytest.mark.parametrize(("seconds", "often"), [(10.0, 20), (9.5, 10)])
def test_a_checkpoint_is_written_at_both_ends_and_whenever_its_time_has_come(
    clock, monkeypatch, tmp_path, seconds, often
):
    """The clock is looked at three times from one checkpoint to the next meeting, and three times to the one after."""
    written = []
    monkeypatch.setattr(wl, "STRETCH", 100)
    monkeypatch.setattr(wl, "CHECKPOINT_SECONDS", 30.0)
    monkeypatch.setattr(wl, "save_checkpoint", lambda *arguments: written.append(arguments))
    clock["ahead"] = seconds
    sampler().run(steps=LEAST, checkpoint=tmp_path / "run.npz")
    assert len(written) == 1 + often + 1


def test_an_interrupted_run_goes_on_to_the_bit(monkeypatch, tmp_path):
    monkeypatch.setattr(wl, "STRETCH", 300)

    def interrupt(progress):
        if 300 < progress.steps < LEAST:
            raise KeyboardInterrupt

    path, told = tmp_path / "run.npz", []
    with pytest.raises(KeyboardInterrupt):
        sampler().run(steps=LEAST, progress=interrupt, checkpoint=path)
    resumed = sampler().run(steps=LEAST, checkpoint=path, progress=told.append)
    assert 300 < told[0].steps < LEAST
    whole = sampler().run(steps=LEAST)
    np.testing.assert_array_equal(resumed.log_g, whole.log_g)
    np.testing.assert_array_equal(resumed.production_shift, whole.production_shift)


def test_one_walker_alone_is_one_of_a_run():
    alone = [sampler().run_walker(number, LEAST) for number in range(3)]
    assert {walker.steps for walker in alone} == {LEAST}
    np.testing.assert_array_equal(combine(sampler().edges, alone).log_g, sampler().run(steps=LEAST).log_g)
    for call in (lambda: sampler().run_walker(-1, LEAST), lambda: sampler().run_walker(0, LEAST - 1),
                 lambda: sampler().run(LEAST - 1)):
        with pytest.raises(ValueError, match=f"but must be a whole number, (0|{LEAST}) or more"):
            call()


@pytest.fixture
def rounds_of_a_thousand(monkeypatch):
    monkeypatch.setattr(wl, "FIRST_ROUND", LEAST)
    monkeypatch.setattr(wl, "doubts_about", lambda states: [])


@pytest.mark.usefixtures("rounds_of_a_thousand")
def test_until_error_ends_where_the_error_is_small_and_there_are_no_doubts(monkeypatch):
    eight = {"walkers": 8}
    first = sampler(**eight).run(until_error=1e9)
    assert first.steps == LEAST
    assert sampler(**eight).run(until_error=first.largest_error).steps == LEAST
    assert sampler(**eight).run(steps=2 * LEAST, until_error=0.99 * first.largest_error).steps == 2 * LEAST
    monkeypatch.setattr(wl, "doubts_about", lambda states: ["some"] if states.steps < 2 * LEAST else [])
    assert sampler(**eight).run(until_error=1e9).steps == 2 * LEAST


def test_doubts_are_told_where_the_run_was_called():
    with pytest.warns(UserWarning, match="poor convergence: .*round trips") as told:
        sampler().run(steps=LEAST)
    assert told[0].filename == __file__


@pytest.mark.parametrize(("change", "doubts"), [
    ({}, 0), ({"r_hat": 1.0}, 0), ({"round_trips": np.array([9, 10, 99])}, 1), ({"r_hat": np.nan}, 1),
    ({"log_f": 0.02}, 1), ({"r_hat": 1.051, "log_f": 0.02}, 2)])
def test_each_doubt_has_its_limit(change, doubts):
    good = {"round_trips": np.array([10, 10, 11]), "r_hat": 1.05, "log_f": 0.01}
    assert len(wl.doubts_about(replace(sampler().run(steps=LEAST), **(good | change)))) == doubts


def test_a_walker_that_is_further_has_its_round_behind_it(monkeypatch, tmp_path):
    """A run that was broken off in its second round does not judge the first once more."""
    monkeypatch.setattr(wl, "FIRST_ROUND", LEAST)
    judged, real = [], wl.combine
    monkeypatch.setattr(wl, "combine", lambda *arguments: judged.append(arguments[1][0].steps) or real(*arguments))
    walk_to = Walker.walk_to

    def broken_off(self, step, part):
        if part == Round(LEAST, LEAST) and len(judged) == 1:
            judged.append("broken off")
            raise KeyboardInterrupt
        walk_to(self, step, part)

    monkeypatch.setattr(Walker, "walk_to", broken_off)
    eight, run = {"walkers": 8}, {"steps": 2 * LEAST, "until_error": 1e-9, "checkpoint": tmp_path / "run.npz"}
    with pytest.raises(KeyboardInterrupt):
        sampler(**eight).run(**run)
    sampler(**eight).run(**run)
    assert judged == [LEAST, "broken off", LEAST, 2 * LEAST]
