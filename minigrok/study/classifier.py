"""Experiment 1, the base runs: a 6-neuron hidden layer before and after SGD on two classes, whole histories kept.

The study names neither the data set nor the input dimension, the learning rate or the initialisation. These are the
plainest guesses at them, four tasks and three activations, whose S and P are kept at every tenth epoch: for pictures,
for controls (`minigrok.study.classifier_controls`), and to hold trained nets against random ones
(`minigrok.study.landscape`). The claims are judged on `minigrok.study.multiverse`, where everything left open varies.
The task with ten inputs is there since earlier runs found that the study's starting values (S 1.42, P 0.29) belong to
random layers with about that many inputs: found by searching.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from minigrok import tasks
from minigrok.checks import FloatArray
from minigrok.history import History
from minigrok.mlp import MLP
from minigrok.optimizers import SGD
from minigrok.runs.jobs import Job
from minigrok.training import train

CONVENTIONS = ("trace", "rows", "centered")
HIDDEN = 6                     # as in the study


@dataclass(frozen=True)
class ClassifierSetting:
    """One two-class task, and how the 6-neuron net is trained on it."""

    name: str
    make_task: Callable[..., tasks.AnyTask]
    activation: str = "relu"
    lr: float = 0.1
    batch_size: int = 32
    epochs: int = 300
    n: int = 1000              # inputs, train and test together


BASE = (
    ClassifierSetting("moons, 2 inputs", partial(tasks.moons, noise=0.1)),
    ClassifierSetting("circles, 2 inputs", partial(tasks.circles, noise=0.1)),
    ClassifierSetting("xor, 2 inputs", partial(tasks.xor, noise=0.1)),
    ClassifierSetting("blobs, 10 inputs", partial(tasks.blobs, dimension=10)),
)
SETTINGS = BASE + tuple(                       # those of the map of priors, with its other activations
    replace(BASE[task], name=f"{BASE[task].name}, {activation}", activation=activation)
    for task in (0, 3) for activation in ("tanh", "sigmoid"))


class ClassifierRun(NamedTuple):
    """What one run leaves behind."""

    setting: ClassifierSetting
    seed: int
    history: History
    theta_start: FloatArray
    theta_end: FloatArray


def build(setting: ClassifierSetting, seed: int) -> tuple[MLP, tasks.AnyTask]:
    """The untrained net and its task; data, weights and the order of batches all follow from `seed`."""
    task = setting.make_task(n=setting.n, seed=seed)
    return MLP([task.X_train.shape[1], HIDDEN, task.n_classes], setting.activation, seed=seed), task


def run(setting: ClassifierSetting, seed: int) -> ClassifierRun:
    """Train one net."""
    net, task = build(setting, seed)
    start = net.theta.copy()
    history = train(
        net, task, SGD(setting.lr), setting.epochs, batch_size=setting.batch_size, record_every=10, seed=seed,
        conventions=CONVENTIONS)
    return ClassifierRun(setting, seed, history, start, net.theta.copy())


def plan(seeds: Sequence[int]) -> list[Job]:
    """The jobs of this experiment."""
    return [Job("classifier", setting.name, seed, run, setting) for setting in SETTINGS for seed in seeds]
