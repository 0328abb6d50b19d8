"""The marker's side of e15_two_hot."""

import numpy as np

import minigrok
from minigrok.course.laws import Failure, agrees, fails, holds

LESSON, MINUTES = 4, 5
HINTS = (
    "Begin with zeros of shape (n, 2 p), and put two ones into each row.",
    "Row i gets its ones at the places pairs[i, 0] and p + pairs[i, 1]; a loop over i will do.",
    "Without a loop: X[np.arange(n), pairs[:, 0]] = 1, and the same with p + pairs[:, 1].",
)


def two_hot(pairs, p):
    return np.eye(p)[pairs].reshape(len(pairs), 2 * p)       # (n, 2, p): the row of a and that of b, put side by side


def check(two_hot, rng):
    sentence = "a 1 at place a, a 1 at place p + b, and 0 elsewhere"
    for pairs, p in (([[0, 1]], 2), ([[0, 0]], 3), ([[1, 1]], 2), ([[2, 0], [0, 1]], 3), ([[2, 2], [1, 0], [1, 2]], 3)):
        agrees(two_hot, _reference, np.array(pairs), p, sentence=sentence)
    for p in (3, 5, 7):
        task = minigrok.tasks.modular(p, seed=int(rng.integers(1000)))
        pairs = task.pairs_train
        holds(two_hot, "every row has exactly two ones: the sum of a row is 2",
              lambda X: bool((X.sum(axis=1) == 2).all()), pairs, p)
        answer = two_hot(pairs, p)
        swapped = pairs[:, ::-1].copy()
        after = two_hot(swapped, p)
        if (np.roll(answer, p, axis=1) != after).any():
            raise Failure("to swap a and b swaps the two halves of the row", (pairs, p),
                          {"yours before, halves swapped": np.roll(answer, p, axis=1), "yours after": after},
                          changed=(swapped, p))
        if (answer != task.X_train).any():
            fails(f"the rows must be X_train of minigrok.tasks.modular({p})", (pairs, p), answer, task.X_train)


_reference = two_hot


def _with_ones(n, columns, *places, values=None):
    """Zeros (n, columns), with ones, or the `values`, at the places of each row."""
    X, rows = np.zeros((n, columns)), np.arange(n)
    for i, place in enumerate(places):
        X[rows, place] = 1 if values is None else values[i]
    return X


def _by_loop(pairs, p):
    rows = []
    for a, b in pairs:
        row = [0.0] * (2 * p)
        row[a] = 1.0
        row[p + b] = 1.0
        rows.append(row)
    return np.array(rows)


def _of_largest(pairs, p):
    return np.hstack([np.eye(pairs.max() + 1)[pairs[:, column]] for column in (0, 1)])


def _whole_columns(pairs, p):
    X = np.zeros((len(pairs), 2 * p))
    X[:, pairs[:, 0]] = 1
    X[:, p + pairs[:, 1]] = 1
    return X


RIGHT = (
    _by_loop,
    lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], p + pairs[:, 1]),
    lambda pairs, p: np.concatenate([np.eye(p)[pairs[:, 0]], np.eye(p)[pairs[:, 1]]], axis=1),
    lambda pairs, p: np.eye(2 * p)[pairs[:, 0]] + np.eye(2 * p)[p + pairs[:, 1]],
    lambda pairs, p: (pairs[:, :, None] == np.arange(p)).reshape(-1, 2 * p).astype(int),
)
WRONG = {
    "puts the one of b among those of a: the second summand has p places of its own, from p on":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], pairs[:, 1]),
    "gives both summands the same p places, so that a + b and b + a look alike, and the row is too short":
        lambda pairs, p: np.eye(p)[pairs].sum(axis=1),
    "puts the second summand first": lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 1], p + pairs[:, 0]),
    "counts the places from 1": lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0] + 1, p + pairs[:, 1] + 1),
    "counts the names from 1, and puts them at a - 1 and p + b - 1: they begin at 0":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0] - 1, p + pairs[:, 1] - 1),
    "counts the names from 1, so that row name - 1 of the identity is taken: they begin at 0":
        lambda pairs, p: np.eye(p)[pairs - 1].reshape(-1, 2 * p),
    "counts the names from 1, so that row name + 1 of the identity is taken: they begin at 0":
        lambda pairs, p: np.eye(p)[pairs + 1].reshape(-1, 2 * p),
    "puts the one of b at p + b - 1: the first half ends at place p - 1, so that b = 0 is at p":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], p + pairs[:, 1] - 1),
    "puts the one of b at p + b + 1: the first half ends at place p - 1, so that b = 0 is at p":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], p + pairs[:, 1] + 1),
    "takes the largest name for p: p is given, and not every name need be there": _of_largest,
    "writes ones into whole columns, X[:, a] = 1, so that every row has those of all pairs": _whole_columns,
    "writes the numbers a and b in place of ones: the net is to see names":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], p + pairs[:, 1], values=pairs.T),
    "marks the answer, (a + b) mod p, in place of b":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], p + pairs.sum(axis=1) % p),
    "mixes the places of the two summands, a at 2 a and b at 2 b + 1: reshape before you transpose":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, 2 * pairs[:, 0], 2 * pairs[:, 1] + 1),
    "gives each pair a place of its own: p^2 of them, and nothing that two pairs have in common":
        lambda pairs, p: np.eye(p * p)[p * pairs[:, 0] + pairs[:, 1]],
    "has a column for each pair where it should have a row":
        lambda pairs, p: _with_ones(len(pairs), 2 * p, pairs[:, 0], p + pairs[:, 1]).T,
}
