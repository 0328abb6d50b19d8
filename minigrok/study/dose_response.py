"""Dose and response: when do pushed nets generalise, and where is S then? Never is a censored time, not a missing one.

    T            epoch of generalisation; a run that has not generalised by the last epoch, the cap, is censored there
    mean         of min(T, cap), the restricted mean: all censoring is at the cap, so it needs no model
                 (P. Royston and M. K. B. Parmar, BMC Med. Res. Methodol. 13, 152 (2013)), with the 95 % percentile
                 interval of the bootstrap over seeds
    log-rank     whether two groups of censored times differ (N. Mantel, Cancer Chemother. Rep. 50, 163 (1966)): against
                 no push, with Holm's correction for all doses of all set-ups, and against the control of that lambda.
                 Its statistic is observed less expected events of a group, the sum over its runs of the score

                     1 if the run generalised, else 0, less sum of 1 / (runs not yet generalised) over all events till T

                 and its p is taken over all partitions of the runs into groups of these sizes, or 100,000 drawn ones.
                 As all are censored at one epoch this is exact, which the normal approximation (scipy.stats.logrank)
                 is not: of ten runs each, in the tail that Holm's correction asks for, it is too small

A net that diverges, or never memorises, does not generalise: it is censored at the cap as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minigrok import plots
from minigrok.checks import BoolArray, FloatArray
from minigrok.study.claims import holm
from minigrok.study.evidence import LEVEL, RESAMPLES, Explained
from minigrok.study.grokking import Milestones, milestones
from minigrok.study.grokking_claims import THRESHOLD
from minigrok.study.pushes import PERMUTED, SYMBOLS, Push, Pushed

Runs = Mapping[str, Sequence[Pushed]]
MOST_PARTITIONS, DRAWN = 200_000, 100_000         # 184,756 for ten runs against ten
ASIDE = 1.25                   # marks of neighbouring targets stand apart by this factor of lambda
LABELS = SYMBOLS | {PERMUTED: "control: S, permuted"}


class Fate(NamedTuple):
    """A run, and when it did what."""

    run: Pushed
    marks: Milestones


Fates = Sequence[Fate]
ByPush = Mapping[Push, Fates]


@dataclass(frozen=True)
class Dose:
    """What one push does to the nets of one set-up. S is the median over runs of S / ln d, None where there is none."""

    push: Push
    runs: int
    memorised: int                       # of them
    generalised: int
    mean: float                          # restricted mean epoch of generalisation
    interval: tuple[float, float]
    entropy_generalised: float | None
    centered_generalised: float | None   # of the centred state
    p: float                             # log-rank, against no push; NaN for no push itself
    p_control: float                     # against the permuted control of the same lambda; NaN where there is none
    shifted: bool = False                # whether p survives Holm's correction


def by_push(runs: Runs) -> dict[Push, Fates]:
    """The runs by what they were pushed by, no push first."""
    found = {results[0].setting: [fate(run) for run in results] for results in runs.values() if results}
    return dict(sorted(found.items(), key=lambda item: item[0].strength != 0))


def fate(run: Pushed) -> Fate:
    """A run with its milestones."""
    return Fate(run, milestones(run.history, run.setting.setup.modulus))


def dose_table(pushed: ByPush) -> tuple[Dose, ...]:
    """One row a push."""
    doses = {push.name: _dose(push, pushed) for push in pushed}
    shifted = holm({name: Explained(0.0, dose.p) for name, dose in doses.items() if not np.isnan(dose.p)})
    return tuple(replace(dose, shifted=name in shifted) for name, dose in doses.items())


def times(fates: Fates, milestone: str = "generalised") -> tuple[FloatArray, BoolArray]:
    """Epochs (runs,) at which each reached a milestone, and whether it never did: then the epoch is the cap."""
    reached = [getattr(marks, milestone) for _, marks in fates]
    epochs = [run.setting.setup.epochs if epoch is None else epoch
              for (run, _), epoch in zip(fates, reached, strict=True)]
    return np.array(epochs, float), np.array([epoch is None for epoch in reached], bool)


def log_rank(one: Fates, other: Fates) -> float:
    """The two-sided p of the log-rank test; 1 where no run of either ever generalised, NaN where there are no runs."""
    if not one or not other:
        return np.nan
    scores = log_rank_scores(*times([*one, *other]))
    members, drawn = partitions(len(one), len(scores))
    observed, sums = abs(scores[: len(one)].sum()), abs(members @ scores)           # the scores sum to 0
    return float(((sums >= observed - 1e-9).sum() + drawn) / (len(members) + drawn))


def log_rank_scores(epochs: FloatArray, never: BoolArray) -> FloatArray:
    """Scores (runs,), of sum 0, whose sum over a group is its observed less its expected number of events."""
    left = (epochs >= epochs[:, None]).sum(axis=1)       # runs that are still there at the epoch of each
    hazard = np.where(never, 0.0, 1 / left)
    scores: FloatArray = ~never - (epochs <= epochs[:, None]) @ hazard
    return scores


@cache
def partitions(n: int, total: int) -> tuple[FloatArray, bool]:
    """Rows (partitions, total) that mark the n members of a group among all; and whether they were drawn at random."""
    drawn = comb(total, n) > MOST_PARTITIONS
    if drawn:
        rng = np.random.default_rng(0)
        return rng.permuted(np.tile(np.arange(total) < n, (DRAWN, 1)), axis=1).astype(float), True
    chosen = np.array(list(combinations(range(total), n)))
    members = np.zeros((len(chosen), total))
    np.put_along_axis(members, chosen, 1.0, axis=1)
    return members, False


def control_of(pushed: ByPush, push: Push) -> Fates:
    """The permuted runs of the same set-up and lambda, if there are any."""
    return pushed.get(replace(push, target=PERMUTED), ())


def entropy_at(run: Pushed, epoch: int | None, column: str = "entropy") -> float | None:
    """S / ln d of a run at a recorded epoch; None for no epoch, or a dead layer."""
    if epoch is None:
        return None
    S = float(run.history[column][np.searchsorted(run.history.epoch, epoch)])
    return None if np.isnan(S) else S / float(np.log(run.setting.setup.width))


def _dose(push: Push, pushed: ByPush) -> Dose:
    fates, is_push = pushed[push], push.strength != 0
    epochs, never = times(fates)
    means = np.random.default_rng(0).choice(epochs, (RESAMPLES, len(epochs))).mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    control = control_of(pushed, push) if is_push and push.target != PERMUTED else ()
    return Dose(
        push, len(fates), sum(marks.memorised is not None for _, marks in fates), int((~never).sum()),
        float(epochs.mean()), (float(low), float(high)),
        _median(entropy_at(run, marks.generalised) for run, marks in fates),
        _median(entropy_at(run, marks.generalised, "entropy_centered") for run, marks in fates),
        log_rank(fates, pushed.get(Push(push.setup), ())) if is_push else np.nan, log_rank(fates, control))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def draw(doses: Sequence[Dose]) -> Figure:
    """Three panels a set-up over lambda: when it generalises, and S / ln d and its centred form when it does."""
    setups = list(dict.fromkeys(dose.push.setup for dose in doses))
    figure = plots.new_figure(5 * len(setups), 10.5)
    panels = figure.subplots(3, len(setups), squeeze=False, sharex="col")
    for column, setup in zip(panels.T, setups, strict=True):
        mine = [dose for dose in doses if dose.push.setup == setup]
        _draw_times(column[0], mine)
        _draw_levels(column[1], mine, "entropy_generalised")
        _draw_levels(column[2], mine, "centered_generalised")
        column[2].axhline(THRESHOLD, color="black", linestyle=":", linewidth=1.2, label=f"{THRESHOLD}, of rival R1")
        column[0].set(title=setup.name)
        column[2].set(xlabel=r"$\lambda$: pushed up to the left of 0, down to the right")
        _lay_out_doses(column[2], [dose.push.strength for dose in mine])
    labels = ("epoch of generalisation", r"$S / \ln d$ at that epoch", r"centred $S / \ln d$ at that epoch")
    for ax, label in zip(panels[:, 0], labels, strict=True):
        ax.set(ylabel=label)
    named = {label: handle for ax in panels[::2, 0] for handle, label in zip(*ax.get_legend_handles_labels())}
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4, fontsize=9)
    return figure


def _lay_out_doses(ax: Axes, strengths: Sequence[float]) -> None:
    """A scale for lambda that is logarithmic to both sides of 0, with every other dose named."""
    sizes = sorted({abs(strength) for strength in strengths if strength}) or [1.0]
    ax.set_xscale("symlog", linthresh=sizes[0] / ASIDE**3, linscale=0.5)
    ax.set_xlim(-sizes[-1] * ASIDE**4, sizes[-1] * ASIDE**4)
    named = sizes[::2]
    ax.set_xticks([*(-size for size in reversed(named)), 0, *named])
    ax.minorticks_off()


def _draw_times(ax: Axes, doses: Sequence[Dose]) -> None:
    """Restricted means with intervals; above the cap, in rows, how many runs were censored there."""
    cap = doses[0].push.setup.epochs
    for dose in doses:
        if dose.push.strength == 0:
            ax.axhspan(*dose.interval, color="grey", alpha=0.25, label="no push: 95 % interval, level")
    for row, (target, places, mine) in enumerate(_by_target(doses)):
        mean, (low, high) = np.array([dose.mean for dose in mine]), np.array([dose.interval for dose in mine]).T
        ax.errorbar(places, mean, [mean - low, high - mean], color=plots.COLOURS[row], linestyle=plots.STYLES[row],
                    marker=plots.MARKERS[row], markersize=5, linewidth=1, capsize=2, label=LABELS[target])
        for place, dose in zip(places, mine, strict=True):
            if dose.generalised < dose.runs:
                ax.text(place, cap * (1.05 + 0.06 * row), f"{dose.runs - dose.generalised}", fontsize=7, ha="center",
                        va="center", color=plots.COLOURS[row])
    ax.axhline(cap, color="black", linewidth=1, linestyle="--", label="cap; above it, how many runs never did")
    ax.set_ylim(0, cap * 1.3)


def _draw_levels(ax: Axes, doses: Sequence[Dose], field: str) -> None:
    """S / ln d at generalisation; where no run generalised there is no mark."""
    for dose in doses:
        if dose.push.strength == 0 and getattr(dose, field) is not None:
            ax.axhline(getattr(dose, field), color="grey", linewidth=1)
    for row, (target, places, mine) in enumerate(_by_target(doses)):
        level = [np.nan if getattr(dose, field) is None else getattr(dose, field) for dose in mine]
        ax.plot(places, level, color=plots.COLOURS[row], linestyle=plots.STYLES[row], marker=plots.MARKERS[row],
                markersize=5, linewidth=1, label=LABELS[target])
    ax.set_ylim(0, 1)


def _by_target(doses: Sequence[Dose]) -> list[tuple[str, FloatArray, list[Dose]]]:
    """Each target with its doses, the smallest lambda first, and where to draw them: side by side."""
    found = []
    for row, target in enumerate(LABELS):
        mine = sorted((dose for dose in doses if dose.push.strength and dose.push.target == target),
                      key=lambda dose: dose.push.strength)
        if mine:
            found.append((target, np.array([dose.push.strength for dose in mine]) * ASIDE ** (row - 1.5), mine))
    return found
