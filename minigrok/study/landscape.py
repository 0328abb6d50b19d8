"""Experiment 2: the landscape of all 6-neuron networks, ln g(S) by Wang-Landau sampling.

g depends on the inputs, the activation and the prior of the weights, none of which the study names. Three
landscapes stand for them: the base (the classifier's first task, weights and biases uniform in [-1, 1]), the
same inputs with normal weights, and the task with ten inputs; `minigrok.study.prior_map` has 72. Walkers go
where 20,000 random networks go, and 0.03 nats beyond: farther out they would spend their time on the way and
make too few round trips for an error bar. Each walker is a job of its own; the values of a claim are one a walker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.special import logsumexp

from minigrok.checks import FloatArray
from minigrok.dos import DensityOfStates, WalkerResult, combine
from minigrok.landscape_plots import landscape_figure, peak
from minigrok.runs.jobs import Job
from minigrok.study import classifier, prior_map
from minigrok.study.claims import RULES, Claim, Judgement
from minigrok.study.evidence import read, read_figures
from minigrok.study.prior_map import INPUTS, PriorResult
from minigrok.systems import NetworkLandscape
from minigrok.wanglandau import WangLandau, doubts_about

BINS, DRAWS, BEYOND = 40, 20_000, 0.03
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


class Walked(NamedTuple):
    """One walker's result."""

    edges: FloatArray
    result: WalkerResult


def run(setting: LandscapeSetting, number: int) -> Walked:
    """One walker."""
    task_setting = classifier.SETTINGS[setting.classifier_task]
    task = task_setting.make_task(n=2 * INPUTS, seed=setting.data_seed)
    system = NetworkLandscape(task, classifier.HIDDEN, prior=setting.prior)
    S = system.direct_sample(DRAWS, setting.data_seed)
    lowest = max(1e-9, float(np.nanmin(S[S > 0])) - BEYOND)                         # the atom S = 0 is left out
    highest = min(float(np.log(classifier.HIDDEN)) + 1e-9, float(np.nanmax(S)) + BEYOND)
    edges = np.linspace(lowest, highest, BINS + 1)
    return Walked(edges, WangLandau(system, edges, seed=setting.data_seed).run_walker(number, setting.steps))


def plan(seed: int, walkers: int, steps: int) -> list[Job]:
    """The jobs of this experiment: every walker of every landscape."""
    settings = [LandscapeSetting(name, task, prior, steps, seed) for name, task, prior in SETTINGS]
    return [Job("landscape", setting.name, number, run, setting) for setting in settings for number in range(walkers)]


Runs = Mapping[str, Sequence[Walked]]                  # by landscape, one a walker


def density_of_states(walkers: Sequence[Walked]) -> DensityOfStates:
    """The walkers on one constant."""
    return combine(walkers[0].edges, [walker.result for walker in walkers])


def judge(
    claims: Mapping[str, Claim], runs: Runs, trained: Mapping[str, Sequence[classifier.ClassifierRun]],
    priors: Sequence[PriorResult]
) -> list[Judgement]:
    """C4 under every prior: where the peak lies, which accuracy it has, on which side of it SGD ends."""
    peaks, accuracies = prior_map.peak_readings(priors), prior_map.accuracy_readings(priors)
    below, by_figure, rare = [], [], []
    for prior in priors:
        name = prior.setting.trained
        changes = [run.history.entropy[-1] - prior.peak.mean for run in trained.get(name, ())]
        below.append(read(prior.setting.axes, changes, lambda change: change < 0, name))
        by_figure.append(read_figures(prior.setting.axes, [changes], RULES["C4c"].figures, name))
    for name, walkers in runs.items():
        states = density_of_states(walkers)
        middle = peak(states.edges, states.log_g)
        task = next(classifier.SETTINGS[index].name for known, index, _ in SETTINGS if known == name)
        ends = [run.history.entropy[-1] for run in trained.get(task, ())]
        if ends:
            rare.append(f"{name}: {rarity(states, middle, float(np.median(ends)))}")
    symmetry = "with random second layers the mean accuracy of two classes is 1/2 in every bin, by symmetry"
    return [
        Judgement(claims["C4a"], peaks[0], note=convergence_note(runs)),
        Judgement(claims["C4a"], peaks[1], "value", prior_map.nearest(priors)),
        Judgement(claims["C4b"], accuracies[0], note=f"{symmetry}; {walked_accuracies(runs)}"),
        Judgement(claims["C4b"], accuracies[1], "value", prior_map.nearest(priors)),
        Judgement(claims["C4c"], tuple(below), note="; ".join(rare)),
        Judgement(claims["C4c"], tuple(by_figure), "value"),
    ]


def walked_accuracies(runs: Runs) -> str:
    """The accuracies in the highest bin of each walked landscape."""
    parts = []
    for name, walkers in runs.items():
        for key, words in ACCURACIES.items():
            seen = [value for walker in walkers if (value := accuracy_at_peak(walker, key)) is not None]
            if seen:
                parts.append(f"{name}, {words}: {np.mean(seen):.3f}")
    return "walkers at the peak saw " + "; ".join(parts) if parts else "no walker looked at the peak"


def rarity(states: DensityOfStates, middle: float, S: float) -> str:
    """How many random networks lie farther from the peak than S, on its side; error from the spread over walkers."""
    side = "above" if middle < S else "below"
    if not states.edges[0] < S < states.edges[-1]:
        return f"the median trained S {S:.2f} lies {side} the peak, beyond all that was walked"
    share = np.clip((states.edges[1:] - S) / np.diff(states.edges), 0.0, 1.0)
    if side == "below":
        share = 1.0 - share
    mass = np.array([logsumexp(log_g, b=share) for log_g in states.walkers_log_g])
    error = mass.std(ddof=1) / np.sqrt(len(mass))
    return f"the median trained S {S:.2f} lies {side} the peak, and one random network in e^{-mass.mean():.2f} " \
           f"(error {error:.2f}) lies farther {side}"


def accuracy_at_peak(walker: Walked, name: str) -> float | None:
    """Mean of an accuracy over the walker's looks into the highest bin; None if it never looked there."""
    total, looks = walker.result.sums[name][:, int(np.argmax(_log_g(walker)))]
    return float(total / looks) if looks else None


def convergence_note(runs: Runs) -> str:
    """Round trips, R-hat and largest error of each landscape."""
    parts = []
    for name, walkers in runs.items():
        states = density_of_states(walkers)
        doubt = " (its error is not to be trusted)" if doubts_about(states) else ""
        parts.append(f"{name}: at least {states.round_trips.min()} round trips a walker, R-hat {states.r_hat:.2f}, "
                     f"error of ln g at most {states.largest_error:.2f}{doubt}")
    return "; ".join(parts)


def sketch(name: str, walkers: Sequence[Walked]) -> tuple[str, str, Figure]:
    """ln g(S) with its error, the accuracies of each bin, and whether production was flat."""
    states = density_of_states(walkers)
    figure = landscape_figure(states, "entropy", title=f"{name}: {len(walkers)} walkers of {states.steps:,} steps")
    caption = (
        f"{name}: ln g(S) peaks at S = {peak(states.edges, states.log_g):.2f} nats; its standard error is at most "
        f"{states.largest_error:.2f}. Below, accuracies of the networks in each bin, and the visits of production.")
    return f"landscape-{name.replace(',', '').replace(' ', '-')}", caption, figure


def _log_g(walker: Walked) -> FloatArray:
    return np.where(walker.result.seen, walker.result.log_g, -np.inf)
