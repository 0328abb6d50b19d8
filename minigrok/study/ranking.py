"""How well a quantity ranks runs: the AUC and Spearman's correlation within set-ups, averaged over them.

    AUC     P(x > x') + P(x = x') / 2 over pairs of a positive and a negative run (Mann and Whitney 1947)
    r       the correlation of the mid-ranks of two quantities (Spearman 1904), averaged over set-ups by Fisher's
            z = artanh r with weights n - 3

Both are written as functions of how often each run counts, so that one formula serves the data, in which each counts
once, and all resamples. Arrays of resamples have the data themselves in row 0.

The 95 % interval is the hull of the percentile bootstrap over runs within set-ups (n - 1 of n are drawn, which makes
its variance unbiased: McCarthy and Snowden 1985) and of a closed form, for the bootstrap has no width where all runs
agree: of Newcombe (2006, method 5) for the AUC, z +- 1.96 sqrt(1.06 / sum (n - 3)) for the correlation (Fieller,
Hartley and Pearson 1957).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from minigrok.checks import BoolArray, FloatArray

FEWEST = 4                     # runs of a set-up for a rank correlation: Fisher's weight is n - 3
TAIL = 0.025
Z95 = float(norm.ppf(1 - TAIL))


class Found(NamedTuple):
    """A statistic of several quantities with its interval."""

    value: FloatArray          # (quantities,)
    low: FloatArray
    high: FloatArray
    setups: int                # that it is the mean of


def times_drawn(kind: BoolArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """How often each run counts, (1 + resamples, runs): once in row 0; drawn within either `kind` in the others."""
    times = np.ones((1 + resamples, len(kind)))
    for here in (kind, ~kind):
        n = int(here.sum())
        if n:
            times[1:, here] = rng.multinomial(max(1, n - 1), np.full(n, 1 / n), size=resamples)
    return times


def above(x: FloatArray, y: FloatArray) -> FloatArray:
    """1 where x[i] > y[j], 1/2 where they are equal, 0 below; (len(x), len(y), ...)."""
    return (1.0 + (x[:, None] > y[None]) - (x[:, None] < y[None])) / 2


def auc(positive: FloatArray, negative: FloatArray, times: FloatArray, times_negative: FloatArray) -> FloatArray:
    """AUC (rows, quantities) of `positive` (m, quantities) over `negative` (n, quantities), weighed (rows, m or n)."""
    wins = np.einsum("bp,pnq,bn->bq", times, above(positive, negative), times_negative, optimize=True)
    pairs = (times.sum(axis=1) * times_negative.sum(axis=1))[:, None]
    undefined = np.isnan(positive).any(axis=0) | np.isnan(negative).any(axis=0)
    share: FloatArray = np.divide(wins, pairs, out=np.full_like(wins, np.nan), where=(pairs > 0) & ~undefined)
    return share


def spearman(values: FloatArray, target: FloatArray, times: FloatArray) -> FloatArray:
    """Spearman's r (rows, quantities) of `values` (n, quantities) with `target` (n,), weighed `times` (rows, n)."""
    x = np.einsum("bj,ijq->biq", times, above(values, values))             # ranks among those that count
    y = np.einsum("bj,ij->bi", times, above(target, target))[:, :, None]
    w = (times / np.maximum(times.sum(axis=1, keepdims=True), 1))[:, :, None]
    x, y = x - (w * x).sum(axis=1, keepdims=True), y - (w * y).sum(axis=1, keepdims=True)
    scale = np.sqrt((w * x**2).sum(axis=1) * (w * y**2).sum(axis=1))
    defined = (scale > 1e-9) & ~np.isnan(values).any(axis=0)               # ranks are halves: any spread is larger
    r: FloatArray = np.divide((w * x * y).sum(axis=1), scale, out=np.full_like(scale, np.nan), where=defined)
    return r


def fisher_z(r: FloatArray, n: int) -> FloatArray:
    """artanh r; a perfect ranking of n counts as half way to one in which two neighbours have changed places."""
    most = 1 - 6 / (n * (n**2 - 1))
    z: FloatArray = np.arctanh(np.clip(r, -most, most))
    return z


def mean_auc(cells: Sequence[Sequence[FloatArray]], sizes: Sequence[FloatArray]) -> Found | None:
    """The mean over set-ups and delays of `cells[set-up][delay]`, each from `auc`; None for fewer than two set-ups.

    Whether high or low values are positive is learnt on the other set-ups, anew in each resample. `sizes` are the
    numbers (m, n) of positive and negative runs of each set-up.
    """
    if len(cells) < 2:
        return None
    excess = np.array(cells) - 0.5                                         # (set-ups, delays, rows, quantities)
    filled = np.nan_to_num(excess)
    direction = np.sign(filled.sum(axis=0) - filled)                       # of all other set-ups
    mean = 0.5 + average(average(direction * excess, axis=1))              # (rows, quantities)
    low, high = percentiles(mean)
    least, most = np.array([newcombe(value, sizes) for value in mean[0]]).T
    return Found(mean[0], np.minimum(low, least), np.maximum(high, most), len(cells))


def newcombe(value: float, sizes: Sequence[FloatArray]) -> tuple[float, float]:
    """All theta that lie within 1.96 of Hanley and McNeil's (1982) standard errors at theta of the AUC found."""
    theta = np.linspace(0, 1, 2001)
    variance = np.zeros_like(theta)
    for m, n in sizes:
        more = (m + n) / 2 - 1
        spread = 1 + more * (1 - theta) / (2 - theta) + more * theta / (1 + theta)
        variance += theta * (1 - theta) * spread / (m * n * len(sizes) ** 2)
    inside = theta[(theta - value) ** 2 <= Z95**2 * variance + 1e-12]
    return (float(inside.min()), float(inside.max())) if len(inside) else (value, value)


def mean_rank_correlation(cells: Sequence[Sequence[tuple[int, FloatArray]]]) -> Found | None:
    """The mean over set-ups and delays of `cells[set-up] = [(n, r), ...]`, one a delay, r from `spearman`."""
    if not cells:
        return None
    z = np.array([average(np.array([fisher_z(r, n) for n, r in of_setup])) for of_setup in cells])
    weights = np.array([np.mean([n - 3 for n, _ in of_setup]) for of_setup in cells])
    mean = average(z, weights[:, None, None])                              # (rows, quantities)
    low, high = percentiles(mean)
    half = Z95 * np.sqrt(1.06 / weights.sum())
    least, most = np.minimum(low, mean[0] - half), np.maximum(high, mean[0] + half)
    return Found(np.tanh(mean[0]), np.tanh(least), np.tanh(most), len(cells))


def average(values: FloatArray, weights: FloatArray | float = 1.0, axis: int = 0) -> FloatArray:
    """The weighted mean of what is known; NaN where nothing is."""
    counts = np.where(np.isnan(values), 0, weights)
    total = counts.sum(axis=axis)
    mean: FloatArray = np.divide((counts * np.nan_to_num(values)).sum(axis=axis), total,
                                 out=np.full_like(total, np.nan, dtype=float), where=total > 0)
    return mean


def percentiles(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """2.5 and 97.5 % of the resamples, rows 1 on, of which those without a value count as the data."""
    low, high = np.quantile(np.where(np.isnan(values[1:]), values[0], values[1:]), [TAIL, 1 - TAIL], axis=0)
    return low, high
