"""The fused form is the plain one: same gradient, same epochs, same records, whatever the task, net and optimizer."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrok.training as training_module
from minigrok import MLP, SGD, AdamW, Cosine, tasks, train
from minigrok.fast.epochs import is_finite
from minigrok.fast.fused import FusedEpochs, serves, thread_count
from minigrok.jit import JIT_ENABLED
from minigrok.mlp import ACTIVATIONS, LOSSES, loss_and_gradient
from minigrok.optimizers import clipped
from minigrok.training import TrainingDivergedError

pytestmark = pytest.mark.skipif(not JIT_ENABLED, reason="without numba there is no fused form")

TASKS = {
    "circles": tasks.circles(n=150, seed=1), "moons": tasks.moons(n=150, seed=1), "xor": tasks.xor(n=150, seed=1),
    "spirals": tasks.spirals(n=150, seed=1), "blobs": tasks.blobs(n=150, dimension=10, seed=1),
    "halfspace": tasks.halfspace(150, 5, seed=1), "add": tasks.modular(11, seed=1),
    "subtract": tasks.modular(11, "subtract", seed=1), "divide": tasks.modular(11, "divide", seed=1),
    "shuffled labels": tasks.modular(11, corrupt_fraction=1.0, seed=1),
    "arrays": tasks.from_arrays(np.random.default_rng(0).normal(size=(250, 7)), np.arange(250) % 12)}
OPTIMIZERS = [
    SGD(0.05), SGD(0.05, 0.9), SGD(0.05, 0.9, 0.01, nesterov=True), SGD(0.05, weight_decay=0.1), AdamW(0.01),
    AdamW(0.01, (0.9, 0.98), weight_decay=1.0), AdamW(0.01, (0.0, 0.5), 1e-3)]
CONVENTIONS = ("trace", "rows", "centered", "centered_rows")


def new_net(task, activation="relu", loss="cross_entropy", bias=True, dtype=np.float64, hidden=9, seed=3):
    features = task.X_first.shape[1]
    return MLP([features, hidden, task.n_classes], activation, loss, "fan_in_uniform", bias, dtype, seed)


def trained(net, task, optimizer, epochs, plain=False, **run):
    """The History, and theta at the end; `plain` by the plain form."""
    with patch.object(training_module, "serves", (lambda *run: False) if plain else serves):
        return train(net, task, optimizer, epochs, **run), net.theta.copy()


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


nets = st.fixed_dictionaries({
    "activation": st.sampled_from(sorted(ACTIVATIONS)), "loss": st.sampled_from(sorted(LOSSES)), "bias": st.booleans(),
    "hidden": st.integers(1, 40), "seed": st.integers(0, 99)})


@settings(max_examples=150)
@given(st.sampled_from(sorted(TASKS)), nets)
def test_the_gradient_is_that_of_the_plain_form(name, kind):
    task, net = TASKS[name], new_net(TASKS[name], **kind)
    fused = FusedEpochs(net, task, SGD(1.0), len(task.y_train), None)
    before = net.theta.copy()
    look = fused.look("train", ())
    loss, gradient = loss_and_gradient(net, task.X_train, task.y_train)
    assert look.losses["train"] == pytest.approx(loss, rel=1e-12)
    assert look.accuracies["train"] == np.mean(net.predict(task.X_train) == task.y_train)
    assert look.accuracies["test"] == np.mean(net.predict(task.X_test) == task.y_test)
    assert distance(fused.stepper.gradient, gradient) < 1e-12
    np.testing.assert_array_equal(net.theta, before)


@settings(max_examples=60)
@given(st.sampled_from(sorted(TASKS)), nets, st.sampled_from(OPTIMIZERS), st.sampled_from([None, 16, 64]),
       st.sampled_from([None, 0.05]), st.sampled_from([None, Cosine(0.1)]))
def test_twenty_epochs_are_those_of_the_plain_form(name, kind, optimizer, batch_size, clip_norm, schedule):
    """No farther apart than ten times two plain runs that begin one unit in the last place apart.

    Rounding is not the only noise: ReLU has a kink and AdamW divides by gradients near 0. So where the plain runs are
    nearer to each other than 1e-13, the floor is a rounding of each of the steps.
    """
    task, run = TASKS[name], {"batch_size": batch_size, "clip_norm": clip_norm, "schedule": schedule}
    one, other, fused = (new_net(task, **kind) for _ in range(3))
    other.theta[:] = np.nextafter(other.theta, np.inf)
    _, expected = trained(one, task, optimizer, 20, plain=True, **run)
    _, neighbour = trained(other, task, optimizer, 20, plain=True, **run)
    _, theta = trained(fused, task, optimizer, 20, **run)
    steps = 20 * -(-len(task.y_train) // (batch_size or len(task.y_train)))
    assert distance(theta, expected) <= 10 * distance(neighbour, expected) + steps * 2.0**-52


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("activation", "loss"), [
    ("relu", "cross_entropy"), ("tanh", "cross_entropy"), ("quadratic", "squared_error"), ("sigmoid", "squared_error")])
def test_what_is_recorded_is_that_of_the_plain_form(name, dtype, activation, loss):
    """float32: the plain form itself rounds losses to 1e-7, and a state's products to 1e-7 of its trace."""
    task, run = TASKS[name], {"batch_size": 32, "conventions": CONVENTIONS, "inputs": "all", "record_every": 2}
    histories = [
        trained(new_net(task, activation, loss, dtype=dtype), task, SGD(0.0), 2, plain, **run)[0]
        for plain in (False, True)]
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    assert list(histories[0].columns) == list(histories[1].columns)
    for column, values in histories[0].columns.items():
        assert values.dtype == histories[1][column].dtype, column
        np.testing.assert_allclose(
            values, histories[1][column], rtol=tolerance, atol=tolerance, err_msg=column)


@pytest.mark.parametrize("inputs", ["train", "test", "all"])
def test_the_state_is_taken_over_the_inputs_that_were_asked_for(inputs):
    task = TASKS["moons"]
    fused, plain = (trained(new_net(task), task, SGD(0.1), 1, form, inputs=inputs)[0] for form in (False, True))
    np.testing.assert_allclose(fused.spectrum, plain.spectrum, atol=1e-13)


def test_a_dead_layer_has_no_state_here_either():
    task, net = TASKS["moons"], new_net(TASKS["moons"])
    net.theta[: 3 * 9] = -1.0
    net.layers[0].W[:] = 0.0
    history, _ = trained(net, task, SGD(0.0), 1, conventions=("trace", "centered"))
    assert np.isnan(history.entropy).all()
    assert np.isnan(history.entropy_centered).all()


@pytest.mark.parametrize("batch_size", [None, 100])
def test_twice_the_same_call_gives_the_same_answer_for_any_number_of_threads(batch_size):
    task = tasks.modular(53, seed=0)                     # 1404 training pairs: two parts
    answers = []
    for threads in ("1", "2", "2", "5"):
        with patch.dict(os.environ, OMP_NUM_THREADS=threads):
            answers.append(trained(new_net(task, bias=False), task, AdamW(0.01, weight_decay=1.0), 7, record_every=3,
                                   batch_size=batch_size, conventions=("trace", "rows")))
    for history, theta in answers[1:]:
        np.testing.assert_array_equal(theta, answers[0][1])
        for column in history.columns:
            np.testing.assert_array_equal(history[column], answers[0][0][column])


@pytest.mark.parametrize("n", [1023, 1024, 2051])
def test_a_large_batch_in_two_parts_is_the_plain_gradient(n):
    X = np.random.default_rng(0).normal(size=(n, 3))
    task = tasks.from_arrays(X, (X.sum(axis=1) > 0).astype(int), X[:40], (X[:40].sum(axis=1) > 0).astype(int))
    (_, theta), (_, expected) = (trained(new_net(task), task, SGD(0.5), 1, form) for form in (False, True))
    assert distance(theta, expected) < 1e-14


@settings(max_examples=20)
@given(st.integers(0, 11), st.integers(1, 5), st.sampled_from([None, 16]), st.sampled_from(OPTIMIZERS))
def test_a_run_broken_off_at_any_record_goes_on_to_the_bit(stop_at, record_every, batch_size, optimizer):
    task = TASKS["moons"]

    def break_off(moment):
        if moment.epoch >= stop_at:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder, patch.object(training_module, "CHECKPOINT_SECONDS", -1.0):
        run = {"record_every": record_every, "batch_size": batch_size, "checkpoint": Path(folder) / "run.npz"}
        net = new_net(task)
        with pytest.raises(KeyboardInterrupt):
            train(net, task, optimizer, 11, callbacks=[break_off], **run)
        again, theta = trained(new_net(task), task, optimizer, 11, **run)
        whole, expected = trained(new_net(task), task, optimizer, 11, record_every=record_every, batch_size=batch_size)
    np.testing.assert_array_equal(theta, expected)
    for column in whole.columns:
        np.testing.assert_array_equal(again[column], whole[column])


def test_recording_changes_no_bit_of_the_training():
    task = tasks.modular(53, seed=0)
    thetas = [trained(new_net(task), task, AdamW(0.01), 12, record_every=k)[1] for k in (1, 5, 1000)]
    np.testing.assert_array_equal(thetas[0], thetas[1])
    np.testing.assert_array_equal(thetas[0], thetas[2])


def test_a_theta_that_is_set_between_looks_is_seen():
    """The gradient that a look leaves behind belongs to one theta only."""
    task, net = TASKS["add"], new_net(TASKS["add"])
    other = new_net(task, seed=8)

    def change(moment):
        if moment.epoch == 1:
            moment.net.theta = other.theta

    train(net, task, SGD(0.1), 2, callbacks=[change])
    train(other, task, SGD(0.1), 1)
    np.testing.assert_array_equal(net.theta, other.theta)


@pytest.mark.parametrize("plain", [False, True])
def test_divergence_is_found_in_the_same_epoch(plain):
    task = TASKS["moons"]
    with pytest.raises(TrainingDivergedError, match="training diverged in epoch 3: layer 0's W") as caught:
        trained(new_net(task, "quadratic", "squared_error"), task, SGD(1e40), 50, plain, record_every=50)
    assert len(caught.value.history) == 1


def test_outputs_that_overflow_are_explained_as_by_the_plain_form():
    task, net = TASKS["moons"], new_net(TASKS["moons"])
    net.layers[1].W[:] = 1e308
    with pytest.raises(TrainingDivergedError, match="training diverged by epoch 0: the outputs overflow float64"):
        train(net, task, SGD(0.1), 1)


def test_what_is_not_served_goes_the_plain_way():
    task, net = TASKS["moons"], new_net(TASKS["moons"])

    class Own(SGD):
        """Steps of its own."""

    assert serves(net, task, SGD(0.1))
    assert serves(net, task, AdamW(0.1))
    assert not serves(net, task, Own(0.1))
    assert not serves(MLP([2, 2]), task, SGD(0.1))
    assert not serves(MLP([2, 5, 5, 2]), task, SGD(0.1))
    assert not serves(MLP([3, 5, 2]), task, SGD(0.1))
    assert not serves(MLP([2, 5, 1]), task, SGD(0.1))    # label 1 is none of its classes
    assert not serves(MLP([20, 5, 11]), TASKS["add"], SGD(0.1))
    for pair in (-1, 11):                                # compiled code checks no bounds
        outside = replace(TASKS["add"], pairs_train=np.full_like(TASKS["add"].pairs_train, pair))
        assert not serves(new_net(TASKS["add"]), outside, SGD(0.1))
    history = train(MLP([2, 5, 5, 2]), task, SGD(0.1), 3)
    assert len(history) == 4


def test_two_hot_rows_are_not_built():
    task = tasks.modular(13, seed=0)
    train(new_net(task), task, AdamW(0.01), 3)
    assert "X_train" not in vars(task)
    assert "X_test" not in vars(task)


def test_clipping_is_that_of_the_plain_form():
    task, net = TASKS["add"], new_net(TASKS["add"])
    gradient = loss_and_gradient(net, task.X_train, task.y_train)[1]
    before = net.theta.copy()
    train(net, task, SGD(1.0), 1, clip_norm=0.01)
    np.testing.assert_allclose(before - net.theta, clipped(gradient, 0.01), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("value", "threads"), [("3", 3), ("2,1", 2), ("0", 1), ("many", None), ("", None)])
def test_threads_are_those_of_the_environment(value, threads):
    with patch.dict(os.environ, OMP_NUM_THREADS=value):
        assert thread_count() == (threads or os.cpu_count())


def test_a_gram_matrix_that_rounding_has_made_indefinite_is_left_to_the_plain_form():
    task = TASKS["moons"]
    fused = FusedEpochs(new_net(task), task, SGD(0.1), len(task.y_train), None)
    grams = np.zeros_like(fused.sums[0].grams)
    grams[0].reshape(-1, fused.shape.hidden_width)[:9, :9] = np.diag([1.0] * 8 + [-1e-3])
    assert fused._spectra(grams, fused.sums[0].column_sums, 75, ("trace",)) == {}


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_seen(broken):
    for form in (is_finite, is_finite.py_func):
        assert form(np.array([1.0, -1e308]))
        assert not form(np.array([broken, 1.0]))


def test_a_faint_input_has_a_direction_here_too():
    """Its squares vanish, so that the Gram matrix of rows of unit length cannot be had in one pass."""
    X = np.random.default_rng(0).normal(size=(40, 2))
    X[::4] *= 1e-170
    task = tasks.from_arrays(X, np.arange(40) % 2)
    fused, plain = (trained(new_net(task, "identity", bias=False), task, SGD(0.0), 0, form, conventions=("rows",))[0]
                    for form in (False, True))
    np.testing.assert_allclose(fused.spectrum_rows, plain.spectrum_rows, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "quadratic"])
def test_the_entropy_of_a_float32_net_is_that_of_float64_products_to_1e_7(activation):
    """The plain form takes A^T A in float64, the fused one in float32 over 768 inputs at a time."""
    task = tasks.modular(53, seed=0)
    net = MLP([106, 100, 53], activation, bias=False, dtype=np.float32, seed=1)
    fused, plain = (trained(net, task, SGD(0.0), 0, form, conventions=("trace", "rows"))[0] for form in (False, True))
    for column in ("entropy", "purity", "entropy_rows"):
        np.testing.assert_allclose(fused[column], plain[column], rtol=0, atol=1e-7)


def test_a_whole_number_as_clip_norm_is_that_number():
    task = TASKS["add"]
    thetas = [trained(new_net(task), task, SGD(1.0), 2, clip_norm=length)[1] for length in (1, 1.0)]
    np.testing.assert_array_equal(*thetas)
