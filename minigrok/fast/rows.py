"""Activations, losses and their derivatives on a block of inputs, one padded row an input, in the fewest passes.

A block Z (n, width) is flat. A row has more places than classes, since it fills whole vectors: there its outputs are
-inf for cross-entropy, so that the exponential is 0, and 0 for squared error. `minigrok.mlp` has the formulas; a
test holds these to them.

Exponentials below FAINTEST times the largest of a row become 0. They change nothing that is kept, but their
products would be subnormal, and the processor takes up to a hundred times as long for one of those.
"""

import math

import numpy as np

from minigrok.checks import FloatArray, IntArray
from minigrok.fast.elementary import (
    exponential,
    exponential_32,
    hyperbolic_tangent,
    hyperbolic_tangent_32,
    logistic,
    logistic_32,
)
from minigrok.fast.folds import largest, total
from minigrok.fast.layer import QUADRATIC, RELU, SIGMOID, TANH
from minigrok.jit import jit

LOSS_CODES = {"cross_entropy": 0, "squared_error": 1}
CROSS_ENTROPY = LOSS_CODES["cross_entropy"]
FEW_CLASSES = 8                # up to so many are turned over
WORK_ROWS = FEW_CLASSES + 2    # numbers of scratch space for each input of a block
FAINTEST, FAINTEST_32 = -80.0, np.float32(-40.0)         # ln of it, by type: 2e-35 and 4e-18
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)     # beside float64 they become float64


@jit
def shift(z: FloatArray, b: FloatArray) -> None:
    """z += b."""
    for j in range(len(z)):
        z[j] += b[j]


@jit
def exponentials(z: FloatArray, top: float) -> None:
    """exp(z - top) in place, 0 where that is below FAINTEST."""
    if z.itemsize == 4:
        for j in range(len(z)):
            x = np.float32(z[j] - top)
            z[j] = ZERO if x < FAINTEST_32 else exponential_32(x)
    else:
        for j in range(len(z)):
            y = z[j] - top
            z[j] = 0.0 if y < FAINTEST else exponential(y)


@jit
def activate_block(Z: FloatArray, A: FloatArray, n: int, code: int) -> None:
    """A = phi(Z), the first n numbers of each."""
    if code == RELU:
        for t in range(n):
            A[t] = ZERO if Z[t] < ZERO else Z[t]         # so put, NaN stays
    elif code == QUADRATIC:
        for t in range(n):
            A[t] = Z[t] * Z[t]
    elif code == TANH and A.itemsize == 4:
        for t in range(n):
            A[t] = hyperbolic_tangent_32(np.float32(Z[t]))
    elif code == TANH:
        for t in range(n):
            A[t] = hyperbolic_tangent(Z[t])
    elif code == SIGMOID and A.itemsize == 4:
        for t in range(n):
            A[t] = logistic_32(np.float32(Z[t]))
    elif code == SIGMOID:
        for t in range(n):
            A[t] = logistic(Z[t])
    else:
        for t in range(n):
            A[t] = Z[t]


@jit
def through_activation(dA: FloatArray, Z: FloatArray, A: FloatArray, n: int, code: int) -> None:
    """dA becomes dZ = dA phi'(Z), the first n numbers of each."""
    if code == RELU:
        for t in range(n):
            dA[t] = dA[t] if Z[t] > ZERO else ZERO
    elif code == QUADRATIC:
        for t in range(n):
            dA[t] *= TWO * Z[t]
    elif code == TANH:
        for t in range(n):
            dA[t] *= ONE - A[t] * A[t]
    elif code == SIGMOID:
        for t in range(n):
            dA[t] *= A[t] * (ONE - A[t])


@jit
def count_right(Z: FloatArray, y: IntArray, n: int, width: int, classes: int) -> int:
    """In how many of the n rows argmax over the classes is the label: of several that are largest, the first counts."""
    right = 0
    for i in range(n):
        z, label = Z[i * width : i * width + classes], y[i]
        mine, better = z[label], 0
        for j in range(classes):
            better += z[j] > mine
        for j in range(label):
            better += z[j] == mine
        right += better == 0
    return right


@jit
def cross_entropy_rows(
    Z: FloatArray, y: IntArray, work: FloatArray, n: int, width: int, classes: int, scale: float, learn: bool,
    watch: bool,
) -> tuple[float, int]:
    """Z becomes scale (softmax(Z) - onehot(y)), the derivative of scale times the summed loss, where `learn` says so.

    Returns, where `watch` says so, the loss summed over the n rows, and how many answers are right. Each pass goes
    over all rows before the next begins: a row that was just written is slow to read in vectors of another width.
    """
    loss, right = 0.0, 0
    if watch:
        right = count_right(Z, y, n, width, classes)
    if classes <= FEW_CLASSES:
        return cross_entropy_columns(Z, y, work, n, width, classes, scale, watch), right
    for i in range(n):
        work[i] = largest(Z[i * width : (i + 1) * width])
        if watch:
            loss += np.float64(work[i]) - np.float64(Z[i * width + y[i]])
    for i in range(n):
        exponentials(Z[i * width : (i + 1) * width], work[i])
    for i in range(n):
        work[i] = total(Z[i * width : (i + 1) * width])
        if watch:
            loss += math.log(np.float64(work[i]))
    if not learn:
        return loss, right
    for i in range(n):
        z, share = Z[i * width : (i + 1) * width], scale / work[i]
        for j in range(len(z)):
            z[j] *= share
    for i in range(n):
        Z[i * width + y[i]] -= scale
    return loss, right


@jit
def cross_entropy_columns(
    Z: FloatArray, y: IntArray, work: FloatArray, n: int, width: int, classes: int, scale: float, watch: bool
) -> float:
    """The same for a few classes: turned over, so that a vector holds one class of several inputs; only the loss."""
    loss = 0.0
    columns, top, total_of_row = work[: classes * n], work[classes * n :][:n], work[(classes + 1) * n :][:n]
    for i in range(n):
        top[i] = Z[i * width]
    for c in range(1, classes):
        for i in range(n):
            top[i] = Z[i * width + c] if Z[i * width + c] > top[i] else top[i]
    if watch:
        for i in range(n):
            loss += np.float64(top[i]) - np.float64(Z[i * width + y[i]])
    for i in range(n):
        total_of_row[i] = ZERO
    for c in range(classes):
        column = columns[c * n : (c + 1) * n]
        for i in range(n):
            column[i] = Z[i * width + c] - top[i]
        exponentials(column, 0.0)
        for i in range(n):
            total_of_row[i] += column[i]
    for i in range(n):
        top[i] = scale / total_of_row[i]
        if watch:
            loss += math.log(np.float64(total_of_row[i]))
    for c in range(classes):
        for i in range(n):
            Z[i * width + c] = columns[c * n + i] * top[i]
    for i in range(n):
        for c in range(classes, width):
            Z[i * width + c] = ZERO
        Z[i * width + y[i]] -= scale
    return loss


@jit
def squared_error_rows(
    Z: FloatArray, y: IntArray, n: int, width: int, classes: int, scale: float, watch: bool
) -> tuple[float, int]:
    """Z becomes 2 scale / classes (Z - onehot(y)); returns as `cross_entropy_rows`."""
    loss, right = 0.0, 0
    if watch:
        right = count_right(Z, y, n, width, classes)
    for i in range(n):
        Z[i * width + y[i]] -= ONE
    if watch:
        for i in range(n):
            for j in range(classes):
                loss += np.float64(Z[i * width + j]) ** 2 / classes
    factor = TWO * scale / np.float32(classes)
    for t in range(n * width):
        Z[t] *= factor
    return loss, right
