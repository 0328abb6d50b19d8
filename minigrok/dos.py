"""The density of states that walkers found: their ln g on one constant, its error, and what they saw in each bin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import t as student_t

from minigrok.checkpoint import load_arrays, save_arrays
from minigrok.checks import BoolArray, FloatArray, IntArray, one_of, real_number

WALKERS_FOR_AN_INTERVAL = 8    # of m walkers the error is itself known to 1 / sqrt(2 (m - 1)): of seven to 29 %


class WalkerResult(NamedTuple):
    """What one walker brings home."""

    log_g: FloatArray          # (bins,) up to a constant
    seen: BoolArray            # (bins,)
    histogram: IntArray        # (bins,) visits in production
    energies: FloatArray       # (records,) in production
    sums: Mapping[str, FloatArray]         # (2, bins) of each observable: sum of its values, and how many there were
    counts: Mapping[str, IntArray]         # (bins, columns) looks by an observable's value
    shift: FloatArray          # (bins,) visits of the last production over their mean, less 1
    round_trips: int           # between the lowest and the highest bin, in production
    log_f: float               # when the last production began
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
        It is itself uncertain: see `interval`.
    histogram : ndarray, shape (bins,)
        Visits in production, all walkers.
    visited : ndarray of bool, shape (bins,)
    observables, observable_errors : dict from name to ndarray (bins,)
        Mean over all looks into a bin in production, NaN where there was none; standard error of the mean of the
        walkers' means, NaN where fewer than two looked.
    joint : dict from name to ndarray (bins, columns)
        Looks by energy bin and by the value of an observable.
    joint_edges : dict from name to ndarray (columns + 1,)
    walkers_log_g : ndarray, shape (walkers, bins)
    production_shift, production_error : ndarray, shape (bins,)
        A check for bias that needs no reference: (visits in the last production / their mean) - 1, mean over walkers
        and its standard error; to first order what the frozen ln g was too low by. Without bias 0 within its error.
    round_trips : ndarray, shape (walkers,)
    r_hat : float
        Split R-hat of the energies in production: 1 where the walkers agree.
    log_f : float
        When the last production began, the largest of all walkers.
    steps : int
        Trial moves of each walker.
    """

    edges: FloatArray
    log_g: FloatArray
    error: FloatArray
    histogram: IntArray
    visited: BoolArray
    observables: Mapping[str, FloatArray]
    observable_errors: Mapping[str, FloatArray]
    joint: Mapping[str, IntArray]
    joint_edges: Mapping[str, FloatArray]
    walkers_log_g: FloatArray
    production_shift: FloatArray
    production_error: FloatArray
    round_trips: IntArray
    r_hat: float
    log_f: float
    steps: int

    @property
    def centres(self) -> FloatArray:
        """Middles of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def largest_error(self) -> float:
        """The largest standard error of any visited bin; infinite where one has none."""
        errors = self.error[self.visited]
        return float(errors.max()) if np.isfinite(errors).all() else float("inf")

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Limits of log_g (bins,), (bins,): Student's t with walkers - 1 degrees of freedom times the error.

        Raises
        ------
        ValueError
            For fewer than 8 walkers, or a level outside (0, 1).
        """
        walkers = len(self.walkers_log_g)
        if walkers < WALKERS_FOR_AN_INTERVAL:
            raise ValueError(f"an interval from {walkers} walkers would mislead: run {WALKERS_FOR_AN_INTERVAL} or more")
        level = real_number("level", level)
        if not 0 < level < 1:
            raise ValueError(f"level is {level}, but must lie between 0 and 1")
        half = student_t.ppf((1 + level) / 2, walkers - 1) * self.error
        return self.log_g - half, self.log_g + half

    def joint_log_g(self, name: str) -> FloatArray:
        """ln of the mass (bins, columns) by energy and by the value of an observable; -inf where nothing was seen.

        Of each energy bin the whole mass is shared out: values outside of all columns do not count.
        """
        counts = self.joint[one_of("observable", name, self.joint)]
        looks = counts.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_share = np.where(looks > 0, np.log(counts / looks), -np.inf)
        joint: FloatArray = self.log_g[:, None] + log_share
        return joint

    def save(self, path: str | PathLike[str]) -> None:
        """Write an `.npz` of plain arrays; those of dicts under "observables NAME" and so on."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, value in vars(self).items():
            inside = {f"{name} {key}": inner for key, inner in value.items()} if isinstance(value, dict) else None
            arrays |= {name: np.asarray(value)} if inside is None else inside
        save_arrays(path, arrays)

    @staticmethod
    def load(path: str | PathLike[str]) -> "DensityOfStates":
        """Read what `save` wrote. ValueError where the file is none of it."""
        arrays = load_arrays(path)
        fields: dict[str, Any] = {"observables": {}, "observable_errors": {}, "joint": {}, "joint_edges": {}}
        for name, value in arrays.items():
            group, _, key = name.partition(" ")
            if key:
                fields.setdefault(group, {})[key] = value
            else:
                fields[name] = value
        if fields.keys() != DensityOfStates.__dataclass_fields__.keys():
            raise ValueError(f"{path} holds {', '.join(arrays) or 'nothing'}, which is no density of states")
        numbers = {name: kind(fields[name]) for name, kind in (("r_hat", float), ("log_f", float), ("steps", int))}
        return DensityOfStates(**fields | numbers)


def combine(
    edges: FloatArray, walkers: Sequence[WalkerResult], joint_edges: Mapping[str, FloatArray] | None = None
) -> DensityOfStates:
    """Align the walkers' constants, average, and take the spread as the error.

    Each ln g is normalised to total mass 1. The mean over m walkers has the standard error
    sqrt(sum_k (ln g_k - mean)^2 / (m (m - 1))).
    """
    log_g = np.stack([_normalised(walker) for walker in walkers])
    visited: BoolArray = np.any(np.isfinite(log_g), axis=0)
    mean, error = _mean_and_error(np.where(np.isfinite(log_g), log_g, np.nan), of_all=True)
    mean = np.where(visited, mean, -np.inf)
    shift, shift_error = _mean_and_error(np.stack([walker.shift for walker in walkers]))
    observables, observable_errors = {}, {}
    for name in sorted({name for walker in walkers for name in walker.sums}):
        none = np.zeros((2, len(visited)))
        sums = np.stack([walker.sums.get(name, none) for walker in walkers])            # (walkers, 2, bins)
        observables[name] = _ratio(sums[:, 0].sum(axis=0), sums[:, 1].sum(axis=0))
        observable_errors[name] = _mean_and_error(_ratio(sums[:, 0], sums[:, 1]))[1]
    return DensityOfStates(
        edges, mean - logsumexp(mean), error, np.sum([walker.histogram for walker in walkers], axis=0), visited,
        observables, observable_errors,
        {name: np.sum([walker.counts[name] for walker in walkers], axis=0) for name in walkers[0].counts},
        dict(joint_edges or {}), log_g, shift, shift_error, np.array([walker.round_trips for walker in walkers]),
        split_r_hat([walker.energies for walker in walkers]), max(walker.log_f for walker in walkers),
        walkers[0].steps)


def split_r_hat(series: Sequence[FloatArray]) -> float:
    """Split R-hat: each series is cut in halves; sqrt of (pooled variance / mean variance within the halves).

    With the mean W of the variances within and B / n the variance of the means of 2 m halves of length n,
    R-hat^2 = ((n - 1) / n W + B / n) / W. A. Gelman et al., "Bayesian Data Analysis", CRC, 2013, section 11.4.
    NaN where a half has fewer than two values.

    Examples
    --------
    >>> bool(split_r_hat([np.array([0.0, 1, 0, 1]), np.array([5.0, 6, 5, 6])]) > 3)
    True
    """
    n = min(len(values) for values in series) // 2
    if n < 2:
        return float("nan")
    halves = np.stack([half for values in series for half in (values[:n], values[n : 2 * n])])
    within = halves.var(axis=1, ddof=1).mean()
    if within == 0:
        return float("inf") if np.ptp(halves) > 0 else 1.0
    return float(np.sqrt(((n - 1) / n * within + halves.mean(axis=1).var(ddof=1)) / within))


def _mean_and_error(values: FloatArray, of_all: bool = False) -> tuple[FloatArray, FloatArray]:
    """Mean (bins,) of values (walkers, bins) that are not NaN, and its standard error; NaN with fewer than two of them.

    With `of_all` there is no error either where any walker has NaN.
    """
    known = np.isfinite(values)
    count = known.sum(axis=0)
    mean = _ratio(np.where(known, values, 0.0).sum(axis=0), count)
    squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
    return mean, np.where(known.all(axis=0) | (not of_all), np.sqrt(_ratio(squares, count * (count - 1))), np.nan)


def _ratio(a: FloatArray, b: NDArray[Any]) -> FloatArray:
    """a / b, NaN where b is 0."""
    ratio: FloatArray = np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)
    return ratio


def _normalised(walker: WalkerResult) -> FloatArray:
    log_g = np.where(walker.seen, walker.log_g, -np.inf)
    return np.asarray(log_g - logsumexp(log_g))
