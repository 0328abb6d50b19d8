"""How far S, P and exp S of a sample may be from those of the population it was drawn from.

N inputs are a sample, and the state of a sample is purer than the state of the population: its spectrum is
spread by the noise, so S is biased low and P high, by about (d - 1) / (2 N) for S when all modes are alike.
Two estimates are made, both by resampling inputs, that is, rows:

    jackknife    with f_(i) the value without row (or group) i, and f_bar their mean over m of them,
                 bias = (m - 1) (f_bar - f),    variance = (m - 1) / m sum_i (f_(i) - f_bar)^2
    bootstrap    the value on B samples of m rows (or groups) drawn with replacement: percentiles about the value

The jackknife takes off the bias of order 1/N. Leaving a row out changes the Gram matrix by one rank, so its
new spectrum costs one small eigenvalue problem. Inputs that are the whole population, such as all pairs
of a modular task, carry no such error; rows that repeat or depend on each other, such as
several looks at one object, are left out and drawn in groups.

References
----------
.. [1] B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman and Hall, 1993, chapters 10, 11, 13.
"""

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, IntArray, real_number, whole_number
from minigrok.grams import prepared_rows
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum

QUANTITIES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "entropy": lambda p: np.asarray(entropy_of_spectrum(p)),
    "purity": lambda p: np.asarray(purity_of_spectrum(p)),
    "effective_rank": lambda p: np.exp(entropy_of_spectrum(p)),
}
FEWEST_ROWS_A_NEURON = 5       # below it the bias of S is no longer small beside what the jackknife can mend
FEWEST_GROUPS = 3
MOST_JACKKNIFED = 2000         # above it the rows are dealt to so many groups: the spectra would take too long


class SamplingError(NamedTuple):
    """One quantity with what sampling does to it."""

    value: float               # of the sample as it is
    bias: float                # estimated: the sample's value minus the population's
    standard_error: float      # of the value, by the jackknife
    corrected: float           # value - bias, kept within the quantity's range
    low: float                 # the interval of the given level, by the bootstrap, about the corrected value
    high: float


def sampling_error(
    A: ArrayLike, convention: str = "trace", groups: ArrayLike | None = None, population: bool = False,
    level: float = 0.95, resamples: int = 400, seed: int = 0,
) -> dict[str, SamplingError]:
    """Bias, standard error and interval of S, P and exp S for N sampled inputs.

    Parameters
    ----------
    A : array_like, shape (N, d)
        Activations; the rows are independent draws from a population of inputs.
    convention : str
        See `minigrok.density`. A centred mean is taken off once; its own error, of order 1/N^2, is left out.
    groups : array_like of int, shape (N,), optional
        Rows with the same number depend on each other, and are resampled together.
    population : bool
        The rows are all there are: bias and error are 0.
    level : float
        Of the interval, between 0 and 1.
    resamples : int
        Bootstrap samples, 100 or more.
    seed : int

    Returns
    -------
    dict from "entropy", "purity", "effective_rank" to SamplingError
        S in nats.

    Raises
    ------
    ValueError
        As for `density_matrix`; also for one row, fewer than 3 groups, or numbers out of range.

    Warns
    -----
    UserWarning
        Where N / d is below 5: then the correction itself is not to be trusted.

    Examples
    --------
    >>> A = np.random.default_rng(0).normal(size=(200, 4))          # of a population with S = ln 4 = 1.3863
    >>> error = sampling_error(A)["entropy"]
    >>> round(error.value, 3), round(error.bias, 3), round(error.corrected, 4)   # kept at most ln 4
    (1.382, -0.011, 1.3863)
    """
    level, resamples = real_number("level", level, 0, 1, low_open=True), whole_number("resamples", resamples, 100)
    rows = prepared_rows(A, convention)
    if rows.ndim != 2:
        raise ValueError(f"A has shape {rows.shape}, but a sampling error takes one matrix (inputs, neurons)")
    n, d = rows.shape
    value = {name: float(f(_spectra(_grams(rows, np.zeros(n, np.int64), 1))[0])) for name, f in QUANTITIES.items()}
    if population:
        return {name: SamplingError(v, 0.0, 0.0, v, v, v) for name, v in value.items()}
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    numbers, m = _group_numbers(groups, n, rng)
    if m / d < FEWEST_ROWS_A_NEURON:
        warnings.warn(
            f"{m} independent inputs for {d} neurons are too few to tell the population's state from the sample's: "
            f"take {FEWEST_ROWS_A_NEURON * d} or more", stacklevel=2)
    parts = _grams(rows, numbers, m)                     # (m, d, d) each group's share of the Gram matrix
    whole = parts.sum(axis=0)
    without = _spectra(whole - parts)
    # weights of the groups in each bootstrap sample, (resamples, m), and the Gram matrices they make
    weights = rng.multinomial(m, np.full(m, 1 / m), size=resamples).astype(np.float64)
    drawn = _spectra(np.tensordot(weights, parts, axes=1))
    return {name: _error(f, value[name], f(without), f(drawn), level, d) for name, f in QUANTITIES.items()}


def _error(
    f: Callable[[FloatArray], FloatArray], value: float, left_out: FloatArray, drawn: FloatArray, level: float, d: int
) -> SamplingError:
    """Jackknife bias and error; the bootstrap's percentiles, shifted by twice the bias.

    The bootstrap's own values are biased once more, by as much as the sample's, so the spread about their mean is
    laid about the corrected value.
    """
    m = len(left_out)
    bias = (m - 1) * float(left_out.mean() - value)
    error = float(np.sqrt((m - 1) / m * ((left_out - left_out.mean()) ** 2).sum()))
    pure, mixed = (float(f(p)) for p in (np.eye(d)[0], np.full(d, 1 / d)))
    smallest, largest = min(pure, mixed), max(pure, mixed)
    corrected = min(max(value - bias, smallest), largest)
    tails = np.quantile(drawn - drawn.mean(), [(1 - level) / 2, (1 + level) / 2])
    low, high = (min(max(value - bias + float(tail), smallest), largest) for tail in tails)
    return SamplingError(value, bias, error, corrected, low, high)


def _group_numbers(groups: ArrayLike | None, n: int, rng: np.random.Generator) -> tuple[IntArray, int]:
    """The group of each row, 0 .. m - 1, and m; without groups each row is its own, or they are dealt out at random."""
    if groups is None:
        m = min(n, MOST_JACKKNIFED)
        numbers = rng.permutation(np.arange(n) % m) if n > m else np.arange(n)
    else:
        given = np.asarray(groups)
        if given.shape != (n,):
            raise ValueError(f"groups have shape {given.shape}, but A has {n} rows: give one number a row")
        unique, numbers = np.unique(given, return_inverse=True)
        m = len(unique)
    if m < FEWEST_GROUPS:
        raise ValueError(
            f"there are {m} independent inputs, but an error needs {FEWEST_GROUPS} at least; "
            "if they are all there are, say population=True")
    return numbers, m


def _grams(rows: InexactArray, numbers: IntArray, m: int) -> InexactArray:
    """A_g^T conj(A_g) of each group's rows, (m, d, d)."""
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(m + 1))
    parts = [rows[order[a:b]] for a, b in pairwise(bounds)]
    return np.stack([part.T @ part.conj() for part in parts])


def _spectra(grams: InexactArray) -> FloatArray:
    """Spectra (m, d) of Gram matrices (m, d, d), each divided by its trace."""
    p = np.maximum(np.linalg.eigvalsh(grams), 0.0)
    spectra: FloatArray = p / p.sum(axis=-1, keepdims=True)
    return spectra
