"""The configurations under which a classifier is trained: drawn at random, balanced, and run.

A *configuration* is what a net is trained with: data, inputs, width, activation, biases, initialisation, optimizer,
learning rate. There are 35,640, so some are drawn:

    of every 8 drawn, 5 are admissible (6 neurons, SGD with or without momentum), 3 show the sensitivity to the rest;
    each column holds every level equally often, in blocks of shuffled levels, so that any first k rows are balanced to
    one, too (a Latin hypercube: M. D. McKay, R. J. Beckman and W. J. Conover, Technometrics 21, 239 (1979)).

The drawing has a fixed seed and knows nothing of any run. Every task is so set that a test accuracy of 99.5 %, the
study's, is possible: the classes themselves hardly overlap. Whether 6 neurons and 500 inputs get there is a result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from minigrok import tasks
from minigrok.checks import FloatArray, IntArray
from minigrok.density import activation_spectrum
from minigrok.grams import CONVENTIONS
from minigrok.history import History, TrainingDivergedError
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum
from minigrok.mlp import MLP
from minigrok.optimizers import SGD, AdamW
from minigrok.recording import spectrum_or_nan
from minigrok.training import train

DRAWN, CORE_OF_A_BLOCK, BLOCK, SEED_OF_DRAWING = 1024, 5, 8, 2020
INPUTS_OF_A_TASK, BATCH = 1000, 32
EPOCHS = (0, 25, 100, 300, 1000)         # read at all of them; the last four are stopping epochs
PARTS = ("train", "test", "all")

TASKS: dict[str, tuple[Callable[..., tasks.Task], dict[str, float]]] = {
    "moons": (tasks.moons, {"noise": 0.1}), "circles": (tasks.circles, {"noise": 0.08}),
    "spirals": (tasks.spirals, {"noise": 0.02}), "xor": (tasks.xor, {"noise": 0.3}),
    "blobs": (tasks.blobs, {"separation": 6.0}), "halfspace": (tasks.halfspace, {"margin": 0.1}),
}
GROWING = ("xor", "blobs", "halfspace")  # those that exist in any dimension; the others get dimensions of noise
DIMENSIONS, WIDTHS = (2, 5, 10, 20), (6, 3, 12, 24)
ACTIVATIONS, BIASES = ("relu", "tanh", "sigmoid"), (True, False)
INITIALISATIONS = ("he_normal", "glorot_uniform", "lecun_normal", "fan_in_uniform", "normal")
OPTIMIZERS: dict[str, tuple[Callable[[float], SGD | AdamW], tuple[float, float, float]]] = {
    "SGD": (SGD, (0.01, 0.1, 0.5)),
    "SGD with momentum": (lambda lr: SGD(lr, momentum=0.9), (0.001, 0.01, 0.05)),
    "AdamW": (lambda lr: AdamW(lr, weight_decay=0.01), (0.001, 0.01, 0.03)),
}
RATES = ("low", "middle", "high")        # the three numbers of the optimizer
ADMISSIBLE_WIDTH, ADMISSIBLE_OPTIMIZERS = 6, ("SGD", "SGD with momentum")


@dataclass(frozen=True)
class Configuration:
    """How a net is trained."""

    data: str
    dimension: int
    noise: bool                # whether the dimensions beyond those of the problem are pure noise
    width: int
    activation: str
    bias: bool
    init: str
    optimizer: str
    rate: str
    seeds: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """All choices in words."""
        return (f"{self.data} {self.dimension}D{' noise' if self.noise else ''}, {self.width} {self.activation}"
                f"{'' if self.bias else ' without biases'}, {self.init}, {self.optimizer} {self.rate}")

    @property
    def axes(self) -> dict[str, str]:
        """The level of every axis of training."""
        return {
            "data": self.data, "input dimension": str(self.dimension),
            "noise dimensions": "some" if self.noise else "none", "width": str(self.width),
            "activation": self.activation, "biases": "yes" if self.bias else "no", "initialisation": self.init,
            "optimizer": self.optimizer, "learning rate": self.rate}

    @property
    def admissible(self) -> bool:
        """Whether it contradicts nothing that the study states."""
        return self.width == ADMISSIBLE_WIDTH and self.optimizer in ADMISSIBLE_OPTIMIZERS


class ClassifierReadings(NamedTuple):
    """What the runs of one configuration show; NaN after a run has diverged, and where a layer is dead."""

    setting: Configuration
    seeds: IntArray            # (seeds,)
    entropy: FloatArray        # (seeds, epochs, conventions, parts)  at EPOCHS, the first of them untrained
    purity: FloatArray         # like it
    train_accuracy: FloatArray # (seeds, epochs)
    test_accuracy: FloatArray  # (seeds, epochs)


@cache
def drawn() -> tuple[Configuration, ...]:
    """The configurations, all different, in the order in which smaller sizes take them."""
    rng, blocks = np.random.default_rng(SEED_OF_DRAWING), DRAWN // BLOCK
    kinds = list(product(WIDTHS, OPTIMIZERS))
    core = [(width, name) for width, name in kinds if width == ADMISSIBLE_WIDTH and name in ADMISSIBLE_OPTIMIZERS]
    rest = [kind for kind in kinds if kind not in core]
    admissible = iter(_draw(core, blocks * CORE_OF_A_BLOCK, rng))
    others = iter(_draw(rest, blocks * (BLOCK - CORE_OF_A_BLOCK), rng))
    return tuple(
        next(admissible if place < CORE_OF_A_BLOCK else others) for _ in range(blocks) for place in range(BLOCK))


def _draw(kinds: Sequence[tuple[int, str]], count: int, rng: np.random.Generator) -> list[Configuration]:
    """So many configurations of these widths and optimizers, every column balanced."""
    columns = [_column(levels, count, rng) for levels in (
        tuple(TASKS), DIMENSIONS, kinds, ACTIVATIONS, BIASES, INITIALISATIONS, RATES)]
    # the problems that grow have noise in a third of the cases only: then half of all configurations have it
    noise = _column((False, False, True), count, rng)
    found = [
        Configuration(data, dimension, dimension > 2 and (data not in GROWING or noisy), width, activation, bias, init,
                      optimizer, rate)
        for (data, dimension, (width, optimizer), activation, bias, init, rate), noisy in zip(
            zip(*columns, strict=True), noise, strict=True)]
    while len(set(found)) < count:                       # one drawn twice changes its initialisation with a neighbour
        seen: set[Configuration] = set()
        for i in range(count):
            if found[i] in seen:
                other = (i + int(rng.integers(1, 10))) % count
                one, two = found[i].init, found[other].init
                found[i], found[other] = replace(found[i], init=two), replace(found[other], init=one)
            seen.add(found[i])
    return found


def _column(levels: Sequence[Any], count: int, rng: np.random.Generator) -> list[Any]:
    """Every level once, shuffled; then again, until there are `count`."""
    order = [i for _ in range(-(-count // len(levels))) for i in rng.permutation(len(levels)).tolist()]
    return [levels[i] for i in order[:count]]


def make_task(setting: Configuration, seed: int) -> tasks.Task:
    """The task of one seed."""
    maker, options = TASKS[setting.data]
    grows = setting.data in GROWING
    own = setting.dimension if grows and not setting.noise else 2
    further: dict[str, int] = {"dimension": own} if grows else {}
    return maker(n=INPUTS_OF_A_TASK, seed=seed, noise_dimensions=setting.dimension - own, **options, **further)


def train_one(setting: Configuration, seed: int) -> tuple[MLP, tasks.Task, History]:
    """Train one net; data, weights and the order of batches follow from `seed`. A diverged run's History is short."""
    task = make_task(setting, seed)
    net = MLP(
        [setting.dimension, setting.width, 2], setting.activation, init=setting.init, bias=setting.bias, seed=seed)
    make, rates = OPTIMIZERS[setting.optimizer]
    try:
        history = train(
            net, task, make(rates[RATES.index(setting.rate)]), EPOCHS[-1], batch_size=BATCH, record_every=EPOCHS[1],
            seed=seed, record={"theta": lambda net, task: net.theta.copy()})
    except TrainingDivergedError as error:
        history = error.history
    return net, task, history


def run(setting: Configuration, seed: int) -> ClassifierReadings:
    """Train and read all seeds of a configuration."""
    shape = (len(setting.seeds), len(EPOCHS))
    activations = np.full((*shape, INPUTS_OF_A_TASK, setting.width), np.nan)
    accuracies = {part: np.full(shape, np.nan) for part in ("train", "test")}
    for i, one in enumerate(setting.seeds):
        net, task, history = train_one(setting, one)
        X = np.concatenate([task.X_train, task.X_test])
        for j, epoch in enumerate(EPOCHS):
            for row in np.flatnonzero(history.epoch == epoch):
                net.theta = history.theta[row]
                activations[i, j] = net.hidden(X)
                for part, values in accuracies.items():
                    values[i, j] = history[f"{part}_accuracy"][row]
    p = _spectra(activations, len(task.X_train))
    return ClassifierReadings(
        setting, np.array(setting.seeds), np.asarray(entropy_of_spectrum(p)), np.asarray(purity_of_spectrum(p)),
        accuracies["train"], accuracies["test"])


def _spectra(activations: FloatArray, n_train: int) -> FloatArray:
    """Spectra (seeds, epochs, conventions, parts, d) of activations (seeds, epochs, inputs, d), NaN for no state."""
    *shape, n, d = activations.shape
    stack = activations.reshape(-1, n, d)
    parts = {"train": stack[:, :n_train], "test": stack[:, n_train:], "all": stack}
    p = np.full((len(stack), len(CONVENTIONS), len(PARTS), d), np.nan)
    reached = np.isfinite(stack).all(axis=(1, 2))
    for (i, convention), (j, part) in product(enumerate(CONVENTIONS), enumerate(PARTS)):
        A = parts[part][reached]
        try:
            p[reached, i, j] = activation_spectrum(A, convention)
        except ValueError:                               # one at least has no state: each by itself
            p[reached, i, j] = [spectrum_or_nan(one, convention) for one in A]
    return p.reshape(*shape, *p.shape[1:])
