"""The specification curve of a claim: every specification in one picture, with the choices that made it beneath.

Above, the admissible specifications, sorted by what they measure (mean over seeds), with the middle 95 % of their runs,
and the share of runs that meet the claim's test. Beneath, one strip a level of each axis: where along the curve that
level occurs,

    shade = (share of the level among the specifications there) / (its share among all of them)

so that an axis which decides has dark ends and one that does not is even. To the right, for each axis the variance it
explains, and for each level the share that meets the test. After U. Simonsohn, J. P. Simmons and L. D. Nelson,
"Specification curve analysis", Nature Human Behaviour 4, 1208 (2020), whose choices are one dot a specification; with
thousands of them neighbours are taken together.
"""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from minigrok import plots
from minigrok.checks import FloatArray
from minigrok.study.claims import Judgement, holm
from minigrok.study.evidence import Reading, varying

WIDTH = 7.6                    # inches: A4 less its margins
ROW_HEIGHT, HEAD_HEIGHT = 0.128, 3.0
EACH_ALONE = 60                # so many specifications are shown one by one
FEWEST_TOGETHER, BINS = 20, (30, 80)     # else bins of so many, but not fewer nor more bins than these
LEVELS_SHOWN, LETTERS = 14, 30           # of an axis; of a label
DARKEST = 2.0                  # times as often as everywhere
MARGIN = 0.08                  # of the height, above and below the curve
SMALL = 7                      # points


class Curve(NamedTuple):
    """Specifications in order, and the bins in which they are shown."""

    readings: list[Reading]    # sorted by their mean
    means: FloatArray          # (specifications,)
    edges: FloatArray          # (bins + 1,) places between specifications

    @property
    def bins(self) -> list[slice]:
        """The specifications of each bin."""
        return [slice(int(a), int(b)) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]


class Row(NamedTuple):
    """One line of the choices: the head of an axis, or one level (several, where an axis has too many)."""

    axis: str
    levels: tuple[str, ...]    # none for a head
    label: str


def specification_curve(judgement: Judgement) -> tuple[str, str, Figure]:
    """Stem, caption with numbers from the data, and the picture of any judgement, of a few specifications or many."""
    stem = f"curve-{judgement.id}"
    readings = [reading for reading in judgement.readings if reading.admissible and reading.share is not None]
    if not readings:
        figure = plots.new_figure(WIDTH, 1)
        figure.text(0.5, 0.5, f"{judgement.id}: no run bears on it", ha="center", va="center")
        return stem, f"{judgement.id}: no run bears on it.", figure
    curve, rows = _curve(readings), _rows(judgement, readings)
    height = HEAD_HEIGHT + ROW_HEIGHT * max(len(rows), 1)
    figure = plots.new_figure(WIDTH, height)
    grid = figure.add_gridspec(
        3, 2, width_ratios=(3, 1), height_ratios=(1.7, 0.6, ROW_HEIGHT * max(len(rows), 1)), hspace=0.02, wspace=0.02)
    top = figure.add_subplot(grid[0, 0])
    _values(top, judgement, curve)
    _shares(figure.add_subplot(grid[1, 0], sharex=top), judgement, curve)
    _key(figure.add_subplot(grid[:2, 1]), judgement)
    if rows:
        choices = figure.add_subplot(grid[2, 0], sharex=top)
        _choices(choices, curve, rows)
        _explained(figure.add_subplot(grid[2, 1], sharey=choices), judgement, rows)
    figure.suptitle(f"{judgement.id}: {judgement.claim.statement}", fontsize=10)
    return stem, _caption(judgement, curve), figure


def _curve(readings: Sequence[Reading]) -> Curve:
    means = np.array([np.mean([value for value in reading.values if value is not None]) for reading in readings])
    order, count = np.argsort(means, kind="stable"), len(readings)
    bins = count if count <= EACH_ALONE else min(max(count // FEWEST_TOGETHER, BINS[0]), BINS[1])
    edges: FloatArray = np.linspace(0, count, bins + 1).round()
    return Curve([readings[i] for i in order], means[order], edges)


def _rows(judgement: Judgement, readings: Sequence[Reading]) -> list[Row]:
    """Axes that explain most first; levels in the order of their numbers, or else of their shares."""
    found, axes = judgement.assessment, varying(readings)
    order = [axis for axis in found.axes if axis in axes] + [axis for axis in axes if axis not in found.axes]
    rows = []
    for axis in order:
        levels = _sorted_levels(found.levels[axis])
        shown, others = levels[:LEVELS_SHOWN], levels[LEVELS_SHOWN:]
        rows.append(Row(axis, (), axis))
        rows += [Row(axis, (level,), _short(level)) for level in shown]
        if others:
            rows.append(Row(axis, tuple(others), f"{len(others)} others"))
    return rows


def _sorted_levels(shares: dict[str, float]) -> list[str]:
    try:
        return sorted(shares, key=float)
    except ValueError:
        return sorted(shares, key=lambda level: -shares[level])


def _short(label: str) -> str:
    return label if len(label) <= LETTERS else label[: LETTERS - 1] + "…"


def _values(ax: Axes, judgement: Judgement, curve: Curve) -> None:
    """Means of the specifications along the curve, with the middle 95 % of their runs."""
    runs = [np.array([value for reading in curve.readings[part] for value in reading.values if value is not None])
            for part in curve.bins]
    low, high = np.array([np.quantile(values, [0.025, 0.975]) for values in runs]).T
    middle = np.array([np.median(curve.means[part]) for part in curve.bins])
    centres = (curve.edges[:-1] + curve.edges[1:]) / 2
    if len(curve.readings) <= EACH_ALONE:
        ax.vlines(centres, low, high, color=plots.SKY, linewidth=2, label="middle 95 % of the runs")
        ax.plot(centres, middle, color=plots.BLUE, marker="o", markersize=3, linestyle="none", label="mean over seeds")
    else:
        ax.fill_between(centres, low, high, color=plots.SKY, alpha=0.5, linewidth=0, label="middle 95 % of the runs")
        ax.plot(centres, middle, color=plots.BLUE, linewidth=1.5, label="mean over seeds")
    bottom, top = float(min(*low, *middle)), float(max(*high, *middle))
    if judgement.row == "value":
        figure = judgement.claim.rule.figures[-1].value
        ax.axhline(figure, color=plots.RED, linestyle="--", linewidth=1, label=f"the study's {figure:g}")
        bottom, top = min(bottom, figure), max(top, figure)
    elif bottom < 0 < top:
        ax.axhline(0, color="grey", linewidth=0.8)
    room, unit = MARGIN * (top - bottom) or 1.0, judgement.claim.unit
    ax.set(xlim=(0, len(curve.readings)), ylim=(bottom - room, top + room))
    named = _measured(judgement) + (f" ({unit})" if unit not in ("", "1") else "")
    ax.set_ylabel("\n".join(textwrap.wrap(named, LETTERS)), fontsize=SMALL + 1)
    ax.tick_params(labelbottom=False, labelsize=SMALL)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(fontsize=SMALL, loc="best")


def _measured(judgement: Judgement) -> str:
    return judgement.claim.rule.figures[-1].name if judgement.row == "value" else judgement.claim.value


def _shares(ax: Axes, judgement: Judgement, curve: Curve) -> None:
    """The share that meets the test along the curve."""
    shares = [np.mean([reading.share for reading in curve.readings[part]]) for part in curve.bins]
    ax.bar(curve.edges[:-1], shares, np.diff(curve.edges), align="edge", color=plots.GREEN, linewidth=0)
    ax.set(ylim=(0, 1), yticks=(0, 1))
    ax.set_yticks((0, 1), ("0", "1"))
    ax.set_ylabel("share that\nmeets it", fontsize=SMALL + 1)
    ax.tick_params(labelbottom=False, labelsize=SMALL)


def _choices(ax: Axes, curve: Curve, rows: Sequence[Row]) -> None:
    """Where along the curve each level occurs."""
    shade = np.full((len(rows), len(curve.bins)), np.nan)
    for i, row in enumerate(rows):
        if row.levels:
            has = np.array([reading.axes[row.axis] in row.levels for reading in curve.readings], float)
            shade[i] = [has[part].mean() / has.mean() for part in curve.bins]
    lines = np.arange(len(rows) + 1) - 0.5
    ax.pcolormesh(curve.edges, lines, np.ma.masked_invalid(shade), cmap="Greys", vmin=0, vmax=DARKEST, rasterized=True)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), [row.label for row in rows])
    for row, label in zip(rows, ax.get_yticklabels(), strict=True):
        label.set_fontweight("normal" if row.levels else "bold")
    ax.tick_params(axis="y", length=0)
    ax.tick_params(labelsize=SMALL)
    ax.set_xlabel("admissible specifications, sorted by what they measure\n"
                  f"shade: how often a level occurs there; white never, black {DARKEST:g} times as often as on average "
                  "or more", fontsize=SMALL)


def _explained(ax: Axes, judgement: Judgement, rows: Sequence[Row]) -> None:
    """A bar an axis: variance explained. A dot a level: the share that meets the test."""
    found, significant = judgement.assessment, holm(judgement.assessment.axes)
    for i, row in enumerate(rows):
        if row.levels:
            for level in row.levels:
                ax.plot(found.levels[row.axis][level], i, color=plots.GREEN, marker="o", markersize=3.5, clip_on=False)
        elif row.axis in found.axes:
            share, sure = found.axes[row.axis].share, row.axis in significant
            ax.barh(i, share, 0.8, facecolor=plots.ORANGE if sure else "white", edgecolor=plots.BLACK, linewidth=0.6)
            ax.text(share + 0.02, i, f"{share:.0%}{' *' if sure else ''}", va="center", fontsize=SMALL)
    if found.share is not None:
        ax.axvline(found.share, color=plots.GREEN, linestyle=":", linewidth=1)
    ax.set(xlim=(0, 1))
    ax.set_xticks((0, 0.5, 1), ("0", "50 %", "100 %"))
    ax.tick_params(axis="y", length=0, labelleft=False)
    ax.tick_params(labelsize=SMALL)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _key(ax: Axes, judgement: Judgement) -> None:
    """What the marks on the right mean, and the verdict."""
    ax.set_axis_off()
    found = judgement.assessment
    low, high = found.interval or (np.nan, np.nan)
    words = [f"{judgement.verdict}:", f"met in {found.share:.0%}", f"(95 % {low:.0%} to {high:.0%})",
             f"of {found.specifications:,} specifications", f"({found.runs:,} runs)"]
    ax.text(0, 1, "\n".join(words), va="top", fontsize=SMALL + 1, transform=ax.transAxes)
    handles = [
        Patch(facecolor=plots.ORANGE, edgecolor=plots.BLACK, linewidth=0.6, label="variance an axis\nexplains"),
        Patch(facecolor="white", edgecolor=plots.BLACK, linewidth=0.6, label="the same, no more\nthan chance gives"),
        Line2D([], [], color=plots.GREEN, marker="o", markersize=3.5, linestyle="none", label="share at a level"),
        Line2D([], [], color=plots.GREEN, linestyle=":", linewidth=1, label="share of all")]
    ax.legend(handles=handles, fontsize=SMALL, loc="lower left", frameon=False, borderaxespad=0)


def _caption(judgement: Judgement, curve: Curve) -> str:
    found, significant = judgement.assessment, holm(judgement.assessment.axes)
    deciding = []
    for axis in (axis for axis in found.axes if axis in significant):
        levels = found.levels[axis]
        worst, best = min(levels, key=levels.__getitem__), max(levels, key=levels.__getitem__)
        deciding.append(f"{axis} ({found.axes[axis].share:.0%} of the variance; the test is met in "
                        f"{levels[worst]:.0%} at {worst}, in {levels[best]:.0%} at {best})")
    explained = "; ".join(deciding) or "none"
    return (
        f"Specification curve of {judgement.id}, {judgement.test}: {len(curve.readings):,} admissible specifications, "
        f"sorted by {_measured(judgement)}, from {curve.means[0]:.3g} to {curve.means[-1]:.3g}, in the median "
        f"{np.median(curve.means):.3g}. {judgement.sentence} Axes that explain more than chance, after Holm's "
        f"correction: {explained}.")
