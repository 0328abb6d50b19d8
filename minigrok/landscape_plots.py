"""The picture of a landscape: ln g over its coordinate, what networks there can do, and how well the walk went.

Beside the walk stands direct sampling: n random networks, of which c_i fall into bin i. With n' of them in the bins,
ln(c_i / n') has the standard error sqrt((1 - c_i / n') / c_i), and must agree with ln g_i.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import t as student_t

from minigrok.checks import BoolArray, FloatArray, IntArray
from minigrok.dos import WALKERS_FOR_AN_INTERVAL, DensityOfStates
from minigrok.plots import BLACK, BLUE, COLOURS, MARKERS, ORANGE, STYLES, new_figure

COORDINATES = {"entropy": "von Neumann entropy $S$ of the hidden layer (nats)",
               "purity": "purity $P$ of the hidden layer", "loss": "training loss, mean cross-entropy (nats)"}
ACCURACIES = {"readout_accuracy": "best linear readout", "folded_accuracy": "mean of max(accuracy, 1 - accuracy)",
              "mean_accuracy": "random second layer", "accuracy": "training inputs", "test_accuracy": "test inputs"}
COUNTS_SHOWN = 25              # networks in a bin from which its share is known to a fifth
ATOM_WIDTH = 1e-6              # of the widest bin; a bin narrower than this holds an atom, and has no neighbours


class Direct(NamedTuple):
    """What direct sampling says about the bins that a walk visited."""

    counts: IntArray           # (bins,) networks
    log_g: FloatArray          # (bins,) ln of the share, as ln g is normalised; -inf where there was none
    error: FloatArray          # (bins,) binomial standard error; NaN where there was none


def direct_log_g(states: DensityOfStates, energies: FloatArray) -> Direct:
    """ln g from energies (n,) of random networks; NaN (dead layers) and those outside of the bins are left out.

    Examples
    --------
    >>> from minigrok.systems import Box
    >>> from minigrok.wanglandau import WangLandau
    >>> states = WangLandau(Box(2), [0, 0.5, 1]).run(steps=100_000)
    >>> direct_log_g(states, np.array([0.1, 0.7, 0.8, 1.9])).counts
    array([1, 2])
    """
    counts = np.where(states.visited, np.histogram(energies[np.isfinite(energies)], states.edges)[0], 0)
    share = counts / max(1, counts.sum())
    with np.errstate(divide="ignore"):
        error = np.sqrt((1 - share) / counts, out=np.full(len(counts), np.nan), where=counts > 0)
        return Direct(counts, np.log(share), error)


def atoms(edges: FloatArray) -> BoolArray:
    """(bins,) those that are far narrower than the others: a single value of the energy with a mass of its own."""
    widths = np.diff(edges)
    narrow: BoolArray = widths < ATOM_WIDTH * widths.max()
    return narrow


def peak(edges: FloatArray, log_g: FloatArray) -> float:
    """The energy where ln g is highest: vertex of the parabola through the highest bin and its neighbours.

    An atom's bin counts neither as the highest nor as a neighbour. Where the highest lies at the end of the range,
    beside bins not seen, or level with both neighbours, the peak is its middle.

    Examples
    --------
    >>> peak(np.arange(5.0), np.array([0.0, 1.0, 1.0, 0.0]))
    2.0
    """
    curve = np.where(atoms(edges), -np.inf, log_g)
    i = int(np.argmax(curve))
    middle = float(edges[i] + edges[i + 1]) / 2
    if not 0 < i < len(curve) - 1 or not np.isfinite(curve[i - 1 : i + 2]).all():
        return middle
    left, top, right = curve[i - 1 : i + 2]
    return middle + float((edges[i + 1] - edges[i]) * 0.5 * (left - right) / (left - 2 * top + right or -np.inf))


def landscape_figure(
    states: DensityOfStates, coordinate: str = "entropy", direct: Direct | None = None, title: str = ""
) -> Figure:
    """Three panels over the energy: ln g with its error, accuracies, visits.

    Errors are 95 % intervals of Student's t from 8 walkers on, else one standard error; the legend says which. The
    bin of an atom is a point of its own, which no line joins to its neighbours.
    """
    figure = new_figure(7.5, 9.6)
    figure.suptitle(title, fontsize=11)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 1.4])
    walkers = len(states.walkers_log_g)
    factor = student_t.ppf(0.975, walkers - 1) if walkers >= WALKERS_FOR_AN_INTERVAL else 1.0
    words = f"95 % ($t$, {walkers - 1} degrees of freedom)" if factor > 1 else "one standard error"
    words = words if walkers > 1 else "none, a single walker"
    _log_g(top, states, factor, words, direct)
    top.set(ylabel="$\\ln g$ (nats), masses sum to 1")
    for i, (name, label) in enumerate(ACCURACIES.items()):
        if name in states.observables:
            _curve(middle, states, states.observables[name], factor * states.observable_errors[name], i, label)
    middle.set(ylabel=f"accuracy, error:\n{words}")
    _visits(bottom, states, factor, words)
    bottom.set(xlabel=COORDINATES[coordinate], ylabel="visits / mean - 1")
    for ax in (top, middle, bottom):
        ax.grid(alpha=0.25)
        if ax.get_legend_handles_labels()[1]:            # above the panel, where nothing lies beneath
            ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return figure


def _log_g(ax: Axes, states: DensityOfStates, factor: float, words: str, direct: Direct | None) -> None:
    E, line, lone = states.centres, states.visited & ~atoms(states.edges), states.visited & atoms(states.edges)
    known = line & np.isfinite(states.error)
    half = factor * states.error
    low, high = states.log_g - half, states.log_g + half
    ax.fill_between(E, low, high, where=known.tolist(), color=BLUE, alpha=0.3, linewidth=0,
                    label=f"error: {words}")
    ax.plot(E, np.where(line, states.log_g, np.nan), color=BLUE, linewidth=1.5, label="Wang-Landau")
    if lone.any():
        ax.errorbar(E[lone], states.log_g[lone], _drawn(half[lone]), color=BLUE, linestyle="none", marker="*",
                    markersize=10, capsize=2, label="its value at the atom")
    if direct is not None and (shown := direct.counts >= COUNTS_SHOWN).any():
        ax.errorbar(E[shown], direct.log_g[shown], direct.error[shown], color=BLACK, linestyle="none", marker="o",
                    markersize=3, elinewidth=0.8, markerfacecolor="white",
                    label=f"direct sampling, {direct.counts.sum():,} networks, one standard error")


def _curve(ax: Axes, states: DensityOfStates, values: FloatArray, half: FloatArray, style: int, label: str) -> None:
    """One observable, a line with error bars; the atom apart."""
    E, lone = states.centres, atoms(states.edges)
    here = np.isfinite(values)
    ax.errorbar(E[here & ~lone], values[here & ~lone], _drawn(half[here & ~lone]), color=COLOURS[style],
                linestyle=STYLES[style], marker=MARKERS[style], markersize=3, elinewidth=0.8, label=label)
    ax.errorbar(E[here & lone], values[here & lone], _drawn(half[here & lone]), color=COLOURS[style],
                linestyle="none", marker=MARKERS[style], markersize=5, elinewidth=0.8)


def _visits(ax: Axes, states: DensityOfStates, factor: float, words: str) -> None:
    """Flat if ln g is right: visits in all productions, and in the last one, whose departure from 0 is a bias."""
    E, seen = states.centres, states.visited
    relative = states.histogram[seen] / states.histogram[seen].mean() - 1
    ax.axhline(0, color="grey", linewidth=1)
    ax.errorbar(E[seen], states.production_shift[seen], _drawn(factor * states.production_error[seen]), color=ORANGE,
                linestyle="none", marker="s", markersize=3, elinewidth=0.8, label=f"last production, error: {words}")
    if not np.allclose(relative, states.production_shift[seen]):         # there were several rounds
        ax.plot(np.where(seen & ~atoms(states.edges), E, np.nan)[seen], relative, color=BLUE, linewidth=1.2,
                label="all productions")
        ax.plot(E[seen & atoms(states.edges)], relative[atoms(states.edges)[seen]], color=BLUE, linestyle="none",
                marker="*", markersize=8)


def _drawn(half: FloatArray) -> FloatArray:
    """Half lengths of error bars; none where the error is not known."""
    return np.where(np.isfinite(half), half, 0.0)
