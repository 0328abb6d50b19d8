"""Laws of a run that goes on from the middle of an epoch: to the bit, whatever broke it off and wherever."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_training import TASK, Steps, assert_same, trained

import minigrok.checkpoint as checkpoint_module
import minigrok.fast.fused as fused_module
import minigrok.keeping as keeping_module
import minigrok.training as training_module
from minigrok import MLP, SGD, AdamW, train
from minigrok.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from minigrok.jit import JIT_ENABLED
from minigrok.keeping import RunState, kept

BATCHES = -(-len(TASK.y_train) // 16)                    # an epoch of `trained`


@pytest.fixture
def plain(monkeypatch):
    """The plain form alone, for `Steps` counts its steps."""
    monkeypatch.setattr(training_module, "serves", lambda *run: False)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_an_interrupt_in_the_middle_of_a_step_loses_that_step_alone(kind, tmp_path):
    whole, history = trained(3, optimizer=kind(0.05))
    path, made = tmp_path / "run.npz", 0
    for limit in (3, BATCHES, 2):                        # in the first epoch, in the second, and before it
        steps = Steps(limit)
        with pytest.raises(KeyboardInterrupt):
            trained(3, optimizer=steps.of(kind, 0.05), checkpoint=path)
        made += steps.made
    steps = Steps()
    net, resumed = trained(3, optimizer=steps.of(kind, 0.05), checkpoint=path)
    assert made + steps.made == 3 * BATCHES
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert_same(resumed, history)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("batch_size", [1, 16])
def test_an_interrupt_at_each_step_loses_no_other_step(batch_size, tmp_path):
    """The first of an epoch, for which an order has been drawn already, among them."""
    a_run = {"batch_size": batch_size, "optimizer": AdamW(0.05)}
    whole, history = trained(2, **a_run)
    a_batch = -(-len(TASK.y_train) // batch_size)
    for limit in (0, 1, 2, a_batch - 1, a_batch, a_batch + 1, 2 * a_batch - 1):
        path = tmp_path / f"{limit}.npz"
        with pytest.raises(KeyboardInterrupt):
            trained(2, **a_run | {"optimizer": Steps(limit).of(AdamW, 0.05)}, checkpoint=path)
        rest = Steps()
        net, resumed = trained(2, **a_run | {"optimizer": rest.of(AdamW, 0.05)}, checkpoint=path)
        assert limit + rest.made == 2 * a_batch
        np.testing.assert_array_equal(net.theta, whole.theta)
        assert_same(resumed, history)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 3 * BATCHES - 1), max_size=4), st.integers(1, 2))
def test_a_long_epoch_is_kept_as_it_goes_and_a_kill_in_it_loses_nothing_that_was_kept(limits, record_every):
    run = {"record_every": record_every}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module, "serves", lambda *run: False)
        patch.setattr(training_module, "CHECKPOINT_SECONDS", -1.0)           # after each step
        whole, history = trained(3, optimizer=AdamW(0.05), **run)
        path, made = Path(folder) / "run.npz", 0
        for limit in limits:
            steps = Steps(limit, SystemExit)             # as a kill: nothing is written because of it
            with contextlib.suppress(SystemExit):
                trained(3, optimizer=steps.of(AdamW, 0.05), checkpoint=path, **run)
            made += steps.made
        steps = Steps()
        net, resumed = trained(3, optimizer=steps.of(AdamW, 0.05), checkpoint=path, **run)
    assert made + steps.made == 3 * BATCHES
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert_same(resumed, history)


@pytest.mark.usefixtures("plain")
def test_callbacks_do_not_see_an_epoch_that_is_half_done(tmp_path):
    seen = []
    run = {"checkpoint": tmp_path / "run.npz", "callbacks": [lambda moment: seen.append(moment.epoch)]}
    with pytest.raises(KeyboardInterrupt):
        trained(2, optimizer=Steps(BATCHES + 1).of(SGD, 0.1), **run)
    assert seen == [0, 1]
    trained(2, optimizer=SGD(0.1), **run)
    assert seen == [0, 1, 2]


@pytest.mark.usefixtures("plain")
def test_a_run_that_is_to_end_before_the_epoch_that_is_half_done_ends_after_it(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(3, optimizer=Steps(2 * BATCHES + 1).of(SGD, 0.1), checkpoint=tmp_path / "run.npz", record_every=5)
    net, history = trained(2, optimizer=SGD(0.1), checkpoint=tmp_path / "run.npz", record_every=5)
    whole, _ = trained(3, optimizer=SGD(0.1))
    assert history.epoch.tolist() == [0, 3]
    np.testing.assert_array_equal(net.theta, whole.theta)


@pytest.mark.usefixtures("plain")
def test_a_second_interrupt_while_the_first_is_written_down_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    trained(1, checkpoint=path)
    before = path.read_bytes()

    def interrupted(*words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keeping_module, "save_checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(3, optimizer=Steps(5).of(SGD, 0.1), checkpoint=path)
    assert path.read_bytes() == before
    np.testing.assert_array_equal(trained(3, checkpoint=path)[0].theta, trained(3)[0].theta)


def test_a_checkpoint_of_format_1_is_read_and_one_of_format_3_refused(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    trained(2, checkpoint=path)
    arrays, configuration = load_checkpoint(path, "training")
    without = {name: array for name, array in arrays.items() if name not in ("passed", "order")}
    for version in (1, 3):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint_module, "FORMAT", version)
            save_checkpoint(tmp_path / f"{version}.npz", "training", configuration, without)
    net, history = trained(4, checkpoint=tmp_path / "1.npz")
    whole, unbroken = trained(4)
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert_same(history, unbroken)
    with pytest.raises(CheckpointError, match=r"has format 3, .* use the version that wrote it"):
        trained(4, checkpoint=tmp_path / "3.npz")


@pytest.mark.skipif(not JIT_ENABLED, reason="compiled epochs")
@settings(max_examples=20)
@given(st.integers(1, 6), st.lists(st.integers(0, 8), max_size=3), st.sampled_from([SGD(0.1), AdamW(0.05)]))
def test_a_long_compiled_epoch_is_divided_and_goes_on_from_any_of_its_parts(batches, limits, optimizer):
    def run(limit=None, **settings):
        net, calls = MLP([2, 5, 2], seed=0), 0
        advance = fused_module.FusedEpochs.advance

        def limited(self, *words):
            nonlocal calls
            calls += 1
            if calls - 1 == limit:
                raise KeyboardInterrupt
            return advance(self, *words)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fused_module.FusedEpochs, "advance", limited)
            patch.setattr(fused_module, "WORK_AT_ONCE", batches * 16 * len(net.theta))
            return net, train(net, TASK, optimizer, 3, batch_size=16, **settings), calls

    whole = MLP([2, 5, 2], seed=0)
    history = train(whole, TASK, optimizer, 3, batch_size=16)
    with tempfile.TemporaryDirectory() as folder:
        for limit in limits:
            try:
                run(limit, checkpoint=Path(folder) / "run.npz")
            except KeyboardInterrupt:
                continue
        net, resumed, _ = run(checkpoint=Path(folder) / "run.npz")
    assert run()[2] == 3 * -(-BATCHES // batches)        # calls: none is longer than it may be
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert_same(resumed, history)


def a_run(**now):
    net = MLP([2, 3, 2], seed=0)
    return RunState(net, AdamW(0.1).start(net.theta), np.random.default_rng(0), **now)


@pytest.mark.parametrize("passed", [0, 1, 5])
def test_the_order_of_an_epoch_is_kept_while_it_is_under_way_and_no_longer(passed):
    order = np.array([3, 1, 2, 0, 5, 4])
    arrays = a_run(order=order, passed=passed, rows=[{"epoch": 0}]).noted()()
    assert arrays["passed"] == passed
    np.testing.assert_array_equal(arrays["order"], order if passed else [])
    other = a_run()
    other.restore(arrays)
    assert other.passed == passed
    np.testing.assert_array_equal(other.order, arrays["order"])


def test_what_is_noted_is_the_run_as_it_was():
    run = a_run(rows=[{"epoch": 0, "v": 1.0}])
    before = {name: np.array(value) for name, value in run.noted()().items()}
    noted = run.noted()
    run.net.theta[:] = 7.0
    run.epoch, run.passed, run.order = 3, 2, np.arange(4)
    run.rows.append({"epoch": 3, "v": 2.0})
    run.rng.random(5)
    for name, value in noted().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_run_is_written_once_more_than_so_many_seconds_have_passed_and_at_the_end(tmp_path, monkeypatch):
    now, saved = [4.0], []

    class Clock:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(keeping_module, "time", Clock)
    monkeypatch.setattr(keeping_module, "save_checkpoint", lambda *words: saved.append(now[0]))
    with kept(a_run(), tmp_path / "run.npz", {}, 10.0) as mark:
        for at, last in ((4.0, False), (13.5, False), (14.0, False), (14.5, False), (24.5, False), (25.0, False),
                         (26.0, True), (27.0, False), (36.0, False)):
            now[0] = at
            mark(last)
    assert saved == [14.5, 25.0, 26.0]


@pytest.mark.parametrize("path", ["run.npz", None])
@pytest.mark.parametrize("marked", [True, False])
def test_an_interrupt_before_the_first_mark_or_without_a_checkpoint_writes_nothing(tmp_path, path, marked):
    place = None if path is None else tmp_path / path
    with pytest.raises(KeyboardInterrupt), kept(a_run(), place, {"lr": 0.1}, 1e9) as mark:       # noqa: PT012
        if marked:
            mark(False)
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ([path] if path and marked else [])
