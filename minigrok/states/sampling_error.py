"""How far S, P and exp S of a sample may be from those of the population it was drawn from.

N inputs are a sample, and the state of a sample is purer than the state of the population: its spectrum is
spread by the noise, so S is biased low and P high, by about (d - 1) / (2 N) for S when all modes are alike.
Two estimates are made, both by resampling inputs, that is, rows:

    jackknife    with f_(i) the value without row (or group) i, and f_bar their mean over m of them,
                 bias = (m - 1) (f_bar - f),    variance = (m - 1) / m sum_i (f_(i) - f_bar)^2
    bootstrap    the value on B samples of m rows (or groups) drawn with replacement: percentiles about the value

The jackknife takes off the bias of order 1/N. All that is kept of a row (or group) is its share of the Gram
matrix, so each value costs one eigenvalue problem; where there are very many rows, or wide ones, they are dealt
out at random to fewer groups. Inputs that are the whole population, such as all pairs of a modular task,
carry no such error; rows that repeat or depend on each other, such as several looks at one object
or the places of one picture, are left out and drawn in groups.

References
----------
.. [1] B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman and Hall, 1993, chapters 10, 11, 13.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from minigrok.checks import (
    FloatArray,
    InexactArray,
    IntArray,
    number_array,
    real_number,
    require_finite,
    short,
    whole_number,
)
from minigrok.density import activation_spectrum, gram_spectrum
from minigrok.grams import activation_array, grams_by_group, prepared_rows
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum

QUANTITIES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "entropy": lambda p: np.asarray(entropy_of_spectrum(p)),
    "purity": lambda p: np.asarray(purity_of_spectrum(p)),
    "effective_rank": lambda p: np.exp(entropy_of_spectrum(p)),
}
FEWEST_ROWS_A_NEURON = 5       # below it the bias of S is no longer small beside what the jackknife can mend
FEWEST_GROUPS = 3              # of two the jackknife knows no more than their difference
MOST_GROUPS = 2000             # above it the rows are dealt to so many groups: the spectra would take too long
MOST_ENTRIES = 2**23           # of all Gram matrices together, 64 MB: wide ones are dealt to fewer groups, down to
FEWEST_DEALT = 24              # so many, of which the standard error itself is good to 15 %, 1 / sqrt(2 * 23)
AT_ONCE = 64                   # matrices stacked for one call: enough that its overhead is small


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
        Bootstrap samples, 100 or more; or 0: then the interval is that of a normal distribution with the
        jackknife's standard error, which needs no more than one eigenvalue problem a group.
    seed : int

    Returns
    -------
    dict from "entropy", "purity", "effective_rank" to SamplingError
        S in nats.

    Raises
    ------
    ValueError
        As for `density_matrix`; also for one row, fewer than 3 groups, numbers out of range, or where
        a single row or group carries all activations.

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
    level = real_number("level", level, 0, 1, low_open=True)
    resamples = whole_number("resamples", resamples, 0) and whole_number("resamples", resamples, 100)
    rng = np.random.default_rng(whole_number("seed", seed, 0, np.inf))
    array = activation_array(A)
    if array.ndim != 2:
        raise ValueError(f"A has shape {array.shape}, but a sampling error takes one matrix (inputs, neurons)")
    n, d = array.shape
    if groups is not None:
        groups = number_array("groups", groups)
        require_finite("groups", groups)
    if not isinstance(population, bool | np.bool_):
        raise ValueError(f"population is {short(population)}, but must be True or False")
    if population:
        p = activation_spectrum(array, convention)
        values = {name: float(f(p)) for name, f in QUANTITIES.items()}
        return {name: SamplingError(v, 0.0, 0.0, v, v, v) for name, v in values.items()}
    numbers, independent = _independent_inputs(groups, n)
    if independent / d < FEWEST_ROWS_A_NEURON:
        warnings.warn(
            f"{independent} independent inputs for {d} neurons are too few to tell the population's state from the "
            f"sample's: take {FEWEST_ROWS_A_NEURON * d} or more", stacklevel=2)
    if n < d:                                            # in the space that the rows span all spectra are the same
        rows = prepared_rows(array, convention)
        array, convention = rows @ np.linalg.qr(rows.T)[0].conj(), "trace"
    numbers, m = _dealt(numbers, independent, array.shape[1], rng)
    parts = grams_by_group(array, convention, numbers, m)                # (m, d, d) each group's share
    whole = parts.sum(axis=0)
    value, without = gram_spectrum(whole), _spectra(whole - part for part in parts)
    # how often each group is in each bootstrap sample, (resamples, m)
    counts = rng.multinomial(m, np.full(m, 1 / m), size=resamples).astype(np.float64)
    drawn = _spectra(np.tensordot(count, parts, axes=1) for count in counts) if resamples else None
    return {name: _error(f, value, without, drawn, level, d) for name, f in QUANTITIES.items()}


def _error(
    f: Callable[[FloatArray], FloatArray], p: FloatArray, without: FloatArray, drawn: FloatArray | None, level: float,
    d: int,
) -> SamplingError:
    """Jackknife bias and error of f; the interval is laid about the corrected value.

    The bootstrap's own values are biased once more, by as much as the sample's, so what is taken from them is
    their spread about their mean.
    """
    value, left_out, m = float(f(p)), f(without), len(without)
    bias = (m - 1) * float(left_out.mean() - value)
    error = float(np.sqrt((m - 1) / m * ((left_out - left_out.mean()) ** 2).sum()))
    pure, mixed = (float(f(q)) for q in (np.eye(d)[0], np.full(d, 1 / d)))
    smallest, largest = min(pure, mixed), max(pure, mixed)
    corrected = min(max(value - bias, smallest), largest)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    spread = ndtri(tails) * error if drawn is None else np.quantile(f(drawn) - f(drawn).mean(), tails)
    low, high = (min(max(value - bias + float(tail), smallest), largest) for tail in spread)
    return SamplingError(value, bias, error, corrected, low, high)


def _independent_inputs(groups: ArrayLike | None, n: int) -> tuple[IntArray, int]:
    """The group of each row, 0 .. m - 1, and m; without groups each row is its own."""
    numbers, m = np.arange(n), n
    if groups is not None:
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


def _dealt(numbers: IntArray, m: int, d: int, rng: np.random.Generator) -> tuple[IntArray, int]:
    """The groups 0 .. m - 1, dealt at random into fewer where their Gram matrices would be too many or too large."""
    most = min(MOST_GROUPS, max(MOST_ENTRIES // d**2, FEWEST_DEALT))
    if m <= most:
        return numbers, m
    return rng.permutation(np.arange(m) % most)[numbers], most


def _spectra(grams: Iterable[InexactArray]) -> FloatArray:
    """Spectra (m, d) of Gram matrices (d, d), a handful in memory at a time."""
    spectra = []
    for few in _batched(grams, AT_ONCE):
        stack = np.stack(few)
        if not (np.trace(stack, axis1=-2, axis2=-1).real > 0).all():
            raise ValueError(
                "one input (or group) carries all of the activations, so nothing is left without it: "
                "there is no telling how another sample would look")
        spectra.append(gram_spectrum(stack))
    return np.concatenate(spectra)


def _batched(grams: Iterable[InexactArray], size: int) -> Iterator[list[InexactArray]]:
    """Lists of `size` (the last may be shorter), as itertools.batched of Python 3.12."""
    rest = iter(grams)
    while few := list(islice(rest, size)):
        yield few
