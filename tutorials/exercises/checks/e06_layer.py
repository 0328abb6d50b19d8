"""The marker's side of e06_layer."""

import numpy as np

from minigrok import MLP
from minigrok.course.laws import agrees, holds, law

LESSON, MINUTES = 2, 5
HINTS = (
    "Three steps: a matrix product, a sum, and a function of each element.",
    "X @ W has shape (n, width), and NumPy adds b (width,) to each of its rows.",
    "np.maximum(Z, 0) compares each element of Z with 0 and keeps the larger.",
)


def layer(X, W, b):
    return np.maximum(X @ W + b, 0)    # (n, width); b is added to each row


def check(layer, rng):
    for X, W, b in _inputs(rng):
        holds(layer, "no activation of a ReLU is negative", lambda A: (A >= -1e-12).all(), X, W, b)
        law(layer, "to double the inputs and halve the weights leaves every activation alone",
            (X, W, b), (2 * X, W / 2, b))
        agrees(layer, _hidden, X, W, b, sentence="A = ReLU(X W + b): a weighted sum, the bias, and nothing below zero")


def _inputs(rng):
    yield np.array([[2.0]]), np.array([[3.0]]), np.array([-1.5])        # 4.5: no whole number
    yield np.array([[2.0]]), np.array([[-3.0]]), np.array([1.0])
    yield np.array([[1.0, 2.0]]), np.array([[1.0, -1.0], [3.0, 0.0]]), np.array([-9.0, 2.0])
    yield np.array([[1.0, -2.0], [0.0, 1.0]]), np.array([[1.0, -3.0], [2.0, 1.0]]), np.array([0.0, -1.0])
    for n, features, width in ((1, 3, 2), (4, 2, 3), (20, 3, 6)):
        yield rng.normal(size=(n, features)), rng.normal(size=(features, width)), rng.normal(size=width)


def _hidden(X, W, b):                  # the hidden layer of minigrok's own net; what comes above it does not matter
    net = MLP([*W.shape, 1])
    net.layers[0].W[:], net.layers[0].b[:] = W, b
    return net.hidden(X)


def _by_loops(X, W, b):
    A = np.zeros((X.shape[0], W.shape[1]))
    for i in range(X.shape[0]):
        for j in range(W.shape[1]):
            z = b[j]
            for k in range(X.shape[1]):
                z += X[i, k] * W[k, j]
            if z > 0:
                A[i, j] = z
    return A


def _by_mask(X, W, b):
    Z = X @ W + b
    return Z * (Z > 0)


def _bias_as_weight(X, W, b):
    return (np.column_stack([X, np.ones(len(X))]) @ np.vstack([W, b])).clip(min=0)


RIGHT = (
    _by_loops,
    _by_mask,
    _bias_as_weight,
    lambda X, W, b: (abs(X @ W + b) + X @ W + b) / 2,
    lambda X, W, b: np.array([np.where(W.T @ x + b < 0, 0.0, W.T @ x + b) for x in X]),
)
WRONG = {
    "forgets the bias b": lambda X, W, b: np.maximum(X @ W, 0),
    "stops at the sum X W + b, without the ReLU: a linear layer": lambda X, W, b: X @ W + b,
    "adds the bias after the ReLU, where it can no longer keep a neuron silent": lambda X, W, b: (
        np.maximum(X @ W, 0) + b),
    "subtracts the bias, as if it were a threshold": lambda X, W, b: np.maximum(X @ W - b, 0),
    "takes the size of the sum, so that a neuron also fires where it should be silent": lambda X, W, b: abs(X @ W + b),
    "cuts the inputs off at zero, not the sums": lambda X, W, b: np.maximum(X, 0) @ W + b,
    "keeps the smaller of the sum and 0: the negative part": lambda X, W, b: np.minimum(X @ W + b, 0),
    "says whether each neuron fires, not how strongly": lambda X, W, b: np.where(X @ W + b > 0, 1.0, 0.0),
    "also cuts off above 1, but a ReLU has no upper limit": lambda X, W, b: np.clip(X @ W + b, 0, 1),
    "lets a hundredth of the negative sums through: a leaky ReLU": lambda X, W, b: np.maximum(
        X @ W + b, 0.01 * (X @ W + b)),
    "keeps the whole part of each activation, as an array of integers does": lambda X, W, b: (
        np.maximum(X @ W + b, 0).astype(int)),
    "transposes W, whose columns, not rows, are the neurons": lambda X, W, b: np.maximum(X @ W.T + b, 0),
    "multiplies element by element (*), where a matrix product (@) belongs": lambda X, W, b: np.maximum(X * W + b, 0),
}
