"""The marker's side of e05_effective_rank."""

import math

import numpy as np
from scipy.special import entr

import minigrok
from minigrok.course.laws import agrees, fails, holds, law

LESSON, MINUTES = 1, 5
HINTS = (
    "This is the sum of exercise 4, but the eigenvalues are handed to you.",
    "Leave out the zeros, sum -p ln p over the rest, and turn the logarithm back into a number.",
    "np.exp(S), with S = -(q * np.log(q)).sum() and q = p[p > 0].",
)


def effective_rank(p):
    q = p[p > 0]
    return np.exp(-(q * np.log(q)).sum())          # equally well: the product of p_i ** -p_i


def check(effective_rank, rng):
    for k, zeros in ((1, 0), (2, 0), (1, 1), (2, 1), (4, 0), (3, 3)):
        p = np.append(np.full(k, 1 / k), np.zeros(zeros))
        _counts(effective_rank, p, k)
    for p in (np.array([0.9, 0.1]), np.array([0.5, 0.25, 0.25]), np.array([0.75, 0.25, 0.0]),
              np.array([0.0, 0.0, 0.7, 0.2, 0.1]), *(rng.dirichlet(np.ones(d)) for d in (2, 3, 6))):
        d, used = len(p), int((p > 0).sum())
        holds(effective_rank, f"from 1 to the number of eigenvalues above 0, here {used}",
              lambda rank, used=used: 1 - 1e-9 <= rank <= used + 1e-9, p)
        law(effective_rank, "the order of the modes does not matter", p, p[::-1].copy())
        law(effective_rank, "a mode that is not used adds nothing", p, np.append(p, 0.0))
        holds(effective_rank, "exp S is never below 1/P: small eigenvalues count for more in it",
              lambda rank, p=p: rank >= 1 / (p**2).sum() - 1e-9, p)
        agrees(effective_rank, _reference, p, sentence=f"exp S of these {d} eigenvalues, with S in nats")
    agrees(effective_rank, _reference, np.array([1 - 1e-8, 1e-8]), sentence="a faint mode counts, if only a little")
    p, q = (rng.dirichlet(np.ones(d)) for d in (2, 3))
    both = np.outer(p, q).ravel()
    expected, rank = _reference(p) * _reference(q), effective_rank(both)
    if abs(rank - expected) > 1e-9 * expected:
        fails("entropies of independent layers add up, so their effective ranks multiply", (both,), rank, expected)


def _counts(effective_rank, p, k):
    rank = effective_rank(p)
    if not abs(rank - k) < 1e-9:
        fails("where k modes are used alike, and the others not at all, exp S is k", (p,), rank, float(k))


def _reference(p):
    return minigrok.effective_rank(np.diag(p))


def _entropy(p):
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def _by_loop(p):
    S = 0.0
    for share in p:
        if share != 0:
            S += share * math.log(1 / share)
    return math.e**S


def _no_zeros(p):
    with np.errstate(all="ignore"):
        return np.exp(-(p * np.log(p)).sum())


def _singular_values(p):
    return np.exp(_entropy(np.sqrt(p) / np.sqrt(p).sum()))


RIGHT = (
    _by_loop,
    lambda p: np.exp(entr(p).sum()),
    lambda p: np.prod(p**-p),                      # 0 ** -0 is 1
    lambda p: 2 ** (_entropy(p) / math.log(2)),    # base 2 both ways
)
WRONG = {
    "returns 1/P, the participation ratio: the count that the study means, but not exp S": lambda p: 1 / (p**2).sum(),
    "counts the eigenvalues above 0: that is the rank, where a faint mode counts as a whole one":
        lambda p: float((p > 0).sum()),
    "takes 2 ** S: that undoes log2, but S is in nats": lambda p: 2 ** _entropy(p),
    "takes exp of an entropy in bits: exp undoes ln, not log2": lambda p: np.exp(_entropy(p) / math.log(2)),
    "returns S itself": _entropy,
    "does not treat eigenvalues of 0 by themselves: 0 times ln 0 is NaN in NumPy": _no_zeros,
    "leaves out the minus in S: it returns 1 over the effective rank": lambda p: np.exp(-_entropy(p)),
    "adds 1e-6 inside the logarithm to dodge ln 0": lambda p: np.exp(-(p * np.log(p + 1e-6)).sum()),
    "throws small eigenvalues away, with a threshold: only an exact 0 adds nothing":
        lambda p: np.exp(_entropy(p[p > 1e-6])),
    "divides by d: the share of the modes that is used": lambda p: np.exp(_entropy(p)) / len(p),
    "returns 1 over the largest eigenvalue": lambda p: 1 / p.max(),
    "takes roots of the eigenvalues first: Roy and Vetterli's effective rank, of A's singular values": _singular_values,
    "rounds to a whole number": lambda p: float(np.round(np.exp(_entropy(p)))),
}
