"""A walk over first layers: E is the von Neumann entropy or the purity of the hidden state.

A = phi(X W + b) (N, hidden), and the state is A^T A / tr(A^T A). A move changes the weights of one unit j, so
column j of A and row j of the Gram matrix change. Both are computed afresh from the weights, in the same order of
summation as from scratch: nothing drifts, the walk equals full recomputation to the bit. A layer of dead units has
no state: a wall.
"""

from typing import NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray
from minigrok.fast.layer import activate, combination, layer, overlap
from minigrok.fast.priors import move_weight
from minigrok.jit import jit
from minigrok.kernels import gram_entropy, gram_purity


class FirstLayer(NamedTuple):
    """A first layer on its way, and the move that it considers."""

    inputs: FloatArray         # (features, N) one row a feature; the last row is 1 in a net with biases
    weights: FloatArray        # (hidden, features) biases last
    activations: FloatArray    # (hidden, N) A transposed: one contiguous row a unit
    gram: FloatArray           # (hidden, hidden) A^T A
    step_size: FloatArray      # (1,) longest change of a weight, as a share of the scale; or of half a turn
    scale: FloatArray          # (1,) of the prior
    codes: IntArray            # (3,) of the activation, the prior and the coordinate
    unit: IntArray             # (1,) that would move
    candidate: FloatArray      # (features,) its new weights
    new_row: FloatArray        # (N,) its new activations
    new_gram: FloatArray       # (hidden, hidden)
    work: FloatArray           # (hidden + 2, hidden) scratch for the eigenvalues


def new_state(
    inputs: FloatArray, weights: FloatArray, activations: FloatArray, scale: FloatArray, codes: IntArray
) -> FirstLayer:
    """A state with these weights; `recompute` fills in the rest."""
    (hidden, features), N = weights.shape, inputs.shape[1]
    square = (hidden, hidden)
    return FirstLayer(inputs, weights, activations[:hidden], np.zeros(square), np.array([0.5]), scale, codes,
                      np.zeros(1, np.int64), np.zeros(features), np.zeros(N), np.zeros(square),
                      np.zeros((hidden + 2, hidden)))


@jit
def coordinate_of(gram: FloatArray, code: int, work: FloatArray) -> float:
    """S (code 0) or P (code 1) of the state with this Gram matrix; NaN for a dead layer."""
    return gram_entropy(gram, work) if code == 0 else gram_purity(gram)


def propose(state: FirstLayer, uniforms: FloatArray) -> tuple[float, float]:
    """Move one random weight of one random unit."""
    hidden, features = state.weights.shape
    index = int(uniforms[0] * hidden * features)
    j, amount = index // features, state.step_size[0] * (2.0 * uniforms[1] - 1.0)
    log_ratio = move_weight(
        state.weights[j], index % features, amount, state.codes[1], state.scale[0], state.candidate)
    if log_ratio == -np.inf:
        return np.nan, log_ratio
    state.unit[0] = j
    combination(state.candidate, state.inputs, state.new_row)
    activate(state.new_row, state.codes[0])
    state.new_gram[:] = state.gram
    for other in range(hidden):
        value = overlap(state.new_row, state.new_row if other == j else state.activations[other])
        state.new_gram[j, other] = value
        state.new_gram[other, j] = value
    trace = 0.0
    for other in range(hidden):
        trace += state.new_gram[other, other]
    if trace == 0.0:                                     # a dead layer has no state: a wall
        return np.nan, -np.inf
    return coordinate_of(state.new_gram, state.codes[2], state.work), log_ratio


def accept(state: FirstLayer, energy: float) -> None:
    """Take the new weights, activations and Gram matrix over."""
    j = state.unit[0]
    state.weights[j] = state.candidate
    state.activations[j] = state.new_row
    state.gram[:] = state.new_gram


@jit
def recompute(state: FirstLayer) -> float:
    """All activations and the Gram matrix from the weights; the coordinate, NaN for a dead layer."""
    layer(state.weights, state.inputs, state.codes[0], state.activations)
    hidden = len(state.weights)
    for j in range(hidden):
        for other in range(hidden):
            state.gram[j, other] = overlap(state.activations[max(j, other)], state.activations[min(j, other)])
    return coordinate_of(state.gram, state.codes[2], state.work)


@jit
def recompute_many(state: FirstLayer, weights: FloatArray, out: FloatArray) -> None:
    """`recompute` for each of weights (n, hidden, features), into out (n,)."""
    for number in range(len(weights)):
        state.weights[:] = weights[number]
        out[number] = recompute(state)
