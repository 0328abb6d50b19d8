"""Whole epochs of a net of one hidden layer in one compiled call: gradient, clipping, step, batch after batch.

The gradient of a large batch is summed in two parts, each from its first row to its last, and then the second is added
to the first. So two threads that take a part each give the bits of one that takes both.
"""

from typing import NamedTuple

import numpy as np

from minigrok.checks import BoolArray, FloatArray, IntArray
from minigrok.fast.borrowed import borrowed
from minigrok.fast.one_hidden import GRAM, NOTHING, Data, Shape, Sums, Weights, add_gradient, one_pass, pad_weights
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
    c: FloatArray              # (SETTINGS,) of theta's type: scratch for the numbers of a step
    faint: FloatArray          # (2,) of theta's type: what counts as 0, and whose square does


class Watched(NamedTuple):
    """What is written down on the way, without leaving the compiled code."""

    due: BoolArray             # (epochs,) whether after that epoch
    codes: IntArray            # (2,) what to watch over training and over test inputs
    train_rows: IntArray
    test_rows: IntArray
    middles: IntArray          # (2,) where the second part of each begins
    thetas: FloatArray         # (records, parameters)
    losses: FloatArray         # (records, 2) summed over inputs, as are the next
    right: IntArray            # (records, 2)
    grams: FloatArray          # (records, 2, ...) as in Sums
    column_sums: FloatArray    # (records, ...)


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


@inlined
def watch_net(
    data: Data, rows: IntArray, middle: int, part: int, record: int, shape: Shape, weights: Weights, sums: Sums,
    stepper: Stepper, watched: Watched,
) -> float:
    """Write down the losses, right answers and Gram matrices over `rows`, in two parts; returns the summed loss."""
    stepper.c[0] = 1.0 / len(rows)
    watch = watched.codes[part]
    for piece in range(2 if middle < len(rows) else 1):
        block = rows[:middle] if piece == 0 else rows[middle:]
        loss, right = one_pass(data, block, shape, weights, sums, stepper.c[0], False, watch)
        watched.losses[record, part] += loss
        watched.right[record, part] += right
        if watch >= GRAM:
            for t in range(sums.grams.shape[1]):
                watched.grams[record, 0, t] += sums.grams[0, t]
                watched.grams[record, 1, t] += sums.grams[1, t]
            for t in range(len(sums.column_sums)):
                watched.column_sums[record, t] += sums.column_sums[t]
    return float(watched.losses[record, part])


@jit
def run_epochs(
    data: Data, test: Data, orders: IntArray, batch: int, rates: FloatArray, steps: int, shape: Shape, weights: Weights,
    sums: Sums, stepper: Stepper, has_gradient: bool, watched: Watched,
) -> tuple[int, int]:
    """One epoch for each of `rates`, in the orders (epochs, n) or, if there is but one, always in that.

    `has_gradient` says that the gradient of the first batch is there already. Returns the epochs and the steps that
    are done: fewer epochs where theta is no longer finite, or a loss that is to be written down.
    """
    data, test, watched = borrowed(data), borrowed(test), borrowed(watched)
    weights, sums, stepper = borrowed(weights), borrowed(sums), borrowed(stepper)
    n, record = orders.shape[1], 0
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
        if watched.due[epoch]:
            pad_weights(stepper.theta, shape, weights)
            for t in range(len(stepper.theta)):
                watched.thetas[record, t] = stepper.theta[t]
            loss = 0.0
            for part in range(2):
                loss += watch_net(
                    data if part == 0 else test, watched.train_rows if part == 0 else watched.test_rows,
                    watched.middles[part], part, record, shape, weights, sums, stepper, watched)
            record += 1
            if not abs(loss) < np.inf:
                return epoch + 1, steps
    return len(rates), steps
