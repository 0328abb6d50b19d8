"""Experiment 3: arithmetic modulo p with 100 hidden neurons, where generalisation comes long after memorisation.

The study names neither modulus, loss, optimizer nor weight decay, so a run is made of a `GrokkingSetting`, and
`minigrok.study.grokking_settings` has those that are trained.

Milestones of a run, on recorded epochs (at least every 25):

    memorised      train accuracy is 99 %
    onset          test accuracy is above max(10 %, 2.5 / p), where 1 / p is chance; of products, counted over those
                   without a factor 0, which need no learning
    halfway        test accuracy is 50 %
    generalised    test accuracy is 95 %, and still is at the next 5 records
    the plateau    from memorised to onset, if that is 100 epochs or longer; else there is none

A run that is no control ends once it has generalised and a fifth of these epochs more have passed; a run "past the
end" at five times that epoch; a control when its epochs are over, and so do all that never generalise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigrok import tasks
from minigrok.checks import BoolArray, FloatArray
from minigrok.history import History, Moment, TrainingDivergedError
from minigrok.mlp import MLP
from minigrok.optimizers import SGD, AdamW, Optimizer
from minigrok.study.features import RECORDED, as_columns, features
from minigrok.study.frozen import FrozenFirst
from minigrok.training import train

HIDDEN = 100                   # as in the study
RECORD_EVERY = 20
SHORTEST_PLATEAU = 100         # epochs
GENERALISED = 0.95             # test accuracy
HELD = 5                       # further records at which a net that generalised must still do so
MOMENTUM, BETAS = 0.9, (0.9, 0.98)
ENDS_AT = {"base": 1.2, "multiverse": 1.2, "family": 1.2, "past the end": 5.0}   # times the epoch of generalisation
CONVENTIONS = ("trace", "rows", "centered")
DECAYS = {                     # weak and strong, by optimizer and loss: SGD's is a part of the loss, AdamW's is not
    ("AdamW", "cross_entropy"): (0.5, 1.0), ("AdamW", "squared_error"): (0.5, 1.0),
    ("SGD", "cross_entropy"): (1e-3, 3e-3), ("SGD", "squared_error"): (2e-5, 1e-4)}


@dataclass(frozen=True)
class GrokkingSetting:
    """One modular task, and how a net is trained on it."""

    name: str
    op: str                    # "add", "subtract" or "multiply"
    modulus: int
    loss: str
    activation: str
    optimizer: str             # "AdamW", or "SGD" with momentum 0.9
    lr: float
    weight_decay: float
    train_fraction: float
    depth: int = 1             # hidden layers
    width: int = HIDDEN        # of each
    epochs: int = 2000         # at most
    corrupt_fraction: float = 0.0
    frozen_first: bool = False
    role: str = "multiverse"
    base: str = ""             # of a control or a family: the setting it belongs to
    record_every: int = RECORD_EVERY

    @property
    def axes(self) -> dict[str, str]:
        """The level of every axis of the multiverse, in words."""
        strong = DECAYS[self.optimizer, self.loss][1]
        return {
            "operation": self.op, "modulus": str(self.modulus), "loss": self.loss.replace("_", " "),
            "activation": self.activation, "optimizer": self.optimizer,
            "weight decay": "none" if self.weight_decay == 0 else "strong" if self.weight_decay >= strong else "weak",
            "fraction": fraction_in_words(self.train_fraction),
            "depth": f"{self.depth} hidden layer{'s' * (self.depth > 1)}"}


def fraction_in_words(fraction: float) -> str:
    """The share of pairs trained on, as one of three levels: a base has no level of its own, which would weigh a third.

    >>> [fraction_in_words(fraction) for fraction in (0.5, 0.58, 0.75)]
    ['at most 0.5', '0.5 to 0.65', 'above 0.65']
    """
    return "at most 0.5" if fraction <= 0.5 else "0.5 to 0.65" if fraction <= 0.65 else "above 0.65"


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


def build(setting: GrokkingSetting, seed: int) -> tuple[MLP, tasks.ModularTask]:
    """The untrained net and its task; the split of the pairs and the weights follow from `seed`."""
    p = setting.modulus
    task = tasks.modular(p, setting.op, setting.train_fraction, seed, setting.corrupt_fraction)
    sizes = [2 * p, *[setting.width] * setting.depth, p]
    return MLP(sizes, setting.activation, setting.loss, bias=False, dtype=np.float32, seed=seed), task


def optimizer_of(setting: GrokkingSetting, net: MLP) -> Optimizer:
    """The optimizer that this setting names."""
    optimizer: Optimizer = (
        AdamW(setting.lr, BETAS, weight_decay=setting.weight_decay) if setting.optimizer == "AdamW"
        else SGD(setting.lr, MOMENTUM, setting.weight_decay))
    return FrozenFirst(optimizer, net.layers[0].W.size) if setting.frozen_first else optimizer


def run(setting: GrokkingSetting, seed: int) -> GrokkingRun:
    """Train one net, all pairs of the training set at once. One that diverges has the History until then."""
    net, task = build(setting, seed)
    start = net.theta.copy()
    try:
        history = train(
            net, task, optimizer_of(setting, net), setting.epochs, record_every=setting.record_every, seed=seed,
            conventions=CONVENTIONS, record={RECORDED: features}, callbacks=[end_of(setting)])
    except TrainingDivergedError as error:
        history = error.history
    return GrokkingRun(setting, seed, as_columns(history, net), start, net.theta.copy())


def end_of(setting: GrokkingSetting) -> Callable[[Moment], bool]:
    """The criterion that ends such a run before its epochs are over; it remembers nothing."""
    times = ENDS_AT.get(setting.role, np.inf)

    def criterion(moment: Moment) -> bool:
        tested = np.array([row["test_accuracy"] for row in moment.rows])
        held = held_from(tested)[: max(0, len(tested) - HELD)]       # the last records have not all that must follow
        return bool(held.any()) and moment.epoch >= times * moment.rows[int(held.argmax())]["epoch"]

    return criterion


def milestones(history: History, p: int, op: str = "add") -> Milestones:
    """When this run memorised, began to generalise, was halfway, and had generalised for good."""
    tested = history.test_accuracy
    trivial = (2 * p - 1) / p**2 if op == "multiply" else 0.0        # the share of pairs with a 0
    beyond_chance = trivial + (1 - trivial) * max(0.1, 2.5 / p)
    marks = (history.train_accuracy >= 0.99, tested > beyond_chance, tested >= 0.5, held_from(tested))
    return Milestones(*(_first(history.epoch, mark) for mark in marks))


def held_from(tested: FloatArray) -> BoolArray:
    """At which records the test accuracy (records,) is 95 %, and so at the next 5, as far as there are any."""
    high = tested >= GENERALISED
    return np.array([high[i : i + 1 + HELD].all() for i in range(len(high))], bool)


def _first(epoch: FloatArray, mark: BoolArray) -> int | None:
    return int(epoch[np.argmax(mark)]) if mark.any() else None
