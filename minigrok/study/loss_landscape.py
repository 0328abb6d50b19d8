"""Experiment 2, second half: the density of states over the training loss, and what it says of two rival claims.

g(ln L) is the share of networks, weights and biases uniform in a box, whose training loss is L; both layers walk.
R5 asks whether it depends on the structure of the data: the same net on moons, circles, xor, and on moons with
shuffled labels; what is compared is the mass of networks that know more than nothing, L < ln 2. R4 asks for a
barrier between memorising and generalising networks: among networks of low training loss, how does ln g run over
the *test* accuracy? The barrier that we measure is, for networks with L < 0.1,

    B = max over test accuracies of ln g  -  least ln g on the way from there up to a test accuracy of 0.9,

0 where the most frequent networks generalise already. Where no network of a column was seen, B is a lower bound.

The density of states per unit of loss is g(ln L) / L, so that the microcanonical temperature T has
1 / T = d ln (g / L) / dL = (d ln g / d ln L - 1) / L.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from scipy.special import logsumexp
from scipy.stats import t as student_t

from minigrok import plots, tasks
from minigrok.checks import FloatArray
from minigrok.dos import DensityOfStates, WalkerResult, combine
from minigrok.runs.jobs import Job
from minigrok.study.claims import Claim, Judgement
from minigrok.study.evidence import Reading, read
from minigrok.systems import NetworkLandscape
from minigrok.wanglandau import WangLandau, doubts_about

EXPERIMENT = "loss landscape"
LOW_LOSS = 0.1                 # networks below it have learnt their training inputs
GENERALISED = 0.9              # test accuracy
BARRIER = 1.0                  # nats: what counts as one
CHANCE = float(np.log(2))      # the loss of a net that knows nothing of two classes
BINS = 40
WITHOUT_GENERALISATION = ("circles", "moons, shuffled labels")      # their walks do not go down to such losses
COLUMNS = np.linspace(-0.05, 1.05, 12)                   # of the test accuracy: 0, 0.1, ... 1 in their middles


@dataclass(frozen=True)
class LossSetting:
    """One task, and the losses between which walkers make round trips."""

    name: str
    make_task: Callable[..., tasks.AnyTask]
    lowest: float
    highest: float = 20.0      # a box of 4 has some networks above it, which learn nothing either
    scale: float = 4.0         # of the box
    activation: str = "relu"
    bias: bool = True
    steps: int = 0
    seed: int = 0


def shuffled_moons(seed: int) -> tasks.AnyTask:
    """Moons whose training labels have lost all relation to the inputs."""
    return tasks.shuffle_labels(tasks.moons(n=400, seed=seed), seed=seed)


SETTINGS = (
    LossSetting("moons", partial(tasks.moons, n=400), 0.005),
    LossSetting("circles", partial(tasks.circles, n=400), 0.2),
    LossSetting("xor", partial(tasks.xor, n=400), 0.005),
    LossSetting("moons, shuffled labels", shuffled_moons, 0.6),
    LossSetting("moons, 24 training inputs", partial(tasks.moons, n=1000, test_fraction=0.976), 0.01),
    LossSetting("addition mod 5, quadratic", partial(tasks.modular, 5, train_fraction=0.6), 0.02, scale=3.0,
                activation="quadratic", bias=False),
)


def edges_of(name: str) -> FloatArray:
    """Limits of the bins of the training loss, equal in ln L."""
    setting = next(setting for setting in SETTINGS if setting.name == name)
    return np.geomspace(setting.lowest, setting.highest, BINS + 1)


def sampler(setting: LossSetting) -> WangLandau:
    """The sampler of one setting."""
    landscape = NetworkLandscape(
        setting.make_task(seed=setting.seed), activation=setting.activation, bias=setting.bias, scale=setting.scale,
        coordinate="loss")
    return WangLandau(landscape, edges_of(setting.name), seed=setting.seed, joint={"test_accuracy": COLUMNS})


def run(setting: LossSetting, number: int) -> WalkerResult:
    """One walker."""
    return sampler(setting).run_walker(number, setting.steps)


def plan(seed: int, walkers: int, steps: int) -> list[Job]:
    """The jobs: every walker of every setting."""
    settings = [replace(setting, steps=steps, seed=seed) for setting in SETTINGS]
    return [Job(EXPERIMENT, setting.name, number, run, setting) for setting in settings for number in range(walkers)]


Runs = Mapping[str, Sequence[WalkerResult]]              # by setting, one a walker


def density_of_states(name: str, walkers: Sequence[WalkerResult]) -> DensityOfStates:
    """The walkers of one setting on one constant."""
    return combine(edges_of(name), walkers, {"test_accuracy": COLUMNS})


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """R4 and R5."""
    states = {name: density_of_states(name, walkers) for name, walkers in runs.items()}
    barriers = tuple(
        read({"task": name}, [barrier(states[name].edges, walker) for walker in walkers],
             lambda nats: nats <= BARRIER, name)
        for name, walkers in runs.items() if name not in WITHOUT_GENERALISATION)
    return [
        Judgement(claims["R4"], barriers, note=(
            "the rival's networks are one-layer transformers on addition mod 67; where no network of a column was seen "
            f"the barrier is a lower bound. {temperature_note(states)}. {_convergence(states)}")),
        Judgement(claims["R5"], tuple(_difference(runs, name) for name in list(runs)[1:4]), note=_rarity(states)),
    ]


def barrier(edges: FloatArray, walker: WalkerResult) -> float | None:
    """B of the module's docstring, in nats, from one walker; None if it never looked at a loss below 0.1."""
    column = column_log_g(edges, walker, at_least_one_look=True)
    if column is None:
        return None
    most, goal = int(np.argmax(column)), int(np.searchsorted(COLUMNS[1:], GENERALISED))
    return 0.0 if most >= goal else float(column[most] - column[most : goal + 1].min())


def column_log_g(edges: FloatArray, walker: WalkerResult, at_least_one_look: bool = False) -> FloatArray | None:
    """ln g over the columns of test accuracy, of networks with a loss below 0.1; None if it never looked at one.

    Where no network was seen it is -inf, or what one look in each bin would have given: an upper bound or nearly so.
    """
    counts = walker.counts["test_accuracy"]
    looked = (counts.sum(axis=1) > 0) & (edges[1:] <= LOW_LOSS)
    if not looked.any():
        return None
    log_g = walker.log_g[looked] - np.log(counts[looked].sum(axis=1))
    column: FloatArray = logsumexp(log_g[:, None], b=np.maximum(counts[looked], int(at_least_one_look)), axis=0)
    return column


def log_mass_below(edges: FloatArray, walker: WalkerResult, loss: float) -> float:
    """ln of the mass of networks with a smaller loss, of all in the range; a bin that holds it counts by its share."""
    log_g = np.where(walker.seen, walker.log_g, -np.inf)
    share = np.clip((loss - edges[:-1]) / np.diff(edges), 0.0, 1.0)
    known = share[walker.seen].any()
    return float(logsumexp(log_g, b=share) - logsumexp(log_g)) if known else -np.inf


def temperature_note(states: Mapping[str, DensityOfStates]) -> str:
    """Where the inverse temperature 1 / T rises with the loss, as it does in a first-order transition.

    1 / T = (d ln g / d ln L - 1) / L by each walker; a rise counts if it is larger than its standard error times the
    quantile of Student's t by which one false alarm among all bins of all tasks has a probability of 1 %.
    """
    rising = []
    for name, found in states.items():
        seen = np.isfinite(found.walkers_log_g).all(axis=0)
        L = np.sqrt(found.edges[1:] * found.edges[:-1])[seen]
        slope = np.diff(found.walkers_log_g[:, seen], axis=1) / np.diff(np.log(L))
        rise = np.diff((slope - 1.0) / np.sqrt(L[1:] * L[:-1]), axis=1)
        error = rise.std(axis=0, ddof=1) / np.sqrt(len(rise))
        if (rise.mean(axis=0) > error * student_t.ppf(1 - 0.01 / (BINS * len(states)), len(rise) - 1)).any():
            rising.append(name)
    return f"1 / T rises with the loss somewhere on {', '.join(rising) or 'none'} of {len(states)} tasks"


def _difference(runs: Runs, name: str) -> Reading:
    """ln of the mass of networks better than chance, the first setting's less this one's, walker by walker."""
    first = next(iter(runs))
    one, other = (np.array([log_mass_below(edges_of(key), walker, CHANCE) for walker in runs[key]])
                  for key in (first, name))
    known = np.isfinite(one) & np.isfinite(other)        # else a walker found none
    spread = np.hypot(one[known].std(), other[known].std())
    values = [float(a - b) if ok else None for a, b, ok in zip(one, other, known, strict=True)]
    return read({"against": name}, values, lambda nats: abs(nats) > 3 * spread, name)


def _rarity(states: Mapping[str, DensityOfStates]) -> str:
    parts = []
    for name, found in states.items():
        lowest = int(np.flatnonzero(found.visited)[0])
        parts.append(f"{name}: a loss below {found.edges[lowest + 1]:.2g} has one network in "
                     f"e^{-found.log_g[lowest]:.1f} (error {found.error[lowest]:.1f})")
    return "; ".join(parts)


def _convergence(states: Mapping[str, DensityOfStates]) -> str:
    doubtful = [f"{name}: {', '.join(doubts)}" for name, found in states.items() if (doubts := doubts_about(found))]
    return f"Not converged: {'; '.join(doubtful)}" if doubtful else "All walks converged"


def sketch(runs: Runs) -> tuple[str, str, Figure]:
    """ln g over the loss and its slope for all settings; over the test accuracy for those that learn."""
    figure = plots.new_figure(11, 4.2)
    left, middle, right = figure.subplots(1, 3)
    lowest = []
    for i, (name, walkers) in enumerate(runs.items()):
        states = density_of_states(name, walkers)
        seen, style = states.visited, {"color": plots.COLOURS[i], "linestyle": plots.STYLES[i]}
        L = np.sqrt(states.edges[1:] * states.edges[:-1])
        left.plot(L[seen], states.log_g[seen], label=name, **style)
        known = seen & np.isfinite(states.error)
        low, high = states.log_g - states.error, states.log_g + states.error
        left.fill_between(L[known], low[known], high[known], color=plots.COLOURS[i], alpha=0.3)
        slope = np.diff(states.log_g[seen]) / np.diff(np.log(L[seen]))
        middle.plot(np.sqrt(L[seen][1:] * L[seen][:-1]), slope - 1.0, **style)
        columns = [column for walker in walkers if (column := column_log_g(states.edges, walker)) is not None]
        if columns and name not in WITHOUT_GENERALISATION:
            mean = logsumexp(columns, axis=0)
            mean[np.isneginf(mean)] = np.nan             # no line where none was seen
            accuracy = (COLUMNS[1:] + COLUMNS[:-1]) / 2
            right.plot(accuracy, mean - np.nanmax(mean), marker=plots.MARKERS[i], markersize=3, **style)
        lowest.append(f"{name} {states.log_g[seen][0]:.1f} at a loss of {L[seen][0]:.2g}")
    left.set(xscale="log", xlabel="training loss $L$", ylabel="$\\ln g(\\ln L)$, masses sum to 1")
    middle.set(xscale="log", xlabel="training loss $L$", ylabel="$L / T = d \\ln g / d \\ln L - 1$")
    middle.axhline(0, color="grey", linewidth=0.8)
    right.set(xlabel="test accuracy", ylabel="$\\ln g$ below its maximum", title=f"networks with $L < {LOW_LOSS}$")
    left.legend(fontsize=7)
    caption = (f"Density of states over the training loss, by task; ln g in the lowest bin: {'; '.join(lowest)}. "
               "On the right the test accuracies of networks that have learnt their training inputs.")
    return "landscape-loss", caption, figure
