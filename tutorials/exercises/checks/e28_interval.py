"""The marker's side of e28_interval."""

import numpy as np
from scipy.stats import beta, binomtest

from minigrok.course.laws import agrees, fails, holds

LESSON, MINUTES = 7, 10
HINTS = (
    "Square both sides and collect the powers of q: a q^2 + b q + c <= 0. What are a, b and c?",
    "a = 1 + Z^2/n, b = -(2 p + Z^2/n), c = p^2. The middle between the roots is -b / (2 a): it is not p.",
    "middle = (p + Z^2/(2n)) / (1 + Z^2/n), half = Z / (1 + Z^2/n) * sqrt(p (1 - p)/n + Z^2/(4 n^2)); "
    "then (middle - half, middle + half).",
)
Z = 1.959963984540054


def share_interval(successes, n):
    p, shrink = successes / n, 1 + Z**2 / n
    middle = (p + Z**2 / (2 * n)) / shrink               # drawn to 1/2, as by Z^2 = 3.8 more runs of which half agree
    half = Z / shrink * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return middle - half, middle + half


def check(share_interval, rng):
    random_shares = [(int(rng.integers(0, n + 1)), int(n)) for n in rng.integers(2, 200, 4)]
    for successes, n in ((1, 2), (1, 1), (0, 1), (3, 4), (20, 20), (90, 100), *random_shares):
        p = successes / n
        low, high = share_interval(successes, n)
        if not -1e-9 <= low <= p + 1e-9 <= high + 2e-9 <= 1 + 3e-9:
            fails("the interval holds the share: 0 <= low <= successes / n <= high <= 1", (successes, n), (low, high))
        holds(share_interval, "one run, or any number, never makes a share certain: the interval has a width",
              lambda ends: ends[1] - ends[0] > 1e-3, successes, n)
        for q in (low, high):
            away, deviations = abs(p - q), Z * np.sqrt(max(q * (1 - q), 0) / n)
            if abs(away - deviations) > 1e-7:            # q (1 - q) loses digits near 0 and 1
                fails("at both ends q of the interval abs(p - q) equals Z sqrt(q (1 - q) / n), in q's standard "
                      f"deviation; but at your q = {q:.6g} abs(p - q) = {away:.6g}, and Z sqrt(q (1 - q) / n) = "
                      f"{deviations:.6g}", (successes, n), (low, high))
        agrees(share_interval, _by_scipy, successes, n, sentence="the ends are the two roots, to all digits")
        missed = share_interval(n - successes, n)
        if abs(missed[0] - (1 - high)) + abs(missed[1] - (1 - low)) > 1e-9:
            fails("the share of failures is 1 minus that of successes: so are its ends, and they change places",
                  (n - successes, n), missed, (1 - high, 1 - low))


def _by_scipy(successes, n):
    return tuple(binomtest(successes, n).proportion_ci(0.95, "wilson"))


def _by_roots(successes, n):
    p = successes / n
    low, high = np.sort(np.roots([1 + Z**2 / n, -(2 * p + Z**2 / n), p**2]).real)
    return low, high


def _by_bisection(successes, n):
    p = successes / n

    def end(inside, outside):
        for _ in range(80):
            q = (inside + outside) / 2
            if (p - q) ** 2 <= Z**2 * q * (1 - q) / n:
                inside = q
            else:
                outside = q
        return inside

    return end(p, 0.0), end(p, 1.0)


def _wilson(p, n, z):
    shrink = 1 + z**2 / n
    middle, half = (p + z**2 / (2 * n)) / shrink, z / shrink * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def _wald(successes, n):
    p = successes / n
    half = Z * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def _agresti_coull(successes, n):
    p, more = (successes + Z**2 / 2) / (n + Z**2), n + Z**2
    half = Z * np.sqrt(p * (1 - p) / more)
    return p - half, p + half


def _exact(successes, n):
    low = beta.ppf(0.025, successes, n - successes + 1) if successes > 0 else 0.0
    high = beta.ppf(0.975, successes + 1, n - successes) if successes < n else 1.0
    return low, high


def _around_p(successes, n):
    p, (low, high) = successes / n, share_interval(successes, n)
    return p - (high - low) / 2, p + (high - low) / 2


def _middle_and_half(successes, n):
    low, high = share_interval(successes, n)
    return (low + high) / 2, (high - low) / 2


def _not_shrunk(successes, n):
    p = successes / n
    middle, half = p + Z**2 / (2 * n), Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return middle - half, middle + half


def _term_missing(successes, n):
    p, shrink = successes / n, 1 + Z**2 / n
    middle, half = (p + Z**2 / (2 * n)) / shrink, Z / shrink * np.sqrt(p * (1 - p) / n)
    return middle - half, middle + half


def _not_squared(successes, n):
    p, shrink = successes / n, 1 + Z / n
    middle, half = (p + Z / (2 * n)) / shrink, Z / shrink * np.sqrt(p * (1 - p) / n + Z / (4 * n**2))
    return middle - half, middle + half


def _one_n_missing(successes, n):
    p, shrink = successes / n, 1 + Z**2 / n
    middle, half = (p + Z**2 / (2 * n)) / shrink, Z / shrink * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n))
    return middle - half, middle + half


RIGHT = (_by_scipy, _by_roots, _by_bisection, lambda successes, n: _wilson(successes / n, n, Z))
WRONG = {
    "takes p plus or minus Z standard errors of p: after one run that agrees nothing is left to doubt": _wald,
    "takes the standard errors of p and clips the ends to 0 and 1":
        lambda successes, n: tuple(np.clip(_wald(successes, n), 0, 1)),
    "rounds Z to 1.96": lambda successes, n: _wilson(successes / n, n, 1.96),
    "takes 1.645 in place of Z: 5 % at each end, so an interval of 90 %":
        lambda successes, n: _wilson(successes / n, n, 1.6448536269514722),
    "leaves Z out: one standard deviation, an interval of 68 %": lambda successes, n: _wilson(successes / n, n, 1.0),
    "puts the interval around p, and not around the middle of the two roots": _around_p,
    "forgets to divide by 1 + Z^2/n, the factor of q^2": _not_shrunk,
    "has Z^2/(4 n) under the root, where Z^2/(4 n^2) belongs": _one_n_missing,
    "leaves Z^2/(4 n^2) out under the root": _term_missing,
    "has Z where Z^2 belongs: both sides were to be squared": _not_squared,
    "returns the middle and half the width, not the two ends": _middle_and_half,
    "returns the ends the wrong way round, high before low": lambda successes, n: share_interval(successes, n)[::-1],
    "adds Z^2 pseudo-runs and then takes the simple interval, Agresti and Coull's": _agresti_coull,
    "takes the exact binomial interval, Clopper and Pearson's, which is wider": _exact,
    "gives per cent": lambda successes, n: tuple(100 * end for end in share_interval(successes, n)),
}
