import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrok import (
    MLP,
    SGD,
    AdamW,
    Cosine,
    History,
    StepDecay,
    Warmup,
    density_matrix,
    patience,
    purity,
    stop_when,
    tasks,
    train,
    von_neumann_entropy,
    weight_entropy,
)
from minigrok import training as training_module
from minigrok.checkpoint import CheckpointError, load_checkpoint
from minigrok.mlp import loss_and_gradient
from minigrok.optimizers import clipped
from minigrok.training import TrainingDivergedError

TASK = tasks.moons(n=120, seed=0)


PLAIN_SGD = SGD(0.1)


def trained(epochs=6, seed=0, optimizer=PLAIN_SGD, **settings):
    net = MLP([2, 5, 2], seed=seed)
    return net, train(net, TASK, optimizer, epochs, **{"batch_size": 16, "seed": seed, **settings})


def test_full_batch_training_is_the_optimizer_on_the_gradient():
    net, plain, optimizer = MLP([2, 4, 2], seed=1), MLP([2, 4, 2], seed=1), SGD(0.1, momentum=0.9)
    train(net, TASK, optimizer, 5)
    state = optimizer.start(plain.theta)
    for _ in range(5):
        state = optimizer.step(plain.theta, loss_and_gradient(plain, TASK.X_train, TASK.y_train)[1], state)
    np.testing.assert_allclose(net.theta, plain.theta, rtol=1e-12)


def test_an_epoch_passes_every_input_once():
    steps = []

    class Counting(SGD):
        def step(self, theta, gradient, state):
            steps.append(gradient)
            return super().step(theta, gradient, state)

    trained(3, optimizer=Counting(0.1), batch_size=16)
    assert len(steps) == 3 * 4                           # 60 inputs: three batches of 16, one of 12


def test_what_is_recorded_is_what_the_net_is():
    net, history = trained(5, record_every=2, conventions=("trace", "rows", "centered"))
    np.testing.assert_array_equal(history.epoch, [0, 2, 4, 5])
    for convention in ("trace", "rows", "centered"):
        rho = density_matrix(net.hidden(TASK.X_train), convention)
        suffix = "" if convention == "trace" else f"_{convention}"
        assert history["entropy" + suffix][-1] == pytest.approx(von_neumann_entropy(rho), abs=1e-13)
        assert history["purity" + suffix][-1] == pytest.approx(purity(rho), abs=1e-13)
        assert history["effective_rank" + suffix][-1] == pytest.approx(np.exp(von_neumann_entropy(rho)))
        assert history["participation_ratio" + suffix][-1] == pytest.approx(1 / purity(rho))
    assert history.spectrum.shape == (4, 5)
    weights = np.concatenate([layer.W.ravel() for layer in net.layers])
    assert history.weight_entropy[-1] == weight_entropy(weights)
    assert history.weight_norm[-1] == pytest.approx(np.sqrt((weights**2).sum()))
    assert history.test_accuracy[-1] == np.mean(net.predict(TASK.X_test) == TASK.y_test)
    assert history.train_loss[-1] == pytest.approx(net.loss_and_gradient(TASK.X_train, TASK.y_train)[0])
    assert history.test_loss[-1] == pytest.approx(net.loss_and_gradient(TASK.X_test, TASK.y_test)[0])


def test_the_state_is_taken_over_the_named_inputs_and_layer():
    X = {"train": TASK.X_train, "test": TASK.X_test, "all": np.concatenate([TASK.X_train, TASK.X_test])}
    for inputs, layer in (("train", 0), ("test", 1), ("all", -1)):
        net = MLP([2, 4, 3, 2], "tanh", seed=0)
        history = train(net, TASK, SGD(0.1), 1, inputs=inputs, layer=layer)
        assert history.entropy[-1] == pytest.approx(von_neumann_entropy(density_matrix(net.hidden(X[inputs], layer))))


def test_training_lowers_the_loss_and_learns_the_task():
    _, history = trained(60)
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert history.test_accuracy[-1] > 0.8


def test_seeds_reproduce_to_the_bit_and_others_differ():
    (first, h1), (second, h2), (other, _) = trained(seed=3), trained(seed=3), trained(seed=4)
    np.testing.assert_array_equal(first.theta, second.theta)
    for name in h1.columns:
        np.testing.assert_array_equal(h1[name], h2[name])
    assert (first.theta != other.theta).any()


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(0.01)], ids=["SGD", "AdamW"])
def test_a_run_in_two_sittings_is_the_run_in_one_to_the_bit(tmp_path, optimizer):
    path = tmp_path / "run.npz"
    whole, history = trained(7, optimizer=optimizer, record_every=3)
    trained(6, optimizer=optimizer, record_every=3, checkpoint=path)
    net, resumed = trained(7, optimizer=optimizer, record_every=3, checkpoint=path)
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert resumed.columns.keys() == history.columns.keys()
    for name in history.columns:
        np.testing.assert_array_equal(resumed[name], history[name])
    finished_net, finished = trained(7, optimizer=optimizer, record_every=3, checkpoint=path)
    np.testing.assert_array_equal(finished_net.theta, whole.theta)
    np.testing.assert_array_equal(finished.epoch, [0, 3, 6, 7])


def test_a_checkpoint_of_another_run_is_refused_by_naming_what_differs(tmp_path):
    trained(checkpoint=tmp_path / "run.npz")
    with pytest.raises(CheckpointError, match=r"optimizer.lr is 0.1 there, 0.2 here"):
        trained(optimizer=SGD(0.2), checkpoint=tmp_path / "run.npz")


def test_float32_stays_float32():
    net = MLP([2, 4, 2], dtype=np.float32)
    train(net, TASK, AdamW(0.01), 3)
    assert net.theta.dtype == np.float32


@pytest.mark.parametrize(("rate", "every", "message"), [
    (1e6, 1, r"epoch 3: the outputs overflow.* the largest parameter is layer \d's W\["),
    (1e6, 50, r"epoch \d+: layer \d's [Wb]\["),
])
def test_divergence_names_epoch_and_parameter_and_keeps_the_history(rate, every, message):
    net = MLP([2, 4, 2], "quadratic", "squared_error")
    with np.errstate(all="ignore"), pytest.raises(TrainingDivergedError, match=message) as caught:
        train(net, TASK, SGD(rate), 50, record_every=every)
    assert isinstance(caught.value, FloatingPointError)
    assert caught.value.history.epoch[0] == 0
    assert np.isfinite(caught.value.history.train_loss).any()


def test_a_dead_layer_has_nan_in_its_columns_and_training_goes_on():
    net = MLP([2, 4, 2])
    net.layers[0].W[:] = 0
    net.layers[0].b[:] = -1
    history = train(net, TASK, SGD(0.1), 2)
    assert np.isnan(history.entropy).all()
    assert np.isfinite(history.train_loss).all()


def test_callbacks_see_each_moment_and_may_stop():
    seen = []
    _, history = trained(9, record_every=2, callbacks=(lambda m: seen.append(m.epoch), lambda m: m.epoch >= 4))
    assert seen == [0, 2, 4]
    np.testing.assert_array_equal(history.epoch, seen)


def test_a_moment_holds_the_run_as_it_is():
    net, rows = MLP([2, 5, 2]), []

    def look(moment):
        assert (moment.epochs, moment.net, moment.task) == (5, net, TASK)
        loss, _ = net.loss_and_gradient(TASK.X_train, TASK.y_train)
        assert moment.row["train_loss"] == pytest.approx(loss, rel=1e-12)
        assert moment.rows[-1] is moment.row
        rows.append((moment.epoch, len(moment.rows), moment.row))
        assert [row for _, _, row in rows] == list(moment.rows)

    history = train(net, TASK, SGD(0.1), 5, record_every=2, callbacks=[look])
    assert [(epoch, count) for epoch, count, _ in rows] == [(0, 1), (2, 2), (4, 3), (5, 4)]
    np.testing.assert_array_equal(history.entropy, [row["entropy"] for _, _, row in rows])


def test_own_columns_are_recorded():
    record = {"largest": lambda net, task: abs(net.theta).max(), "b": lambda net, task: net.layers[1].b}
    _, history = trained(2, record=record)
    assert history.largest.shape == (3,)
    assert history.b.shape == (3, 2)


def test_a_history_is_saved_and_read_back(tmp_path):
    _, history = trained(3)
    history.save(tmp_path / "h.npz")
    again = History.load(tmp_path / "h.npz")
    for name in history.columns:
        np.testing.assert_array_equal(history[name], again[name])
    history.save(tmp_path / "h2.npz")
    assert (tmp_path / "h.npz").read_bytes() == (tmp_path / "h2.npz").read_bytes()
    history.to_csv(tmp_path / "h.csv")
    table = np.genfromtxt(tmp_path / "h.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["entropy"], history.entropy)
    np.testing.assert_array_equal(table["spectrum_2"], history.spectrum[:, 2])
    np.savez(tmp_path / "x.npz", a=1)
    with pytest.raises(ValueError, match="column 'epoch'"):
        History.load(tmp_path / "x.npz")


def test_a_missing_column_is_named():
    _, history = trained(1)
    with pytest.raises(AttributeError, match="no column 'entropi'"):
        _ = history.entropi
    with pytest.raises(ValueError, match="did you mean 'entropy'"):
        _ = history["entropi"]


@pytest.mark.parametrize(("settings", "message"), [
    ({"epochs": -1}, "epochs is -1"),
    ({"batch_size": 0}, "batch_size is 0"),
    ({"record_every": 0}, "record_every is 0"),
    ({"inputs": "trian"}, "did you mean 'train'"),
    ({"conventions": ("centred",)}, "did you mean 'centered'"),
    ({"layer": 3}, "layer"),
    ({"clip_norm": 0}, r"clip_norm is 0, but must be a number in \(0, inf\)"),
    ({"clip_norm": -1.0}, "clip_norm is -1.0"),
    ({"clip_norm": float("nan")}, "clip_norm is nan"),
    ({"clip_norm": float("inf")}, "clip_norm is inf"),
    ({"clip_norm": "short"}, "clip_norm is 'short'"),
    ({"schedule": Cosine}, "schedule is <class"),
])
def test_bad_settings_are_refused_before_training(settings, message):
    with pytest.raises(ValueError, match=message):
        trained(**settings)


def test_a_net_that_does_not_fit_the_task_is_refused():
    with pytest.raises(ValueError, match="X"):
        train(MLP([3, 4, 2]), TASK, SGD(0.1), 1)


class Own:
    """A schedule of one's own: the factors as a list."""

    def __init__(self, factors):
        self.factors = factors

    @property
    def configuration(self):
        return {"schedule": "Own", "factors": self.factors}

    def __call__(self, epoch, epochs):
        assert epochs == len(self.factors)
        return self.factors[epoch]


@given(st.lists(st.floats(0, 2), min_size=1, max_size=5), st.sampled_from([None, 0.01, 0.3, 100.0]), st.booleans())
def test_schedule_and_clipping_are_the_optimizer_of_each_epoch_on_the_clipped_gradient(factors, clip_norm, adam):
    net, plain = MLP([2, 4, 2], seed=1), MLP([2, 4, 2], seed=1)
    make = (lambda lr: AdamW(lr, weight_decay=0.1)) if adam else (lambda lr: SGD(lr, 0.9, weight_decay=0.1))
    train(net, TASK, make(0.1), len(factors), schedule=Own(factors), clip_norm=clip_norm)
    state = make(0.1).start(plain.theta)
    for factor in factors:
        _, gradient = loss_and_gradient(plain, TASK.X_train, TASK.y_train)
        if clip_norm is not None:
            gradient = clipped(gradient, clip_norm)
        state = make(0.1 * factor).step(plain.theta, gradient, state)
    np.testing.assert_allclose(net.theta, plain.theta, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(0.01)], ids=["SGD", "AdamW"])
def test_a_factor_of_1_and_a_length_that_is_not_reached_change_no_bit(optimizer):
    (plain, history), (other, same) = trained(optimizer=optimizer), trained(
        optimizer=optimizer, schedule=Warmup(1, StepDecay(5, 0.1)), clip_norm=1e6)
    np.testing.assert_array_equal(plain.theta, other.theta)
    np.testing.assert_array_equal(history.train_loss, same.train_loss)


def test_every_batch_of_an_epoch_has_its_rate():
    rates = []

    class Watched(SGD):
        def step(self, theta, gradient, state):
            rates.append(self.lr)
            return super().step(theta, gradient, state)

    trained(4, optimizer=Watched(0.5), schedule=Own([0.5, 1.0, 0.0, 2.0]))
    assert rates == [0.25] * 4 + [0.5] * 4 + [0.0] * 4 + [1.0] * 4


scales = st.integers(-300, 300).map(lambda power: 10.0**power)
entries = arrays(np.float64, st.integers(1, 8), elements=st.floats(-10, 10)).filter(lambda g: abs(g).max() > 1e-3)


@given(entries, scales, scales)
def test_a_clipped_gradient_points_the_same_way_and_is_as_long_as_allowed(direction, scale, clip_norm):
    gradient = direction * scale
    before = gradient.copy()
    found = clipped(gradient, clip_norm)
    np.testing.assert_array_equal(gradient, before)
    unit = direction / np.linalg.norm(direction)
    if np.log10(np.linalg.norm(direction)) + np.log10(scale) < np.log10(clip_norm) - 1e-9:
        assert found is gradient
    else:
        np.testing.assert_allclose(found / clip_norm, unit, rtol=1e-9, atol=1e-9)


@given(entries, st.integers(-36, 36), st.sampled_from([1e-3, 1.0, 1e20, 1e300]))
def test_clipping_in_float32_neither_overflows_nor_becomes_float64(direction, power, clip_norm):
    gradient = (direction * 10.0**power).astype(np.float32)
    found = clipped(gradient, clip_norm)
    assert found.dtype == np.float32
    factor = min(1, clip_norm / float(np.linalg.norm(gradient.astype(float))))
    np.testing.assert_allclose(found, gradient.astype(float) * factor, rtol=1e-6, atol=1e-7 * clip_norm)


@pytest.mark.parametrize("gradient", [[0.0, 0.0], [3.0, 4.0], [np.nan, 1e9], [np.inf, 1.0]])
def test_a_gradient_that_is_short_enough_or_not_finite_comes_back_as_it_is(gradient):
    gradient = np.array(gradient)
    assert clipped(gradient, 5.0) is gradient


@pytest.mark.parametrize("entry", [np.nan, np.inf])
def test_clipping_hides_no_divergence(monkeypatch, entry):
    def broken(net, X, y):
        loss, gradient = loss_and_gradient(net, X, y)
        gradient[2] = entry
        return loss, gradient

    monkeypatch.setattr(training_module, "loss_and_gradient", broken)
    monkeypatch.setattr(training_module, "serves", lambda *run: False)
    with pytest.raises(TrainingDivergedError, match=r"epoch 1: layer 0's W\[0, 2\] is not finite"):
        train(MLP([2, 4, 2]), TASK, SGD(0.1), 3, clip_norm=1.0)


def test_pytorch_clips_alike_where_it_is_installed():
    torch = pytest.importorskip("torch")
    for gradient in np.random.default_rng(0).normal(size=(20, 7)):
        parameter = torch.zeros(7, dtype=torch.float64, requires_grad=True)
        parameter.grad = torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_([parameter], 2.5)
        assert clipped(gradient, 2.5) == pytest.approx(parameter.grad.numpy(), rel=1e-6)


@pytest.mark.parametrize(("before", "after", "message"), [
    ({"schedule": Cosine()}, {"schedule": Cosine(0.1)}, r"schedule.final is 0.0 there, 0.1 here"),
    ({"schedule": Cosine()}, {}, r"schedule.schedule is 'Cosine' there, 'not set' here"),
    ({}, {"schedule": Warmup(3, Cosine())}, r"schedule.then.final is 'not set' there, 0.0 here"),
    ({"schedule": Cosine()}, {"schedule": Cosine(), "epochs": 8}, r"epochs is 6 there, 8 here"),
    ({"clip_norm": 1.0}, {"clip_norm": 2.0}, r"clip_norm is 1.0 there, 2.0 here"),
    ({"clip_norm": 1.0}, {}, r"clip_norm is 1.0 there, 'not set' here"),
])
def test_a_checkpoint_of_another_schedule_or_clipping_is_refused(tmp_path, before, after, message):
    trained(checkpoint=tmp_path / "run.npz", **before)
    with pytest.raises(CheckpointError, match=message):
        trained(checkpoint=tmp_path / "run.npz", **after)


def test_a_run_without_schedule_and_clipping_has_the_configuration_of_older_checkpoints(tmp_path):
    trained(checkpoint=tmp_path / "run.npz")
    assert load_checkpoint(tmp_path / "run.npz", "training")[1].keys() == {
        "net", "task", "optimizer", "batch_size", "record_every", "seed", "record", "layer", "inputs", "conventions"}


class Steps:
    """Counts the steps of optimizers made by `of`, and interrupts the run at one of them."""

    def __init__(self, limit=np.inf, error=KeyboardInterrupt):
        self.made, self.limit, self.error = 0, limit, error

    def of(self, kind, *settings):
        steps = self

        class Interruptible(kind):
            def step(self, theta, gradient, state):
                if steps.made >= steps.limit:
                    theta[:] = np.nan                    # what is lost may have been anything
                    raise steps.error
                steps.made += 1
                return super().step(theta, gradient, state)

        return Interruptible(*settings)


def assert_same(history, other):
    assert history.columns.keys() == other.columns.keys()
    for name, column in history.columns.items():
        np.testing.assert_array_equal(column, other[name])
        assert column.dtype == other[name].dtype


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 70), max_size=3), st.sampled_from([SGD, AdamW]), st.integers(1, 4),
    st.sampled_from([1e9, 0.0, -1.0]), st.sampled_from([None, Cosine(0.1), Warmup(3, StepDecay(2, 0.5))]),
    st.sampled_from([None, 0.1]),
    st.sampled_from([(), (patience("test_loss", 2, 0.02),), (stop_when("train_loss", below=0.66, held=2),)]))
def test_a_run_interrupted_anywhere_is_the_unbroken_run_to_the_bit(
    interruptions, kind, record_every, seconds, schedule, clip_norm, criteria
):
    run = {"record_every": record_every, "schedule": schedule, "clip_norm": clip_norm, "callbacks": criteria}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module, "CHECKPOINT_SECONDS", seconds)
        patch.setattr(training_module, "serves", lambda *run: False)         # `Steps` counts those of the plain form
        path, unbroken_path = Path(folder) / "run.npz", Path(folder) / "unbroken.npz"
        whole, history = trained(15, optimizer=kind(0.05), checkpoint=unbroken_path, **run)
        for limit in interruptions:
            try:
                trained(15, optimizer=Steps(limit).of(kind, 0.05), checkpoint=path, **run)
            except KeyboardInterrupt:
                continue
        net, resumed = trained(15, optimizer=kind(0.05), checkpoint=path, **run)
        assert path.read_bytes() == unbroken_path.read_bytes()
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert_same(resumed, history)


@pytest.mark.parametrize("record_every", [1, 4])
def test_a_run_that_was_ended_early_returns_at_once_and_the_same(tmp_path, record_every):
    run = {"record_every": record_every, "callbacks": [stop_when("epoch", above=6)], "checkpoint": tmp_path / "run.npz"}
    first, history = trained(20, **run)
    file = (tmp_path / "run.npz").read_bytes()
    steps = Steps()
    again, same = trained(20, optimizer=steps.of(SGD, 0.1), **run)
    assert steps.made == 0
    assert history.epoch[-1] == (7 if record_every == 1 else 8)
    assert (tmp_path / "run.npz").read_bytes() == file
    np.testing.assert_array_equal(again.theta, first.theta)
    assert_same(same, history)
    history.save(tmp_path / "first.npz")
    same.save(tmp_path / "same.npz")
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "same.npz").read_bytes()


def test_a_run_that_was_ended_early_goes_on_without_the_criterion(tmp_path):
    trained(12, callbacks=[stop_when("epoch", above=4)], checkpoint=tmp_path / "run.npz")
    net, history = trained(12, checkpoint=tmp_path / "run.npz")
    whole, unbroken = trained(12)
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert_same(history, unbroken)


def test_a_criterion_met_at_the_very_end_also_ends_the_longer_run(tmp_path):
    run = {"callbacks": [stop_when("epoch", above=5)], "record_every": 4, "checkpoint": tmp_path / "run.npz"}
    assert trained(6, **run)[1].epoch.tolist() == trained(9, **run)[1].epoch.tolist() == [0, 4, 6]


def test_callbacks_see_the_last_moment_of_an_ended_run_again_and_no_other(tmp_path, monkeypatch):
    seen = []
    run = {"callbacks": [lambda m: seen.append((m.epoch, len(m.rows), m.row is m.rows[-1]))], "record_every": 2}
    trained(4, checkpoint=tmp_path / "run.npz", **run)
    trained(5, checkpoint=tmp_path / "run.npz", **run)
    assert seen == [(0, 1, True), (2, 2, True), (4, 3, True), (4, 3, True), (5, 4, True)]
    monkeypatch.setattr(training_module, "CHECKPOINT_SECONDS", -1.0)
    seen.clear()
    with pytest.raises(KeyboardInterrupt):               # in the fourth epoch: after the last record of a run under way
        trained(6, optimizer=Steps(12).of(SGD, 0.1), checkpoint=tmp_path / "other.npz", **run)
    trained(6, checkpoint=tmp_path / "other.npz", **run)
    assert [epoch for epoch, _, _ in seen] == [0, 2, 4, 6]
