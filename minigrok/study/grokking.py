"""Experiment 3: modular addition with 100 hidden neurons, where generalisation comes long after memorisation.

The study names neither modulus, loss, optimizer nor weight decay. Three settings stand for the choices
that earlier runs found to matter, and each has its control:

    relu, cross-entropy            the base
    quadratic, squared error       Gromov's net (arXiv 2301.02679): its entropy moves the other way
    relu, shuffled labels          a control that memorises and cannot generalise

The moduli, learning rates and decays were found by searching about thirty settings for ones that memorise,
wait and generalise within seconds. S and P were printed beside; none was chosen for them.

Milestones of a run, on recorded epochs (at least every 25):

    memorised      train accuracy is 99 %
    onset          test accuracy is above max(10 %, 2.5 / p), where 1 / p is chance
    halfway        test accuracy is 50 %
    generalised    test accuracy is 95 %, and still is at the next 5 records
    the plateau    from memorised to onset, if that is 100 epochs or longer; else there is none
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigrok import tasks
from minigrok.checks import BoolArray, FloatArray
from minigrok.history import History
from minigrok.metrics import weight_entropy
from minigrok.mlp import MLP
from minigrok.optimizers import AdamW
from minigrok.recording import weights_of
from minigrok.study.jobs import Job
from minigrok.training import train

HIDDEN = 100                   # as in the study
RECORD_EVERY = 10
SHORTEST_PLATEAU = 100         # epochs
HELD = 5                       # further records at which a net that generalised must still do so
FIXED_EDGES = np.concatenate([[-np.inf], np.linspace(-2, 2, 81), [np.inf]])       # bins 0.05 wide
BINNINGS = {"weight_entropy": "30 bins over the weights' own range", "weight_entropy_fixed": "fixed bins of width 0.05",
            "weight_entropy_fd": "Freedman-Diaconis bins"}


@dataclass(frozen=True)
class GrokkingSetting:
    """One modular task, and how the net is trained on it."""

    name: str
    activation: str
    loss: str
    modulus: int
    train_fraction: float
    lr: float
    weight_decay: float
    epochs: int = 2000
    corrupt_fraction: float = 0.0


SETTINGS = (
    GrokkingSetting("relu, cross-entropy", "relu", "cross_entropy", 47, 0.55, 1e-2, 1.0),
    GrokkingSetting("quadratic, squared error", "quadratic", "squared_error", 31, 0.4, 5e-3, 1.0),
    GrokkingSetting("relu, shuffled labels", "relu", "cross_entropy", 47, 0.55, 1e-2, 1.0, 1000, corrupt_fraction=1.0),
)


class GrokkingRun(NamedTuple):
    """What one run leaves behind."""

    setting: GrokkingSetting
    seed: int
    history: History
    theta_start: FloatArray
    theta_end: FloatArray


class Milestones(NamedTuple):
    """Epochs at which something happened for the first time; None where it did not within the run."""

    memorised: int | None
    onset: int | None
    halfway: int | None
    generalised: int | None

    @property
    def plateau(self) -> tuple[int, int] | None:
        """From memorised to onset, where both happened at least 100 epochs apart."""
        if self.memorised is None or self.onset is None or self.onset - self.memorised < SHORTEST_PLATEAU:
            return None
        return self.memorised, self.onset


def build(setting: GrokkingSetting, seed: int) -> tuple[MLP, tasks.AnyTask]:
    """The untrained net and its task; the split of the pairs and the weights follow from `seed`."""
    p = setting.modulus
    task = tasks.modular(p, "add", setting.train_fraction, seed=seed, corrupt_fraction=setting.corrupt_fraction)
    net = MLP([2 * p, HIDDEN, p], setting.activation, setting.loss, bias=False, dtype=np.float32, seed=seed)
    return net, task


def run(setting: GrokkingSetting, seed: int) -> GrokkingRun:
    """Train one net, all pairs of the training set at once."""
    net, task = build(setting, seed)
    start = net.theta.copy()
    history = train(
        net, task, AdamW(setting.lr, betas=(0.9, 0.98), weight_decay=setting.weight_decay), setting.epochs,
        record_every=RECORD_EVERY, seed=seed, conventions=("trace", "rows", "centered"),
        record={
            "weight_entropy_fixed": lambda net, task: weight_entropy(weights_of(net), FIXED_EDGES),
            "weight_entropy_fd": lambda net, task: weight_entropy(weights_of(net), "fd"),
            "fourier_concentration": lambda net, task: fourier_concentration(net.layers[0].W, setting.modulus),
        })
    return GrokkingRun(setting, seed, history, start, net.theta.copy())


def plan(seeds: Sequence[int]) -> list[Job]:
    """The jobs of this experiment."""
    return [Job("grokking", setting.name, seed, run, setting) for setting in SETTINGS for seed in seeds]


def fourier_concentration(W: FloatArray, p: int) -> float:
    """Mean over neurons of the inverse participation ratio of their weights' Fourier power.

    A neuron's weights on the first summand, w_a with a = 0 .. p-1, have the power c_k = |sum_a w_a
    exp(-2 pi i k a / p)|^2 at frequencies k = 1 .. floor(p / 2); with q = c / sum c it is sum_k q_k^2:
    1 for a pure wave, near 2 / floor(p / 2) for random weights. Both summands are averaged.

    Parameters
    ----------
    W : ndarray, shape (2 p, neurons)
        First-layer weights on the two-hot input.
    p : int
        The modulus.

    References
    ----------
    .. [1] N. Nanda et al., arXiv:2301.05217, section 4; A. Gromov, arXiv:2301.02679, section 3 (which report
       such concentration in trained nets; this index of it is ours).

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 3 * np.arange(11) / 11)
    >>> fourier_concentration(np.concatenate([wave, wave])[:, None], 11).round(6)
    np.float64(1.0)
    """
    power = abs(np.fft.rfft(W.astype(np.float64).reshape(2, p, -1), axis=1)[:, 1:]) ** 2
    total = power.sum(axis=1, keepdims=True)
    q = np.divide(power, total, out=np.zeros_like(power), where=total > 0)     # a dead neuron counts 0
    concentration: float = (q**2).sum(axis=1).mean()
    return concentration


def milestones(history: History, p: int) -> Milestones:
    """When this run memorised, began to generalise, was halfway, and had generalised for good."""
    test = history.test_accuracy
    high = test >= 0.95
    held = np.array([high[i : i + 1 + HELD].all() for i in range(len(high))])
    marks = (history.train_accuracy >= 0.99, test > max(0.1, 2.5 / p), test >= 0.5, held)
    return Milestones(*(_first(history.epoch, mark) for mark in marks))


def _first(epoch: FloatArray, mark: BoolArray) -> int | None:
    return int(epoch[np.argmax(mark)]) if mark.any() else None
