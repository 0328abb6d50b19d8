"""Rounds, stopping and going on: what a run is worth that was cut into pieces, and when it ends."""

import errno
import os

import numpy as np
import pytest

from minigrok import tasks
from minigrok import wanglandau as wl
from minigrok.checkpoint import CheckpointError
from minigrok.dos import WalkerResult, combine, split_r_hat
from minigrok.jit import JIT_ENABLED
from minigrok.systems import Ising2D, NetworkLandscape
from minigrok.walk import BUILD_UP, FROZEN, ONE_OVER_T
from minigrok.walker import MOST_LOOKS, OBSERVE_EVERY, Round, Walker
from minigrok.wanglandau import WangLandau

MODEL = Ising2D(4)
EXACT = MODEL.exact_log_g() - 16 * np.log(2)
KNOWN = np.isfinite(EXACT)
pytestmark = pytest.mark.filterwarnings("ignore:poor convergence")
SLOW_WITHOUT_NUMBA = pytest.mark.skipif(not JIT_ENABLED, reason="a million steps of plain Python")


def walker(system=MODEL, edges=MODEL.edges, seed=0, joint=None, schedule="one_over_t"):
    return Walker(system, np.asarray(edges, float), schedule, joint or {}, np.random.SeedSequence(seed))


def sampler(**settings):
    return WangLandau(MODEL, MODEL.edges, **({"walkers": 3, "seed": 0} | settings))


def assert_same(one, two):
    for name, value in vars(one).items():
        other = getattr(two, name)
        if isinstance(value, dict):
            assert value.keys() == other.keys()
            for key in value:
                np.testing.assert_array_equal(value[key], other[key], err_msg=f"{name} {key}")
        else:
            np.testing.assert_array_equal(value, other, err_msg=name)


@pytest.mark.parametrize("steps", [2000, 2001, 59_999, 10**7, 123_456_789])
def test_a_round_is_half_build_up_half_production_in_whole_looks(steps):
    part = Round(1000, steps)
    looks, rest = divmod(part.end - part.production, part.look_every)
    assert rest == 0
    assert 0.5 * min(MOST_LOOKS, steps / 2 / OBSERVE_EVERY) < looks <= MOST_LOOKS
    assert part.look_every % OBSERVE_EVERY == 0
    assert abs((part.end - part.production) - steps / 2) <= part.look_every
    assert part.end == 1000 + steps


def test_production_goes_into_ln_g_as_one_over_t_would_have_put_it():
    one, part = walker(), Round(0, 400_000)
    one.walk_to(part.production, part)
    before, phase = one.walk.log_g.copy(), one.control.phase[0]
    assert phase == ONE_OVER_T
    one.walk_to(part.end - OBSERVE_EVERY, part)
    assert one.control.phase[0] == FROZEN
    np.testing.assert_array_equal(one.walk.log_g, before)
    one.walk_to(part.end, part)
    seen, visits = one.walk.seen, one.visits
    assert visits.sum() == part.end - part.production
    shift = visits[seen] / visits[seen].mean() - 1
    np.testing.assert_allclose(one.walk.log_g[seen], before[seen] + 0.5 * shift, atol=1e-13)
    np.testing.assert_allclose(one.shift[seen], shift)
    assert one.control.phase[0] == ONE_OVER_T


def test_the_classic_schedule_takes_nothing_from_production():
    one, part = walker(schedule="flatness"), Round(0, 100_000)
    one.walk_to(part.production, part)
    before = one.walk.log_g.copy()
    one.walk_to(part.end, part)
    np.testing.assert_array_equal(one.walk.log_g, before)
    assert one.control.phase[0] == BUILD_UP


def test_a_bin_found_late_sets_ln_f_and_the_clock_back():
    one, part = walker(), Round(0, 4_000_000)
    one.walk_to(400_000, part)
    assert one.control.phase[0] == ONE_OVER_T
    last = np.flatnonzero(KNOWN)[-1]
    one.walk.seen[last] = False                          # as if it had never been there
    one.control.bins_known[0] -= 1
    one.walk_to(800_000, part)
    assert one.walk.seen[last]
    assert one.walk.steps[4] > 400_000
    assert one.control.log_f[0] < 1                      # and has come down again
    assert one.control.phase[0] == ONE_OVER_T
    assert abs(one.walk.log_g[last] - one.walk.log_g[0]) < 1            # both ends have two configurations


@pytest.mark.parametrize("stops", [777, 12_345, 30_000])
def test_where_a_walk_stops_changes_nothing(stops):
    part = Round(0, 60_000)
    through, halting = walker(), walker()
    through.walk_to(part.end, part)
    for step in range(stops, part.end + stops, stops):
        halting.walk_to(min(step, part.end), part)
    for name, value in through.arrays().items():
        np.testing.assert_array_equal(value, halting.arrays()[name], err_msg=name)


@pytest.mark.parametrize("stop", [500, 30_500, 60_000, 75_400])
def test_a_walker_put_back_from_its_arrays_goes_on_to_the_bit(stop):
    landscape, rounds = NetworkLandscape(tasks.moons(n=40)), [Round(0, 60_000), Round(60_000, 60_000)]
    settings = {"system": landscape, "edges": np.linspace(0.2, 1.79, 11), "joint": {"loss": np.array([0.0, 0.7, 9.0])}}
    through, before, after = (walker(seed=seed, **settings) for seed in (0, 0, 1))
    for part in rounds:
        through.walk_to(part.end, part)
    before.walk_to(min(stop, 60_000), rounds[0])
    if stop > 60_000:
        before.walk_to(stop, rounds[1])
    after.restore({name: value.copy() for name, value in before.arrays().items()})
    for part in rounds:
        if after.steps <= part.end:
            after.walk_to(part.end, part)
    for name, value in through.arrays().items():
        np.testing.assert_array_equal(value, after.arrays()[name], err_msg=name)


@SLOW_WITHOUT_NUMBA
def test_until_error_walks_until_the_error_is_there_and_it_tells_the_truth():
    states = sampler(walkers=8).run(until_error=0.02)
    assert states.largest_error <= 0.02
    assert states.round_trips.min() >= 10
    assert states.r_hat <= 1.05
    z = (states.log_g[KNOWN] - EXACT[KNOWN]) / states.error[KNOWN]
    assert np.sqrt(np.mean(z**2)) < 3
    longer = sampler(walkers=8).run(until_error=0.01)
    assert longer.largest_error <= 0.01
    assert longer.steps > states.steps


@SLOW_WITHOUT_NUMBA
def test_until_error_stops_at_the_cap_and_says_that_it_is_not_good_enough():
    told = []
    states = sampler(walkers=8).run(steps=150_000, until_error=1e-4, progress=told.append)
    assert states.steps == 150_000
    assert np.isinf(told[0].error)
    assert told[-1].error == states.largest_error > 1e-4


def run_with_interrupts(path, every, **run):
    """Run, interrupted by Ctrl-C at each `every`-th meeting, until it is through; how often it was."""
    meetings, interrupted = 0, 0

    def stop(progress):
        nonlocal meetings
        meetings += 1
        if meetings % every == 0:
            raise KeyboardInterrupt

    while True:
        try:
            return sampler(workers=2).run(progress=stop, checkpoint=path, **run), interrupted
        except KeyboardInterrupt:
            interrupted += 1
            assert path.exists()


@SLOW_WITHOUT_NUMBA
def test_an_interrupted_run_goes_on_to_the_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(wl, "SECONDS_AHEAD", 1e-6)       # meet as often as can be
    whole = sampler().run(steps=300_000)
    resumed, interrupted = run_with_interrupts(tmp_path / "run.npz", 5, steps=300_000)
    assert interrupted >= 3
    assert_same(whole, resumed)
    assert_same(whole, sampler().run(steps=300_000, checkpoint=tmp_path / "run.npz"))    # finished: nothing is walked


@SLOW_WITHOUT_NUMBA
def test_a_finished_run_goes_on_to_a_smaller_error_as_if_it_had_been_asked_for(tmp_path):
    eight = {"walkers": 8, "workers": 2}
    sampler(**eight).run(until_error=0.05, checkpoint=tmp_path / "run.npz")
    longer = sampler(**eight).run(until_error=0.02, checkpoint=tmp_path / "run.npz")
    assert_same(longer, sampler(**eight).run(until_error=0.02))


@pytest.mark.parametrize(("settings", "steps", "message"), [
    ({"seed": 1}, 5000, "seed is 0 there, 1 here"), ({"walkers": 2}, 5000, "walkers is 3 there, 2 here"),
    ({"schedule": "flatness"}, 5000, "schedule"), ({}, 6000, "steps is 5000 there, 6000 here")])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, settings, steps, message):
    sampler().run(steps=5000, checkpoint=tmp_path / "run.npz")
    with pytest.raises(CheckpointError, match=message):
        sampler(**settings).run(steps=steps, checkpoint=tmp_path / "run.npz")


def test_a_checkpoint_of_another_system_or_version_or_cut_short_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    sampler().run(steps=5000, checkpoint=path)
    with pytest.raises(CheckpointError, match=r"system\.L is 4 there, 6 here"):
        WangLandau(Ising2D(6), MODEL.edges, walkers=3).run(steps=5000, checkpoint=path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"no whole \.npz"):
        sampler().run(steps=5000, checkpoint=path)
    path.write_bytes(whole)
    monkeypatch.setattr(wl, "__version__", "99.0")
    with pytest.raises(CheckpointError, match=r"minigrok is '.*' there, '99.0' here"):
        sampler().run(steps=5000, checkpoint=path)


def test_a_full_disk_is_an_error_that_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    path, real = tmp_path / "run.npz", wl.save_checkpoint
    monkeypatch.setattr(wl, "SECONDS_AHEAD", 1e-6)
    monkeypatch.setattr(wl, "CHECKPOINT_SECONDS", 0.0)
    saved = []

    def filling_up(*arguments):
        if len(saved) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved.append(real(*arguments))

    monkeypatch.setattr(wl, "save_checkpoint", filling_up)
    with pytest.raises(OSError, match=r"run\.npz cannot be written .*No space left.* the checkpoint before it is kept"):
        sampler().run(steps=60_000, checkpoint=path)
    monkeypatch.setattr(wl, "save_checkpoint", real)
    assert_same(sampler().run(steps=60_000, checkpoint=path), sampler().run(steps=60_000))


@SLOW_WITHOUT_NUMBA
def test_an_interval_is_students_and_needs_eight_walkers():
    states = sampler(walkers=8).run(steps=200_000)
    low, high = states.interval()
    np.testing.assert_allclose((high - low)[KNOWN], 2 * 2.364624 * states.error[KNOWN], rtol=1e-6)      # t, 7 degrees
    np.testing.assert_allclose(((high + low) / 2)[KNOWN], states.log_g[KNOWN])
    with pytest.raises(ValueError, match="level is 95"):
        states.interval(95)
    with pytest.raises(ValueError, match="from 3 walkers would mislead: run 8 or more"):
        sampler().run(steps=5000).interval()


@SLOW_WITHOUT_NUMBA
def test_observables_have_errors_and_the_joint_law_adds_up():
    edges = [-0.01, 0.2, 0.6, 1.01]
    states = sampler(walkers=8, joint={"magnetisation": edges}).run(steps=400_000)
    ends = [0, -1]
    np.testing.assert_allclose(states.observables["magnetisation"][ends], [1, 0], atol=0)        # aligned, alternating
    np.testing.assert_array_equal(states.observable_errors["magnetisation"][ends], [0, 0])
    assert 0 < states.observable_errors["magnetisation"][8] < 0.02
    joint = states.joint_log_g("magnetisation")
    assert joint.shape == (17, 3)
    np.testing.assert_allclose(np.logaddexp.reduce(joint, axis=1)[KNOWN], states.log_g[KNOWN])
    assert joint[0].tolist() == [-np.inf, -np.inf, pytest.approx(states.log_g[0])]
    np.testing.assert_array_equal(states.joint_edges["magnetisation"], edges)


def test_production_knows_whether_ln_g_was_biased():
    """Without bias the visits are flat within their errors; in a short run they are not."""
    long = sampler(walkers=8).run(steps=400_000)
    z = long.production_shift[KNOWN] / long.production_error[KNOWN]
    assert abs(z).max() < 8
    rough = sampler(walkers=8).run(steps=2000)
    assert abs(rough.production_shift[rough.visited]).max() > abs(long.production_shift[KNOWN]).max()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: sampler().run(), "give steps, until_error or both"),
    (lambda: sampler().run(until_error=0.1), "3 walkers do not give one: take 8 or more"),
    (lambda: sampler(walkers=8).run(until_error=0), "until_error is 0"),
    (lambda: sampler(walkers=8, schedule="flatness").run(until_error=0.1), "may never come: give steps too"),
    (lambda: sampler(walkers=8).run(until_error=np.nan), "until_error is nan"),
    (lambda: sampler(joint={"magnetisation": [1.0]}), "2 numbers or more"),
    (lambda: sampler(joint={"magnetisation": [1.0, 0.0]}), "must increase"),
    (lambda: sampler(joint={"spin": [0.0, 1.0]}).run(5000), "joint names 'spin', .* it observes magnetisation"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


RARE = 0                       # the bin of the lowest energy of 8 x 8: a thousand steps do not come near it


def before_a_check(visits_of_the_rarest, log_f, schedule="one_over_t", clock=0):
    """A walker one check before ln f may be halved: all levels seen, all visited often but one."""
    model = Ising2D(8)
    one = walker(model, model.edges, schedule=schedule)
    one.walk_to(500, Round(0, 10**6))
    there = np.isfinite(model.exact_log_g())
    one.walk.seen[:] = there
    one.control.bins_known[0] = there.sum()
    one.control.log_f[0] = log_f
    one.walk.steps[4] = clock
    one.walk.histogram[there] = 1_000_000
    one.walk.histogram[RARE] = visits_of_the_rarest
    one.walk_to(1000, Round(0, 10**6))
    return one


@pytest.mark.parametrize(("schedule", "log_f", "visits", "halved"), [
    ("one_over_t", 1.0, 0, False), ("one_over_t", 1.0, 1, True), ("one_over_t", 0.0625, 3, False),
    ("one_over_t", 0.0625, 4, True),                     # 1 / sqrt(ln f) visits
    ("flatness", 0.0625, 780_000, False), ("flatness", 0.0625, 810_000, True),       # 80 % of the mean
    ("flatness", 1.01e-8, 1_000_000, True), ("flatness", 0.99e-8, 1_000_000, False)])
def test_ln_f_is_halved_when_the_schedule_says_so(schedule, log_f, visits, halved):
    one = before_a_check(visits, log_f, schedule, clock=999)                           # 1/t is far away
    assert one.control.log_f[0] == (log_f / 2 if halved else log_f)
    assert (one.walk.histogram.sum() == 0) == halved
    assert one.walk.log_g[one.walk.seen].min() == 0      # a constant is taken off


@pytest.mark.parametrize("clock", [0, 400])
def test_one_over_t_begins_when_ln_f_has_come_down_to_it(clock):
    gain = 63 / (1000 - clock)
    assert before_a_check(0, 1.01 * gain, clock=clock).control.phase[0] == BUILD_UP
    assert before_a_check(0, 0.99 * gain, clock=clock).control.phase[0] == ONE_OVER_T


def test_a_discovery_in_one_over_t_starts_the_build_up_again():
    one, part = walker(), Round(0, 4_000_000)
    one.walk_to(400_000, part)
    assert one.control.phase[0] == ONE_OVER_T
    one.control.bins_known[0] -= 1                       # as if a bin were new
    one.walk_to(420_000, part)
    assert (one.control.log_f[0], one.control.phase[0], one.walk.steps[4]) == (1.0, BUILD_UP, 420_000)
    one.walk_to(421_000, part)
    assert one.control.phase[0] == BUILD_UP


def test_production_is_weighed_by_the_clock_and_counts_whole_round_trips():
    one, part = walker(), Round(0, 400_000)
    one.walk_to(part.production, part)
    one.walk.steps[4] = 150_000                          # as if a bin had been found then
    one.walk.steps[2] = 99                               # half trips of the build-up, which do not count
    before = one.walk.log_g.copy()
    one.walk_to(part.end - OBSERVE_EVERY, part)
    assert one.control.log_f[0] == pytest.approx(15 / 50_000)
    half_trips = one.walk.steps[2]
    one.walk.steps[2] = 7
    one.walk_to(part.end, part)
    assert 0 < half_trips < 10_000
    assert one.control.round_trips[0] in (3, 4)          # 7 half trips, and perhaps one more in the last stretch
    assert one.result().log_f == one.control.log_f[0]
    seen = one.walk.seen
    np.testing.assert_allclose(one.walk.log_g[seen], before[seen] + 200 / 250 * one.shift[seen], atol=1e-13)


def test_the_step_size_follows_the_share_of_accepted_moves(monkeypatch):
    from minigrok import walker as walker_module

    shares, real = [], walker_module._adapt
    monkeypatch.setattr(walker_module, "_adapt", lambda size, share: (shares.append(share), real(size, share)))
    landscape = NetworkLandscape(tasks.moons(n=40))
    one = walker(landscape, np.linspace(0.2, 1.2, 11))
    one.walk_to(20_000, Round(0, 10**6))
    assert len(shares) >= 2
    assert all(0.1 < share < 0.9 for share in shares)    # of 1000 moves each time
    for share, expected in ((0.2, 0.8), (0.29, 0.8), (0.31, 1.0), (0.49, 1.0), (0.51, 1.25)):
        size = np.array([1.0])
        real(size, share)
        assert size[0] == expected
    for share, limit in ((0.0, 1e-3), (1.0, 2.0)):
        size = np.array([limit])
        real(size, share)
        assert size[0] == limit


class Moody(Ising2D):
    """Has no temper at half of its energies."""

    def observe(self, state, rng):
        return {"temper": float("nan") if state.energy[0] < 0 else 2.0}


def test_an_observable_that_is_not_there_does_not_count():
    states = WangLandau(Moody(4), MODEL.edges, walkers=2).run(steps=100_000)
    assert np.isnan(states.observables["temper"][:3]).all()
    assert (states.observables["temper"][[8, 16]] == 2).all()


def test_a_run_interrupted_between_two_rounds_judges_the_first_as_it_was(tmp_path, monkeypatch):
    """Some walkers are in the second round already: the first was found not good enough, whatever they say now."""
    monkeypatch.setattr(wl, "FIRST_ROUND", 20_000)
    whole = sampler(walkers=8).run(steps=40_000, until_error=1e-9)
    calls, real = [], Walker.walk_to

    def walk_to(self, step, part):
        calls.append(part.start)
        if calls.count(20_000) == 8:
            raise KeyboardInterrupt
        real(self, step, part)

    monkeypatch.setattr(Walker, "walk_to", walk_to)
    with pytest.raises(KeyboardInterrupt):
        sampler(walkers=8).run(steps=40_000, until_error=1e-9, checkpoint=tmp_path / "run.npz")
    monkeypatch.setattr(Walker, "walk_to", real)
    resumed = sampler(walkers=8).run(steps=40_000, until_error=100.0, checkpoint=tmp_path / "run.npz")
    assert_same(whole, resumed)


class Unwritable(Ising2D):
    """Has settings that JSON cannot hold."""

    @property
    def configuration(self):
        return {"J": np.ones(2)}


def test_what_cannot_be_written_is_found_before_the_walk(tmp_path):
    told = []
    for system, path in ((Unwritable(4), tmp_path / "run.npz"), (MODEL, tmp_path / "no" / "run.npz")):
        with pytest.raises((ValueError, OSError), match=r"does not fit into JSON|is no folder"):
            WangLandau(system, MODEL.edges).run(steps=10**6, checkpoint=path, progress=told.append)
    assert not told


@pytest.mark.parametrize("n", [4, 7, 100])
def test_split_r_hat_is_its_formula(n):
    series = np.random.default_rng(n).normal(size=(3, n)) + np.arange(3)[:, None] + np.linspace(0, 2, n)
    half = n // 2
    parts = [part for row in series for part in (row[:half], row[half : 2 * half])]
    W, B = np.mean([part.var(ddof=1) for part in parts]), half * np.var([part.mean() for part in parts], ddof=1)
    assert split_r_hat(list(series)) == pytest.approx(np.sqrt(((half - 1) / half * W + B / half) / W))


def result(log_g, log_f=0.001):
    seen = np.isfinite(log_g)
    return WalkerResult(
        np.array(log_g, float), seen, seen * 5, np.arange(8.0), {}, {}, np.zeros(len(log_g)), 20, log_f, 100)


def test_a_bin_that_one_walker_never_saw_has_no_error():
    states = combine(np.arange(4.0), [result([0, 1, 2], 0.01), result([0, 1.1, 2], 0.5), result([0, 1.2, -np.inf])])
    assert np.isfinite(states.error[:2]).all()
    assert np.isnan(states.error[2])
    assert np.isinf(states.largest_error)
    assert states.log_f == 0.5
