"""Controls of experiment 1: does S fall *because* a net learns, and is its rank more than its S?

On each base task (`minigrok.study.classifier`), with the same nets and seeds:

    true labels        what the controls are held against
    shuffled labels    the training labels permuted: there is nothing to generalise to
    corrupted labels   a half of the training labels drawn at random (in experiment 3 some are permuted instead)
    frozen first layer only the output layer is trained: S *cannot* move, for it is a function of the first layer
    equal norms        nets that nobody trained: normal weights and biases, each array scaled to the norm of the same
                       array in the net with true labels. If the trained S lies among theirs, size alone explains it.
    S-matched          random states with the S of that net: spectra p, flat on the simplex, sharpened to p^b / sum p^b
                       with the b that gives the S. If the trained 1/P lies among theirs, it says what S says.

A net that nobody trained is each run at epoch 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq

from minigrok import plots
from minigrok.checks import FloatArray
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum
from minigrok.mlp import MLP
from minigrok.optimizers import SGD
from minigrok.recording import spectrum_or_nan
from minigrok.runs.jobs import Job
from minigrok.study import classifier
from minigrok.study.frozen import FrozenFirst
from minigrok.tasks import Task
from minigrok.training import train

EXPERIMENT = "classifier controls"
TRUE, SHUFFLED, CORRUPTED, FROZEN = "true labels", "shuffled labels", "corrupted labels", "frozen first layer"
ROLES = (TRUE, SHUFFLED, CORRUPTED, FROZEN)
OTHERS = 199                   # random nets, and random states, for each trained net: with it 200
CORRUPTED_SHARE = 0.5          # of the labels, drawn anew: half of those are right again
LOG_POWERS = (-10.0, 25.0)     # ln b, between which the sharpening is sought: two levels may be nearly equal


@dataclass(frozen=True)
class ControlSetting:
    """One control on one of the base tasks."""

    task: int                  # index into classifier.BASE
    role: str

    @property
    def name(self) -> str:
        """Such as "moons, 2 inputs: shuffled labels"."""
        return f"{classifier.BASE[self.task].name}: {self.role}"


class ControlRun(NamedTuple):
    """One run before and after training, and, with true labels, what random nets and states have instead."""

    setting: ControlSetting
    seed: int
    entropy: FloatArray        # (2,) S before and after
    purity: FloatArray         # (2,)
    test_accuracy: FloatArray  # (2,) on true labels
    equal_norm_entropy: FloatArray       # (OTHERS,) of nets of the same norms; of no length in other roles
    matched_rank: FloatArray   # (OTHERS,) 1/P of random states with the trained S


def plan(seeds: Sequence[int]) -> list[Job]:
    """One job for each base task, control and seed."""
    settings = [ControlSetting(task, role) for task in range(len(classifier.BASE)) for role in ROLES]
    return [Job(EXPERIMENT, setting.name, seed, run, setting) for setting in settings for seed in seeds]


def run(setting: ControlSetting, seed: int) -> ControlRun:
    """Train one net on the labels of its role."""
    base = classifier.BASE[setting.task]
    net, true_task = classifier.build(base, seed)
    task = relabelled(true_task, setting.role, np.random.default_rng([seed, 1]))
    first = net.layers[0].W.size + net.layers[0].W.shape[1]
    optimizer = FrozenFirst(SGD(base.lr), first) if setting.role == FROZEN else SGD(base.lr)
    history = train(net, task, optimizer, base.epochs, batch_size=base.batch_size, record_every=base.epochs, seed=seed)
    norms = states = np.empty(0)
    if setting.role == TRUE:
        rng = np.random.default_rng([seed, 2])
        norms = np.array([_entropy(random_like(net, rng), true_task) for _ in range(OTHERS)])
        spectra = matched_spectra(float(history.entropy[-1]), classifier.HIDDEN, OTHERS, rng)
        states = 1 / np.asarray(purity_of_spectrum(spectra))
    return ControlRun(setting, seed, history.entropy, history.purity, history.test_accuracy, norms, states)


def relabelled(task: Any, role: str, rng: np.random.Generator) -> Task:
    """The task with training labels as the role wants them; the test labels stay true."""
    y = task.y_train
    if role == SHUFFLED:
        y = rng.permutation(y)
    if role == CORRUPTED:
        y = np.where(rng.random(len(y)) < CORRUPTED_SHARE, rng.integers(0, task.n_classes, len(y)), y)
    changed: Task = replace(task, y_train=y, description=task.description | {"labels": role})
    return changed


def random_like(net: MLP, rng: np.random.Generator) -> MLP:
    """A net of the same shape, with normal weights and biases, each array as long (in Frobenius norm) as in `net`."""
    other = MLP(net.sizes, net.activation, bias=net.bias, seed=0)
    for mine, trained in zip(other.layers, net.layers, strict=True):
        for array, like in zip(mine, trained, strict=True):
            if array is not None and like is not None:
                array[:] = rng.normal(size=array.shape)
                array *= np.linalg.norm(like) / np.linalg.norm(array)
    return other


def matched_spectra(S: float, d: int, count: int, rng: np.random.Generator) -> FloatArray:
    """Random spectra (count, d) of entropy S: p flat on the simplex, then p^b / sum p^b with the b that gives S.

    The entropy of p^b / sum p^b falls from ln d at b = 0 to 0 (the derivative by b is -b times a variance), so there is
    one b, and p and p^c lead to the same spectrum. NaN for an S that no b gives, as that of a dead layer.

    Examples
    --------
    >>> p = matched_spectra(1.2, 6, 3, np.random.default_rng(0))
    >>> entropy_of_spectrum(p).round(6)
    array([1.2, 1.2, 1.2])
    """
    def sharpened(p: FloatArray, log_power: float) -> FloatArray:
        q = (p / p.max()) ** np.exp(log_power)
        normalised: FloatArray = q / q.sum()
        return normalised

    found = np.full((count, d), np.nan)
    for row, p in zip(found, rng.dirichlet(np.ones(d), count), strict=True):
        def excess(log_power: float, p: FloatArray = p) -> float:
            return float(entropy_of_spectrum(sharpened(p, log_power)) - S)

        if excess(LOG_POWERS[0]) > 0 > excess(LOG_POWERS[1]):
            row[:] = sharpened(p, brentq(excess, *LOG_POWERS))
    return found


def _entropy(net: MLP, task: Any) -> float:
    return float(entropy_of_spectrum(spectrum_or_nan(net.hidden(task.X_train), "trace")))


Runs = Mapping[str, Sequence[ControlRun]]              # by name of the setting, one a seed


def _of_role(runs: Runs, role: str) -> list[ControlRun]:
    return [one for results in runs.values() for one in results if one.setting.role == role]


def place(value: float, others: FloatArray) -> float:
    """The share of `others` below a value, ties counted half; NaN, of dead layers, left out.

    >>> place(1.0, np.array([0.0, 1.0, 2.0, np.nan]))
    0.5
    """
    known = others[np.isfinite(others)]
    return float(((known < value).mean() + (known <= value).mean()) / 2)


def notes(runs: Runs) -> dict[str, str]:
    """By claim, what the controls say of it, in one sentence; empty without runs."""
    true = _of_role(runs, TRUE)
    if not true:
        return {}
    shares = {}
    for claim, quantity, sign in (("C1", "entropy", -1), ("C2", "purity", 1)):
        changes = {role: sign * np.array([np.diff(getattr(one, quantity))[0] for one in _of_role(runs, role)])
                   for role in ROLES}
        shares[claim] = ", ".join(f"{(changes[role] > 0).mean():.0%} with {role}" for role in ROLES[:3])
    outside = np.mean([not 0.025 <= place(one.entropy[1], one.equal_norm_entropy) <= 0.975 for one in true])
    below = np.mean([place(one.entropy[1], one.equal_norm_entropy) < 0.5 for one in true])
    places = np.array([place(1 / one.purity[1], one.matched_rank) for one in true])
    frozen = ("with a frozen first layer S and P cannot move, and test accuracy ends at "
              f"{np.median([one.test_accuracy[1] for one in _of_role(runs, FROZEN)]):.0%} in the median all the same "
              f"({np.median([one.test_accuracy[0] for one in true]):.0%} untrained, "
              f"{np.median([one.test_accuracy[1] for one in true]):.0%} trained)")
    return {
        "C1": f"Controls on the base tasks: S falls in {shares['C1']}; {frozen}; the trained S lies outside the middle "
              f"95 % of random nets of equal norms in {outside:.0%} of the runs, below their median in {below:.0%}",
        "C2": f"Controls on the base tasks: P rises in {shares['C2']}; {frozen}",
        "C11": f"Control: the trained 1/P lies outside the middle 95 % of random spectra of the same S in "
               f"{((places < 0.025) | (places > 0.975)).mean():.0%} of the runs, above their median in "
               f"{(places > 0.5).mean():.0%}"}


def sketches(runs: Runs) -> list[tuple[str, str, Figure]]:
    """One figure: the change of S under each control, the trained S among random nets, 1/P among random states."""
    true = _of_role(runs, TRUE)
    if not true:
        return []
    figure = plots.new_figure(9, 8)
    changes, norms, ranks = figure.subplots(3, 1)
    for number, (role, colour) in enumerate(zip(ROLES, plots.COLOURS, strict=False)):
        mine = _of_role(runs, role)
        columns = [one.setting.task + (number - (len(ROLES) - 1) / 2) / (len(ROLES) + 1) for one in mine]
        changes.plot(columns, [np.diff(one.entropy)[0] for one in mine], color=colour, marker=plots.MARKERS[number],
                     linestyle="none", markersize=4, alpha=0.6, label=role)
    changes.axhline(0, color="grey", linewidth=1)
    changes.set(title="what 300 epochs do to S, a mark a seed", ylabel="change of $S$ (nats)")
    changes.set_xticks(range(len(classifier.BASE)), [base.name for base in classifier.BASE])
    changes.legend(fontsize=8, ncols=len(ROLES))
    _strips(norms, [(one, one.entropy[1], one.equal_norm_entropy) for one in true], "random nets of equal norms")
    norms.set_ylabel("$S$ (nats)")
    _strips(ranks, [(one, 1 / one.purity[1], one.matched_rank) for one in true], "random states of equal $S$")
    ranks.set_ylabel("$1/P$")
    said = notes(runs)
    return [("classifier-controls", f"{said['C1']}. {said['C11']}.", figure)]


def _strips(ax: Axes, rows: Sequence[tuple[ControlRun, float, FloatArray]], others: str) -> None:
    """For each run, task by task, what 95 % of the others have as a bar, and its own value as a dot."""
    middles = []
    for task in range(len(classifier.BASE)):
        mine = [row for row in rows if row[0].setting.task == task]
        for number, (_, value, drawn) in enumerate(mine):
            column, label = task + 0.8 * ((number + 0.5) / len(mine) - 0.5), task == number == 0
            if np.isfinite(drawn).any():
                low, high = np.nanquantile(drawn, [0.025, 0.975])
                ax.vlines(column, low, high, color="grey", linewidth=3, alpha=0.6,
                          label=f"95 % of {OTHERS} {others}" if label else "")
            ax.plot(column, value, color=plots.BLUE, marker="o", markersize=4, linestyle="none",
                    label="trained" if label else "")
        middles.append(classifier.BASE[task].name)
    ax.set_xticks(range(len(middles)), middles)
    ax.set_title(f"trained nets among {others}, a column a seed")
    ax.legend(fontsize=8, loc="best")
