"""The density of states that walkers found: their ln g on one constant, its error, and what they saw in each bin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from minigrok.checkpoint import load_arrays, save_arrays
from minigrok.checks import BoolArray, FloatArray, IntArray


class WalkerResult(NamedTuple):
    """What one walker brings home."""

    log_g: FloatArray          # (bins,) when production began, up to a constant
    seen: BoolArray            # (bins,)
    histogram: IntArray        # (bins,) visits in production
    energies: FloatArray       # (records,) in production
    looks: IntArray            # (bins,) how often observables were taken
    sums: Mapping[str, FloatArray]         # of each observable in each bin
    round_trips: int           # between the lowest and the highest bin, in production
    steps: int                 # trial moves, build-up and production


@dataclass(frozen=True)
class DensityOfStates:
    """ln of the mass in each bin, normalised so that the masses add up to 1, with its error.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        As they were given.
    log_g : ndarray, shape (bins,)
        ln of the mass in [edges[i], edges[i + 1]), the last bin closed; mean over walkers; -inf where unvisited.
    error : ndarray, shape (bins,)
        Standard error of log_g, from the spread over walkers; NaN with fewer than two, or where one never was.
    histogram : ndarray, shape (bins,)
        Visits in production, all walkers.
    visited : ndarray of bool, shape (bins,)
    observables : dict from name to ndarray (bins,)
        Mean over all looks into a bin in production; NaN where there was none.
    walkers_log_g : ndarray, shape (walkers, bins)
    production_shift : ndarray, shape (bins,)
        ln of (visits in production / their mean): what production would add to log_g. About 0 without bias.
    round_trips : ndarray, shape (walkers,)
    r_hat : float
        Split R-hat of the energies in production: 1 where the walkers agree.
    steps : int
        Trial moves of each walker.
    """

    edges: FloatArray
    log_g: FloatArray
    error: FloatArray
    histogram: IntArray
    visited: BoolArray
    observables: Mapping[str, FloatArray]
    walkers_log_g: FloatArray
    production_shift: FloatArray
    round_trips: IntArray
    r_hat: float
    steps: int

    @property
    def centres(self) -> FloatArray:
        """Middles of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def save(self, path: str | PathLike[str]) -> None:
        """Write an `.npz` of plain arrays; observables under "observable NAME"."""
        arrays = {name: np.asarray(value) for name, value in vars(self).items() if name != "observables"}
        save_arrays(path, arrays | {f"observable {name}": value for name, value in self.observables.items()})

    @staticmethod
    def load(path: str | PathLike[str]) -> "DensityOfStates":
        """Read what `save` wrote. ValueError where the file is none of it."""
        arrays = load_arrays(path)
        prefix = "observable "
        observables = {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}
        if arrays.keys() | {"observables"} != DensityOfStates.__dataclass_fields__.keys():
            raise ValueError(f"{path} holds {', '.join(arrays) or 'nothing'}, which is no density of states")
        r_hat, steps = float(arrays.pop("r_hat")), int(arrays.pop("steps"))
        return DensityOfStates(**arrays, observables=observables, r_hat=r_hat, steps=steps)


def combine(edges: FloatArray, walkers: Sequence[WalkerResult], steps: int) -> DensityOfStates:
    """Align the walkers' constants, average, and take the spread as the error.

    Each ln g is normalised to total mass 1. The mean over m walkers has the standard error
    sqrt(sum_k (ln g_k - mean)^2 / (m (m - 1))).
    """
    m = len(walkers)
    log_g = np.stack([_normalised(walker) for walker in walkers])
    visited = np.any([walker.seen for walker in walkers], axis=0)
    by_all = np.all([walker.seen for walker in walkers], axis=0)
    mean, error = np.full(len(visited), -np.inf), np.full(len(visited), np.nan)
    for i in np.flatnonzero(visited):
        mean[i] = np.mean([row[i] for row in log_g if np.isfinite(row[i])])
        if m > 1 and by_all[i]:
            error[i] = np.std(log_g[:, i], ddof=1) / np.sqrt(m)
    histogram = np.sum([walker.histogram for walker in walkers], axis=0)
    looks = np.sum([walker.looks for walker in walkers], axis=0)
    observables = {
        name: np.divide(np.sum([walker.sums[name] for walker in walkers], axis=0), looks,
                        out=np.full(len(looks), np.nan), where=looks > 0)
        for name in walkers[0].sums}
    with np.errstate(divide="ignore"):
        shift = np.log(histogram / histogram[visited].mean())
    round_trips = np.array([walker.round_trips for walker in walkers])
    r_hat = split_r_hat([walker.energies for walker in walkers])
    return DensityOfStates(
        edges, mean - logsumexp(mean), error, histogram, visited, observables, log_g, shift, round_trips, r_hat, steps)


def split_r_hat(series: Sequence[FloatArray]) -> float:
    """Split R-hat: each series is cut in halves; sqrt of (pooled variance / mean variance within the halves).

    With the mean W of the variances within and B / n the variance of the means of 2 m halves of length n,
    R-hat^2 = ((n - 1) / n W + B / n) / W. A. Gelman et al., "Bayesian Data Analysis", CRC, 2013, section 11.4.

    Examples
    --------
    >>> bool(split_r_hat([np.array([0.0, 1, 0, 1]), np.array([5.0, 6, 5, 6])]) > 3)
    True
    """
    n = min(len(values) for values in series) // 2
    halves = np.stack([half for values in series for half in (values[:n], values[n : 2 * n])])
    within = halves.var(axis=1, ddof=1).mean()
    if within == 0:
        return float("inf") if np.ptp(halves) > 0 else 1.0
    return float(np.sqrt(((n - 1) / n * within + halves.mean(axis=1).var(ddof=1)) / within))


def _normalised(walker: WalkerResult) -> FloatArray:
    log_g = np.where(walker.seen, walker.log_g, -np.inf)
    normalised: FloatArray = log_g - logsumexp(log_g)
    return normalised
