"""Experiment 1: does SGD lower the entropy of a 6-neuron hidden layer, and raise its purity?

The study names neither the data set nor the input dimension, the learning rate or the initialisation.
So the same net is trained on four tasks, and its state is taken in three conventions. Each pair of
task and convention is one definition. The first task is the base: the plainest two-class problem in
the plane. The task with ten inputs is there since earlier runs found that the study's starting
values (S 1.42, P 0.29) belong to random layers with about that many inputs: found by searching.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from minigrok import tasks
from minigrok.checks import FloatArray
from minigrok.history import History, column_name
from minigrok.mlp import MLP
from minigrok.optimizers import SGD
from minigrok.study.claims import Claim, Evidence, Judgement, gather
from minigrok.study.jobs import Job
from minigrok.training import train

CONVENTIONS = ("trace", "rows", "centered")
HIDDEN = 6                     # as in the study


@dataclass(frozen=True)
class ClassifierSetting:
    """One two-class task, and how the 6-neuron net is trained on it."""

    name: str
    make_task: Callable[..., tasks.AnyTask]
    lr: float = 0.1
    batch_size: int = 32
    epochs: int = 300
    n: int = 1000              # inputs, train and test together


SETTINGS = (
    ClassifierSetting("moons, 2 inputs", partial(tasks.moons, noise=0.1)),
    ClassifierSetting("circles, 2 inputs", partial(tasks.circles, noise=0.1)),
    ClassifierSetting("xor, 2 inputs", partial(tasks.xor, noise=0.1)),
    ClassifierSetting("blobs, 10 inputs", partial(tasks.blobs, dimension=10)),
)


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
    return MLP([task.X_train.shape[1], HIDDEN, task.n_classes], seed=seed), task


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


Runs = Mapping[str, Sequence[ClassifierRun]]           # by task, one a seed


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """The claims about the classifier under every definition."""
    change = partial(_evidence, runs)
    return [
        Judgement(claims["C1"], change("entropy", _change, lambda value: value < 0)),
        Judgement(claims["C2"], change("purity", _change, lambda value: value > 0)),
        Judgement(claims["C3"], tuple(
            gather(name, [run.history.test_accuracy[-1] for run in runs[name]], lambda value: value >= 0.99)
            for name in runs)),
        Judgement(
            claims["C11"],
            change("participation_ratio", _last, _is_study_rank, "1/P")
            + change("effective_rank", _last, _is_study_rank, "exp S"),
            note="1/P of the study's own P = 0.37 is 2.7, exp S of its S = 1.19 is 3.3"),
    ]


def _change(values: FloatArray) -> float:
    return float(values[-1] - values[0])


def _last(values: FloatArray) -> float:
    return float(values[-1])


def _is_study_rank(value: float) -> bool:
    return 2.65 <= value <= 3.05


def _evidence(
    runs: Runs, quantity: str, reduce: Callable[[FloatArray], float], meets: Callable[[float], bool], label: str = ""
) -> tuple[Evidence, ...]:
    """One Evidence for each task and convention."""
    return tuple(
        gather(", ".join(filter(None, [name, convention, label])),
            [reduce(run.history[column_name(quantity, convention)]) for run in runs[name]], meets)
        for name in runs for convention in CONVENTIONS)
