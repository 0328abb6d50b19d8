"""A layer of a few units on many inputs, one contiguous row a unit: loops that fill vector registers.

The order of every sum is fixed, so that a value is the same to the bit wherever it is computed; a test holds the
activations to `minigrok.mlp` and the sums to NumPy.
"""

import math

import numpy as np

from minigrok.checks import FloatArray, IntArray
from minigrok.fast.elementary import exponential, hyperbolic_tangent, logistic
from minigrok.jit import jit

CODES = {"relu": 0, "tanh": 1, "sigmoid": 2, "quadratic": 3, "identity": 4}
RELU, TANH, SIGMOID, QUADRATIC, IDENTITY = CODES.values()
LARGEST_PRODUCT = 600.0        # ln of what a product of sums of exponentials may grow to before its logarithm is taken


@jit
def activate(z: FloatArray, code: int) -> None:
    """phi in place, by the code of the activation; IDENTITY leaves z as it is."""
    n = len(z)
    if code == RELU:
        for i in range(n):
            z[i] = 0.0 if z[i] < 0.0 else z[i]           # so put, it keeps NaN
    elif code == TANH:
        for i in range(n):
            z[i] = hyperbolic_tangent(z[i])
    elif code == SIGMOID:
        for i in range(n):
            z[i] = logistic(z[i])
    elif code == QUADRATIC:
        for i in range(n):
            z[i] = z[i] * z[i]


@jit
def combination(weights: FloatArray, rows: FloatArray, out: FloatArray) -> None:
    """sum_k weights[k] rows[k] for all inputs, into `out` (N,)."""
    out[:] = 0.0
    for k in range(len(rows)):
        for i in range(len(out)):
            out[i] += weights[k] * rows[k, i]


@jit
def overlap(a: FloatArray, b: FloatArray) -> float:
    """sum_i a_i b_i in four interleaved sums, which the processor can add side by side, always in this order."""
    s0 = s1 = s2 = s3 = 0.0
    n = len(a) - len(a) % 4
    for i in range(0, n, 4):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
    for i in range(n, len(a)):
        s0 += a[i] * b[i]
    return (s0 + s1) + (s2 + s3)


@jit
def cross_entropy(Z: FloatArray, y: IntArray, work: FloatArray) -> float:
    """Mean over inputs of ln sum_c exp(Z_ci) - Z_(y_i)i, for outputs Z (classes, N); work (2, N) is scratch.

    With m_i the largest output, the sums of exp(Z_ci - m_i) lie between 1 and the number of classes, so that many
    of them can be multiplied before one logarithm is taken.
    """
    classes, n = Z.shape
    top, total = work[0], work[1]
    for i in range(n):
        top[i] = Z[0, i]
    for c in range(1, classes):
        for i in range(n):
            top[i] = Z[c, i] if Z[c, i] > top[i] else top[i]
    total[:] = 0.0
    for c in range(classes):
        for i in range(n):
            total[i] += exponential(Z[c, i] - top[i])
    loss, product = 0.0, 1.0
    limit = math.exp(LARGEST_PRODUCT)
    for i in range(n):
        loss += top[i] - Z[y[i], i]
        product *= total[i]
        if product > limit:
            loss += math.log(product)
            product = 1.0
    return (loss + math.log(product)) / np.float64(n)


@jit
def layer(weights: FloatArray, inputs: FloatArray, code: int, out: FloatArray) -> None:
    """phi(weights @ inputs) for weights (units, features) and inputs (features, N), into the first rows of `out`."""
    for j in range(len(weights)):
        combination(weights[j], inputs, out[j])
        activate(out[j], code)
