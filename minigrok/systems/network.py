"""The landscape of all networks: E is the von Neumann entropy of a hidden layer, x its random weights.

Only the first layer enters: A = phi(X W + b) (N, hidden), and S is the entropy of A^T A / tr(A^T A). A move
changes one weight of one unit j, so column j of A and row j of the Gram matrix change. Both are computed
afresh from the weights, in the same order of summation as from scratch: nothing drifts, the walk
equals full recomputation to the bit. A layer of dead units has no state: a wall.

The second layer does not enter S. It is drawn from its prior whenever an accuracy is measured.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray, numeric_array, one_of, real_number, whole_number
from minigrok.jit import jit
from minigrok.kernels import gram_entropy

CODES = {"relu": 0, "tanh": 1, "sigmoid": 2, "quadratic": 3, "identity": 4}
PRIORS = ("box", "gauss")
READOUT_DRAWS = 8              # random second layers at each look
Labelled = Any                 # a task, or an array of inputs


class Network(NamedTuple):
    """A first layer on its way, and the move that it considers."""

    inputs: FloatArray         # (features, N) one row a feature; the last row is 1 in a net with biases
    weights: FloatArray        # (hidden, features) biases last
    activations: FloatArray    # (hidden, N) A transposed: one contiguous row a unit
    gram: FloatArray           # (hidden, hidden) A^T A
    step_size: FloatArray      # (1,) longest change of a weight, as a share of the scale
    settings: FloatArray       # (3,) code of the activation, scale of the prior, 1 if it is normal
    pending: FloatArray        # (3,) unit, feature, new weight
    new_row: FloatArray        # (N,) the unit's new activations
    new_gram: FloatArray       # (hidden, hidden)
    work: FloatArray           # (hidden + 2, hidden) scratch for the eigenvalues


@jit
def activate(z: FloatArray, code: int) -> None:
    """phi in place, by the code of the activation; held to `minigrok.mlp` by a test."""
    n = len(z)
    if code == 0:
        for i in range(n):
            z[i] = 0.0 if z[i] < 0.0 else z[i]           # so put, it keeps NaN
    elif code == 1:
        for i in range(n):
            z[i] = math.tanh(z[i])
    elif code == 2:
        for i in range(n):
            z[i] = 1.0 / (1.0 + math.exp(-z[i]))
    elif code == 3:
        for i in range(n):
            z[i] = z[i] * z[i]


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
def unit_activations(weights: FloatArray, inputs: FloatArray, code: int, row: FloatArray) -> None:
    """phi(sum_k w_k x_k) of one unit for all inputs, into `row` (N,)."""
    row[:] = 0.0
    for k in range(len(weights)):
        for i in range(len(row)):
            row[i] += weights[k] * inputs[k, i]
    activate(row, code)


def propose(state: Network, uniforms: FloatArray) -> tuple[float, float]:
    """Change one random weight by a uniform amount; outside a box prior is forbidden."""
    hidden, features = state.weights.shape
    index = int(uniforms[0] * hidden * features)
    j, k = index // features, index % features
    scale, gauss = state.settings[1], state.settings[2]
    before = state.weights[j, k]
    after = before + scale * state.step_size[0] * (2.0 * uniforms[1] - 1.0)
    if gauss == 0.0 and abs(after) > scale:
        return np.nan, -np.inf
    state.pending[0], state.pending[1], state.pending[2] = j, k, after
    state.weights[j, k] = after
    unit_activations(state.weights[j], state.inputs, int(state.settings[0]), state.new_row)
    state.weights[j, k] = before
    state.new_gram[:] = state.gram
    for other in range(hidden):
        row = state.new_row if other == j else state.activations[other]
        value = overlap(state.new_row, row)
        state.new_gram[j, other] = value
        state.new_gram[other, j] = value
    trace = 0.0
    for other in range(hidden):
        trace += state.new_gram[other, other]
    if trace == 0.0:                                     # a dead layer has no state: a wall
        return np.nan, -np.inf
    log_ratio = -0.5 * gauss * (after * after - before * before) / (scale * scale)
    return gram_entropy(state.new_gram, state.work), log_ratio


def accept(state: Network, energy: float) -> None:
    """Take the new weight, activations and Gram matrix over."""
    j, k = int(state.pending[0]), int(state.pending[1])
    state.weights[j, k] = state.pending[2]
    state.activations[j] = state.new_row
    state.gram[:] = state.new_gram


@jit
def recompute(state: Network) -> float:
    """All activations and the Gram matrix from the weights; the entropy, NaN for a dead layer."""
    hidden = len(state.weights)
    for j in range(hidden):
        unit_activations(state.weights[j], state.inputs, int(state.settings[0]), state.activations[j])
    for j in range(hidden):
        for other in range(hidden):
            state.gram[j, other] = overlap(state.activations[max(j, other)], state.activations[min(j, other)])
    return gram_entropy(state.gram, state.work)


class NetworkLandscape:
    """All first layers of a network on given inputs, weighed by a prior; E is the entropy of the hidden state.

    Parameters
    ----------
    task : Task or array_like (N, features)
        With a task, its training inputs, and observables of accuracy in production.
    hidden : int
    activation : {"relu", "tanh", "sigmoid", "quadratic", "identity"}
    bias : bool
    prior : {"box", "gauss"}
        Each weight and bias uniform in [-scale, scale], or normal with that standard deviation.
    scale : float
    coordinate : {"entropy"}

    Notes
    -----
    Observables, each a mean over the networks of a bin: `mean_accuracy` over random second layers (1/2 for
    two classes in every bin, by symmetry), `folded_accuracy`, the mean of max(accuracy, 1 - accuracy), and
    `readout_accuracy` of the least-squares linear readout of the hidden units.
    """

    uniforms = 2
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(
        self, task: Labelled, hidden: int = 6, activation: str = "relu", bias: bool = True, prior: str = "box",
        scale: float = 1.0, coordinate: str = "entropy",
    ) -> None:
        inputs: Any = getattr(task, "X_train", task)
        X = numeric_array("X", inputs).astype(np.float64)
        if X.ndim != 2:
            raise ValueError(f"X has shape {X.shape}, but inputs are a matrix (N, features)")
        self.X = X
        self.y: IntArray | None = getattr(task, "y_train", None)
        self.n_classes = int(getattr(task, "n_classes", 0))
        self.hidden = whole_number("hidden", hidden, 1)
        self.activation = one_of("activation", activation, CODES)
        self.bias = bool(bias)
        self.prior = one_of("prior", prior, PRIORS)
        self.scale = real_number("scale", scale, 0, low_open=True)
        one_of("coordinate", coordinate, ("entropy",))

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON."""
        return {"name": "NetworkLandscape", "hidden": self.hidden, "activation": self.activation, "bias": self.bias,
                "prior": self.prior, "scale": self.scale, "N": len(self.X)}

    def edges(self, bins: int = 60) -> FloatArray:
        """A narrow bin for the atom S = 0 exactly (one mode alone), then equal bins up to ln(hidden)."""
        top = math.log(self.hidden)
        return np.concatenate([[0.0], np.linspace(1e-9, top, bins + 1)[:-1], [np.nextafter(top, 10) + 1e-12]])

    def start(self, rng: np.random.Generator) -> Network:
        """A layer drawn from the prior."""
        N = len(self.X)
        rows = np.concatenate([self.X.T, np.ones((1, N))]) if self.bias else self.X.T
        inputs = rows.copy(order="C")                    # one contiguous row a feature, which the loop runs along
        shape = (self.hidden, len(inputs))
        gauss = self.prior == "gauss"
        weights = rng.normal(0, self.scale, shape) if gauss else rng.uniform(-self.scale, self.scale, shape)
        settings = np.array([CODES[self.activation], self.scale, float(gauss)])
        d = self.hidden
        state = Network(inputs, weights, np.zeros((d, N)), np.zeros((d, d)), np.array([0.5]), settings, np.zeros(3),
                        np.zeros(N), np.zeros((d, d)), np.zeros((d + 2, d)))
        recompute(state)
        return state

    def energy(self, state: Network) -> float:
        """S in nats from the weights alone; NaN for a dead layer."""
        return recompute(state)

    def observe(self, state: Network, rng: np.random.Generator) -> dict[str, float]:
        """Accuracies on the task's training inputs; {} where the landscape was made of inputs alone."""
        if self.y is None:
            return {}
        A = state.activations.T                          # (N, hidden)
        one = np.ones((len(A), 1))
        features = np.concatenate([A, one], axis=1) if self.bias else A
        shape = (READOUT_DRAWS, features.shape[1], self.n_classes)
        W = rng.normal(0, self.scale, shape) if self.prior == "gauss" else rng.uniform(-self.scale, self.scale, shape)
        accuracies = tied_accuracy(features @ W, self.y)
        targets = np.eye(self.n_classes)[self.y]
        readout = np.linalg.lstsq(np.concatenate([A, one], axis=1), targets, rcond=None)[0]
        best = tied_accuracy((np.concatenate([A, one], axis=1) @ readout)[None], self.y)
        return {
            "mean_accuracy": float(accuracies.mean()),
            "folded_accuracy": float(np.maximum(accuracies, 1 - accuracies).mean()),
            "readout_accuracy": float(best[0])}

    def direct_sample(self, n: int, seed: int = 0) -> FloatArray:
        """Entropies (n,) of n layers drawn from the prior, NaN for dead ones: what the walk must agree with."""
        rng = np.random.default_rng(whole_number("seed", seed, 0))
        return np.array([self.energy(self.start(rng)) for _ in range(whole_number("n", n, 1))])


def tied_accuracy(Z: FloatArray, y: IntArray) -> FloatArray:
    """Accuracy (draws,) of outputs Z (draws, N, classes) on labels y (N,).

    Where several outputs are the largest, the input counts as one over their number if its label is among them.
    """
    largest = Z.max(axis=2, keepdims=True) == Z
    right = largest[:, np.arange(len(y)), y] / largest.sum(axis=2)
    accuracy: FloatArray = right.mean(axis=1)
    return accuracy
