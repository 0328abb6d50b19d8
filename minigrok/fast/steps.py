"""The optimizers' steps, and clipping, in one pass over the parameters, in place: equations in `minigrok.optimizers`.

What is too small for its type becomes 0 (FAINT): the memory of a gradient that has died shrinks by a tenth a step, and
so does a weight that only decays. After hundreds of steps they would be subnormal, where rounding can keep them for
ever, and where the processor takes up to a hundred times as long for each sum and product that meets one.
"""

import math

import numpy as np

from minigrok.checks import FloatArray
from minigrok.jit import jit

SGD_CODE, ADAMW_CODE = 0, 1
# A number that counts as 0, and one whose square does, by type: a little above the smallest normal number, whose square
# times 1 - b2 stays normal for b2 up to 0.9999.
FAINT, FAINT_ROOT = 1e-300, 1e-148
FAINT_32, FAINT_ROOT_32 = 1e-37, 2e-17
SETTINGS = 9                   # numbers that a step needs at most


@jit
def clip(gradient: FloatArray, clip_norm: float) -> None:
    """g min(1, clip_norm / |g|) in place, as `minigrok.optimizers.clipped`; an infinite clip_norm leaves it alone."""
    if clip_norm == np.inf:
        return
    top = 0.0
    for t in range(len(gradient)):
        size = abs(np.float64(gradient[t]))
        top = size if size > top or size != size else top
    if not 0.0 < top < np.inf:
        return
    square = 0.0
    for t in range(len(gradient)):
        square += (np.float64(gradient[t]) / top) ** 2
    length = clip_norm / math.sqrt(square)
    if length < top:
        for t in range(len(gradient)):
            gradient[t] = np.float64(gradient[t]) / top * length


@jit
def sgd_step(theta: FloatArray, gradient: FloatArray, velocity: FloatArray, c: FloatArray, faint: FloatArray) -> None:
    """One step of SGD; c = lr, momentum, weight decay, 1 for Nesterov's look ahead; faint = FAINT, FAINT_ROOT."""
    lr, momentum, weight_decay, nesterov, smallest = c[0], c[1], c[2], c[3] == 1, faint[0]
    if momentum == 0:                                    # nothing is remembered
        for t in range(len(theta)):
            moved = theta[t] - lr * (gradient[t] + weight_decay * theta[t])
            theta[t] = np.float32(0) if abs(moved) < smallest else moved
        return
    for t in range(len(theta)):
        g = gradient[t] + weight_decay * theta[t]
        u = momentum * velocity[t] + g
        velocity[t] = np.float32(0) if abs(u) < smallest else u
        moved = theta[t] - lr * (g + momentum * u if nesterov else u)
        theta[t] = np.float32(0) if abs(moved) < smallest else moved


@jit
def adamw_step(
    theta: FloatArray, gradient: FloatArray, mean: FloatArray, mean_square: FloatArray, c: FloatArray, faint: FloatArray
) -> None:
    """One step of AdamW; c = b1, 1 - b1, b2, 1 - b2, 1 - lr decay, lr, 1 - b1^t, 1 - b2^t, eps; faint as above."""
    smallest, root = faint[0], faint[1]
    for t in range(len(theta)):
        g = gradient[t]
        m = c[0] * mean[t] + c[1] * g
        square = np.float32(0) if abs(g) < root else g * g
        v = c[2] * mean_square[t] + c[3] * square
        mean[t] = np.float32(0) if abs(m) < smallest else m
        mean_square[t] = np.float32(0) if v < smallest else v
        moved = theta[t] * c[4] - c[5] * (m / c[6]) / (np.sqrt(v / c[7]) + c[8])
        theta[t] = np.float32(0) if abs(moved) < smallest else moved


@jit
def set_up_step(code: int, settings: FloatArray, rate: float, steps: int, c: FloatArray) -> None:
    """The numbers of one step, c, computed in float64 and rounded once.

    `settings` are, for SGD, momentum, weight decay and 1 for Nesterov's look ahead; for AdamW b1, b2, eps and weight
    decay. `rate` is the learning rate, and `steps` counts this step.
    """
    if code == SGD_CODE:
        c[0], c[1], c[2], c[3] = rate, settings[0], settings[1], settings[2]
    else:
        b1, b2 = settings[0], settings[1]
        c[0], c[1], c[2], c[3] = b1, 1.0 - b1, b2, 1.0 - b2
        c[4], c[5], c[8] = 1.0 - rate * settings[3], rate, settings[2]
        c[6], c[7] = 1.0 - b1**steps, 1.0 - b2**steps
