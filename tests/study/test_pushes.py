from dataclasses import replace

import numpy as np
import pytest

from minigrok import gradients, tasks
from minigrok.density import density_matrix
from minigrok.metrics import purity, von_neumann_entropy
from minigrok.mlp import ACTIVATIONS, MLP, loss_and_gradient
from minigrok.runs.jobs import Job
from minigrok.study import pushes
from minigrok.study.grokking import GrokkingSetting, build, optimizer_of
from minigrok.study.pushes import PERMUTED, SLOPES, Objective, Push, has_generalised
from minigrok.study.store import Store
from minigrok.training import Run, train

SETUP = GrokkingSetting("small", "add", 7, "cross_entropy", "relu", "AdamW", 1e-2, 0.5, 0.6, width=12, epochs=60,
                        record_every=10)
DEEP = replace(SETUP, name="deep", activation="tanh", loss="squared_error", optimizer="SGD", lr=0.5, depth=2)
QUANTITIES = {
    "entropy": lambda A: von_neumann_entropy(density_matrix(A)),
    "purity": lambda A: purity(density_matrix(A)),
    "entropy_centered": lambda A: von_neumann_entropy(density_matrix(A, "centered"))}


def net_and_data(activation="tanh", depth=1, bias=True, dtype=np.float64):
    """A net of 5 neurons a layer, its biases off zero, 9 inputs and their labels."""
    rng = np.random.default_rng(3)
    net = MLP([4, *[5] * depth, 3], activation, bias=bias, init="fan_in_uniform", dtype=dtype, seed=1)
    return net, rng.normal(size=(9, 4)), rng.integers(0, 3, 9)


def central_difference(function, theta, h=1e-6):
    """Of a function of theta, which is moved in place and put back."""
    gradient = np.zeros_like(theta)
    for i, value in enumerate(theta.copy()):
        theta[i] = value + h
        above = function()
        theta[i] = value - h
        gradient[i] = (above - function()) / (2 * h)
        theta[i] = value
    return gradient


@pytest.mark.parametrize("target", QUANTITIES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_is_that_of_loss_plus_lambda_q(activation, depth, bias, target):
    net, X, y = net_and_data(activation, depth, bias)
    strength = -0.7

    def pushed_loss():
        return net.loss_and_gradient(X, y)[0] + strength * QUANTITIES[target](net.hidden(X))

    gradient = Objective(net, X, y, target, strength).gradient()
    np.testing.assert_allclose(gradient, central_difference(pushed_loss, net.theta), atol=2e-8)
    assert abs(gradient - loss_and_gradient(net, X, y)[1]).max() > 1e-3              # the push is no rounding


@pytest.mark.parametrize(("target", "plain"), [
    ("entropy", gradients.entropy_gradient), ("purity", gradients.purity_gradient),
    ("entropy_centered", lambda A: gradients.entropy_gradient(A - A.mean(axis=0)))])
@pytest.mark.parametrize("dead", [0, 3])
def test_the_slopes_are_those_of_the_checked_form(target, plain, dead):
    A = np.random.default_rng(0).normal(size=(40, 8)) + 0.3
    A[:, :dead] = 0
    expected = plain(A)
    np.testing.assert_allclose(SLOPES[target](A), expected, atol=1e-13)
    single = SLOPES[target](A.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-5 * abs(expected).max())


def test_the_slopes_in_single_precision_also_hold_where_most_eigenvalues_are_rounding():
    rng = np.random.default_rng(0)
    A = (rng.normal(size=(60, 10)) * 10.0 ** -np.arange(10)) @ np.linalg.qr(rng.normal(size=(10, 10)))[0]
    expected = gradients.entropy_gradient(A)
    error = SLOPES["entropy"](A.astype(np.float32)) - expected
    assert np.linalg.norm(error) < 1e-2 * np.linalg.norm(expected)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_the_control_is_the_push_of_s_with_its_entries_elsewhere_in_the_same_layer(depth, bias):
    net, X, y = net_and_data(depth=depth, bias=bias)
    of_loss = loss_and_gradient(net, X, y)[1]
    push, control = (Objective(net, X, y, target, 1.0, seed=5).gradient() - of_loss for target in ("entropy", PERMUTED))
    start = 0
    for layer in net.layers[:-1]:
        end = start + layer.W.size + (layer.b.size if bias else 0)
        np.testing.assert_allclose(np.sort(control[start:end]), np.sort(push[start:end]), atol=1e-15)
        assert np.linalg.norm(control[start:end]) == pytest.approx(np.linalg.norm(push[start:end]))
        start = end
    assert abs(control - push).max() > 1e-3
    assert control[start:] == pytest.approx(0, abs=1e-15)            # the output layer feels nothing


def test_the_permutation_stays_for_a_run_and_differs_between_runs():
    net, X, y = net_and_data()
    first, again, other = (Objective(net, X, y, PERMUTED, 1.0, seed).order for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("target", [*SLOPES, PERMUTED])
def test_a_layer_without_a_state_feels_no_push(target):
    net, X, y = net_and_data("relu")
    net.layers[0].W[:] = 0
    net.layers[0].b[:] = -1                              # dead
    np.testing.assert_array_equal(Objective(net, X, y, target, 5.0).gradient(), loss_and_gradient(net, X, y)[1])


@pytest.mark.parametrize(
    "A", [np.full((6, 3), 0.1), np.full((6, 3), 0.1, np.float32), np.ones((1, 3)), np.zeros((6, 3))])
def test_rows_that_are_all_alike_have_no_centred_state(A):
    assert SLOPES["entropy_centered"](A) is None


def test_activations_that_overflow_have_no_slope():
    with np.errstate(over="ignore"):
        assert SLOPES["entropy"](np.full((4, 2), 1e30, np.float32)) is None


@pytest.mark.parametrize("setup", [SETUP, DEEP])
def test_without_a_push_it_is_plain_training(setup):
    pushed = pushes.run(Push(setup), seed=4).history
    net, task = build(setup, 4)
    history = train(net, task, optimizer_of(setup, net), setup.epochs, record_every=10)
    for name in ("epoch", "train_loss", "test_loss", "entropy", "purity", "weight_norm"):
        np.testing.assert_allclose(pushed[name], history[name], rtol=2e-4, err_msg=name)


def test_a_step_without_a_push_is_that_of_plain_training_to_rounding():
    (net, task), (plain, _) = build(SETUP, 4), build(SETUP, 4)
    optimizer = optimizer_of(SETUP, net)
    by_training = Run(plain, optimizer.start(plain.theta), np.random.default_rng(0))
    by_training.one_epoch(task, optimizer, len(task.y_train), None)
    objective = Objective(net, task.X_train, task.y_train, "entropy", 0.0)
    optimizer.step(net.theta, objective.gradient(), optimizer.start(net.theta))
    np.testing.assert_allclose(net.theta, plain.theta, atol=1e-7)


@pytest.mark.parametrize(("setup", "strength"), [
    (SETUP, 0.1), (replace(DEEP, optimizer="AdamW", lr=0.01), 0.01)])
@pytest.mark.parametrize("target", QUANTITIES)
def test_the_quantity_goes_where_it_is_pushed(setup, strength, target):
    down, none, up = (
        pushes.run(Push(setup, target, sign * strength), 0).history[target][-1] for sign in (1.0, 0.0, -1.0))
    assert down < none < up


def test_a_net_has_generalised_once_it_holds():
    assert has_generalised([0.5, *[0.95] * 6])
    assert not has_generalised([0.95] * 5)
    assert not has_generalised([*[1.0] * 6, 0.94])


def test_a_run_ends_when_the_net_has_generalised(monkeypatch):
    monkeypatch.setattr(pushes, "held_from", lambda tested: tested >= 0)
    assert pushes.run(Push(SETUP), 0).history.epoch.tolist() == [0, 10, 20, 30, 40, 50]


def test_a_net_that_diverges_keeps_its_history_until_then():
    wild = replace(SETUP, activation="quadratic", optimizer="SGD", lr=1e6)
    run = pushes.run(Push(wild, "entropy", 1.0), 0)
    assert 1 <= len(run.history) < 7
    assert np.isfinite(run.history.train_loss).all()


def test_a_result_can_be_stored(tmp_path):
    push = Push(SETUP, "purity", -0.01)
    job = Job("interventions", push.name, 0, pushes.run, push)
    Store(tmp_path).save(job, run := pushes.run(push, 0))
    loaded = Store(tmp_path).load(job).result
    assert loaded.setting is push
    np.testing.assert_array_equal(loaded.history.entropy, run.history.entropy)


@pytest.mark.parametrize(("push", "words"), [
    (Push(SETUP), "no push"), (Push(SETUP, "entropy", 0.1), "S down 0.1"), (Push(SETUP, "purity", -1e-3), "P up 0.001"),
    (Push(SETUP, "entropy_centered", -1e-5), "centred S up 1e-05"), (Push(SETUP, PERMUTED, -0.1), "permuted -0.1")])
def test_pushes_have_words(push, words):
    assert push.words == words
    assert push.name == f"small, {words}"


def test_an_unknown_target_is_refused():
    net, task = build(SETUP, 0)
    with pytest.raises(ValueError, match="target"):
        Objective(net, task.X_train, task.y_train, "energy", 1.0)


def test_tasks_of_arrays_are_no_different():
    task = tasks.moons(n=40, seed=0)
    net = MLP([2, 6, 2], seed=0)
    assert Objective(net, task.X_train, task.y_train, "entropy", 0.1).gradient().shape == net.theta.shape
