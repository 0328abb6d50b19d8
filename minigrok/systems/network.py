"""The landscape of all networks of one hidden layer, weighed by a prior: what is walked, and what is observed.

E is S or P of the hidden state, which depend on the first layer alone (`minigrok.fast.first_layer`): the second
is drawn from its prior whenever an accuracy is measured. Or E is the training loss (`minigrok.fast.two_layers`).
"""

import hashlib
import math
from typing import Any

import numpy as np

import minigrok.fast.first_layer as first_layer
import minigrok.fast.two_layers as two_layers
from minigrok.checks import FloatArray, IntArray, one_of, real_array, real_number, whole_number
from minigrok.fast.layer import CODES, layer
from minigrok.fast.priors import PRIORS, draw
from minigrok.metrics import purity, von_neumann_entropy
from minigrok.mlp import cross_entropy

COORDINATES = {"entropy": 0, "purity": 1, "loss": 2}
READOUT_DRAWS = 8              # random second layers at each look
RANGE_DRAWS, RANGE_SHARE = 2000, 0.999     # the edges of the loss reach up to this quantile of so many random networks
DIRECT_BLOCK = 1000            # networks whose weights are drawn at once
ATOM = 1e-9                    # width of the bin for the atom at S = 0 or P = 1, far above any rounding
ROUNDING = 1e-12               # by which ln d or 1 / d may be missed
TaskOrInputs = Any             # a task, or an array (N, features)


class NetworkLandscape:
    """All networks of one hidden layer on given inputs, weighed by a prior; E is entropy, purity or training loss.

    Parameters
    ----------
    task : Task or array_like (N, features)
        With a task, its training inputs, and observables of accuracy in production.
    hidden : int
    activation : {"relu", "tanh", "sigmoid", "quadratic", "identity"}
    bias : bool
    prior : {"box", "gauss", "sphere"}
        Of weights and biases: each uniform in [-scale, scale], each normal with that standard deviation, or those
        of one unit together uniform on a sphere of that radius.
    scale : float
    coordinate : {"entropy", "purity", "loss"}
        S or P of the hidden state, a walk over first layers; or the mean cross-entropy, a walk over both layers.

    Raises
    ------
    ValueError
        For inputs that are no matrix, a loss without labels, a sphere of one weight, unknown names, scale <= 0.

    Notes
    -----
    Observables, each a mean over the networks of a bin: `entropy` and `purity` (of those that have a state),
    `loss`, and accuracies on the training inputs. Over first layers these are `mean_accuracy` with random second
    layers (1/2 for two classes in every bin, by symmetry), `folded_accuracy`, the mean of max(accuracy,
    1 - accuracy), and `readout_accuracy` of the least-squares linear readout of the hidden units; `loss` is
    that of one random second layer. Over both layers: `accuracy`, and `test_accuracy` on the task's test inputs.
    """

    uniforms = 2

    def __init__(
        self, task: TaskOrInputs, hidden: int = 6, activation: str = "relu", bias: bool = True, prior: str = "box",
        scale: float = 1.0, coordinate: str = "entropy",
    ) -> None:
        inputs: Any = getattr(task, "X_train", task)
        self.X = real_array("X", inputs).astype(np.float64)
        if self.X.ndim != 2:
            raise ValueError(f"X has shape {self.X.shape}, but inputs are a matrix (N, features)")
        self.task: Any = task if hasattr(task, "y_train") else None
        self.hidden = whole_number("hidden", hidden, 1)
        self.activation = one_of("activation", activation, CODES)
        self.bias = bool(bias)
        self.prior = one_of("prior", prior, PRIORS)
        self.scale = real_number("scale", scale, 0, 1e100, low_open=True)      # sums over squares stay finite
        self.coordinate = one_of("coordinate", coordinate, COORDINATES)
        self.features = self.X.shape[1] + self.bias
        if self.prior == "sphere" and self.features == 1:
            raise ValueError("a unit with one weight has no sphere to move on: take another prior, or a bias")
        if self.coordinate == "loss" and self.task is None:
            raise ValueError("the loss needs labels: give a task, such as tasks.from_arrays(X, y), not inputs alone")
        self.moves: Any = two_layers if self.coordinate == "loss" else first_layer
        self.propose, self.accept = self.moves.propose, self.moves.accept

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON; the data as a checksum."""
        labels = np.zeros(0) if self.task is None else np.asarray(self.task.y_train)
        data = hashlib.sha256(self.X.tobytes() + labels.tobytes()).hexdigest()[:16]
        return {"name": "NetworkLandscape", "hidden": self.hidden, "activation": self.activation, "bias": self.bias,
                "prior": self.prior, "scale": self.scale, "coordinate": self.coordinate, "N": len(self.X), "data": data}

    def edges(self, bins: int = 60) -> FloatArray:
        """Equal bins from end to end, and a narrow one of its own for the atom S = 0, P = 1 (one mode alone).

        The loss goes from 0 to what one in a thousand random networks is above. ValueError for S or P of one unit.
        """
        bins = whole_number("bins", bins, 1)
        if self.coordinate == "loss":
            return np.linspace(0.0, float(np.quantile(self.direct_sample(RANGE_DRAWS), RANGE_SHARE)), bins + 1)
        if self.hidden == 1:
            raise ValueError("hidden is 1, and one unit has S = 0 and P = 1 whatever its weights: take 2, or the loss")
        if self.coordinate == "purity":
            return np.append(np.linspace(1 / self.hidden - ROUNDING, 1 - ATOM, bins + 1), 1.0 + ROUNDING)
        return np.append(0.0, np.linspace(ATOM, math.log(self.hidden) + ROUNDING, bins + 1))

    def start(self, rng: np.random.Generator) -> Any:
        """A network drawn from the prior."""
        N = len(self.X)
        rows = np.concatenate([self.X.T, np.ones((int(self.bias), N))])
        inputs = rows.copy(order="C")                    # one contiguous row a feature, which the loop runs along
        codes = np.array([CODES[self.activation], PRIORS[self.prior], COORDINATES[self.coordinate]])
        activations = np.ones((self.hidden + self.bias, N))
        rest = (activations, np.array([self.scale]), codes)
        if self.coordinate == "loss":
            labels = np.ascontiguousarray(self.task.y_train, dtype=np.int64)
            state = self.moves.new_state(inputs, labels, *self._draw(rng), *rest)
        else:
            state = self.moves.new_state(inputs, *self._draw(rng), *rest)
        self.moves.recompute(state)
        return state

    def energy(self, state: Any) -> float:
        """The coordinate from the weights alone; NaN for a dead layer."""
        return float(self.moves.recompute(state))

    def observe(self, state: Any, rng: np.random.Generator) -> dict[str, float]:
        """What the notes of the class list; {} where the landscape was made of inputs alone."""
        if self.task is None:
            return {}
        A = state.activations[: self.hidden].T           # (N, hidden)
        squares = float((A * A).sum())
        rho = A.T @ A / squares if squares > 0 else None
        seen = {"entropy": math.nan if rho is None else float(von_neumann_entropy(rho)),
                "purity": math.nan if rho is None else float(purity(rho))}
        if self.coordinate == "loss":
            return seen | {"loss": self.moves.recompute(state)} | self._accuracies(state)
        return seen | self._readouts(A, rng)

    def _readouts(self, A: FloatArray, rng: np.random.Generator) -> dict[str, float]:
        """Accuracies of random second layers, and of the best one by least squares, on activations A."""
        y, one = self.task.y_train, np.ones((len(A), 1))
        features = np.concatenate([A, one], axis=1)
        V = draw(rng, self.prior, self.scale, (READOUT_DRAWS, self.task.n_classes, self.hidden + self.bias))
        Z = features[:, : V.shape[2]] @ V.transpose(0, 2, 1)                       # (draws, N, classes)
        accuracies = tied_accuracy(Z, y)
        best = features @ np.linalg.lstsq(features, np.eye(self.task.n_classes)[y], rcond=None)[0]
        return {
            "mean_accuracy": float(accuracies.mean()),
            "folded_accuracy": float(np.maximum(accuracies, 1 - accuracies).mean()),
            "readout_accuracy": float(tied_accuracy(best[None], y)[0]),
            "loss": cross_entropy(Z[0], y)[0]}

    def _accuracies(self, state: Any) -> dict[str, float]:
        seen = {"accuracy": float(tied_accuracy(state.outputs.T[None], self.task.y_train)[0])}
        X = self.task.X_test
        if len(X):
            inputs = np.concatenate([X.T, np.ones((int(self.bias), len(X)))])
            A = np.ones((self.hidden + self.bias, len(X)))
            layer(state.weights, inputs, CODES[self.activation], A)
            seen["test_accuracy"] = float(tied_accuracy((state.readout @ A).T[None], self.task.y_test)[0])
        return seen

    def direct_sample(self, n: int, seed: int = 0) -> FloatArray:
        """Coordinates (n,) of n networks drawn from the prior, NaN for dead ones: what the walk must agree with."""
        rng = np.random.default_rng(whole_number("seed", seed, 0, np.inf))
        state, out = self.start(rng), np.empty(whole_number("n", n, 1))
        for first in range(0, n, DIRECT_BLOCK):
            block = out[first : first + DIRECT_BLOCK]
            self.moves.recompute_many(state, *self._draw(rng, len(block)), block)
        return out

    def _draw(self, rng: np.random.Generator, *count: int) -> Any:
        """Weights of the layers that walk; `count` networks if given."""
        drawn = [draw(rng, self.prior, self.scale, (*count, self.hidden, self.features))]
        if self.coordinate == "loss":
            drawn.append(draw(rng, self.prior, self.scale, (*count, self.task.n_classes, self.hidden + self.bias)))
        return drawn


def tied_accuracy(Z: FloatArray, y: IntArray) -> FloatArray:
    """Accuracy (draws,) of outputs Z (draws, N, classes) on labels y (N,).

    Where several outputs are the largest, the input counts as one over their number if its label is among them.
    """
    largest = Z.max(axis=2, keepdims=True) == Z
    right = largest[:, np.arange(len(y)), y] / largest.sum(axis=2)
    return np.asarray(right.mean(axis=1))
