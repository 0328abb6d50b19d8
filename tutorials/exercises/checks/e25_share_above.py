"""The marker's side of e25_share_above."""

import math

import numpy as np
from scipy.special import logsumexp

from minigrok.course.laws import agrees, fails, holds, law

LESSON, MINUTES = 6, 10
HINTS = (
    "The share is a sum over the bins above, divided by the sum over all bins. A constant added to all of log_g drops "
    "out: so you may choose one that suits the computer.",
    "Subtract the largest log_g: then exp of it is 1, no other is larger, and those that underflow to 0 are "
    "negligible. Bin i belongs to the bins above if it begins at the level or higher.",
    "mass = np.exp(log_g - log_g.max()); above = edges[:-1] >= level; the share is mass[above].sum() / mass.sum().",
)


def share_above(log_g, edges, level):
    mass = np.exp(log_g - log_g.max())                   # the largest is 1; exp(-inf) is 0, as it should be
    above = edges[:-1] >= level                          # bins that begin at the level or higher
    return mass[above].sum() / mass.sum()


def check(share_above, rng):
    rule = "the sum of the masses exp(log_g) of all bins that begin at the level or higher, over the sum of all masses"
    for log_g, edges in _inputs(rng):
        holds(share_above, "all mass lies above the first edge", lambda s: abs(s - 1) < 1e-9, log_g, edges, edges[0])
        holds(share_above, "no mass lies above the last edge", lambda s: abs(s) < 1e-9, log_g, edges, edges[-1])
        for level in edges[1:-1]:
            agrees(share_above, _solution, log_g, edges, level, sentence=rule)
        middle = len(edges) // 2
        level, stretched = edges[middle], edges**3
        for constant in (3.0, 2000.0, -2000.0):
            law(share_above, "a constant added to all of log_g drops out, be it as large as 2000",
                (log_g, edges, level), (log_g + constant, edges, level))
        law(share_above, "stretched edges change no mass: log_g belongs to whole bins, not to a unit of their width",
            (log_g, edges, level), (log_g, stretched, stretched[middle]))
    small = (np.array([0.0, -20.0, -50.0]), np.array([0.0, 1.0, 2.0, 3.0]), 2.0)
    share, expected = share_above(*small), _solution(*small)
    if abs(share - expected) > 1e-9 * expected:
        fails("a share of e^-50 is small, but it is known to as many digits as any other", small, share, expected)


def _inputs(rng):
    yield np.zeros(2), np.array([0.0, 1.0, 2.0])
    yield np.zeros(3), np.array([0.0, 1.0, 3.0, 4.0])
    yield np.array([1.0, 0.0, -np.inf, 2.0]), np.array([0.0, 0.5, 1.0, 2.0, 4.0])
    for bins in (4, 7):
        log_g = rng.normal(0, 2, bins)
        log_g[rng.integers(bins - 1)] = -np.inf
        yield log_g, np.append(0.0, np.cumsum(rng.uniform(0.2, 1.0, bins)))


_solution = share_above


def _by_loops(log_g, edges, level):
    top = max(log_g)
    above = total = 0.0
    for low, value in zip(edges, log_g):
        mass = math.exp(value - top) if value > -math.inf else 0.0
        total += mass
        if low >= level:
            above += mass
    return above / total


def _by_logsumexp(log_g, edges, level):
    with np.errstate(divide="ignore"):
        return np.exp(logsumexp(np.append(log_g[edges[:-1] >= level], -np.inf)) - logsumexp(log_g))


def _by_index(log_g, edges, level):
    first = int(np.flatnonzero(edges == level)[0])
    p = np.exp(log_g - np.logaddexp.reduce(log_g))       # normalised: the masses add up to 1
    return float(p[first:].sum())


def _by_where(log_g, edges, level):
    mass = np.exp(log_g - np.max(log_g[np.isfinite(log_g)]))
    return np.where(edges[1:] > level, mass, 0).sum() / np.sum(mass)


def _wrong(share):
    """A wrong share: a function of the masses, largest 1, of whether each bin is above, and of all arguments."""
    def wrong(log_g, edges, level):
        with np.errstate(all="ignore"):
            return share(np.exp(log_g - log_g.max()), edges[:-1] >= level, log_g, edges, level)
    return wrong


def _of(mass, above):
    return mass[above].sum() / mass.sum()


RIGHT = (_by_loops, _by_logsumexp, _by_index, _by_where)
WRONG = {
    "takes exp of log_g as it is: above 709 it overflows, and below -745 all masses are 0": _wrong(
        lambda mass, above, log_g, edges, level: _of(np.exp(log_g), above)),
    "takes 1 minus the share below: that rounds small shares away": _wrong(
        lambda mass, above, log_g, edges, level: 1 - _of(mass, ~above)),
    "leaves out the bin that begins at the level": _wrong(
        lambda mass, above, log_g, edges, level: _of(mass, edges[:-1] > level)),
    "takes in the bin that ends at the level": _wrong(
        lambda mass, above, log_g, edges, level: _of(mass, edges[1:] >= level)),
    "computes the index of the level by a division, as if all bins were equally wide": _wrong(
        lambda mass, above, log_g, edges, level:
            mass[round((level - edges[0]) / (edges[1] - edges[0])):].sum() / mass.sum()),
    "returns the share below the level": _wrong(lambda mass, above, log_g, edges, level: _of(mass, ~above)),
    "returns ln of the share": _wrong(lambda mass, above, log_g, edges, level: np.log(_of(mass, above))),
    "counts bins, not the mass in them": _wrong(lambda mass, above, log_g, edges, level: above.mean()),
    "adds up log_g where the masses exp(log_g) belong": _wrong(
        lambda mass, above, log_g, edges, level: _of(log_g, above)),
    "multiplies by the width of the bins, but log_g is that of whole bins": _wrong(
        lambda mass, above, log_g, edges, level: _of(mass * np.diff(edges), above)),
    "divides by the width of the bins, but log_g is that of whole bins": _wrong(
        lambda mass, above, log_g, edges, level: _of(mass / np.diff(edges), above)),
    "does not divide by the sum of all masses": _wrong(lambda mass, above, log_g, edges, level: mass[above].sum()),
    "gives empty bins log_g = 0, which is a mass of 1, where -inf is a mass of 0": _wrong(
        lambda mass, above, log_g, edges, level: _of(
            (lambda filled: np.exp(filled - filled.max()))(np.where(np.isfinite(log_g), log_g, 0.0)), above)),
    "subtracts the mean of log_g, which empty bins make -inf; the largest is safe": _wrong(
        lambda mass, above, log_g, edges, level: _of(np.exp(log_g - log_g.mean()), above)),
    "takes powers of 2: log_g is the natural logarithm": _wrong(
        lambda mass, above, log_g, edges, level: _of(np.exp2(log_g - log_g.max()), above)),
}
