"""From runs to a share, its interval, and the axes that decide it: the one analysis behind every verdict.

A *specification* is one choice on every axis that a claim leaves open (data, learning rate, convention of the
state, ...). A `Reading` holds what the runs of one specification say, one value a seed. Readings that were taken of
the same trained runs (at another epoch, under another convention) share a `group`: they are no independent evidence.

    share        sum_s w_s share_s, where share_s is the share of specification s's tested runs that meet the test, and
                 w weighs every level of an axis equally (raking, Deming and Stephan 1940: weights are scaled axis by
                 axis, until each level of each axis holds the same total; no weight may leave the mean by more than a
                 factor of 10, for in a design of few specifications raking would otherwise starve some of them, and
                 how far the levels then are from equal is said)
    interval     95 %: the hull of the percentile bootstrap over seeds within groups (Efron and Tibshirani 1993,
                 chapter 13), and of the exact binomial interval (Clopper and Pearson 1934) at Kish's effective number
                 of runs, (sum w)^2 / sum w^2. The bootstrap alone has no width where all runs agree, be they three or
                 three thousand; the binomial one has.
    explained    by an axis: the weighted share of the variance of share_s between its levels, eta^2, less what chance
                 gives: its mean over permutations of the levels, among groups, or, where the levels vary within
                 groups, within them. Its p is the share of permutations (and the data themselves) that reach it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import beta, t

from minigrok.checks import FloatArray, IntArray

RESAMPLES = 1000               # of the bootstrap
PERMUTATIONS = 499             # with the data themselves 500: the smallest p, 0.002, survives Holm among 25 axes
RAKINGS, RAKED = 200, 1e-6     # sweeps over the axes at most, and how far from equal is near enough
LARGEST_WEIGHT = 10.0          # and its inverse the smallest, in units of the mean weight
LEVEL = 0.95
FEWEST_FOR_A_FIGURE = 3        # seeds: of two, a Student interval is 9 standard deviations wide to each side


@dataclass(frozen=True)
class Reading:
    """What the runs of one specification say; None stands for a run that could not be tested."""

    axes: Mapping[str, str]              # the level of every axis, in words
    values: tuple[float | None, ...]     # one a seed
    meets: tuple[bool | None, ...]       # whether that run meets the claim's test
    group: str                           # the runs that were trained once, however often they are read
    admissible: bool = True              # contradicts nothing that the study states

    @property
    def share(self) -> float | None:
        """Share of the tested runs that meet the test; None where none could be tested."""
        tested = [meet for meet in self.meets if meet is not None]
        return sum(tested) / len(tested) if tested else None


class Figure(NamedTuple):
    """A figure of the study as printed."""

    name: str
    value: float
    precision: float                     # half a unit of the last printed digit


class Explained(NamedTuple):
    """How much of the variance between specifications an axis explains."""

    share: float                         # eta^2 less what chance gives
    p: float


class Assessment(NamedTuple):
    """What all readings of one claim amount to. Of the first lines only admissible specifications count."""

    share: float | None
    interval: tuple[float, float] | None
    specifications: int                  # admissible, with a tested run
    runs: int                            # tested runs in them, each counted once
    axes: dict[str, Explained]           # by axis, the largest share first
    levels: dict[str, dict[str, float]]  # share at each level of each axis
    unequal: float                       # the largest relative deviation of a level's weight from that of its peers
    searched: int                        # specifications in all, admissible or not, with a tested run
    sensitivity: dict[str, Explained]    # `axes` over all of them


def read(
    axes: Mapping[str, str], values: Iterable[float | None], meets: Callable[[float], bool], group: str,
    admissible: bool = True,
) -> Reading:
    """A reading from one value a seed; None, and NaN from a dead layer, count as untested."""
    tested = tuple(None if value is None or np.isnan(value) else float(value) for value in values)
    return Reading(
        axes, tested, tuple(None if value is None else bool(meets(value)) for value in tested), group, admissible)


def read_figures(
    axes: Mapping[str, str], columns: Sequence[Sequence[float | None]], figures: Sequence[Figure], group: str,
    admissible: bool = True,
) -> Reading:
    """Whether a specification has the study's figures: `columns` holds our values of each, one a seed.

    It has one if that lies within its printed precision of the 95 % Student interval of our mean over seeds, and
    meets the test if it has all. The answer is one for all its seeds. There is none where fewer than three of them, or
    fewer than half, could be tested: an interval of few values holds any figure. The values kept are those of the last.
    """
    tested = [all(value is not None and np.isfinite(value) for value in row) for row in zip(*columns, strict=True)]
    kept = tuple(columns[-1][seed] if ok else None for seed, ok in enumerate(tested))
    if not enough_for_a_figure(tested):
        return Reading(axes, kept, tuple(None for _ in tested), group, admissible)
    has = True
    for column, figure in zip(columns, figures, strict=True):
        values = np.array([value for value, ok in zip(column, tested, strict=True) if ok], float)
        half = t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        has = has and bool(abs(values.mean() - figure.value) <= half + figure.precision)
    return Reading(axes, kept, tuple(has if ok else None for ok in tested), group, admissible)


def enough_for_a_figure(tested: Sequence[bool]) -> bool:
    """Whether three seeds or more, and half of all, could be tested."""
    return sum(tested) >= max(FEWEST_FOR_A_FIGURE, len(tested) / 2)


def assess(readings: Sequence[Reading], seed: int = 0) -> Assessment:
    """Share, interval and deciding axes of all readings of one claim."""
    tested = [reading for reading in readings if reading.share is not None]
    admissible = [reading for reading in tested if reading.admissible]
    if not admissible:
        return Assessment(None, None, 0, 0, {}, {}, 0.0, len(tested), explained(tested, seed))
    table = Table(admissible)
    share = min(1.0, float(table.weights @ table.shares))
    return Assessment(
        share, table.interval(share, seed), len(admissible), table.runs, explained(admissible, seed),
        {axis: table.by_level(axis) for axis in varying(admissible)}, unequal(admissible, table.weights), len(tested),
        explained(tested, seed))


class Table:
    """Readings as arrays: rows are specifications, columns seeds."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        seeds = max(len(reading.meets) for reading in readings)
        self.readings = readings
        self.meets = np.zeros((len(readings), seeds))
        self.tested = np.zeros((len(readings), seeds))
        for row, reading in enumerate(readings):
            for column, meet in enumerate(reading.meets):
                self.meets[row, column], self.tested[row, column] = bool(meet), meet is not None
        self.shares: FloatArray = self.meets.sum(axis=1) / self.tested.sum(axis=1)
        self.weights = raked(readings)
        self.groups = np.unique([reading.group for reading in readings], return_inverse=True)[1]

    @property
    def runs(self) -> int:
        """Tested runs, each counted once however often it was read."""
        return int((self._per_group(self.tested) > 0).sum())

    def interval(self, share: float, seed: int) -> tuple[float, float]:
        """The hull of bootstrap and exact interval around a share, 95 %."""
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(self._resampled(np.random.default_rng(seed)), [tail, 1 - tail])
        of_runs = self._per_group(self.tested * (self.weights / self.tested.sum(axis=1))[:, None])
        n = of_runs.sum() ** 2 / (of_runs**2).sum()
        k = min(share, 1.0) * n                                     # the beta quantiles are meant for any real k
        lowest = float(beta.ppf(tail, k, n - k + 1)) if k > 1e-9 else 0.0
        highest = float(beta.ppf(1 - tail, k + 1, n - k)) if n - k > 1e-9 else 1.0
        return min(float(low), lowest), max(float(high), highest)

    def by_level(self, axis: str) -> dict[str, float]:
        """The weighted share at each level of an axis."""
        words, level = np.unique([reading.axes[axis] for reading in self.readings], return_inverse=True)
        share = np.bincount(level, self.weights * self.shares) / np.bincount(level, self.weights)
        return dict(zip(words.tolist(), share.tolist(), strict=True))

    def _resampled(self, rng: np.random.Generator) -> FloatArray:
        """Shares when the seeds of every group are drawn anew, with replacement, again and again.

        Readings of one group of which the same runs could be tested are summed beforehand; that changes nothing.
        """
        kinds, kind = np.unique(np.column_stack([self.groups, self.tested]), axis=0, return_inverse=True)
        group, tested, seeds = kinds[:, 0].astype(int), kinds[:, 1:], self.meets.shape[1]
        weights, met = np.bincount(kind, self.weights), np.zeros_like(tested)
        np.add.at(met, kind, self.weights[:, None] * self.meets)
        drawn = np.empty(RESAMPLES)
        for i in range(RESAMPLES):
            times = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=group.max() + 1).astype(float)[group]
            runs = np.einsum("ij,ij->i", times, tested)
            known = runs > 0                             # else none of its tested runs was drawn
            shares = np.einsum("ij,ij->i", times, met)[known] / runs[known]
            drawn[i] = shares.sum() / weights[known].sum() if known.any() else self.weights @ self.shares
        return drawn

    def _per_group(self, values: FloatArray) -> FloatArray:
        summed = np.zeros((self.groups.max() + 1, values.shape[1]))
        np.add.at(summed, self.groups, values)
        return summed


def varying(readings: Sequence[Reading]) -> list[str]:
    """The axes that all readings have and on which they differ."""
    first = readings[0].axes if readings else {}
    common = [axis for axis in first if all(axis in reading.axes for reading in readings)]
    return [axis for axis in common if len({reading.axes[axis] for reading in readings}) > 1]


def raked(readings: Sequence[Reading]) -> FloatArray:
    """Weights (specifications,) of sum 1 under which every level of every axis weighs the same, or nearly so.

    Where no such weights exist (two axes that go together, a level met by one specification alone) they are what
    scaling axis by axis within the bounds comes to; `unequal` says how far that is.
    """
    n = len(readings)
    weights = np.full(n, 1 / n)
    levels = [_levels(readings, axis) for axis in varying(readings)]
    for _ in range(RAKINGS):
        before = weights
        for level in levels:
            totals = np.bincount(level, weights)
            weights = weights / totals[level]
            weights = np.clip(weights / weights.sum(), 1 / (LARGEST_WEIGHT * n), LARGEST_WEIGHT / n)
        weights = weights / weights.sum()
        if float(abs(weights / before - 1).max()) < RAKED:
            break
    return weights


def unequal(readings: Sequence[Reading], weights: FloatArray) -> float:
    """The largest relative deviation of a level's total weight from 1 / (number of levels), over all axes."""
    farthest = 0.0
    for axis in varying(readings):
        totals = np.bincount(_levels(readings, axis), weights)
        farthest = max(farthest, float(abs(len(totals) * totals - 1).max()))
    return farthest


def explained(readings: Sequence[Reading], seed: int = 0) -> dict[str, Explained]:
    """What each axis explains of the variance between specifications, the largest share first."""
    if len(readings) < 3 or len({reading.share for reading in readings}) == 1:
        return {}
    table, rng = Table(readings), np.random.default_rng([seed, 1])
    w, groups = table.weights, table.groups
    wy = w * (table.shares - w @ table.shares)
    variance, found = float(wy @ (wy / w)), {}
    for axis in varying(readings):
        level = _levels(readings, axis)
        first = np.unique(groups, return_index=True)[1]
        if (level == level[first][groups]).all():        # one level a group: whole groups change places
            of_group = level[first]
            w_of, wy_of = (np.bincount(groups, values).astype(float) for values in (w, wy))
            chance = [_between(w_of, wy_of, rng.permutation(of_group)) for _ in range(PERMUTATIONS)]
        else:                                            # levels change places within each group
            order = np.argsort(groups, kind="stable")
            of_group, w_of, wy_of, sorted_groups = level[order], w[order], wy[order], groups[order]
            chance = [_between(w_of, wy_of, of_group[np.argsort(sorted_groups + rng.random(len(level)))])
                      for _ in range(PERMUTATIONS)]
        actual = _between(w, wy, level)
        reached = sum(by_chance >= actual * (1 - 1e-9) for by_chance in chance)
        found[axis] = Explained(
            max(0.0, (actual - float(np.mean(chance))) / variance), (1 + reached) / (1 + PERMUTATIONS))
    return dict(sorted(found.items(), key=lambda item: -item[1].share))


def _levels(readings: Sequence[Reading], axis: str) -> IntArray:
    level: IntArray = np.unique([reading.axes[axis] for reading in readings], return_inverse=True)[1]
    return level


def _between(w: FloatArray, wy: FloatArray, level: IntArray) -> float:
    """sum_l (sum_{s in l} w_s y_s)^2 / sum_{s in l} w_s: the weighted variance between levels of y, of mean 0."""
    totals, sums = np.bincount(level, w), np.bincount(level, wy)
    return float((sums**2 / np.where(totals > 0, totals, 1)).sum())
