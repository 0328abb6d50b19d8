"""The marker's side of e26_centered_state."""

import numpy as np

import minigrok
from minigrok.course.laws import activations, agrees, holds, law

LESSON, MINUTES = 7, 5
HINTS = (
    "Neurons are columns. Over which axis do you have to average to get one mean a neuron?",
    "A.mean(axis=0) has shape (d,), and NumPy takes it off every row of A.",
    "B = A - A.mean(axis=0); then B.T @ B, divided by its trace.",
)


def centered_density_matrix(A):
    B = A - A.mean(axis=0)         # (n, d) - (d,): the same mean is taken off every row
    gram = B.T @ B                 # n times the covariance; the division by the trace makes that n drop out
    return gram / np.trace(gram)


def _reference(A):
    return minigrok.density_matrix(A, "centered")


def check(centered_density_matrix, rng):
    for A in _inputs(rng):
        shift = rng.integers(1, 6, A.shape[1]).astype(float)
        law(centered_density_matrix, "a neuron may have any constant added: the mean takes it off again", A, A + shift)
        law(centered_density_matrix, "activations all twice as large have the same state", A, 2 * A)
        law(centered_density_matrix, "the order of the inputs does not matter", A, A[::-1].copy())
        law(centered_density_matrix, "every input shown twice: the same state", A, np.repeat(A, 2, axis=0))
        holds(centered_density_matrix, "a state has trace 1", lambda rho: abs(np.trace(rho) - 1) < 1e-9, A)
        agrees(centered_density_matrix, _reference, A, sentence=(
            'the state of convention "centered", by minigrok\'s density_matrix, is the one below'))


def _inputs(rng):
    yield np.array([[1.0, 0.0], [0.0, 1.0]])
    yield np.array([[1.0], [3.0]])                        # one neuron: its state is [[1]], still a matrix
    yield np.array([[1.0, 2.0], [3.0, 2.0], [2.0, 5.0]])
    for A in activations(rng, shapes=((2, 2), (3, 2), (5, 3))):
        if np.ptp(A, axis=0).any():                       # rows all alike have no centered state
            yield A


def _by_loops(A):
    n, d = A.shape
    gram = np.zeros((d, d))
    for j in range(d):
        for k in range(d):
            for i in range(n):
                gram[j, k] += (A[i, j] - sum(A[:, j]) / n) * (A[i, k] - sum(A[:, k]) / n)
    return gram / sum(gram[j, j] for j in range(d))


def _by_moments(A):
    mean = A.mean(axis=0)
    gram = A.T @ A - len(A) * np.outer(mean, mean)
    return gram / np.trace(gram)


def _by_projector(A):
    n = len(A)
    gram = A.T @ (np.eye(n) - np.ones((n, n)) / n) @ A
    return gram / np.trace(gram)


def _state(B):
    with np.errstate(divide="ignore", invalid="ignore"):
        return B.T @ B / np.trace(B.T @ B)


def _unit_rows(A):
    B = A - A.mean(axis=0)
    length = np.linalg.norm(B, axis=1, keepdims=True)
    return _state(B / np.where(length > 0, length, 1))


def _standardised(A):
    spread = A.std(axis=0)
    return _state((A - A.mean(axis=0)) / np.where(spread > 0, spread, 1))


RIGHT = (
    _by_loops, _by_moments, _by_projector,
    lambda A: np.atleast_2d(np.cov(A.T)) / np.trace(np.atleast_2d(np.cov(A.T))),
)
WRONG = {
    "takes no mean off: that is the convention \"trace\"": _state,
    "takes off the mean of each input over the neurons, axis=1, not of each neuron over the inputs":
        lambda A: _state(A - A.mean(axis=1, keepdims=True)),
    "takes one mean of all entries off, though every neuron has its own": lambda A: _state(A - A.mean()),
    "divides by the number of inputs, not by the trace: the covariance, and no state of unit trace":
        lambda A: (A - A.mean(axis=0)).T @ (A - A.mean(axis=0)) / len(A),
    "forgets to divide by the trace": lambda A: (A - A.mean(axis=0)).T @ (A - A.mean(axis=0)),
    "divides by the trace of A^T A, which still holds the mean":
        lambda A: (A - A.mean(axis=0)).T @ (A - A.mean(axis=0)) / np.trace(A.T @ A),
    "divides each neuron by its standard deviation as well: a correlation matrix, in which all neurons weigh the same":
        _standardised,
    "gives every centered input unit length: that is \"centered_rows\"": _unit_rows,
    "takes the mean off rho, not off the activations": lambda A: _state(A) - _state(A).mean(axis=0),
    "takes np.cov as it is, which for one neuron gives a number: np.atleast_2d makes a matrix of it":
        lambda A: np.cov(A, rowvar=False) / np.trace(np.cov(A, rowvar=False)),
    "multiplies the wrong way round, A A^T: the state of the inputs, not of the neurons":
        lambda A: _state((A - A.mean(axis=0)).T),
}
