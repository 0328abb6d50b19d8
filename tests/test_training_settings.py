"""What the settings of a training run mean, to the bit: defaults, limits, order of the batches, and who diverged."""

import json

import numpy as np
import pytest
from test_training import TASK, assert_same

from minigrok import MLP, SGD, train
from minigrok import keeping as keeping_module
from minigrok import training as training_module
from minigrok.checkpoint import load_checkpoint
from minigrok.mlp import loss_and_gradient
from minigrok.recording import plain_look
from minigrok.tasks.base import Task
from minigrok.training import TrainingDivergedError

INPUTS = len(TASK.y_train)


class Watched(SGD):
    """Plain steps, each of which is told about."""

    def __init__(self, told, lr=0.1):
        super().__init__(lr)
        object.__setattr__(self, "told", told)

    def step(self, theta, gradient, state):
        self.told(theta, gradient)
        return super().step(theta, gradient, state)


def run_of(settings, optimizer=None, net=None, epochs=3):
    net = net or MLP([2, 4, 3, 2], seed=0)
    return net, train(net, TASK, optimizer or SGD(0.1, momentum=0.5), epochs, **settings)


def test_what_is_left_out_is_what_the_help_shows():
    (net, history), (said, same) = run_of({}), run_of({
        "batch_size": None, "record_every": 1, "seed": 0, "callbacks": (), "checkpoint": None, "record": (),
        "layer": -1, "inputs": "train", "conventions": ("trace",), "schedule": None, "clip_norm": None})
    np.testing.assert_array_equal(net.theta, said.theta)
    assert_same(history, same)
    np.testing.assert_array_equal(history.epoch, [0, 1, 2, 3])
    batches, ordered = run_of({"batch_size": 16}), run_of({"batch_size": 16, "seed": 0})
    np.testing.assert_array_equal(batches[0].theta, ordered[0].theta)


@pytest.mark.parametrize("batch_size", [None, INPUTS, INPUTS + 1, 10 * INPUTS])
def test_all_inputs_at_once_have_no_order(batch_size):
    one, other = run_of({"batch_size": batch_size, "seed": 1})[0], run_of({"seed": 2})[0]
    np.testing.assert_array_equal(one.theta, other.theta)


@pytest.mark.parametrize("batch_size", [1, 7, INPUTS - 1])
def test_the_batches_are_those_of_a_fresh_order_each_epoch(batch_size):
    """By hand, with the seed's generator: one permutation an epoch, cut into batches, the last the rest."""
    net, plain = MLP([2, 3, 2], seed=1), MLP([2, 3, 2], seed=1)
    train(net, TASK, Watched(lambda theta, gradient: None), 2, batch_size=batch_size, seed=5)
    rng, optimizer = np.random.default_rng(5), SGD(0.1)
    state = optimizer.start(plain.theta)
    for _ in range(2):
        order = rng.permutation(INPUTS)
        for start in range(0, INPUTS, batch_size):
            batch = order[start : start + batch_size]
            _, gradient = loss_and_gradient(plain, TASK.X_train[batch], TASK.y_train[batch])
            state = optimizer.step(plain.theta, gradient, state)
    np.testing.assert_array_equal(net.theta, plain.theta)


@pytest.mark.parametrize(("record_every", "epochs", "expected"), [
    (1, 0, [0]), (1, 2, [0, 1, 2]), (2, 4, [0, 2, 4]), (2, 5, [0, 2, 4, 5]), (9, 3, [0, 3]), (3, 0, [0])])
def test_the_first_and_the_last_state_and_every_so_many_epochs_are_recorded_once(record_every, epochs, expected):
    seen = []
    _, history = run_of(
        {"record_every": record_every, "callbacks": [lambda moment: seen.append(moment.epoch)]}, epochs=epochs)
    assert history.epoch.tolist() == seen == expected


def test_limits_themselves_are_taken():
    assert run_of({"clip_norm": 1e-300}, SGD(1.0))[0].theta == pytest.approx(MLP([2, 4, 3, 2], seed=0).theta)
    assert run_of({"clip_norm": 0.5, "seed": 0, "record_every": 1, "batch_size": 1}, epochs=0)[1].epoch.tolist() == [0]


@pytest.mark.parametrize(("settings", "message"), [
    ({"epochs": -1}, "epochs is -1, but must be a whole number, 0 or more"),
    ({"record_every": 0}, "record_every is 0, but must be a whole number, 1 or more"),
    ({"batch_size": 0}, "batch_size is 0, but must be a whole number, 1 or more"),
    ({"seed": -1}, "seed is -1, but must be a whole number, 0 or more"),
    ({"clip_norm": 0.0}, r"clip_norm is 0\.0, but must be a number in \(0, inf\)"),
    ({"callbacks": [print, "patience"]}, "callbacks is .*'patience'.*, but must hold functions of a Moment alone"),
    ({"record": [[1.0, print]]}, "record has 1.0: <built-in function print>, but must hold functions by their names"),
    ({"record": {"steps": None}}, "record has 'steps': None, but must hold functions by their names"),
])
def test_a_setting_out_of_range_is_refused_with_its_limit(settings, message):
    net = MLP([2, 4, 2])
    before = net.theta.copy()
    with pytest.raises(ValueError, match=message):
        train(net, TASK, SGD(0.1), **{"epochs": 2, **settings})
    np.testing.assert_array_equal(net.theta, before)


def test_a_seed_has_no_upper_limit():
    assert (run_of({"batch_size": 16, "seed": 10**30})[0].theta != run_of({"batch_size": 16})[0].theta).any()


@pytest.mark.parametrize("bias", [True, False])
def test_the_parameter_that_is_no_longer_finite_is_named(bias):
    """Each in turn, whatever comes after it; the history ends before."""
    plain = MLP([2, 3, 2], bias=bias)
    names = [f"layer {number}'s {name}{list(index)}" for number, layer in enumerate(plain.layers)
             for name, array in (("W", layer.W), ("b", layer.b)) if array is not None
             for index in np.ndindex(array.shape)]
    assert len(names) == len(plain.theta)
    for at, name in enumerate(names):
        def broken(theta, gradient, at=at):
            theta[at :] = -np.inf
        with pytest.raises(TrainingDivergedError) as caught:
            train(MLP([2, 3, 2], bias=bias), TASK, Watched(broken), 3)
        assert str(caught.value) == f"training diverged in epoch 1: {name} is not finite; use a smaller learning rate"
        assert caught.value.history.epoch.tolist() == [0]


@pytest.mark.parametrize("sign", [1, -1])
def test_outputs_that_overflow_name_the_largest_parameter(sign):
    def large(theta, gradient):
        theta[:], theta[7] = 1e300, sign * 1e308
    with pytest.raises(TrainingDivergedError) as caught:
        train(MLP([2, 3, 2], "quadratic"), TASK, Watched(large), 3)
    assert "training diverged by epoch 1: the " in str(caught.value)
    assert "; the largest parameter is layer 0's b[1]" in str(caught.value)
    assert isinstance(caught.value.__cause__, FloatingPointError)
    assert caught.value.history.epoch.tolist() == [0]


@pytest.mark.parametrize("batch_size", [16, None])
def test_a_run_that_overflows_gives_no_warning_but_an_error(batch_size):
    with pytest.raises(TrainingDivergedError, match="diverged in epoch"):
        train(MLP([2, 4, 2], "quadratic"), TASK, Watched(lambda theta, gradient: None, 1e10), 50, batch_size=batch_size,
              record_every=50)


def test_the_inputs_of_a_float32_net_are_float32_in_each_step():
    seen = []
    net = MLP([2, 4, 2], dtype=np.float32)
    train(net, TASK, Watched(lambda theta, gradient: seen.append(gradient.dtype)), 2, batch_size=16)
    assert set(seen) == {np.dtype(np.float32)}
    plain, optimizer = MLP([2, 4, 2], dtype=np.float32), Watched(lambda theta, gradient: None)
    train(plain, Task(TASK.X_train.astype(np.float32), TASK.y_train, TASK.X_test, TASK.y_test, 2, {}), optimizer, 2,
          batch_size=16)
    np.testing.assert_array_equal(net.theta, plain.theta)


def test_a_kill_loses_ten_seconds_of_work_at_most(tmp_path, monkeypatch):
    """A clock that each step moves on by a second: the eleventh step after a save is the last that can be lost."""
    now, saves = [1000.0], []

    class Clock:
        monotonic = staticmethod(lambda: now[0])

    def step(theta, gradient):
        now[0] += 1

    def save(path, kind, configuration, arrays):
        saves.append((int(now[0]) - 1000, int(arrays["epoch"]), int(arrays["passed"])))

    monkeypatch.setattr(keeping_module, "time", Clock)
    monkeypatch.setattr(keeping_module, "save_checkpoint", save)
    train(MLP([2, 4, 2]), TASK, Watched(step), 6, batch_size=10, checkpoint=tmp_path / "run.npz")
    assert saves == [(11, 1, 50), (22, 3, 40), (33, 5, 30), (36, 6, 0)]


@pytest.mark.parametrize("batch_size", [None, INPUTS, 16])
def test_a_run_draws_an_order_an_epoch_and_nothing_where_a_batch_holds_all(tmp_path, batch_size):
    train(MLP([2, 4, 2]), TASK, Watched(lambda theta, gradient: None), 3, batch_size, seed=4,
          checkpoint=tmp_path / "run.npz")
    rng = np.random.default_rng(4)
    for _ in range(3 if batch_size == 16 else 0):
        rng.permutation(INPUTS)
    arrays, _ = load_checkpoint(tmp_path / "run.npz", "training")
    assert json.loads(str(arrays["random"])) == rng.bit_generator.state


class BatchByBatch:
    """In the place of the compiled epochs: the plain steps, one batch a call, or two epochs a call."""

    def __init__(self, net, task, optimizer, batch_size, clip_norm):
        self.net, self.task, self.optimizer, self.batch_size = net, task, optimizer, batch_size

    def look(self, inputs, conventions):
        return plain_look(self.net, self.task)

    def rates(self, schedule, epoch, record_every, epochs):
        return [self.optimizer.lr] * max(1, min(record_every, epochs - epoch))

    def advance(self, rates, rng, state, order, passed):
        for _ in rates:
            order = rng.permutation(INPUTS) if passed == 0 else order
            while True:
                batch = order[passed : passed + self.batch_size]
                _, gradient = loss_and_gradient(self.net, self.task.X_train[batch], self.task.y_train[batch])
                state = self.optimizer.step(self.net.theta, gradient, state)
                passed = (passed + len(batch)) % INPUTS
                if len(rates) == 1:
                    return int(passed == 0), state, order, passed
                if passed == 0:
                    break
        return len(rates), state, order, 0


@pytest.mark.parametrize("record_every", [1, 2])
def test_a_fused_form_that_makes_the_plain_steps_makes_the_plain_run(tmp_path, monkeypatch, record_every):
    seen, settings = [], {"batch_size": 16, "record_every": record_every}
    monkeypatch.setattr(training_module, "serves", lambda *run: False)
    plain, history = run_of(settings | {"checkpoint": tmp_path / "plain.npz"}, epochs=5)
    monkeypatch.setattr(training_module, "serves", lambda *run: True)
    monkeypatch.setattr(training_module, "FusedEpochs", BatchByBatch)
    net, same = run_of(settings | {"checkpoint": tmp_path / "fused.npz", "callbacks": [
        lambda moment: seen.append(moment.epoch)]}, epochs=5)
    np.testing.assert_array_equal(net.theta, plain.theta)
    assert_same(same, history)
    assert history.epoch.tolist() == seen == ([0, 1, 2, 3, 4, 5] if record_every == 1 else [0, 2, 4, 5])
    assert (tmp_path / "plain.npz").read_bytes() == (tmp_path / "fused.npz").read_bytes()


def test_a_fused_form_that_diverges_says_so_at_the_end_of_the_epoch(monkeypatch):
    def broken(theta, gradient):
        theta[2] = np.nan

    monkeypatch.setattr(training_module, "serves", lambda *run: True)
    monkeypatch.setattr(training_module, "FusedEpochs", BatchByBatch)
    with pytest.raises(TrainingDivergedError, match="in epoch 1: layer 0's W"):
        run_of({"batch_size": 16}, Watched(broken))
