"""What a run records of a net at one moment: losses, accuracies, the hidden layer's state, the weights.

The fused form sees most of it on its way through the inputs. What it leaves out is measured here by the plain one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrok import metrics
from minigrok.checks import FloatArray, one_of, short
from minigrok.density import activation_spectrum
from minigrok.fast.fused import FusedEpochs, Look
from minigrok.grams import CONVENTIONS
from minigrok.history import column_name
from minigrok.mlp import MLP
from minigrok.tasks import AnyTask

Recorder = Callable[[MLP, AnyTask], Any]


def weights_of(net: MLP) -> FloatArray:
    """All weights of all layers in one flat array, biases left out: what the classical control looks at."""
    return np.concatenate([layer.W.ravel() for layer in net.layers])


def spectrum_or_nan(activations: FloatArray, convention: str) -> FloatArray:
    """The spectrum of a layer's state; all NaN for a dead one, which has none."""
    try:
        return activation_spectrum(activations, convention)
    except ValueError:
        if not np.isfinite(activations).all():
            raise
        return np.full(activations.shape[1], np.nan)


def plain_look(net: MLP, task: AnyTask) -> Look:
    """Losses and accuracies over training and test inputs; spectra are left to `spectrum_or_nan`."""
    losses, accuracies = {}, {}
    for part, X, y in (("train", task.X_train, task.y_train), ("test", task.X_test, task.y_test)):
        Z = net.forward(X)
        losses[part], accuracies[part] = net.loss_of_logits(Z, y), float(np.mean(Z.argmax(axis=1) == y))
    return Look(losses, accuracies, {})


def observer(
    net: MLP, task: AnyTask, record: dict[str, Recorder], layer: int, inputs: str, conventions: tuple[str, ...],
    fused: FusedEpochs | None,
) -> Callable[..., dict[str, Any]]:
    """A function that returns one row of the History, the net as it is now; after a check of all settings.

    It takes what the fused form has seen of the net, if that has already looked.
    """
    one_of("inputs", inputs, ("train", "test", "all"))
    for convention in conventions:
        one_of("convention", convention, CONVENTIONS)
    for name, recorder in record.items():
        if not (isinstance(name, str) and callable(recorder)):
            raise ValueError(f"record has {short(name)}: {short(recorder)}, but must hold functions by their names")
    net.hidden(task.X_first, layer)                      # raises for a layer that is not there, or a wrong width

    def look(seen: Look | None = None) -> dict[str, Any]:
        seen = fused.look(inputs, conventions) if fused else seen
        if seen is None or not np.isfinite(list(seen.losses.values())).all():
            seen = plain_look(net, task)                 # which says what overflows
        row: dict[str, Any] = {}
        for part in ("train", "test"):
            row |= {f"{part}_loss": seen.losses[part], f"{part}_accuracy": seen.accuracies[part]}
        missing = set(conventions) - set(seen.spectra)
        if missing:
            pieces = {"train": [task.X_train], "test": [task.X_test], "all": [task.X_train, task.X_test]}[inputs]
            activations = np.concatenate([net.hidden(X, layer) for X in pieces])
        for convention in conventions:
            p = spectrum_or_nan(activations, convention) if convention in missing else seen.spectra[convention]
            S, P = metrics.entropy_of_spectrum(p), metrics.purity_of_spectrum(p)
            state = {"entropy": S, "purity": P, "effective_rank": np.exp(S), "participation_ratio": 1 / P}
            state["spectrum"] = p
            row |= {column_name(name, convention): value for name, value in state.items()}
        weights = weights_of(net)
        row |= {"weight_entropy": metrics.weight_entropy(weights), "weight_norm": np.linalg.norm(weights)}
        return row | {name: recorder(net, task) for name, recorder in record.items()}

    return look
