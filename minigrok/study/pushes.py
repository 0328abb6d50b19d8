"""Pushing the state while a net learns: training on loss + lambda Q, where Q is a quantity of the last hidden layer.

    theta moves by the optimizer's step on    dL/dtheta + lambda dQ/dtheta
    dQ/dZ = dQ/dA * phi'(Z),    and from there down through the layers as any gradient (`minigrok.mlp.backward`)

Q of the activations A (n, d) over the training inputs, with t = tr(A^T A) and rho = A^T A / t, is one of

    entropy             S = -tr(rho ln rho)      dS/dA = -(2/t) A (ln rho + S)
    purity              P = tr(rho^2)            dP/dA = (4/t) A (rho - P)
    entropy_centered    S of H A, where H = 1 - 11^T / n takes the mean row off: by the chain rule H times dS/d(H A)

as `minigrok.gradients` derives them; the forms here are those, without its checks and in the precision of the net, for
they are evaluated every epoch. lambda above 0 pushes Q down, below 0 up. The layers above A do not feel the push.

The control, "permuted", tells an aim from a disturbance: the push is dS/dtheta with its entries permuted within each
layer, by a permutation that is drawn once a run. So it has the same length, entries of the same sizes, and changes as
slowly, but does not aim at S.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import eigh

from minigrok.checks import FloatArray, IntArray, one_of
from minigrok.history import History, from_rows
from minigrok.mlp import ACTIVATIONS, LOSSES, MLP, backward, forward, views
from minigrok.recording import observer
from minigrok.study.grokking import HELD, GrokkingSetting, build, held_from, optimizer_of

PERMUTED = "permuted"
SYMBOLS = {"entropy": "S", "purity": "P", "entropy_centered": "centred S", PERMUTED: PERMUTED}
COLUMNS = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "entropy", "purity",
           "entropy_centered", "purity_centered", "weight_norm")
ROUNDING = 64                  # a centred state within so many eps of the mean row is rounding, and no state


@dataclass(frozen=True)
class Push:
    """A set-up, and what its nets are pushed by beside the loss."""

    setup: GrokkingSetting
    target: str = "entropy"    # a key of SLOPES, or PERMUTED
    strength: float = 0.0      # lambda; 0 is no push

    @property
    def name(self) -> str:
        """Of the specification: the set-up and the push."""
        return f"{self.setup.name}, {self.words}"

    @property
    def words(self) -> str:
        """Such as "S down 0.1", "P up 0.01", "permuted -0.1" or "no push"."""
        if self.strength == 0:
            return "no push"
        if self.target == PERMUTED:
            return f"{PERMUTED} {self.strength:+g}"
        return f"{SYMBOLS[self.target]} {'down' if self.strength > 0 else 'up'} {abs(self.strength):g}"


class Pushed(NamedTuple):
    """What one run leaves behind."""

    setting: Push
    seed: int
    history: History           # of COLUMNS


@np.errstate(over="ignore", invalid="ignore")            # a net that diverges is ended at its next record
def run(push: Push, seed: int) -> Pushed:
    """Train one net until it has generalised, or to the last epoch; one that diverges has the History until then."""
    setup = push.setup
    net, task = build(setup, seed)
    objective = Objective(net, task.X_train, task.y_train, push.target, push.strength, seed)
    look = observer(net, task, {}, -1, "train", ("trace", "centered"), None)
    optimizer = optimizer_of(setup, net)
    state, rows = optimizer.start(net.theta), []
    for epoch in range(setup.epochs + 1):
        if epoch % setup.record_every == 0 or epoch == setup.epochs:
            try:
                rows.append({"epoch": epoch, **look()})
            except FloatingPointError:
                break
            if has_generalised([row["test_accuracy"] for row in rows]):
                break
        state = optimizer.step(net.theta, objective.gradient(), state)
    return Pushed(push, seed, from_rows([{name: row[name] for name in COLUMNS} for row in rows]))


def has_generalised(tested: Sequence[float]) -> bool:
    """Whether the test accuracy was 95 % at the last six records."""
    last = np.array(tested[-1 - HELD :])
    return len(last) > HELD and bool(held_from(last)[0])


class Objective:
    """Loss + strength * target of a net: its gradient at the theta that the net has when it is asked.

    Parameters
    ----------
    net : MLP
        Of one hidden layer or more.
    X, y : ndarray, shapes (n, features) and (n,)
        Inputs over which loss and state are taken, and their labels.
    target : {"entropy", "purity", "entropy_centered", "permuted"}
    strength : float
        lambda; above 0 the target is pushed down.
    seed : int
        Of the permutation.
    """

    def __init__(
        self, net: MLP, X: FloatArray, y: IntArray, target: str, strength: float, seed: int = 0
    ) -> None:
        self.net, self.X, self.y, self.strength = net, X.astype(net.theta.dtype, copy=False), y, float(strength)
        self.permuted = one_of("target", target, (*SLOPES, PERMUTED)) == PERMUTED
        self.slope = SLOPES["entropy" if self.permuted else target]
        # theta is ordered W1, b1, W2, ...: the layers up to the last hidden one are its beginning, a net of their own
        self.below = MLP(net.sizes[:-1], net.activation, bias=net.bias, dtype=net.theta.dtype)
        self.order = permutation_within_layers(self.below, seed)

    def gradient(self) -> FloatArray:
        """A fresh array like theta; without a state (a dead layer) it is that of the loss alone."""
        net, below, count = self.net, self.below, len(self.below.theta)
        below.theta[:] = net.theta[:count]
        Zs, As = forward(net, self.X)
        A, dphi = As[-1], ACTIVATIONS[net.activation].derivative(Zs[-2], As[-1])
        _, dZ = LOSSES[net.loss](Zs[-1], self.y)                     # (n, classes)
        slope = self.slope(A) if self.strength else None             # (n, d)  dQ/dA
        dA = dZ @ net.layers[-1].W.T                                 # (n, d)  of the loss
        gradient = np.empty_like(net.theta)
        if slope is not None and not self.permuted:
            dA = dA + self.strength * slope                          # of both: one way down
        gradient[:count] = backward(below, Zs[:-1], As[:-1], dA * dphi)
        if slope is not None and self.permuted:
            push = backward(below, Zs[:-1], As[:-1], slope * dphi)   # dS/dtheta
            gradient[:count] += self.strength * push[self.order]
        dW, db = views(gradient[count:], net.sizes[-2:], net.bias)[0]
        dW[:] = A.T @ dZ                                             # (d, classes)  the output layer feels no push
        if db is not None:
            db[:] = dZ.sum(axis=0)
        return gradient


def permutation_within_layers(net: MLP, seed: int) -> IntArray:
    """An order of theta's entries (parameters,) in which those of each layer change places among themselves."""
    rng, start, parts = np.random.default_rng([seed, 2]), 0, []
    for n, m in pairwise(net.sizes):
        size = (n + net.bias) * m
        parts.append(start + rng.permutation(size))
        start += size
    return np.concatenate(parts)


def entropy_slope(A: FloatArray) -> FloatArray | None:
    """dS/dA = -(2/t) A (ln rho + S), in A's precision; None for a dead layer."""
    found = _state(A)
    if found is None:
        return None
    rho, t = found
    p, Q = eigh(rho, driver="evd", check_finite=False)
    # Below eps p is rounding. A is about sqrt(p) on its eigenvector, so any ln p of the right size will do there.
    log_p = np.log(np.maximum(p, np.finfo(A.dtype).eps))
    S = -(np.maximum(p, 0) @ log_p)
    slope: FloatArray = A @ ((Q * (-2 / t * (log_p + S))) @ Q.T)     # ln rho + S = Q (ln p + S) Q^T
    return slope


def purity_slope(A: FloatArray) -> FloatArray | None:
    """dP/dA = (4/t) A (rho - P), in A's precision; None for a dead layer."""
    found = _state(A)
    if found is None:
        return None
    rho, t = found
    slope: FloatArray = 4 / t * (A @ rho - (rho**2).sum() * A)
    return slope


def centered_entropy_slope(A: FloatArray) -> FloatArray | None:
    """H dS/dB at B = H A, where H takes the mean row off; None where all rows are alike."""
    B = A - A.mean(axis=0)
    if not abs(B).max() > ROUNDING * np.finfo(A.dtype).eps * abs(A).max():
        return None
    slope = entropy_slope(B)
    return None if slope is None else slope - slope.mean(axis=0)


SLOPES: dict[str, Callable[[FloatArray], FloatArray | None]] = {
    "entropy": entropy_slope, "purity": purity_slope, "entropy_centered": centered_entropy_slope}


def _state(A: FloatArray) -> tuple[FloatArray, np.floating[Any]] | None:
    """rho and t; None where t is 0 or not finite."""
    gram = A.T @ A
    t = np.trace(gram)
    return (gram / t, t) if 0 < t < np.inf else None
