"""Experiment 2: the landscape of all 6-neuron networks, ln g(S) by Wang-Landau sampling.

g depends on the inputs, the activation and the prior of the weights, none of which the study names. Three
landscapes stand for them: the base (the classifier's first task, weights and biases uniform in [-1, 1]), the
same inputs with normal weights, and the task with ten inputs. Each walker is a job of its own; the
values of a claim are one a walker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from minigrok import plots
from minigrok.checks import FloatArray
from minigrok.dos import DensityOfStates, WalkerResult, combine
from minigrok.study import classifier
from minigrok.study.claims import Claim, Evidence, Judgement, gather
from minigrok.study.jobs import Job
from minigrok.systems import NetworkLandscape
from minigrok.wanglandau import ROUND_TRIPS_WANTED, WangLandau

INPUTS = 200                   # of the task's training inputs
# Networks below S = 0.4 are so rare for ten inputs that walkers would spend their time finding them.
EDGES = np.linspace(0.4, np.log(classifier.HIDDEN) + 1e-9, 41)
ACCURACIES = {"mean_accuracy": "mean accuracy", "folded_accuracy": "mean of max(accuracy, 1 - accuracy)",
              "readout_accuracy": "best linear readout"}


@dataclass(frozen=True)
class LandscapeSetting:
    """One landscape: which inputs, which prior, how long."""

    name: str
    classifier_task: int       # index into classifier.SETTINGS
    prior: str
    steps: int
    data_seed: int


SETTINGS = (("moons, box prior", 0, "box"), ("moons, normal prior", 0, "gauss"), ("blobs in 10-D, box prior", 3, "box"))


def sampler(setting: LandscapeSetting) -> WangLandau:
    """The sampler of one landscape."""
    task_setting = classifier.SETTINGS[setting.classifier_task]
    task = task_setting.make_task(n=2 * INPUTS, seed=setting.data_seed)
    return WangLandau(NetworkLandscape(task, classifier.HIDDEN, prior=setting.prior), EDGES,
                      seed=setting.data_seed)


def run(setting: LandscapeSetting, number: int) -> WalkerResult:
    """One walker; its stream is a child of the data's seed, numbered."""
    return sampler(setting).run_walker(number, setting.steps)


def plan(seed: int, walkers: int, steps: int) -> list[Job]:
    """The jobs of this experiment: every walker of every landscape."""
    settings = [LandscapeSetting(name, task, prior, steps, seed) for name, task, prior in SETTINGS]
    return [Job("landscape", setting.name, number, run, setting) for setting in settings for number in range(walkers)]


Runs = Mapping[str, Sequence[WalkerResult]]            # by landscape, one a walker


def density_of_states(walkers: Sequence[WalkerResult]) -> DensityOfStates:
    """The walkers on one constant."""
    return combine(EDGES, walkers)


def peak(log_g: FloatArray) -> float:
    """S at the maximum of ln g: the vertex of the parabola through the highest bin and its neighbours."""
    i = int(np.argmax(log_g))
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    if not 0 < i < len(log_g) - 1 or not np.isfinite(log_g[i - 1 : i + 2]).all():
        return float(centres[i])
    left, middle, right = log_g[i - 1 : i + 2]
    return float(centres[i] + (EDGES[1] - EDGES[0]) * 0.5 * (left - right) / (left - 2 * middle + right))


def judge(claims: Mapping[str, Claim], runs: Runs, trained: classifier.Runs) -> list[Judgement]:
    """C4 under every landscape: where the peak lies, which accuracy it has, on which side of it SGD ends."""
    at_peak: list[Evidence] = []
    below: list[Evidence] = []
    for name, walkers in runs.items():
        at_peak.append(gather(name, [peak(_log_g(walker)) for walker in walkers], lambda S: abs(S - 1.42) <= 0.05))
        middle = peak(density_of_states(walkers).log_g)
        task = next(classifier.SETTINGS[index].name for known, index, _ in SETTINGS if known == name)
        ends = [run.history.entropy[-1] - middle for run in trained.get(task, ())]
        below.append(gather(f"{name}, trained on {task}", ends, lambda difference: difference < 0))
    return [
        Judgement(claims["C4a"], tuple(at_peak), convergence_note(runs)),
        Judgement(claims["C4b"], tuple(
            gather(f"{name}, {words}", [accuracy_at_peak(walker, key) for walker in walkers],
                   lambda accuracy: abs(accuracy - 0.62) <= 0.02)
            for name, walkers in runs.items() for key, words in ACCURACIES.items()),
            "with random second layers the mean accuracy of two classes is 1/2 in every bin, by symmetry"),
        Judgement(claims["C4c"], tuple(below)),
    ]


def accuracy_at_peak(walker: WalkerResult, name: str) -> float | None:
    """Mean of an accuracy over the walker's looks into the highest bin; None if it never looked there."""
    i = int(np.argmax(_log_g(walker)))
    total, looks = walker.sums[name][:, i]
    return float(total / looks) if looks else None


def convergence_note(runs: Runs) -> str:
    """Round trips and R-hat of each landscape."""
    parts = []
    for name, walkers in runs.items():
        states = density_of_states(walkers)
        doubt = " (too few to trust its error)" if states.round_trips.min() < ROUND_TRIPS_WANTED else ""
        parts.append(
            f"{name}: at least {states.round_trips.min()} round trips a walker{doubt}, R-hat {states.r_hat:.2f}")
    return "; ".join(parts)


def sketch(name: str, walkers: Sequence[WalkerResult]) -> tuple[str, str, Figure]:
    """ln g(S) with its error as a band, and the accuracies of each bin."""
    states = density_of_states(walkers)
    seen, S = states.visited, states.centres
    figure = plots.new_figure(7, 6.5)
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(S[seen], states.log_g[seen], color=plots.BLUE, marker="o", markersize=3, label="mean of the walkers")
    known = np.isfinite(states.error)
    low, high = states.log_g - states.error, states.log_g + states.error
    top.fill_between(S[known], low[known], high[known], color=plots.BLUE, alpha=0.3, label="standard error")
    where = peak(states.log_g)
    top.axvline(where, color="grey", linestyle="--", linewidth=1.2, label=f"peak, S = {where:.2f}")
    top.set(ylabel="$\\ln g(S)$, masses sum to 1", title=f"{name}: {len(walkers)} walkers of {states.steps:,} steps")
    top.legend(fontsize=8)
    for i, (key, words) in enumerate(ACCURACIES.items()):
        values = states.observables[key]
        here = np.isfinite(values)
        bottom.plot(S[here], values[here], color=plots.COLOURS[i], linestyle=plots.STYLES[i], marker=plots.MARKERS[i],
                    markersize=3, label=words)
    bottom.set(xlabel="von Neumann entropy $S$ (nats)", ylabel="accuracy", ylim=(0.4, 1.02))
    bottom.legend(fontsize=8)
    largest = f"at most {states.error[known].max():.2f}" if known.any() else "unknown: fewer than two walkers"
    caption = (
        f"{name}: ln g(S) peaks at S = {where:.2f} nats; its standard error is {largest}. "
        "Below, mean accuracies of the networks in each bin.")
    return f"landscape-{name.replace(',', '').replace(' ', '-')}", caption, figure


def _log_g(walker: WalkerResult) -> FloatArray:
    return np.where(walker.seen, walker.log_g, -np.inf)
