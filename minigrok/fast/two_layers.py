"""A walk over both layers of a network: E is the training loss, the mean cross-entropy.

Z = A V + c with A = phi(X W + b). A move changes the weights of one unit: a hidden one, then its column of A and all
of Z change; or an output, then its column of Z. What changes is computed afresh from the weights, in the same
order of summation as from scratch, as in `minigrok.fast.first_layer`.
"""

from typing import NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray
from minigrok.fast.layer import IDENTITY, activate, combination, cross_entropy, layer
from minigrok.fast.priors import move_weight
from minigrok.jit import jit


class TwoLayers(NamedTuple):
    """A network on its way, and the move that it considers."""

    inputs: FloatArray         # (features, N) one row a feature; the last row is 1 in a net with biases
    labels: IntArray           # (N,)
    weights: FloatArray        # (hidden, features) biases last
    readout: FloatArray        # (classes, hidden or hidden + 1) biases last
    activations: FloatArray    # (hidden or hidden + 1, N) one row a unit; the last row is 1 in a net with biases
    outputs: FloatArray        # (classes, N) Z transposed
    step_size: FloatArray      # (1,) longest change of a weight, as a share of the scale; or of half a turn
    scale: FloatArray          # (1,) of the prior
    codes: IntArray            # (3,) of the activation, the prior and the coordinate
    unit: IntArray             # (1,) that would move: hidden ones first, then outputs
    candidate: FloatArray      # (features,) new weights of a hidden unit
    new_readout: FloatArray    # (hidden or hidden + 1,) those of an output
    new_row: FloatArray        # (N,) new activations
    new_outputs: FloatArray    # (classes, N)
    work: FloatArray           # (2, N)


def new_state(
    inputs: FloatArray, labels: IntArray, weights: FloatArray, readout: FloatArray, activations: FloatArray,
    scale: FloatArray, codes: IntArray,
) -> TwoLayers:
    """A state with these weights; `recompute` fills in the rest."""
    N, classes = inputs.shape[1], len(readout)
    return TwoLayers(inputs, labels, weights, readout, activations, np.zeros((classes, N)), np.array([0.5]), scale,
                     codes, np.zeros(1, np.int64), np.zeros(weights.shape[1]), np.zeros(readout.shape[1]), np.zeros(N),
                     np.zeros((classes, N)), np.zeros((2, N)))


def propose(state: TwoLayers, uniforms: FloatArray) -> tuple[float, float]:
    """Move one random weight of either layer."""
    (hidden, features), (classes, fan_in) = state.weights.shape, state.readout.shape
    index = int(uniforms[0] * (hidden * features + classes * fan_in))
    amount = state.step_size[0] * (2.0 * uniforms[1] - 1.0)
    if index < hidden * features:
        j = index // features
        state.unit[0] = j
        log_ratio = move_weight(
            state.weights[j], index % features, amount, state.codes[1], state.scale[0], state.candidate)
        if log_ratio == -np.inf:
            return np.nan, log_ratio
        combination(state.candidate, state.inputs, state.new_row)
        activate(state.new_row, state.codes[0])
        for i in range(len(state.new_row)):              # the two rows change places until Z is known
            state.new_row[i], state.activations[j, i] = state.activations[j, i], state.new_row[i]
        layer(state.readout, state.activations, IDENTITY, state.new_outputs)
        for i in range(len(state.new_row)):
            state.new_row[i], state.activations[j, i] = state.activations[j, i], state.new_row[i]
    else:
        index -= hidden * features
        c = index // fan_in
        state.unit[0] = hidden + c
        log_ratio = move_weight(
            state.readout[c], index % fan_in, amount, state.codes[1], state.scale[0], state.new_readout)
        if log_ratio == -np.inf:
            return np.nan, log_ratio
        state.new_outputs[:] = state.outputs
        combination(state.new_readout, state.activations, state.new_outputs[c])
    return cross_entropy(state.new_outputs, state.labels, state.work), log_ratio


def accept(state: TwoLayers, energy: float) -> None:
    """Take the new weights, activations and outputs over."""
    hidden = len(state.weights)
    unit = state.unit[0]
    if unit < hidden:
        state.weights[unit] = state.candidate
        state.activations[unit] = state.new_row
    else:
        state.readout[unit - hidden] = state.new_readout
    state.outputs[:] = state.new_outputs


@jit
def recompute(state: TwoLayers) -> float:
    """Activations, outputs and the loss from the weights."""
    layer(state.weights, state.inputs, state.codes[0], state.activations)
    layer(state.readout, state.activations, IDENTITY, state.outputs)             # outputs have no activation
    return cross_entropy(state.outputs, state.labels, state.work)


@jit
def recompute_many(state: TwoLayers, weights: FloatArray, readouts: FloatArray, out: FloatArray) -> None:
    """`recompute` for each of weights (n, hidden, features) and readouts (n, classes, fan_in), into out (n,)."""
    for number in range(len(weights)):
        state.weights[:] = weights[number]
        state.readout[:] = readouts[number]
        out[number] = recompute(state)
