"""The landscape of networks in plain formulas: its settings, its edges, its draws, and what it observes."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok import tasks
from minigrok.fast.priors import draw
from minigrok.systems import NetworkLandscape, network
from minigrok.tasks.base import Task

X = np.array([[0.5, 0.2], [0.8, -0.3], [-0.4, 0.9], [-0.7, -0.6], [0.1, 0.3]])
LABELS = np.array([0, 1, 2, 1, 0])
TASK = tasks.from_arrays(X, LABELS, X[::-1] + 0.1, LABELS)


def accuracy_by_hand(Z, y):
    """Z (N, classes): each input counts as one over the number of its largest outputs, if its label is among them."""
    shares = [(row == row.max()).sum() for row in Z]
    return sum((row[label] == row.max()) / share for row, label, share in zip(Z, y, shares, strict=True)) / len(y)


def hidden_by_hand(weights, inputs, bias):
    """relu(X W^T + b) (N, hidden), for weights (hidden, features) with the biases last."""
    W, b = (weights[:, :-1], weights[:, -1]) if bias else (weights, 0.0)
    return np.maximum(inputs @ W.T + b, 0.0)


def loss_by_hand(Z, y):
    return -np.mean([row[label] - np.log(np.exp(row).sum()) for row, label in zip(Z, y, strict=True)])


def test_what_is_left_out_is_what_the_help_shows():
    plain = NetworkLandscape(X)
    said = NetworkLandscape(X, 6, "relu", True, "box", 1.0, "entropy")
    assert plain.configuration == said.configuration
    assert plain.configuration | {"data": 0} == {
        "name": "NetworkLandscape", "hidden": 6, "activation": "relu", "bias": True, "prior": "box", "scale": 1.0,
        "coordinate": "entropy", "N": 5, "data": 0}
    assert plain.uniforms == 2
    np.testing.assert_array_equal(plain.edges(), plain.edges(60))
    np.testing.assert_array_equal(plain.direct_sample(5), plain.direct_sample(5, seed=0))
    assert (plain.direct_sample(5) != plain.direct_sample(5, seed=1)).any()


def test_the_checksum_is_of_the_training_data_alone():
    """In a checkpoint it stands for the data, so it may not change from version to version."""
    for given_as, data in ((X, X.tobytes()), (TASK, X.tobytes() + LABELS.tobytes())):
        assert NetworkLandscape(given_as).configuration["data"] == hashlib.sha256(data).hexdigest()[:16]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: NetworkLandscape(X, hidden=0), "hidden is 0, but must be a whole number, 1 or more"),
    (lambda: NetworkLandscape(X, scale=1.1e100), r"scale is 1.1e\+100, but must be a number in \(0, 1e\+100\]"),
    (lambda: NetworkLandscape(np.ones((2, 2, 2))), r"X has shape \(2, 2, 2\), but inputs are a matrix"),
    (lambda: NetworkLandscape(X, 1).edges(), "hidden is 1, and one unit has S = 0 and P = 1 whatever its weights"),
    (lambda: NetworkLandscape(X, 1, coordinate="purity").edges(), "hidden is 1, and one unit has S = 0 and P = 1"),
    (lambda: NetworkLandscape(X).edges(0), "bins is 0, but must be a whole number, 1 or more"),
    (lambda: NetworkLandscape(X).direct_sample(0), "n is 0, but must be a whole number, 1 or more"),
    (lambda: NetworkLandscape(X).direct_sample(1, seed=-1), "seed is -1, but must be a whole number, 0 or more"),
])
def test_what_is_beyond_a_limit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_limits_themselves_are_taken():
    assert NetworkLandscape(X, hidden=1, scale=1e100).configuration["scale"] == 1e100
    assert NetworkLandscape(X, hidden=1).direct_sample(1, seed=0).shape == (1,)
    assert len(NetworkLandscape(X).edges(1)) == 3
    assert NetworkLandscape(X[:, :1], prior="sphere").features == 2
    assert NetworkLandscape(X, bias=False, prior="sphere").features == 2
    assert NetworkLandscape(X[:, :1], bias=False).features == 1


@pytest.mark.parametrize("hidden", [2, 3, 7])
def test_the_edges_are_equal_bins_from_end_to_end_and_one_for_the_atom(hidden):
    S = NetworkLandscape(X, hidden).edges(4)
    assert S[:2].tolist() == [0.0, 1e-9]
    np.testing.assert_allclose(np.diff(S[1:]), math.log(hidden) / 4, rtol=1e-8)
    assert 0 < S[-1] - math.log(hidden) < 2e-12
    P = NetworkLandscape(X, hidden, coordinate="purity").edges(4)
    assert 0 < 1 / hidden - P[0] < 2e-12
    assert 0 < P[-1] - 1 < 2e-12
    assert P[-2] == 1 - 1e-9
    np.testing.assert_allclose(np.diff(P[:-1]), (1 - 1 / hidden) / 4, rtol=1e-8)


def test_the_edges_of_the_loss_leave_one_network_in_a_thousand_above():
    landscape = NetworkLandscape(TASK, hidden=1, coordinate="loss")
    edges, losses = landscape.edges(3), np.sort(landscape.direct_sample(2000))
    assert edges[0] == 0
    np.testing.assert_allclose(np.diff(edges), edges[-1] / 3)
    assert losses[-3] < edges[-1] < losses[-2]
    assert edges[-1] == np.quantile(losses, 0.999)


@pytest.mark.parametrize("coordinate", ["entropy", "loss"])
def test_a_direct_sample_draws_its_weights_a_thousand_networks_at_once(coordinate):
    """The order of the draws is what a seed stands for."""
    landscape = NetworkLandscape(TASK, hidden=1, bias=False, coordinate=coordinate)
    rng = np.random.default_rng(5)
    landscape.start(rng)
    energies = []
    for count in (1000, 2):
        W = draw(rng, "box", 1.0, (count, 1, 2))
        if coordinate == "loss":
            V = draw(rng, "box", 1.0, (count, 3, 1))
            energies += [loss_by_hand(hidden_by_hand(w, X, False) @ v.T, LABELS) for w, v in zip(W, V, strict=True)]
        else:
            energies += [0.0 if hidden_by_hand(w, X, False).any() else np.nan for w in W]
    np.testing.assert_allclose(landscape.direct_sample(1002, seed=5), energies, rtol=1e-12)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(["entropy", "loss"]))
def test_a_started_state_is_the_layers_on_the_inputs(seed, bias, coordinate):
    landscape = NetworkLandscape(TASK, hidden=3, bias=bias, scale=2.0, coordinate=coordinate)
    state, rng = landscape.start(np.random.default_rng(seed)), np.random.default_rng(seed)
    np.testing.assert_array_equal(state.weights, rng.uniform(-2, 2, (3, 2 + bias)))
    np.testing.assert_array_equal(state.inputs, np.vstack([X.T] + [np.ones(5)] * bias))
    assert state.inputs.flags.c_contiguous               # one contiguous row a feature
    A = hidden_by_hand(state.weights, X, bias)
    np.testing.assert_allclose(state.activations[:3].T, A, rtol=1e-13, atol=1e-14)
    assert state.step_size == 0.5
    if coordinate == "loss":
        np.testing.assert_array_equal(state.readout, rng.uniform(-2, 2, (3, 3 + bias)))
        assert (state.activations[3:] == 1).all()
        assert state.activations.shape == (3 + bias, 5)
        Z = A @ state.readout[:, :3].T + (state.readout[:, 3] if bias else 0.0)
        np.testing.assert_allclose(state.outputs.T, Z, rtol=1e-13, atol=1e-14)
        np.testing.assert_array_equal(state.labels, LABELS)


@given(
    st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(["box", "gauss"]), st.sampled_from(["entropy", "purity"]))
def test_readouts_are_eight_random_second_layers_and_the_best_by_least_squares(seed, bias, prior, coordinate):
    landscape = NetworkLandscape(TASK, hidden=3, bias=bias, prior=prior, scale=1.5, coordinate=coordinate)
    state = landscape.start(np.random.default_rng(seed))
    seen = landscape.observe(state, np.random.default_rng(seed))
    A = hidden_by_hand(state.weights, X, bias)
    features = np.hstack([A, np.ones((5, 1))])
    layers = draw(np.random.default_rng(seed), prior, 1.5, (8, 3, 3 + bias))
    outputs = [np.array([[sum(f * v for f, v in zip(row, unit, strict=False)) for unit in V] for row in features])
               for V in layers]
    accuracies = [accuracy_by_hand(Z, LABELS) for Z in outputs]
    assert seen["mean_accuracy"] == pytest.approx(np.mean(accuracies))
    assert seen["folded_accuracy"] == pytest.approx(np.mean([max(a, 1 - a) for a in accuracies]))
    assert seen["loss"] == pytest.approx(loss_by_hand(outputs[0], LABELS))
    best = features @ np.linalg.pinv(features) @ np.eye(3)[LABELS]             # projected on what the features span
    assert seen["readout_accuracy"] == pytest.approx(accuracy_by_hand(best.round(9), LABELS))


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_accuracies_over_both_layers_are_those_on_either_set(seed, bias):
    landscape = NetworkLandscape(TASK, hidden=3, bias=bias, coordinate="loss")
    state = landscape.start(np.random.default_rng(seed))
    seen = landscape.observe(state, np.random.default_rng(0))
    for name, inputs, y in (("accuracy", X, LABELS), ("test_accuracy", TASK.X_test, TASK.y_test)):
        A = hidden_by_hand(state.weights, inputs, bias)
        Z = A @ state.readout[:, :3].T + (state.readout[:, 3] if bias else 0.0)
        assert seen[name] == pytest.approx(accuracy_by_hand(Z, y))


@pytest.mark.parametrize("count", [0, 1])
def test_an_accuracy_on_test_inputs_is_there_if_they_are(count):
    task = Task(X, LABELS, X[:count], LABELS[:count], 3, {})
    landscape = NetworkLandscape(task, hidden=2, coordinate="loss")
    seen = landscape.observe(landscape.start(np.random.default_rng(0)), np.random.default_rng(0))
    assert ("test_accuracy" in seen) == (count == 1)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_a_state_is_observed_however_small_or_large_the_activations(size):
    landscape = NetworkLandscape(TASK, hidden=2, activation="identity", bias=False)
    state = landscape.start(np.random.default_rng(0))
    state.weights[:] = size * np.array([[1.0, 0.2], [-0.3, 1.1]])
    landscape.energy(state)
    p = np.linalg.eigvalsh(state.weights @ X.T @ X @ state.weights.T)
    p /= p.sum()
    seen = landscape.observe(state, np.random.default_rng(0))
    assert seen["entropy"] == pytest.approx(-(p * np.log(p)).sum())
    assert seen["purity"] == pytest.approx((p**2).sum())


def test_inputs_alone_have_an_energy_and_nothing_to_observe():
    landscape = NetworkLandscape(X, hidden=2)
    state = landscape.start(np.random.default_rng(0))
    assert landscape.observe(state, np.random.default_rng(0)) == {}
    assert landscape.energy(state) == NetworkLandscape(TASK, hidden=2).energy(state)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6), st.integers(2, 4))
def test_accuracy_with_ties_is_the_count_by_hand(seed, draws, n, classes):
    rng = np.random.default_rng(seed)
    Z, y = rng.integers(0, 3, (draws, n, classes)).astype(float), rng.integers(0, classes, n)
    np.testing.assert_allclose(network.tied_accuracy(Z, y), [accuracy_by_hand(each, y) for each in Z], rtol=1e-14)
