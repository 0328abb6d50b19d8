"""The marker's side of e07_cross_entropy."""

import math

import numpy as np
from scipy.special import logsumexp

from minigrok import MLP
from minigrok.course.laws import agrees, holds, law

LESSON, MINUTES = 2, 10
HINTS = (
    "Write -ln softmax(z)_y as a difference of two terms, before you write any code: ln(a / b) = ln a - ln b.",
    "It is ln(sum_j exp(z_j)) - z_y. Take the largest z of each row away from all of that row first: then exp cannot "
    "overflow, and the sum is at least 1.",
    "With shifted = Z - Z.max(axis=1, keepdims=True), the logits of the labels are shifted[np.arange(len(y)), y], and "
    "the first term is the ln of np.exp(shifted).sum(axis=1). Then the mean.",
)


def cross_entropy(Z, y):
    shifted = Z - Z.max(axis=1, keepdims=True)           # softmax stays, and exp cannot overflow
    return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]).mean()


def check(cross_entropy, rng):
    for k in (2, 4):
        Z, y = np.zeros((1, k)), np.array([k - 1])
        agrees(cross_entropy, _of_minigrok, Z, y, sentence=f"{k} equal logits leave a loss of ln {k}")
    for Z, y in _inputs(rng):
        holds(cross_entropy, "a surprise is never negative, and finite for finite logits",
              lambda L: -1e-9 <= L < np.inf, Z, y)
        law(cross_entropy, "softmax does not change if all logits of an input are shifted alike",
            (Z, y), (Z + rng.integers(1, 9, (len(Z), 1)), y))
        law(cross_entropy, "the loss is a mean: to show every input twice leaves it alone",
            (Z, y), (np.vstack([Z, Z]), np.append(y, y)))
        law(cross_entropy, "to rename the classes, in the logits and the labels, leaves the loss alone",
            (Z, y), (Z[:, ::-1].copy(), Z.shape[1] - 1 - y))
        agrees(cross_entropy, _of_minigrok, Z, y, sentence="L = mean over inputs of -ln softmax(Z)_y, in nats")


def _inputs(rng):
    yield np.array([[2.0, 0.0]]), np.array([0])
    yield np.array([[2.0, 0.0]]), np.array([1])
    yield np.array([[1.0, 0.0, -1.0], [0.0, 3.0, 1.0]]), np.array([2, 1])
    yield rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    yield np.array([[1000.0, 0.0]]), np.array([0])
    yield np.array([[1000.0, 0.0]]), np.array([1])       # sure, and wrong: a loss of 1000
    yield np.array([[1000.0, 999.0], [-1000.0, -998.0]]), np.array([1, 0])
    yield rng.normal(0, 300, (6, 4)), rng.integers(0, 4, 6)


def _of_minigrok(Z, y):
    return MLP([1, Z.shape[1]]).loss_of_logits(Z, y)


def _softmax(Z, axis=1):
    e = np.exp(Z - Z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _quietly(function):                # NumPy warns of overflows: whoever makes the mistake sees the warning, not we
    def quiet(Z, y):
        with np.errstate(all="ignore"):
            return function(Z, y)

    return quiet


def _labelled(p, y):
    return p[np.arange(len(y)), y]


def _by_loops(Z, y):
    total = 0.0
    for z, label in zip(Z, y):
        largest = max(z)
        total += math.log(sum(math.exp(value - largest) for value in z)) - (z[label] - largest)
    return total / len(y)


def _one_hot(Z, y):
    log_softmax = Z - logsumexp(Z, axis=1, keepdims=True)
    return -(np.eye(Z.shape[1])[y] * log_softmax).sum() / len(Z)


def _of_all(Z, y):
    e = np.exp(Z - Z.max())
    return -np.log(_labelled(e / e.sum(axis=1, keepdims=True), y)).mean()


def _sums_of_all(Z, y):
    shifted = Z - Z.max()
    return (np.log(np.exp(shifted).sum(axis=1)) - _labelled(shifted, y)).mean()


def _lead(Z, y):                       # by how much the largest logit lies above that of the label
    return Z.max(axis=1) - _labelled(Z, y)


RIGHT = (
    _by_loops,
    _one_hot,
    lambda Z, y: float(np.mean(np.logaddexp.reduce(Z, axis=1) - _labelled(Z, y))),
    lambda Z, y: (np.log(np.exp(Z - Z.max(axis=1)[:, None]).sum(axis=1)) + _lead(Z, y)).mean(),
)
WRONG = {
    "adds a small number inside the logarithm: a confident mistake then costs 28 nats at most": lambda Z, y: (
        -np.log(_labelled(_softmax(Z), y) + 1e-12).mean()),
    "cuts the probabilities off at 1e-15: a confident mistake then costs 35 nats at most": lambda Z, y: (
        -np.log(np.clip(_labelled(_softmax(Z), y), 1e-15, 1)).mean()),
    "adds up the surprises of all inputs, and does not take their mean": lambda Z, y: (
        (logsumexp(Z, axis=1) - _labelled(Z, y)).sum()),
    "divides by inputs times classes; the mean is over inputs alone": lambda Z, y: (
        (logsumexp(Z, axis=1) - _labelled(Z, y)).sum() / Z.size),
    "forgets the minus sign": lambda Z, y: (_labelled(Z, y) - logsumexp(Z, axis=1)).mean(),
    "takes log2 instead of ln: the unit is bits": lambda Z, y: (
        (logsumexp(Z, axis=1) - _labelled(Z, y)).mean() / np.log(2)),
    "looks at the class with the largest logit, not at the label": lambda Z, y: (
        (logsumexp(Z, axis=1) - Z.max(axis=1)).mean()),
    "normalises over the inputs (axis 0), not over the classes": lambda Z, y: (
        (logsumexp(Z, axis=0) - Z)[np.arange(len(y)), y].mean()),
    "picks every label for every input: Z[:, y] is a matrix, Z[np.arange(n), y] one logit a row": lambda Z, y: (
        (logsumexp(Z, axis=1)[:, None] - Z[:, y]).mean()),
    "leaves out the logarithm of the sum, which normalises": lambda Z, y: -_labelled(Z, y).mean(),
    "takes the mean of 1 - softmax(Z)_y: a count of mistakes, no surprise": lambda Z, y: (
        1 - _labelled(_softmax(Z), y).mean()),
    "counts the labels from 1, but they begin at 0": lambda Z, y: (logsumexp(Z, axis=1) - _labelled(Z, y - 1)).mean(),
    "takes exp of the logits as they are: above 709 it overflows": _quietly(
        lambda Z, y: -np.log(_labelled(np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True), y)).mean()),
    "shifts by the largest logit, but then takes ln of a softmax that has become 0": _quietly(
        lambda Z, y: -np.log(_labelled(_softmax(Z), y)).mean()),
    "shifts all inputs by one common largest logit, not each by its own": _quietly(_of_all),
    "takes the largest logit of the whole array off every row: in rows of far smaller ones each exp becomes 0":
        _quietly(_sums_of_all),
}
