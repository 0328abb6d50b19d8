"""The marker's side of e30_places_as_rows."""

import numpy as np

from minigrok import as_matrix
from minigrok.course.laws import agrees, holds

LESSON, MINUTES = 8, 5
HINTS = (
    "A reshape never changes the order in which the numbers lie in memory: the last axis runs fastest. In the answer "
    "the channel must run fastest. In A, what does?",
    "So the axis of the channels must become the last one before you reshape. np.moveaxis and np.transpose move axes.",
    "np.moveaxis(A, 1, -1) has the shape (n, h, w, channels). Reshape that to (-1, A.shape[1]).",
)


def places_as_rows(A):
    # reshape keeps the order of the numbers, so the channels must be the fastest axis before it, not after
    return np.moveaxis(A, 1, -1).reshape(-1, A.shape[1])


def check(places_as_rows, rng):
    for A in _inputs(rng):
        for k in range(A.shape[1]):
            holds(places_as_rows, f"column {k} holds what channel {k} says at all places, and nothing else",
                  lambda rows, k=k, A=A: np.array_equal(np.sort(rows[:, k]), np.sort(A[:, k].ravel())), A)
        holds(places_as_rows, "row 0 is the place in the upper left corner of the first picture, seen by all channels",
              lambda rows, A=A: np.array_equal(rows[0], A[0, :, 0, 0]), A)
        agrees(places_as_rows, as_matrix, A, sentence="row (i h + y) w + x is A[i, :, y, x]: picture by picture, line "
               "by line from the top, from left to right")


def _inputs(rng):
    yield np.array([[[[1.0, 2.0]], [[30.0, 40.0]]]])                 # (1, 2, 1, 2)
    yield np.array([[[[1.0], [2.0]], [[30.0], [40.0]]]])             # (1, 2, 2, 1)
    yield np.array([[[[1.0, 2.0], [3.0, 4.0]]], [[[5.0, 6.0], [7.0, 8.0]]]])      # (2, 1, 2, 2)
    for shape in ((2, 2, 2, 3), (3, 2, 4, 2), (2, 5, 3, 4)):
        yield rng.permutation(np.prod(shape)).reshape(shape).astype(float)
    yield rng.normal(size=(4, 3, 2, 5))


def _by_loops(A):
    n, channels, h, w = A.shape
    rows = []
    for i in range(n):
        for y in range(h):
            for x in range(w):
                rows.append([A[i, k, y, x] for k in range(channels)])
    return np.array(rows)


def _channel_by_channel(A):
    rows = np.empty((A[:, 0].size, A.shape[1]))
    for k in range(A.shape[1]):
        rows[:, k] = A[:, k].ravel()
    return rows


RIGHT = (
    _by_loops,
    _channel_by_channel,
    lambda A: A.transpose(0, 2, 3, 1).reshape(-1, A.shape[1]),
    lambda A: np.swapaxes(A, 0, 1).reshape(A.shape[1], -1).T,
    lambda A: np.concatenate([picture.reshape(len(picture), -1).T for picture in A]),
    lambda A: np.einsum("nchw->nhwc", A).reshape(-1, A.shape[1]),
)
WRONG = {
    "reshapes at once: its rows are neighbouring places of one channel, though the shape is right":
        lambda A: A.reshape(-1, A.shape[1]),
    "moves the channels to the front and reshapes without a transpose, so a row runs along one channel":
        lambda A: A.transpose(1, 0, 2, 3).reshape(-1, A.shape[1]),
    "swaps the axes 1 and 3, which turns each picture on its side: its rows go column by column":
        lambda A: np.swapaxes(A, 1, 3).reshape(-1, A.shape[1]),
    "goes place by place with the pictures running fastest, not picture by picture":
        lambda A: A.transpose(2, 3, 0, 1).reshape(-1, A.shape[1]),
    "flattens each picture to one row: then a neuron is a channel at one place, and there are far too many of them":
        lambda A: A.reshape(len(A), -1),
    "takes the width for the neurons": lambda A: A.reshape(-1, A.shape[-1]),
    "takes the mean over the places: one row a picture is left": lambda A: A.mean(axis=(2, 3)),
    "gives a row to each channel: turn it round, neurons are columns":
        lambda A: np.moveaxis(A, 1, 0).reshape(A.shape[1], -1),
    "moves the axis but does not reshape: a matrix has two axes": lambda A: np.moveaxis(A, 1, -1),
    "reshapes to (n, h, w, channels) without moving an axis, which mixes channels and places and still has four axes":
        lambda A: A.reshape(A.shape[0], A.shape[2], A.shape[3], A.shape[1]),
}
