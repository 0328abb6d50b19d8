"""The marker's side of e08_logit_gradient."""

import numpy as np
from scipy.special import softmax

from minigrok import MLP
from minigrok.course.laws import agrees, fails, holds, law

LESSON, MINUTES = 2, 10
HINTS = (
    "Two parts: the softmax of each row, and 1 taken off at the label of each row. Begin with the softmax.",
    "As in exercise 7 take the largest logit of each row away first; then exp cannot overflow. Sum over axis 1 with "
    "keepdims=True, so that each row is divided by its own sum.",
    "With p the softmax, p[np.arange(len(y)), y] -= 1 takes 1 off at each label; what is left is to divide by len(y).",
)


def logit_gradient(Z, y):
    p = np.exp(Z - Z.max(axis=1, keepdims=True))         # (n, classes)
    p /= p.sum(axis=1, keepdims=True)                    # softmax(Z)
    p[np.arange(len(y)), y] -= 1                         # what the net says, minus what is true
    return p / len(y)                                    # L is a mean: each input has 1/n of it


def check(logit_gradient, rng):
    for Z, y in _inputs(rng):
        holds(logit_gradient, "a common shift of an input's logits leaves L alone, so each row of dL/dZ adds up to 0",
              lambda dZ: np.allclose(dZ.sum(axis=1), 0, atol=1e-12), Z, y)
        law(logit_gradient, "softmax does not change if all logits of an input are shifted alike",
            (Z, y), (Z + rng.integers(1, 9, (len(Z), 1)), y))
        v, h = rng.integers(-2, 3, Z.shape), 1e-5
        slope = (_loss(Z + h * v, y) - _loss(Z - h * v, y)) / (2 * h)
        dZ = logit_gradient(Z, y)
        yours = (dZ * v).sum()
        if not abs(yours - slope) < 1e-5:
            fails(f"along v = {v.tolist()} L has the slope {slope:.6g}, by central differences; the sum of your "
                  f"dL/dZ * v, which must be that, is {yours:.6g}", (Z, y), dZ)
        agrees(logit_gradient, _by_indices, Z, y, sentence="dL/dZ = (softmax(Z) - onehot(y)) / n")


def _inputs(rng):
    yield np.array([[0.0, 0.0]]), np.array([0])
    yield np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
    yield np.array([[2.0, 0.0, 1.0]]), np.array([2])
    yield np.array([[1.0, 0.0, -1.0], [0.0, 3.0, 1.0]]), np.array([2, 1])
    yield rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    yield np.array([[1000.0, 999.0], [-1000.0, -998.0]]), np.array([1, 0])
    # far out, so that to cut logits off at 50 or at 700 comes to the same, and is found out as one mistake
    yield rng.choice([-1.0, 1.0], (6, 4)) * rng.integers(800, 1001, (6, 4)), rng.integers(0, 4, 6)


def _loss(Z, y):
    return MLP([1, Z.shape[1]]).loss_of_logits(Z, y)


def _by_indices(Z, y):
    return (softmax(Z, axis=1) - (np.arange(Z.shape[1]) == y[:, None])) / len(y)


def _by_loops(Z, y):
    dZ = np.zeros(Z.shape)
    for i, (z, label) in enumerate(zip(Z, y)):
        e = np.exp(z - max(z))
        for k in range(len(z)):
            dZ[i, k] = (e[k] / e.sum() - (k == label)) / len(y)
    return dZ


def _by_one_hot(Z, y):
    one_hot = np.eye(Z.shape[1])[y]
    p = np.exp(Z - np.logaddexp.reduce(Z, axis=1)[:, None])
    return p / len(y) - one_hot / len(y)


def _plain(Z, y):
    with np.errstate(all="ignore"):
        return (np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True) - np.eye(Z.shape[1])[y]) / len(y)


def _common_shift(Z, y):
    with np.errstate(all="ignore"):
        e = np.exp(Z - Z.max())
        return (e / e.sum(axis=1, keepdims=True) - np.eye(Z.shape[1])[y]) / len(y)


def _all_labels(Z, y):
    p = softmax(Z, axis=1)
    p[:, y] -= 1
    return p / len(y)


def _only_label(Z, y):
    one_hot = np.eye(Z.shape[1])[y]
    return (softmax(Z, axis=1) - 1) * one_hot / len(y)


def _times_slope(Z, y):
    p = softmax(Z, axis=1)
    return (p - np.eye(Z.shape[1])[y]) * p * (1 - p) / len(y)


RIGHT = (
    _by_indices,
    _by_loops,
    _by_one_hot,
    lambda Z, y: (softmax(Z, axis=1) - np.eye(Z.shape[1])[y]) / len(Z),
)
WRONG = {
    "forgets to divide by the number of inputs: L is their mean": lambda Z, y: (
        softmax(Z, axis=1) - np.eye(Z.shape[1])[y]),
    "divides by inputs times classes; the mean is over inputs alone": lambda Z, y: (
        (softmax(Z, axis=1) - np.eye(Z.shape[1])[y]) / Z.size),
    "has the sign turned round: it points downhill": lambda Z, y: (np.eye(Z.shape[1])[y] - softmax(Z, axis=1)) / len(y),
    "does not take 1 off at the labels: the net would never hear what is true": lambda Z, y: (
        softmax(Z, axis=1) / len(y)),
    "uses the logits as if they were probabilities, without the softmax": lambda Z, y: (
        (Z - np.eye(Z.shape[1])[y]) / len(y)),
    "takes exp of the logits as they are: above 709 it overflows": _plain,
    "shifts all inputs by one common largest logit, not each by its own": _common_shift,
    "cuts large logits off: two of them, 1000 and 999, then look alike": lambda Z, y: (
        _by_indices(np.clip(Z, -500, 500), y)),
    "normalises over the inputs (axis 0), not over the classes": lambda Z, y: (
        (softmax(Z, axis=0) - np.eye(Z.shape[1])[y]) / len(y)),
    "normalises over the whole array, not over each row": lambda Z, y: (softmax(Z) - np.eye(Z.shape[1])[y]) / len(y),
    "takes 1 off for every label in every row: Z[:, y] is a matrix, Z[np.arange(n), y] one element a row": _all_labels,
    "is 0 but at the labels: the other logits are in the softmax, too": _only_label,
    "multiplies by p (1 - p) as well, which the derivative of the logarithm has cancelled": _times_slope,
    "takes 2 (softmax - onehot) / n, the slope of a squared error": lambda Z, y: (
        2 * (softmax(Z, axis=1) - np.eye(Z.shape[1])[y]) / len(y)),
    "counts the labels from 1, but they begin at 0": lambda Z, y: (
        softmax(Z, axis=1) - np.eye(Z.shape[1])[y - 1]) / len(y),
}
