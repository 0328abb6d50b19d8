"""Is learning a phase transition in S and P? Then what happens around generalisation sharpens as the system grows.

A finite system has no sharp transition; a transition is what becomes one in the limit of large systems (M. E. Fisher
and M. N. Barber, Phys. Rev. Lett. 28, 1516 (1972)). So one setting is trained at several sizes, the modulus or the
width, and of every run is measured, over the epochs from 0 to c h, with h the epoch of 50 % test accuracy:

    jump     the share of all change of a quantity, sum |x(t + 1) - x(t)|, within the tenth of these epochs around h
    width    (t80 - t20) / t50, with t_q the epoch at which q % of all its change is done

    jump = a + b ln size,     ln width = a' + b' ln size     by least squares over runs of one family

A transition has b > 0 and b' < 0. c is the least multiple that every generalising run is trained for. Interval, 95 %:
percentile bootstrap over seeds within sizes (n - 1 of n are drawn: McCarthy and Snowden 1985).

Past the end: runs that are trained to five times the epoch at which they generalised. A quantity *turns* at a peak or
trough of its smoothed path (median of 5 records) from which it goes back by more than a tenth of the path's range; it
turns again if it does so at a later epoch than that of generalisation.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import median_filter

from minigrok import plots
from minigrok.checks import FloatArray
from minigrok.study.announce import QUANTITIES, Sketch
from minigrok.study.claims import Claim, Judgement
from minigrok.study.evidence import read
from minigrok.study.grokking import ENDS_AT, GrokkingRun
from minigrok.study.grokking_measures import Runs, marks_of

SPAN = ENDS_AT["family"]       # c: h comes no later than the epoch of generalisation, which that is a multiple of
TENTH = 0.1
FEWEST_SIZES = 3               # through two points goes every line
RESAMPLES = 1000
COLUMNS = {                    # column -> quantity and convention; the claim speaks of the first two
    "entropy": ("S", "trace"), "purity": ("P", "trace"), "entropy_centered": ("S", "centered"),
    "purity_centered": ("P", "centered"), "test_accuracy": ("test accuracy", "none"),
    "fourier_concentration": ("Fourier concentration", "none")}
CLAIMED = ("entropy", "purity")
GROWING = {"modulus": "modulus grows", "width": "width grows"}
MEASURES = ("jump", "ln width")
PAST = "past the end"          # the role of the runs that go on
SMOOTHED = 5                   # records
TURNED = 0.1                   # of the range

Family = dict[int, list[GrokkingRun]]                  # by size


class Scaling(NamedTuple):
    """How one measure of one quantity changes with ln size in one family."""

    family: str
    column: str
    measure: str               # one of MEASURES
    slope: float
    interval: tuple[float, float]
    sizes: tuple[int, ...]
    runs: int                  # that could be measured


def families(runs: Runs) -> dict[str, Family]:
    """Runs by size of every family: a base, and its like at other moduli, or at other widths."""
    found: dict[str, Family] = {}
    for results in runs.values():
        setting = results[0].setting
        if setting.role != "family" or setting.base not in runs:
            continue
        base = runs[setting.base][0].setting
        for what, words in GROWING.items():
            if getattr(setting, what) != getattr(base, what):
                family = found.setdefault(f"{base.name}, {words}", {getattr(base, what): list(runs[base.name])})
                family.setdefault(getattr(setting, what), []).extend(results)
    return {name: dict(sorted(family.items())) for name, family in found.items() if len(family) >= FEWEST_SIZES}


def done(run: GrokkingRun, column: str) -> tuple[FloatArray, FloatArray, float] | None:
    """Epochs, the share of all change that is done by each, and h; None for a run that was not halfway or too short."""
    epoch, halfway = run.history.epoch, marks_of(run).halfway
    if not halfway or epoch[-1] < SPAN * halfway:
        return None
    times = np.append(epoch[epoch < SPAN * halfway], SPAN * halfway)
    path = np.interp(times, epoch, run.history[column])
    change = np.concatenate([[0.0], np.cumsum(abs(np.diff(path)))])
    if not (np.isfinite(change[-1]) and change[-1] > 0):
        return None
    return times, change / change[-1], float(halfway)


def jump(run: GrokkingRun, column: str) -> float | None:
    """The share of all change within the tenth of the epochs around h."""
    found = done(run, column)
    if found is None:
        return None
    times, share, halfway = found
    half = TENTH * SPAN * halfway / 2
    before, after = np.interp([halfway - half, halfway + half], times, share)
    return float(after - before)


def relative_width(run: GrokkingRun, column: str) -> float | None:
    """(t80 - t20) / t50 of the change that is done."""
    found = done(run, column)
    if found is None:
        return None
    times, share, _ = found
    t20, t50, t80 = np.interp([0.2, 0.5, 0.8], share, times)
    return float((t80 - t20) / t50)


def scalings(runs: Runs, seed: int = 0) -> list[Scaling]:
    """The slopes of every family, quantity and measure that can be had."""
    rng, found = np.random.default_rng(seed), []
    for name, family in families(runs).items():
        for column in COLUMNS:
            for measure in MEASURES:
                values = {size: known for size, results in family.items()
                          if (known := _measured(results, column, measure))}
                if len(values) >= FEWEST_SIZES:
                    slope, interval = _slope_with_interval(values, rng)
                    found.append(Scaling(name, column, measure, slope, interval, tuple(values),
                                         sum(map(len, values.values()))))
    return found


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """C13: the slope of the jump on ln size, one value for each seed, which every size of a family has."""
    readings = []
    for name, family in families(runs).items():
        for column, (quantity, convention) in COLUMNS.items():
            axes = {"family": name, "quantity": quantity, "convention": convention}
            readings.append(read(axes, _slopes_by_seed(family, column), lambda b: b > 0, name, column in CLAIMED))
    words = [
        f"{scaling.family}, {' '.join(COLUMNS[scaling.column])}: {scaling.measure} {_signed(scaling)}"
        for scaling in scalings(runs) if scaling.column in CLAIMED]
    note = "slope on ln size over all runs (95 %): " + "; ".join(words) if words else ""
    return [Judgement(claims["C13"], tuple(readings), note=note)]


def smoothed(values: FloatArray) -> FloatArray:
    """The running median over 5 records."""
    path: FloatArray = median_filter(np.asarray(values, float), SMOOTHED, mode="nearest")
    return path


def turns(values: FloatArray) -> list[int]:
    """The records at which the smoothed path has a peak or trough from which it goes back by a tenth of its range."""
    path, found, direction, highest, lowest = smoothed(values), list[int](), 0, 0, 0
    least = TURNED * np.ptp(path)
    for i, value in enumerate(path):
        highest, lowest = (i if value > path[highest] else highest), (i if value < path[lowest] else lowest)
        if direction >= 0 and path[highest] - value > least:
            found += [highest] if direction else []      # the first direction of a path is no turn
            direction, lowest = -1, i
        elif direction <= 0 and value - path[lowest] > least:
            found += [lowest] if direction else []
            direction, highest = 1, i
    return found


def late_turns(run: GrokkingRun, column: str) -> list[int]:
    """The turns of a run after it generalised."""
    end, epoch = marks_of(run).generalised, run.history.epoch
    return [] if end is None else [row for row in turns(run.history[column]) if epoch[row] > end]


def past_the_end(runs: Runs) -> str:
    """In how many runs that go on each quantity turns again, by base; empty where there are none."""
    sentences = []
    for base, results in _going_on(runs).items():
        counts = {name: sum(bool(late_turns(run, column)) for run in results) for name, column in QUANTITIES.items()}
        turned = ", ".join(f"{name} in {count}" for name, count in counts.items() if count)
        still = ", ".join(name for name, count in counts.items() if not count)
        sentences.append(f"{base}, {len(results)} run{'s' * (len(results) > 1)}: " + "; ".join(
            filter(None, [turned and f"turned again: {turned}", still and f"in none: {still}"])))
    return ". ".join(sentences)


def sketches(runs: Runs) -> list[Sketch]:
    """The families, and the runs past the end, where there are any."""
    drawn = [_scaling_sketch(runs)] if families(runs) else []
    return drawn + ([_past_sketch(runs)] if _going_on(runs) else [])


def _going_on(runs: Runs) -> dict[str, list[GrokkingRun]]:
    """The runs past the end that generalised, by base."""
    found = {results[0].setting.base: [run for run in results if marks_of(run).generalised]
             for results in runs.values() if results[0].setting.role == PAST}
    return {base: results for base, results in found.items() if results}


def _past_sketch(runs: Runs) -> Sketch:
    figure = plots.new_figure(12, 7.5)
    panels = figure.subplots(3, 4, sharex=True)
    for ax, (name, column) in zip(panels.flat, QUANTITIES.items(), strict=True):
        for i, (base, results) in enumerate(_going_on(runs).items()):
            for j, run in enumerate(results):
                path, end = smoothed(run.history[column]), marks_of(run).generalised
                scaled = (path - path.min()) / (np.ptp(path) or 1)
                late = late_turns(run, column)
                times = run.history.epoch / (end or 1)
                ax.plot(times, scaled, color=plots.COLOURS[i], linestyle=plots.STYLES[i], linewidth=0.8,
                        label=None if j else base)
                ax.plot(times[late], scaled[late], color=plots.COLOURS[i], linestyle="none", marker=plots.MARKERS[i],
                        markersize=4)
        ax.axvline(1, color="grey", linestyle=":", linewidth=1)
        ax.set_title(name, fontsize=9)
    panels[0, 0].legend(fontsize=7)
    figure.supxlabel("epoch / epoch of generalisation")
    figure.supylabel("smoothed, scaled to the range of the run")
    return "past-the-end", f"Does a quantity turn again past the end? Marks: turns. {past_the_end(runs)}.", figure


def _scaling_sketch(runs: Runs) -> Sketch:
    found = families(runs)
    figure = plots.new_figure(5 * len(found), 4.2)
    panels = np.atleast_1d(figure.subplots(1, len(found), sharey=True))
    for ax, (name, family) in zip(panels, found.items(), strict=True):
        for i, (column, (quantity, convention)) in enumerate(COLUMNS.items()):
            points = {size: np.array(known) for size, results in family.items()
                      if (known := _measured(results, column, "jump"))}
            means = [values.mean() for values in points.values()]
            errors = [values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0 for values in points.values()]
            label = quantity if convention in ("trace", "none") else f"{quantity}, {convention}"
            ax.errorbar(list(points), means, errors, color=plots.COLOURS[i], linestyle=plots.STYLES[i],
                        marker=plots.MARKERS[i], markersize=4, label=label)
        ax.axhline(TENTH, color="grey", linestyle=":", linewidth=1)
        ax.set_xscale("log")
        ax.set_xticks(list(family), list(map(str, family)))
        ax.minorticks_off()
        ax.set_title(name, fontsize=10)
        ax.set(xlabel=next(what for what, words in GROWING.items() if name.endswith(words)))
    panels[0].set(ylabel="share of all change in the tenth of\nthe epochs around 50 % test accuracy")
    panels[0].legend(fontsize=8)
    slopes = [scaling for scaling in scalings(runs) if scaling.column == "entropy" and scaling.measure == "jump"]
    words = "; ".join(f"{scaling.family} {_signed(scaling)}" for scaling in slopes)
    caption = ("Does generalisation sharpen with size? Mean over seeds and its standard error; dotted, an even change. "
               f"Slope of the jump of S on ln size, 95 %: {words or 'too few runs to tell'}.")
    return "transition", caption, figure


def _signed(scaling: Scaling) -> str:
    low, high = scaling.interval
    return f"{scaling.slope:+.3f} ({low:+.3f} to {high:+.3f})"


def _measured(runs: Sequence[GrokkingRun], column: str, measure: str) -> list[float]:
    found = (jump(run, column) if measure == "jump" else relative_width(run, column) for run in runs)
    known = [value for value in found if value is not None]
    return known if measure == "jump" else np.log([value for value in known if value > 0]).tolist()


def _slopes_by_seed(family: Family, column: str) -> list[float | None]:
    slopes: list[float | None] = []
    for seed in sorted({run.seed for results in family.values() for run in results}):
        values = {size: known for size, results in family.items()
                  if (known := _measured([run for run in results if run.seed == seed], column, "jump"))}
        slopes.append(_slope(values) if len(values) >= FEWEST_SIZES else None)
    return slopes


def _slope(values: Mapping[int, Sequence[float]]) -> float:
    return float(_slopes({size: np.array(known)[None] for size, known in values.items()})[0])


def _slopes(values: Mapping[int, FloatArray]) -> FloatArray:
    """By least squares on ln size, one a row; values[size] has shape (rows, runs)."""
    x = np.log([size for size, known in values.items() for _ in range(known.shape[1])])
    slopes: FloatArray = np.concatenate(list(values.values()), axis=1) @ (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    return slopes


def _slope_with_interval(
    values: Mapping[int, Sequence[float]], rng: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    drawn = _slopes({size: rng.choice(known, (RESAMPLES, max(1, len(known) - 1))) for size, known in values.items()})
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _slope(values), (float(low), float(high))
