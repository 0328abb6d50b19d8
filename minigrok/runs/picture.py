"""The picture of a sweep: a number's median over seeds along one axis, a line for each combination of the others."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from minigrok.checks import one_of
from minigrok.plots import COLOURS, MARKERS, STYLES, new_figure
from minigrok.runs.results import Summary

MOST_LINES = 14                # that colours and styles tell apart
WIDTH_OF_A_WORD = 0.5          # over which the lines are spread, where the distance of two words is 1
DECADE = 10                    # numbers that span more are drawn on a logarithmic scale


def axis_figure(rows: Sequence[Summary], number: str, along: str | None = None) -> Figure:
    """Draw medians with their intervals against the values of one axis.

    Raises
    ------
    ValueError
        For an axis that there is not, or more lines than can be told apart.
    """
    axes = list(rows[0].axes)
    if not axes:
        raise ValueError("all runs have the same options, so there is no axis to draw along: widen the choice")
    along = one_of("axis", axes[0] if along is None else along, axes)
    lines: dict[str, list[Summary]] = {}
    for row in rows:
        rest = ", ".join(f"{name} {_words(value)}" for name, value in row.axes.items() if name != along)
        lines.setdefault(rest, []).append(row)
    if len(lines) > MOST_LINES:
        raise ValueError(f"along {along} there are {len(lines)} lines, of which {MOST_LINES} can be told apart: choose "
                         "some runs with --where")
    values = [row.axes[along] for row in rows]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    places = {} if numeric else {word: place for place, word in enumerate(dict.fromkeys(map(_words, values)))}
    figure = new_figure(8, 5)
    ax = figure.subplots()
    for i, (label, members) in enumerate(lines.items()):
        aside = WIDTH_OF_A_WORD * ((i + 0.5) / len(lines) - 0.5)             # so that intervals do not hide one another
        at = [row.axes[along] if numeric else places[_words(row.axes[along])] + aside for row in members]
        look: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)],
                                "linestyle": STYLES[i // len(COLOURS)] if numeric else "none"}
        ax.plot(at, [row.median for row in members], label=label or None, **look)
        low, high = [row.low for row in members], [row.high for row in members]
        if numeric and len(at) > 1:
            ax.fill_between(at, low, high, color=look["color"], alpha=0.15, linewidth=0)
        else:
            ax.vlines(at, low, high, color=look["color"], alpha=0.5)
    if numeric and min(values) > 0 and max(values) > DECADE * min(values):
        ax.set_xscale("log")
    if not numeric:
        ax.set_xticks(list(places.values()), list(places))
        ax.set_xlim(-0.6, len(places) - 0.4)
    ax.set(xlabel=along, ylabel=f"{number}, median over seeds and 95 % interval")
    if len(lines) > 1:
        ax.legend(fontsize=8)
    return figure


def _words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
