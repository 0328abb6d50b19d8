"""A net of one hidden layer on block after block of inputs, forward and back, while a block is in the cache.

    Z1 = X W1 + b1     A = phi(Z1)     Z2 = A W2 + b2     dZ2 = dL/dZ2
    dW2 = A^T dZ2      dZ1 = dZ2 W2^T phi'(Z1)            dW1 = X^T dZ1        db = sum over inputs of dZ

This is `minigrok.mlp.backward`, to which a test holds it. Inputs come in two kinds. A *dense* X (n, features) makes
products. A *pair* (a, b) stands for the row with a 1 at a and a 1 at p + b: then X W1 is W1[a] + W1[p + b], two rows
fetched, and X^T dZ1 adds dZ1 of an input to rows a and p + b. Matrices are flat, their rows padded to whole vectors.

A bias is one more weight, on an input that is always 1: b1 is the last row of W1, b2 that of W2, and X and A have a
last column of ones. For pairs b1 is added to the rows of W1 that a selects, one of which every input has; so db1 is
the sum of the derivatives by those rows.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from minigrok.checks import FloatArray, IntArray
from minigrok.fast.layer import CODES
from minigrok.fast.products import HEIGHT, lanes_of, padded, product
from minigrok.fast.rows import (
    CROSS_ENTROPY,
    LOSS_CODES,
    WORK_ROWS,
    activate_block,
    cross_entropy_rows,
    shift,
    squared_error_rows,
    through_activation,
)
from minigrok.jit import inlined, jit

BLOCK = 96                     # inputs; of 64 to 192 it makes no difference. A multiple of every HEIGHT
GROUP = 8                      # blocks whose Gram matrices are summed before they go to float64
NOTHING, LOSSES_ALONE, GRAM, GRAM_OF_ROWS = range(4)           # what to watch


class Shape(NamedTuple):
    """What the kernels have to know of a net."""

    features: int
    hidden: int
    classes: int
    rows_1: int                # of W1, with that of b1
    rows_2: int                # of W2, with that of b2, which is there in any case
    hidden_width: int          # padded, with the column of ones
    classes_width: int         # padded
    features_width: int        # padded, with the column of ones
    lanes: int
    activation: int            # codes
    loss: int
    bias: bool
    pairs: bool                # inputs are pairs of numbers below features / 2


class Data(NamedTuple):
    """Inputs, of one kind or the other, and their labels."""

    X: FloatArray              # (n, features), or nothing
    pairs: IntArray            # (n, 2), or nothing
    y: IntArray                # (n,)


class Weights(NamedTuple):
    """The parameters, padded; the second matrix both as it is and transposed."""

    W1: FloatArray             # (features, and 1 for a dense net with biases; hidden_width)
    W2: FloatArray             # (hidden, and 1 with biases or cross-entropy; classes_width)
    W2_transposed: FloatArray  # (classes, hidden_width)


class Sums(NamedTuple):
    """Derivatives summed over inputs, shaped as Weights but padded, and the scratch space of one block.

    There is one of these for each thread.
    """

    dW1: FloatArray
    dW2: FloatArray
    X: FloatArray              # (BLOCK, features_width) of a dense net
    y: IntArray                # (BLOCK,)
    Z1: FloatArray             # (BLOCK, hidden_width)
    A: FloatArray              # (BLOCK, hidden_width)
    dA: FloatArray             # (BLOCK, hidden_width)
    Z2: FloatArray             # (BLOCK, classes_width)
    work: FloatArray           # (BLOCK,) and more, see rows.WORK_ROWS
    block_grams: FloatArray    # (2, padded hidden * hidden_width) A^T A of some blocks, and of their unit rows
    grams: FloatArray          # the same over all blocks, float64; below the diagonal are leftovers
    column_sums: FloatArray    # (hidden_width,) float64, of A


def shape_of(sizes: tuple[int, int, int], activation: str, loss: str, bias: bool, pairs: bool, dtype: Any) -> Shape:
    """The Shape of a net (features, hidden, classes) of this type, for inputs that are pairs or not."""
    features, hidden, classes = sizes
    lanes = lanes_of(dtype)
    return Shape(
        features, hidden, classes, features + (bias and not pairs), hidden + 1, padded(hidden + 1, lanes),
        padded(classes, lanes), padded(features + bias, HEIGHT), lanes,
        CODES[activation], LOSS_CODES[loss], bias, pairs)


def new_weights(shape: Shape, dtype: DTypeLike) -> Weights:
    """Room for the parameters, padding filled in."""
    W2 = np.zeros((shape.rows_2, shape.classes_width), dtype)
    if shape.loss == CROSS_ENTROPY:
        W2[shape.hidden, shape.classes :] = -np.inf      # no class: its exponential is 0
    return Weights(
        np.zeros(shape.rows_1 * shape.hidden_width, dtype), W2.ravel(),
        np.zeros(shape.classes * shape.hidden_width, dtype))


def new_sums(shape: Shape, dtype: DTypeLike) -> Sums:
    """Room for the sums and one block."""
    X = np.zeros((0 if shape.pairs else BLOCK, shape.features_width), dtype)
    X[:, shape.features : shape.features + shape.bias] = 1
    hidden, gram = BLOCK * shape.hidden_width, padded(shape.hidden, HEIGHT) * shape.hidden_width
    return Sums(
        np.zeros(padded(shape.rows_1, HEIGHT) * shape.hidden_width, dtype),
        np.zeros(padded(shape.rows_2, HEIGHT) * shape.classes_width, dtype),
        X.ravel(), np.zeros(BLOCK, np.int64), np.zeros(hidden, dtype), np.zeros(hidden, dtype), np.zeros(hidden, dtype),
        np.zeros(BLOCK * shape.classes_width, dtype), np.zeros(WORK_ROWS * BLOCK, dtype),
        np.zeros((2, gram), dtype), np.zeros((2, gram)), np.zeros(shape.hidden_width))


@inlined
def pad_weights(theta: FloatArray, shape: Shape, weights: Weights) -> None:
    """Copy theta, ordered W1, b1, W2, b2, into the padded matrices."""
    d, p, width, at = shape.hidden, shape.classes, shape.hidden_width, 0
    for f in range(shape.rows_1):                        # with b1, if it is a row of W1
        for j in range(d):
            weights.W1[f * width + j] = theta[at + j]
        at += d
    if shape.bias and shape.pairs:
        for f in range(shape.features // 2):
            for j in range(d):
                weights.W1[f * width + j] += theta[at + j]
        at += d
    for j in range(d + shape.bias):
        for c in range(p):
            weights.W2[j * shape.classes_width + c] = theta[at + c]
        at += p
    for j in range(d):
        for c in range(p):
            weights.W2_transposed[c * width + j] = weights.W2[j * shape.classes_width + c]


@inlined
def add_gradient(sums: Sums, shape: Shape, gradient: FloatArray, first: bool) -> None:
    """Put the padded sums into a gradient like theta, or add them to it unless `first`."""
    d, p, width, at = shape.hidden, shape.classes, shape.hidden_width, 0
    if first:
        gradient[:] = 0
    for f in range(shape.rows_1):
        for j in range(d):
            gradient[at + j] += sums.dW1[f * width + j]
        at += d
    if shape.bias and shape.pairs:
        for f in range(shape.features // 2):
            for j in range(d):
                gradient[at + j] += sums.dW1[f * width + j]
        at += d
    for j in range(d + shape.bias):
        for c in range(p):
            gradient[at + c] += sums.dW2[j * shape.classes_width + c]
        at += p


@inlined
def clear(sums: Sums) -> None:
    """All sums to zero."""
    sums.dW1[:] = 0
    sums.dW2[:] = 0
    sums.grams[:] = 0
    sums.column_sums[:] = 0


@inlined
def first_layer(data: Data, shape: Shape, weights: Weights, sums: Sums, rows: IntArray) -> None:
    """Z1 of the block of inputs numbered `rows`, A = phi(Z1) with its column of ones, and their labels."""
    width, n = shape.hidden_width, len(rows)
    A, labels, y = sums.A, sums.y, data.y
    if shape.pairs:
        half = shape.features // 2
        for i in range(n):
            a, b = data.pairs[rows[i], 0] * width, (half + data.pairs[rows[i], 1]) * width
            left, right, z = weights.W1[a : a + width], weights.W1[b : b + width], sums.Z1[i * width : (i + 1) * width]
            for j in range(len(z)):
                z[j] = left[j] + right[j]
    else:
        X, inputs, features = sums.X, data.X, shape.features
        for i in range(n):
            row, at = rows[i], i * shape.features_width
            for f in range(features):
                X[at + f] = inputs[row, f]
        product(sums.X, shape.features_width, 1, weights.W1, sums.Z1, n, width, shape.rows_1, shape.lanes, False, False)
    activate_block(sums.Z1, sums.A, n * width, shape.activation)
    for i in range(n):
        A[i * width + shape.hidden] = 1
        labels[i] = y[rows[i]]


@inlined
def into_first_layer(data: Data, shape: Shape, sums: Sums, rows: IntArray) -> None:
    """Add this block's share to dW1, from dZ1, which stands in sums.dA."""
    width, n = shape.hidden_width, len(rows)
    if shape.pairs:
        half = shape.features // 2
        for i in range(n):
            a, b = data.pairs[rows[i], 0] * width, (half + data.pairs[rows[i], 1]) * width
            dZ = sums.dA[i * width : (i + 1) * width]
            shift(sums.dW1[a : a + width], dZ)
            shift(sums.dW1[b : b + width], dZ)
    else:
        product(sums.X, 1, shape.features_width, sums.dA, sums.dW1, shape.rows_1, width, n, shape.lanes, True, False)


@inlined
def watch_hidden(shape: Shape, sums: Sums, n: int, of_rows: bool, fresh: bool, flush: bool) -> None:
    """Add this block's Gram matrix A^T A and column sums to the sums; `of_rows` that of rows of unit length as well.

    The products of GROUP blocks are summed in the net's own type (`fresh` begins such a sum, `flush` ends it), the
    groups in float64: for float32 the error of a state is some 1e-8, below the rounding of the activations themselves.
    """
    width, A, unit = shape.hidden_width, sums.A, sums.dA
    product(A, 1, width, A, sums.block_grams[0], shape.hidden, width, n, shape.lanes, not fresh, True)
    for i in range(n):
        shift(sums.column_sums, A[i * width : (i + 1) * width])
    if of_rows:
        for i in range(n):
            square = 0.0
            for j in range(shape.hidden):
                square += np.float64(A[i * width + j]) ** 2
            length = math.sqrt(square)
            for j in range(width):
                unit[i * width + j] = A[i * width + j] / length if length > 0.0 else 0.0
        product(unit, 1, width, unit, sums.block_grams[1], shape.hidden, width, n, shape.lanes, not fresh, True)
    if flush:
        shift(sums.grams[0], sums.block_grams[0])
        if of_rows:
            shift(sums.grams[1], sums.block_grams[1])


@inlined
def outputs(
    shape: Shape, weights: Weights, sums: Sums, n: int, scale: float, learn: bool, watch: bool
) -> tuple[float, int]:
    """Z2 from A, and in its place, where `learn` says so, dZ2; loss and right answers as in `minigrok.fast.rows`."""
    width, classes_width = shape.hidden_width, shape.classes_width
    product(sums.A, width, 1, weights.W2, sums.Z2, n, classes_width, shape.rows_2, shape.lanes, False, False)
    if shape.loss == CROSS_ENTROPY:
        return cross_entropy_rows(
            sums.Z2, sums.y, sums.work, n, classes_width, shape.classes, scale, learn, watch)
    return squared_error_rows(sums.Z2, sums.y, n, classes_width, shape.classes, scale, watch)


@inlined
def backward(data: Data, shape: Shape, weights: Weights, sums: Sums, rows: IntArray) -> None:
    """Add this block's dW1 and dW2 to the sums, from dZ2, which stands in sums.Z2.

    Numbers that were just written one by one are slow to read as a vector, so each product comes a while after what it
    reads whole.
    """
    n, width, classes_width, lanes = len(rows), shape.hidden_width, shape.classes_width, shape.lanes
    product(sums.Z2, classes_width, 1, weights.W2_transposed, sums.dA, n, width, shape.classes, lanes, False, False)
    through_activation(sums.dA, sums.Z1, sums.A, n * width, shape.activation)
    product(sums.A, 1, width, sums.Z2, sums.dW2, shape.rows_2, classes_width, n, lanes, True, False)
    into_first_layer(data, shape, sums, rows)


@jit
def one_pass(
    data: Data, rows: IntArray, shape: Shape, weights: Weights, sums: Sums, scale: float, learn: bool, watch: int
) -> tuple[float, int]:
    """Forward, and where `learn` says so back, for the inputs numbered `rows`, block after block.

    `watch`: LOSSES_ALONE, to return the summed loss and the number of right answers; GRAM, to sum the Gram matrix of
    the hidden layer as well, and GRAM_OF_ROWS that of its rows of unit length. The sums begin at zero.
    """
    clear(sums)
    loss, right = 0.0, 0
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        n = len(block)
        first_layer(data, shape, weights, sums, block)
        if watch >= GRAM:
            fresh = start % (GROUP * BLOCK) == 0
            flush = start + BLOCK >= len(rows) or (start + BLOCK) % (GROUP * BLOCK) == 0
            watch_hidden(shape, sums, n, watch == GRAM_OF_ROWS, fresh, flush)
        block_loss, block_right = outputs(shape, weights, sums, n, scale, learn, watch >= LOSSES_ALONE)
        loss += block_loss
        right += block_right
        if learn:
            backward(data, shape, weights, sums, block)
    return loss, right
