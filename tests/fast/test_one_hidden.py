"""A pass over blocks against `minigrok.mlp`: its loss, gradient, right answers and Gram matrices."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plain_forms import with_globals
from strategies import seeds

from minigrok.fast import one_hidden
from minigrok.fast.one_hidden import (
    BLOCK,
    GRAM,
    GRAM_OF_ROWS,
    LOSSES_ALONE,
    NOTHING,
    Data,
    add_gradient,
    new_sums,
    new_weights,
    one_pass,
    pad_weights,
    shape_of,
)
from minigrok.fast.products import HEIGHT, lanes_of
from minigrok.mlp import ACTIVATIONS, LOSSES, MLP, forward, loss_and_gradient

PARTS = ("first_layer", "into_first_layer", "watch_hidden", "outputs", "backward", "clear")
plain_pass = with_globals(one_pass, **{name: getattr(one_hidden, name).py_func for name in PARTS})
both_passes = pytest.mark.parametrize("kernel", [one_pass, plain_pass], ids=["compiled", "plain"])
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCES = {np.float32: 1e-5, np.float64: 1e-12}       # of a gradient's length: some fifty sums after one another
INPUTS = [1, 2, HEIGHT + 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 5]


def net_and_data(dtype, activation, loss, bias, pairs, n, hidden, seed, p=4, classes=3):
    """A net, n of some more inputs in an order of their own, and for the plain form their rows X and labels."""
    rng, features = np.random.default_rng(seed), 2 * p
    net = MLP([features, hidden, classes], activation, loss, bias=bias, dtype=dtype)
    net.theta = rng.normal(scale=0.3, size=len(net.theta))
    numbers = rng.integers(p, size=(n + 7, 2))
    X = np.zeros((n + 7, features), dtype)
    X[np.arange(n + 7), numbers[:, 0]] = X[np.arange(n + 7), p + numbers[:, 1]] = 1
    if not pairs:
        X = rng.normal(size=X.shape).astype(dtype)
    y, rows = rng.integers(classes, size=n + 7), rng.permutation(n + 7)[:n]
    data = Data(X[:0, :0].copy(), numbers, y) if pairs else Data(X, numbers[:0], y)
    return net, data, rows, X[rows].astype(float), y[rows]


def as_float64(net):
    """The same net, for which the plain form computes in float64."""
    twin = MLP(net.sizes, net.activation, net.loss, bias=net.bias)
    twin.theta = net.theta
    return twin


def no_kink_near(twin, X):
    """Whether rounding in float32 leaves each Z on its side of 0, where relu' jumps."""
    return abs(forward(twin, X)[0][0]).min() > 1e-5


def bounds(twin, X, y, tolerance):
    """How far loss and gradient may be off: a share of the gradient's length for these labels and for others.

    For these alone it can be as small as the derivative of a sure answer, softmax - 1, whose digits have cancelled.
    """
    (_, gradient), (_, other) = (loss_and_gradient(twin, X, labels) for labels in (y, (y + 1) % twin.sizes[-1]))
    size = 1 + abs(forward(twin, X)[0][-1]).max()
    return tolerance * size, tolerance * (np.linalg.norm(gradient) + np.linalg.norm(other))


def prepared(net, pairs):
    """Shape, padded weights, and sums full of what an earlier pass may have left."""
    shape = shape_of(net.sizes, net.activation, net.loss, net.bias, pairs, net.theta.dtype)
    weights, sums = new_weights(shape, net.theta.dtype), new_sums(shape, net.theta.dtype)
    pad_weights.py_func(net.theta, shape, weights)
    for part in (sums.dW1, sums.dW2, sums.Z1, sums.A, sums.dA, sums.Z2, sums.work, sums.grams, sums.column_sums):
        part[:] = 9
    return shape, weights, sums


def passed(kernel, net, data, rows, pairs, *, learn=True, watch=LOSSES_ALONE):
    """What a pass returns, the gradient that it leaves, and all its sums."""
    shape, weights, sums = prepared(net, pairs)
    seen = kernel(data, rows, shape, weights, sums, net.theta.dtype.type(1 / len(rows)), learn, watch)
    gradient = np.full_like(net.theta, 9)
    add_gradient.py_func(sums, shape, gradient, True)
    return seen, gradient, shape, sums


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@both_types
@settings(max_examples=25)
@given(bias=st.booleans(), pairs=st.booleans(), n=st.sampled_from(INPUTS), hidden=st.sampled_from([1, 5, 8, 16, 33]),
       classes=st.sampled_from([2, 3, 8, 9, 17]), p=st.integers(1, 9), seed=seeds)
def test_a_pass_is_the_loss_and_gradient_of_the_plain_form(
        dtype, loss, activation, bias, pairs, n, hidden, classes, p, seed):
    net, data, rows, X, y = net_and_data(dtype, activation, loss, bias, pairs, n, hidden, seed, p, classes)
    twin = as_float64(net)
    assume(activation != "relu" or no_kink_near(twin, X))
    (loss_sum, right), gradient, _, _ = passed(one_pass, net, data, rows, pairs)
    expected_loss, expected = loss_and_gradient(twin, X, y)
    loss_bound, gradient_bound = bounds(twin, X, y, TOLERANCES[dtype])
    assert abs(loss_sum / n - expected_loss) <= loss_bound * (1 + expected_loss)
    assert np.linalg.norm(gradient - expected) <= gradient_bound
    if dtype == np.float64:                              # in float32 the two largest may be equal to rounding
        assert right == (forward(twin, X)[0][-1].argmax(axis=1) == y).sum()


KINDS = list(itertools.product([False, True], [False, True], LOSSES, [3, BLOCK + 2]))


@both_types
@pytest.mark.parametrize(("bias", "pairs", "loss", "n"), KINDS)
def test_as_plain_python_the_parts_of_a_pass_do_the_same(dtype, bias, pairs, loss, n):
    for activation in ("relu", "quadratic"):
        net, data, rows, X, y = net_and_data(dtype, activation, loss, bias, pairs, n, 5, n)
        twin = as_float64(net)
        (loss_sum, right), gradient, shape, sums = passed(plain_pass, net, data, rows, pairs, watch=GRAM_OF_ROWS)
        expected_loss, expected = loss_and_gradient(twin, X, y)
        loss_bound, gradient_bound = bounds(twin, X, y, TOLERANCES[dtype])
        assert abs(loss_sum / n - expected_loss) <= loss_bound * (1 + expected_loss)
        assert np.linalg.norm(gradient - expected) <= gradient_bound
        assert right == (forward(twin, X)[0][-1].argmax(axis=1) == y).sum()
        check_grams(twin, X, shape, sums, of_rows=True, eps=np.finfo(dtype).eps)


# ---------------------------------------------------------------- Gram matrices

def check_grams(twin, X, shape, sums, *, of_rows, eps):
    """Errors are BLOCK eps at most of what sizes add up to: those of Z, which may be a small difference, then of A.

    That of a number of A is features + 4 roundings, and that of a block's sum of squares one for each of its inputs.
    """
    A, d = twin.hidden(X), twin.sizes[1]
    W, b = twin.layers[0]
    sizes = 1 + abs(X) @ abs(W) + (0 if b is None else abs(b))
    if twin.activation == "quadratic":
        sizes = sizes**2
    grams = np.triu(sums.grams.reshape(2, -1, shape.hidden_width)[:, :d, :d])
    assert (abs(grams[0] - np.triu(A.T @ A)) <= BLOCK * eps * (sizes.T @ sizes)).all()
    assert (abs(sums.column_sums[:d] - A.sum(axis=0)) <= BLOCK * eps * sizes.sum(axis=0)).all()
    if of_rows:
        lengths = np.linalg.norm(A, axis=1, keepdims=True)
        unit, sizes = (np.divide(M, lengths, where=lengths > 0, out=np.zeros_like(A)) for M in (A, sizes))
        assert (abs(grams[1] - np.triu(unit.T @ unit)) <= BLOCK * eps * (sizes.T @ sizes)).all()
    else:
        np.testing.assert_array_equal(grams[1], 0)


@both_types
@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=15)
@given(bias=st.booleans(), pairs=st.booleans(), n=st.sampled_from(INPUTS), hidden=st.sampled_from([1, 5, 16, 33, 50]),
       of_rows=st.booleans(), learn=st.booleans(), seed=seeds)
def test_the_gram_matrices_are_those_of_the_activations(
        dtype, activation, bias, pairs, n, hidden, of_rows, learn, seed):
    net, data, rows, X, y = net_and_data(dtype, activation, "cross_entropy", bias, pairs, n, hidden, seed)
    twin, watch = as_float64(net), GRAM_OF_ROWS if of_rows else GRAM
    assume(activation != "relu" or no_kink_near(twin, X))
    (loss_sum, _), gradient, shape, sums = passed(one_pass, net, data, rows, pairs, learn=learn, watch=watch)
    check_grams(twin, X, shape, sums, of_rows=of_rows, eps=np.finfo(dtype).eps)
    expected_loss, expected = loss_and_gradient(twin, X, y)
    loss_bound, gradient_bound = bounds(twin, X, y, TOLERANCES[dtype])
    assert abs(loss_sum / n - expected_loss) <= loss_bound * (1 + expected_loss)
    assert np.linalg.norm(gradient - learn * expected) <= gradient_bound


@both_passes
@both_types
def test_silent_inputs_have_no_direction(kernel, dtype):
    """relu of biases below zero: rows of A that are 0 have no unit length, and count as 0."""
    net, data, rows, X, _ = net_and_data(dtype, "relu", "cross_entropy", True, False, 12, 3, 0)
    net.layers[0].b[:] = -1.5
    twin = as_float64(net)
    A = twin.hidden(X)
    assert 0 < (A.max(axis=1) == 0).sum() < len(A)
    _, _, shape, sums = passed(kernel, net, data, rows, False, watch=GRAM_OF_ROWS)
    check_grams(twin, X, shape, sums, of_rows=True, eps=np.finfo(dtype).eps)


@both_passes
@both_types
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_nobody_asks_for_is_left_out(kernel, dtype, pairs, loss):
    net, data, rows, _, _ = net_and_data(dtype, "tanh", loss, True, pairs, 9, 5, 0)
    _, asked, _, _ = passed(kernel, net, data, rows, pairs, watch=GRAM_OF_ROWS)
    for watch in (NOTHING, LOSSES_ALONE):
        seen, gradient, _, sums = passed(kernel, net, data, rows, pairs, watch=watch)
        np.testing.assert_array_equal(gradient, asked)   # watching changes no bit
        np.testing.assert_array_equal(sums.grams, 0)
        np.testing.assert_array_equal(sums.column_sums, 0)
        assert (seen == (0, 0)) == (watch == NOTHING)
    _, gradient, _, _ = passed(kernel, net, data, rows, pairs, learn=False)
    np.testing.assert_array_equal(gradient, 0)


@both_passes
@both_types
def test_weights_that_are_not_finite_reach_the_loss(kernel, dtype):
    net, data, *_ = net_and_data(dtype, "relu", "cross_entropy", True, True, 9, 5, 0)
    for place in (0, len(net.theta) - 1):
        theta = net.theta.copy()
        net.theta[place] = np.nan
        (loss_sum, _), gradient, _, _ = passed(kernel, net, data, np.arange(len(data.y)), True)
        assert np.isnan(loss_sum)
        assert np.isnan(gradient).any()
        net.theta = theta


# ---------------------------------------------------------------- padding

kinds = pytest.mark.parametrize(("bias", "pairs"), list(itertools.product([False, True], repeat=2)))


@pytest.mark.parametrize("kernel", [pad_weights, pad_weights.py_func], ids=["compiled", "plain"])
@both_types
@kinds
@pytest.mark.parametrize("loss", LOSSES)
def test_padded_weights_hold_the_layers_and_nothing_else(kernel, dtype, bias, pairs, loss):
    for hidden, classes in ((1, 1), (5, 3), (8, 8), (16, 17)):
        net, *_ = net_and_data(dtype, "relu", loss, bias, pairs, 1, hidden, hidden, 3, classes)
        shape = shape_of(net.sizes, net.activation, loss, bias, pairs, dtype)
        weights = new_weights(shape, dtype)
        for _ in range(2):                               # over what is there already
            kernel(net.theta, shape, weights)
        (W, b), (V, c) = net.layers
        first = np.zeros((shape.rows_1, shape.hidden_width), dtype)
        first[: len(W), :hidden] = W
        if bias and pairs:
            first[: len(W) // 2, :hidden] += b
        elif bias:
            first[len(W), :hidden] = b
        second = np.zeros((hidden + 1, shape.classes_width), dtype)
        second[:hidden, :classes] = V
        if bias:
            second[hidden, :classes] = c
        if loss == "cross_entropy":
            second[hidden, classes:] = -np.inf
        transposed = np.zeros((classes, shape.hidden_width), dtype)
        transposed[:, :hidden] = V.T
        for padded_one, expected in zip(weights, (first, second, transposed), strict=True):
            np.testing.assert_array_equal(padded_one, expected.ravel())


@pytest.mark.parametrize("kernel", [add_gradient, add_gradient.py_func], ids=["compiled", "plain"])
@both_types
@kinds
def test_add_gradient_is_the_transpose_of_padding(kernel, dtype, bias, pairs):
    """<pad(theta), S> = <theta, gradient of S>, the chain rule of a linear map; in whole numbers, so exactly."""
    rng = np.random.default_rng(0)
    for hidden, classes in ((1, 1), (5, 3), (8, 8), (16, 17)):
        net, *_ = net_and_data(dtype, "relu", "squared_error", bias, pairs, 1, hidden, 0, 3, classes)
        shape = shape_of(net.sizes, "relu", "squared_error", bias, pairs, dtype)
        weights, sums = new_weights(shape, dtype), new_sums(shape, dtype)
        for part in (sums.dW1, sums.dW2):                # the padding as well, which must not come in
            part[:] = rng.integers(-9, 10, size=len(part))
        once, twice = np.full_like(net.theta, np.nan), np.ones_like(net.theta)
        kernel(sums, shape, once, True)
        kernel(sums, shape, twice, False)
        np.testing.assert_array_equal(twice, once + 1)
        theta = rng.integers(-9, 10, size=len(once)).astype(dtype)
        pad_weights.py_func(theta, shape, weights)
        inner = sum((W * S[: len(W)]).sum() for W, S in zip(weights[:2], (sums.dW1, sums.dW2), strict=True))
        assert inner == theta @ once


@both_types
@kinds
def test_shapes_leave_room_for_whole_vectors_and_tiles(dtype, bias, pairs):
    for features, hidden, classes in itertools.product((2, 8, 14), (1, 7, 8, 15, 16, 17), (2, 8, 9)):
        shape = shape_of((features, hidden, classes), "relu", "cross_entropy", bias, pairs, dtype)
        lanes, sums = lanes_of(dtype), new_sums(shape, dtype)
        assert hidden < shape.hidden_width <= hidden + lanes
        assert classes <= shape.classes_width < classes + lanes
        assert shape.hidden_width % lanes == shape.classes_width % lanes == shape.features_width % HEIGHT == 0
        assert len(sums.dW1) >= -(-shape.rows_1 // HEIGHT) * HEIGHT * shape.hidden_width
        assert len(sums.dW2) >= -(-(hidden + 1) // HEIGHT) * HEIGHT * shape.classes_width
        assert sums.block_grams.shape[1] >= -(-hidden // HEIGHT) * HEIGHT * shape.hidden_width
    assert BLOCK % HEIGHT == 0
