"""Experiment 2, a map: where g(S) has its peak, and which accuracy the networks there have, for 72 priors.

The study's S 1.42 and accuracy 62 % belong to some prior of the weights which it does not name. Here are three
families (box, normal, unit sphere times a scale), four scales and three activations on two data sets, one with two
inputs, one with ten: a map, with nothing tuned. Under each prior

    direct      20,000 networks are drawn at random: the share of dead layers and of the atom S = 0, the peak of
                the histogram, accuracies of the networks in its highest bin;
    walked      eight Wang-Landau walkers, whose ln g must agree with the direct one wherever that has
                400 counts: within 3 standard errors of both together.

Errors of direct values come from eight batches, as those of the walkers from eight walkers. For ReLU the four scales
are one ensemble: S does not change when all weights and biases grow alike. They stand in the map to show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import beta

from minigrok import plots
from minigrok.checks import BoolArray, FloatArray
from minigrok.dos import WALKERS_FOR_AN_INTERVAL, combine
from minigrok.landscape_plots import peak
from minigrok.runs.jobs import Job
from minigrok.study import classifier
from minigrok.study.claims import RULES
from minigrok.study.evidence import Reading, read, read_figures
from minigrok.systems import NetworkLandscape
from minigrok.wanglandau import WangLandau, doubts_about

EXPERIMENT = "prior map"
FAMILIES, SCALES, ACTIVATIONS = ("box", "gauss", "sphere"), (0.5, 1.0, 2.0, 4.0), ("relu", "tanh", "sigmoid")
TASKS = (0, 3)                 # index into classifier.SETTINGS
INPUTS = 200                   # of the task's training inputs
BATCHES = WALKERS_FOR_AN_INTERVAL
DRAWS = 2500                   # random networks a batch
BINS = 24
LOOKS = 25                     # networks of the highest bin whose accuracies are taken, in each batch
COUNTS_WANTED = 400            # from which on direct sampling is a judge
STUDY_S, STUDY_ACCURACY = (RULES[name].figures[0].value for name in ("C4a", "C4b"))      # its point in the map
NEAR_S, NEAR_ACCURACY = 0.05, 0.02     # of that point: what the map marks
ACCURACIES = ("mean_accuracy", "folded_accuracy", "readout_accuracy")


@dataclass(frozen=True)
class PriorSetting:
    """One prior."""

    classifier_task: int
    family: str
    scale: float
    activation: str
    steps: int                 # of each walker; 0 for direct sampling alone
    seed: int

    @property
    def name(self) -> str:
        """Such as "moons, 2 inputs: relu, box 1"."""
        return f"{self.data}: {self.activation}, {self.family} {self.scale:g}"

    @property
    def data(self) -> str:
        """Such as "moons, 2 inputs"."""
        return classifier.SETTINGS[self.classifier_task].name

    @property
    def trained(self) -> str:
        """The nets that are trained on the same data with the same activation, by the name of their setting."""
        return self.data if self.activation == "relu" else f"{self.data}, {self.activation}"

    @property
    def axes(self) -> dict[str, str]:
        """The level of each axis."""
        return {"data": self.data, "activation": self.activation, "prior": self.family, "scale": f"{self.scale:g}"}

    @property
    def ensemble(self) -> str:
        """What was drawn: for ReLU all scales are one ensemble."""
        return self.name.rpartition(" ")[0] if self.activation == "relu" else self.name


class Value(NamedTuple):
    """A mean and its standard error over batches or walkers."""

    mean: float
    error: float
    each: tuple[float, ...]


class Share(NamedTuple):
    """A share of random networks and the ends of its 95 % interval (Clopper and Pearson)."""

    mean: float
    low: float
    high: float


class PriorResult(NamedTuple):
    """What was found under one prior."""

    setting: PriorSetting
    dead: Share                # of layers without a state
    atom: Share                # of S = 0 exactly
    peak: Value                # S
    accuracies: Mapping[str, Value]        # of the networks at the peak
    walked_peak: Value | None
    judged: int                # bins with 400 direct counts
    agreeing: int              # of them, those in which walk and direct sampling agree within 3 standard errors
    doubts: tuple[str, ...]    # of the walk


def run(setting: PriorSetting, number: int) -> PriorResult:
    """Direct sampling, and a walk unless it has no steps."""
    task = classifier.SETTINGS[setting.classifier_task].make_task(n=2 * INPUTS, seed=setting.seed)
    system = NetworkLandscape(
        task, classifier.HIDDEN, setting.activation, prior=setting.family, scale=setting.scale)
    S = np.stack([system.direct_sample(DRAWS, seed=1000 * setting.seed + batch) for batch in range(BATCHES)])
    edges = np.linspace(np.nanmin(S[S > 0]), np.nanmax(S), BINS + 1)
    counts = np.stack([np.histogram(batch[batch > 0], edges)[0] for batch in S])         # NaN is not above 0
    with np.errstate(divide="ignore"):
        peaks = [peak(edges, np.log(batch)) for batch in counts]
    result = PriorResult(
        setting, share_of(np.isnan(S)), share_of(S == 0), _value(peaks),
        _accuracies(system, edges, int(np.argmax(counts.sum(axis=0))), setting.seed), None, 0, 0, ())
    if not setting.steps:
        return result
    sampler = WangLandau(NetworkLandscape(
        task.X_train, classifier.HIDDEN, setting.activation, prior=setting.family, scale=setting.scale), edges,
        walkers=BATCHES, seed=setting.seed)
    walkers = [sampler.run_walker(walker, setting.steps) for walker in range(BATCHES)]
    states = combine(edges, walkers)
    judged, agreeing = agreement(states.log_g, states.error, counts.sum(axis=0))
    return result._replace(
        walked_peak=_value([peak(edges, log_g) for log_g in states.walkers_log_g]), judged=judged, agreeing=agreeing,
        doubts=tuple(doubts_about(states)))


def share_of(found: BoolArray) -> Share:
    """How many of all are True, with the exact interval of a binomial share."""
    k, n = int(found.sum()), found.size
    return Share(k / n, float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0,
                 float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0)


def agreement(log_g: FloatArray, error: FloatArray, counts: FloatArray) -> tuple[int, int]:
    """(bins with 400 direct counts or more, those of them that agree with ln g within 3 standard errors of both).

    Of n networks n_i in bin i, ln(n_i / n) has the variance (1 - n_i / n) / n_i.
    """
    many = counts >= COUNTS_WANTED
    share = counts[many] / counts.sum()
    spread = np.sqrt(error[many] ** 2 + (1 - share) / counts[many])
    return int(many.sum()), int((abs(log_g[many] - np.log(share)) <= 3 * spread).sum())


def _accuracies(system: NetworkLandscape, edges: FloatArray, highest: int, seed: int) -> dict[str, Value]:
    """Accuracies of random networks in the highest bin."""
    batches = []
    for batch in range(BATCHES):
        rng = np.random.default_rng([seed, batch])
        seen: list[dict[str, float]] = []
        while len(seen) < LOOKS:
            state = system.start(rng)
            if edges[highest] <= system.energy(state) < edges[highest + 1]:
                seen.append(system.observe(state, rng))
        batches.append({name: float(np.mean([look[name] for look in seen])) for name in ACCURACIES})
    return {name: _value([batch[name] for batch in batches]) for name in ACCURACIES}


def _value(values: Sequence[float] | FloatArray) -> Value:
    each = tuple(float(value) for value in values)
    return Value(float(np.mean(each)), float(np.std(each, ddof=1) / np.sqrt(len(each))), each)


def plan(seed: int, steps: int) -> list[Job]:
    """One job a prior."""
    settings = [PriorSetting(task, family, scale, activation, steps, seed)
                for task in TASKS for activation in ACTIVATIONS for family in FAMILIES for scale in SCALES]
    return [Job(EXPERIMENT, setting.name, seed, run, setting) for setting in settings]


Results = Sequence[PriorResult]


def results(runs: Mapping[str, Results]) -> Results:
    """The result of each prior, from one list a prior."""
    return [result for found in runs.values() for result in found]


def peak_readings(results: Results) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
    """C4a, direction and value: S at the peak, one value a batch of random networks."""
    return (
        tuple(read(r.setting.axes, r.peak.each, is_high, r.setting.ensemble) for r in results),
        tuple(read_figures(r.setting.axes, [r.peak.each], RULES["C4a"].figures, r.setting.ensemble) for r in results))


def accuracy_readings(results: Results) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
    """C4b, direction and value: accuracy of the networks at the peak, by three definitions of it."""
    direction, value = [], []
    for r in results:
        for key in ACCURACIES:
            axes = r.setting.axes | {"accuracy": key.replace("_", " ")}
            each = r.accuracies[key].each
            direction.append(read(axes, each, lambda accuracy: 0.55 <= accuracy <= 0.9, r.setting.ensemble))
            value.append(read_figures(axes, [each], RULES["C4b"].figures, r.setting.ensemble))
    return tuple(direction), tuple(value)


def nearest(results: Results) -> str:
    """The priors that come near both of the study's figures."""
    both = [f"{r.setting.name} ({key.replace('_', ' ')})" for r in results for key in ACCURACIES
            if is_near_S(r.peak.mean) and is_near_accuracy(r.accuracies[key].mean)]
    pairs = len(results) * len(ACCURACIES)
    return (f"of {pairs} pairs of a prior and an accuracy {len(both)} come within {NEAR_S} nats of S = {STUDY_S} and "
            f"{NEAR_ACCURACY} of {100 * STUDY_ACCURACY:g} % at once"
            + (f", found by searching: {'; '.join(both)}" if both else ""))


def is_high(entropy: float) -> bool:
    """Whether an entropy lies above half of its largest value."""
    return bool(entropy > np.log(classifier.HIDDEN) / 2)


def is_near_S(S: float) -> bool:
    """Whether a peak is the study's."""
    return abs(S - STUDY_S) <= NEAR_S


def is_near_accuracy(accuracy: float) -> bool:
    """Whether an accuracy is the study's."""
    return abs(accuracy - STUDY_ACCURACY) <= NEAR_ACCURACY


def table(results: Results) -> str:
    """CSV, one row a prior."""
    lines = ["task,activation,family,scale,peak_S,error,walked_peak_S,walked_error,dead,low,high,atom,low,high,"
             + ",".join(f"{name},error" for name in ACCURACIES) + ",bins_judged,bins_agreeing,doubts"]
    for r in results:
        walked = ("", "") if r.walked_peak is None else r.walked_peak[:2]
        values = [r.peak[:2], walked, r.dead, r.atom, *(r.accuracies[name][:2] for name in ACCURACIES)]
        numbers = ",".join(f"{number:.4g}" if number != "" else "" for value in values for number in value)
        setting = r.setting
        task = classifier.SETTINGS[setting.classifier_task].name.replace(",", "")
        lines.append(f"{task},{setting.activation},{setting.family},{setting.scale:g},{numbers},{r.judged},{r.agreeing},"
                     f"{'; '.join(r.doubts).replace(',', '')}")
    return "\n".join(lines) + "\n"


def sketch(results: Results) -> tuple[str, str, Figure]:
    """S at the peak against folded accuracy there, and S at the peak against the scale."""
    figure = plots.new_figure(10, 4.6)
    left, right = figure.subplots(1, 2)
    for i, (task, activation) in enumerate((task, name) for task in TASKS for name in ACTIVATIONS):
        filled = task == TASKS[0]
        label = f"{activation}, {classifier.SETTINGS[task].name}"
        for family, marker in zip(FAMILIES, plots.MARKERS, strict=False):
            found = [r for r in results if (task, activation, family) == (
                r.setting.classifier_task, r.setting.activation, r.setting.family)]
            if not found:
                continue
            S, errors = [r.peak.mean for r in found], [r.peak.error for r in found]
            folded = [r.accuracies["folded_accuracy"] for r in found]
            style = {"color": plots.COLOURS[i % 3], "marker": marker, "markersize": 5,
                     "linewidth": 0.9, "markerfacecolor": plots.COLOURS[i % 3] if filled else "white"}
            left.errorbar([value.mean for value in folded], S, yerr=errors, xerr=[value.error for value in folded],
                          linestyle="", label=label if family == "box" else None, **style)
            right.errorbar([r.setting.scale for r in found], S, yerr=errors,
                           linestyle=plots.STYLES[FAMILIES.index(family)], **style)
    left.errorbar([STUDY_ACCURACY], [STUDY_S], xerr=NEAR_ACCURACY, yerr=NEAR_S, color="black", marker="*",
                  markersize=12, label="the study")
    right.axhline(STUDY_S, color="black", linewidth=1)
    left.set(xlabel="mean of max(accuracy, 1 - accuracy) at the peak", ylabel="S at the peak (nats)")
    right.set(xscale="log", xticks=SCALES, xticklabels=[f"{scale:g}" for scale in SCALES], xlabel="scale of the prior",
              title="circles: box, squares: normal, triangles: sphere")
    right.minorticks_off()
    left.legend(fontsize=7)
    near = sum(is_near_S(r.peak.mean) for r in results)
    judged, agreeing = sum(r.judged for r in results), sum(r.agreeing for r in results)
    caption = (f"Where g(S) peaks under {len(results)} priors, and how accurate random networks are there; "
               f"{near} peaks lie within {NEAR_S} nats of {STUDY_S}.")
    walked = f" Walks agree with direct sampling in {agreeing} of {judged} bins with {COUNTS_WANTED} counts."
    return "landscape-priors", caption + (walked if judged else ""), figure
