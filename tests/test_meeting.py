"""What a sampler's run does between the walks: rounds, meetings, checkpoints, when it stops and what it says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from minigrok import wanglandau as wl
from minigrok.checkpoint import CheckpointError
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
    time = {"now": 0.0, "ahead": 0.5}

    def monotonic():
        time["now"] += time["ahead"]
        return time["now"]

    monkeypatch.setattr(wl.time, "monotonic", monotonic)
    return time


def test_what_the_page_on_the_landscape_and_the_docstrings_promise():
    assert (wl.FIRST_ROUND, wl.SECONDS_AHEAD, wl.CHECKPOINT_SECONDS) == (100_000, 1, 20)
    assert (wl.ROUND_TRIPS_WANTED, wl.R_HAT_WANTED, wl.LOG_F_WANTED) == (10, 1.05, 0.01)
    usual = WangLandau(MODEL, MODEL.edges)
    assert (usual.schedule, usual.walkers, usual.seed, usual.workers, usual.joint) == ("one_over_t", 1, 0, 1, {})


@pytest.mark.parametrize(("seconds", "targets"), [
    (0.5, [100, 300, 700, 1500, 2000]),                  # twice as far, to a second or so
    (0.1, [100, 500, 2000]), (0.0, [100, 500, 2000]),    # at most four times as far
    (0.8, [100, 225, 381, 576, 820, 1125, 1506, 1982, 2000]),
    (4.0, list(range(100, 2001, 100)))])                 # never less than a stretch
def test_walkers_meet_about_every_second(clock, monkeypatch, seconds, targets):
    monkeypatch.setattr(wl, "STRETCH", 100)
    clock["ahead"], told = seconds, []
    states = sampler().run(steps=2000, progress=told.append)
    assert [each.steps for each in told] == [*targets, 2000]
    for each, before in zip(told, [0, *targets], strict=True):
        assert each.of_steps == 2000
        assert each.steps_per_second == pytest.approx(3 * (each.steps - before) / max(seconds, 1e-9))
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
        told.append(progress)
        if 300 < progress.steps < LEAST:
            raise KeyboardInterrupt

    path, told = tmp_path / "run.npz", []
    with pytest.raises(KeyboardInterrupt):
        sampler().run(steps=LEAST, progress=interrupt, checkpoint=path)
    assert told.pop() == told.pop()._replace(steps_per_second=0.0)           # once more, for the checkpoint
    told.clear()
    resumed = sampler().run(steps=LEAST, checkpoint=path, progress=told.append)
    assert 300 < told[0].steps < LEAST
    whole = sampler().run(steps=LEAST)
    np.testing.assert_array_equal(resumed.log_g, whole.log_g)
    np.testing.assert_array_equal(resumed.production_shift, whole.production_shift)


def test_a_checkpoint_that_cannot_be_written_is_an_error_that_says_so(monkeypatch, tmp_path):
    def full(*words):
        raise OSError("No space left on device")

    monkeypatch.setattr(wl, "save_checkpoint", full)
    with pytest.raises(OSError, match=r"run\.npz cannot be written \(No space .* checkpoint before it is kept"):
        sampler().run(steps=LEAST, checkpoint=tmp_path / "run.npz")


def test_one_walker_alone_is_one_of_a_run():
    alone = [sampler().run_walker(number, LEAST) for number in range(3)]
    assert {walker.steps for walker in alone} == {LEAST}
    np.testing.assert_array_equal(combine(sampler().edges, alone).log_g, sampler().run(steps=LEAST).log_g)
    one = Walker(MODEL, MODEL.edges, "one_over_t", {}, np.random.SeedSequence(0).spawn(5)[4])
    one.walk_to(LEAST, Round(0, LEAST))
    np.testing.assert_array_equal(one.result().log_g, sampler().run_walker(4, LEAST).log_g)
    for call in (lambda: sampler().run_walker(-1, LEAST), lambda: sampler().run_walker(0, LEAST - 1),
                 lambda: sampler().run(LEAST - 1)):
        with pytest.raises(ValueError, match=f"but must be a whole number, (0|{LEAST}) or more"):
            call()


@pytest.fixture
def rounds_of_a_thousand(monkeypatch):
    monkeypatch.setattr(wl, "FIRST_ROUND", LEAST)
    monkeypatch.setattr(wl, "WALKERS_FOR_AN_INTERVAL", 3)                    # to be quick
    monkeypatch.setattr(wl, "doubts_about", lambda states: [])


def test_rounds_double_the_total_up_to_the_cap():
    def ends(cap, doubling, count):
        parts = [part for part, _ in zip(wl._rounds(cap, doubling), range(count), strict=False)]
        assert all(before.end == after.start for before, after in itertools.pairwise(parts))
        return [part.end for part in parts]

    first = wl.FIRST_ROUND
    assert ends(None, True, 4) == [first, 2 * first, 4 * first, 8 * first]
    assert ends(3 * first, True, 9) == [first, 2 * first, 3 * first]
    assert ends(first // 2, True, 9) == [first // 2]
    assert ends(7777, False, 9) == [7777]


def steps_until(error, most=4 * LEAST):
    return sampler().run(steps=most, until_error=error).steps


@pytest.mark.usefixtures("rounds_of_a_thousand")
def test_until_error_ends_where_the_error_is_small():
    first = sampler().run(steps=2 * LEAST, until_error=1e9)
    error = first.largest_error
    assert first.steps == steps_until(error) == steps_until(error, most=None) == LEAST
    assert steps_until(0.99 * error, most=2 * LEAST) == 2 * LEAST


@pytest.mark.usefixtures("rounds_of_a_thousand")
def test_until_error_goes_on_while_there_are_doubts(monkeypatch):
    monkeypatch.setattr(wl, "doubts_about", lambda states: ["some"] if states.steps < 2 * LEAST else [])
    assert steps_until(1e9) == 2 * LEAST


def test_doubts_are_told_where_the_run_was_called():
    with pytest.warns(UserWarning, match="poor convergence: .*round trips") as told:
        sampler().run(steps=LEAST)
    assert told[0].filename == __file__


@pytest.mark.parametrize(("change", "doubts"), [
    ({}, []), ({"r_hat": 1.0, "log_f": 0.001, "round_trips": np.array([12, 11, 99])}, []),
    ({"round_trips": np.array([10, 9, 99])}, ["made 9 round trips"]), ({"r_hat": np.nan}, ["R-hat of the energy"]),
    ({"log_f": 0.011}, ["ln f was still 0.011"]), ({"r_hat": 1.051, "log_f": 0.02}, ["1.051", "0.02"])])
def test_each_doubt_has_its_limit_and_says_what_is_beyond_it(change, doubts):
    good = {"round_trips": np.array([10, 10, 11]), "r_hat": 1.05, "log_f": 0.01}
    told = wl.doubts_about(replace(sampler().run(steps=LEAST), **(good | change)))
    assert [words in each for words, each in zip(doubts, told, strict=True)] == [True] * len(doubts)


def test_a_walker_that_is_further_has_its_round_behind_it(monkeypatch, tmp_path):
    """A run that was broken off in its second round does not judge the first once more."""
    monkeypatch.setattr(wl, "FIRST_ROUND", LEAST)
    monkeypatch.setattr(wl, "WALKERS_FOR_AN_INTERVAL", 3)
    judged, begun, real, walk_to = [], [], wl.combine, Walker.walk_to
    monkeypatch.setattr(wl, "combine", lambda *arguments: judged.append(arguments[1][0].steps) or real(*arguments))

    def broken_off(self, step, part):
        begun.append(part.start)
        if begun.count(LEAST) == 2:                      # one walker is in the second round
            raise KeyboardInterrupt
        walk_to(self, step, part)

    run = {"steps": 2 * LEAST, "until_error": 1e-9}
    with monkeypatch.context() as patch:
        patch.setattr(Walker, "walk_to", broken_off)
        with pytest.raises(KeyboardInterrupt):
            sampler().run(**run, checkpoint=tmp_path / "run.npz")
    resumed = sampler().run(**run, checkpoint=tmp_path / "run.npz")
    assert judged == [LEAST, 2 * LEAST]
    np.testing.assert_array_equal(resumed.log_g, sampler().run(**run).log_g)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: sampler(seed=-1), "seed is -1, but must be a whole number, 0 or more"),
    (lambda: sampler(workers=0), "workers is 0, but must be a whole number, 1 or more"),
    (lambda: sampler(walkers=0), "walkers is 0, but must be a whole number, 1 or more"),
    (lambda: sampler(joint={"magnetisation": [0.0]}), r"joint\['magnetisation'\] has shape .* 2 numbers or more"),
    (lambda: WangLandau(MODEL, [0.0, 1.0]), "edges has shape .* 3 numbers or more"),
    (lambda: WangLandau(MODEL, MODEL.edges, schedule="flat"), "did you mean 'flatness'"),
    (lambda: sampler().run(), "give steps, until_error or both"),
    (lambda: sampler(walkers=8).run(LEAST, until_error=0), "until_error is 0"),
    (lambda: sampler(walkers=8).run(LEAST, until_error=-0.5), "until_error is -0.5"),
    (lambda: sampler(walkers=7).run(LEAST, until_error=1.0), "7 walkers do not give one: take 8 or more"),
    (lambda: sampler(walkers=8, schedule="flatness").run(until_error=1.0), "may never come: give steps too"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.usefixtures("rounds_of_a_thousand")
@pytest.mark.parametrize("schedule", wl.SCHEDULES)
def test_least_and_more_than_least_is_taken(schedule):
    least = WangLandau(MODEL, [-9.0, 0.0, 9.0], joint={"magnetisation": [0.0, 1.0]}, schedule=schedule)
    assert least.run(LEAST).visited.tolist() == [True, True]
    assert sampler(walkers=9, schedule=schedule, seed=2**70).run(LEAST, until_error=1e9).steps == LEAST


def test_a_checkpoint_knows_whether_it_is_of_rounds(tmp_path):
    sampler(walkers=8).run(LEAST, checkpoint=tmp_path / "run.npz")
    with pytest.raises(CheckpointError, match="rounds is False there, True here"):
        sampler(walkers=8).run(LEAST, until_error=1.0, checkpoint=tmp_path / "run.npz")
