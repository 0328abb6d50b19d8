"""Whole epochs of a net of one hidden layer in one compiled call: gradient, clipping, step, batch after batch.

The gradient of a large batch is summed in two parts, each from its first row to its last, and then the second is added
to the first. So two threads that take a part each give the bits of one that takes both.
"""

from typing import NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray
from minigrok.fast.borrowed import borrowed
from minigrok.fast.one_hidden import NOTHING, Data, Shape, Sums, Weights, add_gradient, one_pass, pad_weights
from minigrok.fast.steps import ADAMW_CODE, adamw_step, clip, set_up_step, sgd_step
from minigrok.jit import inlined, jit

SPLIT_FROM = 1024              # inputs in a batch that is summed in two parts


class Stepper(NamedTuple):
    """What the optimizer's step needs, and what it moves."""

    code: int                  # of the optimizer
    settings: FloatArray       # (4,) see steps.set_up_step
    clip_norm: float           # infinite for none
    theta: FloatArray
    gradient: FloatArray
    memory: FloatArray         # SGD's velocity, or AdamW's mean of the gradient
    memory_of_squares: FloatArray
    c: FloatArray              # (9,) of theta's type: scratch for the numbers of a step
    faint: FloatArray          # (2,) of theta's type: what counts as 0, and whose square does


def parts(n: int) -> list[tuple[int, int]]:
    """The first row, and the one after the last, of each part of a batch of n."""
    return [(0, n)] if n < SPLIT_FROM else [(0, n // 2), (n // 2, n)]


@inlined
def take_step(stepper: Stepper, rate: float, steps: int) -> None:
    """Clip the gradient, and move theta and the memory; `steps` counts this one."""
    clip(stepper.gradient, stepper.clip_norm)
    set_up_step(stepper.code, stepper.settings, rate, steps, stepper.c)
    if stepper.code == ADAMW_CODE:
        adamw_step(stepper.theta, stepper.gradient, stepper.memory, stepper.memory_of_squares, stepper.c, stepper.faint)
    else:
        sgd_step(stepper.theta, stepper.gradient, stepper.memory, stepper.c, stepper.faint)


@inlined
def is_finite(theta: FloatArray) -> bool:
    """Whether no parameter is NaN or infinite."""
    sound = True
    for t in range(len(theta)):
        sound &= abs(theta[t]) < np.inf
    return sound


@jit
def prepare(stepper: Stepper, shape: Shape, weights: Weights) -> None:
    """Bring theta into the padded matrices."""
    pad_weights(stepper.theta, shape, weights)


@jit
def finish(
    first: Sums, second: Sums, count: int, shape: Shape, stepper: Stepper, rate: float, steps: int
) -> bool:
    """The gradient from `count` parts (0: it is there), and a step unless `steps` is 0; whether theta is finite."""
    if count > 0:
        add_gradient(first, shape, stepper.gradient, True)
    if count > 1:
        add_gradient(second, shape, stepper.gradient, False)
    if steps > 0:
        take_step(stepper, rate, steps)
    return is_finite(stepper.theta)


@jit
def run_epochs(
    data: Data, orders: IntArray, batch: int, rates: FloatArray, steps: int, shape: Shape, weights: Weights, sums: Sums,
    stepper: Stepper, has_gradient: bool,
) -> tuple[int, int]:
    """One epoch for each of `rates`, in the orders (epochs, n) or, if there is but one, always in that.

    `has_gradient` says that the gradient of the first batch is there already. Returns the epochs and the steps that
    are done: fewer epochs where theta is no longer finite.
    """
    data, weights, sums, stepper = borrowed(data), borrowed(weights), borrowed(sums), borrowed(stepper)
    n = orders.shape[1]
    for epoch in range(len(rates)):
        order = orders[epoch % len(orders)]
        for start in range(0, n, batch):
            rows = order[start : start + batch]
            if not has_gradient:
                stepper.c[0] = 1.0 / len(rows)
                scale = stepper.c[0]                     # of theta's type
                middle = len(rows) // 2 if len(rows) >= SPLIT_FROM else len(rows)
                pad_weights(stepper.theta, shape, weights)
                one_pass(data, rows[:middle], shape, weights, sums, scale, True, NOTHING)
                add_gradient(sums, shape, stepper.gradient, True)
                if middle < len(rows):
                    one_pass(data, rows[middle:], shape, weights, sums, scale, True, NOTHING)
                    add_gradient(sums, shape, stepper.gradient, False)
            has_gradient = False
            steps += 1
            take_step(stepper, rates[epoch], steps)
        if not is_finite(stepper.theta):
            return epoch + 1, steps
    return len(rates), steps
