"""All numbers of one spectrum in one pass, and of one small state in one call: what `measure` is quick by.

The formulas are those of `minigrok.metrics` and `minigrok.states.functionals`, where each has a function of its own;
a test holds every number here to its function.
"""

import math
from typing import Any

import numpy as np

from minigrok.checks import FloatArray
from minigrok.density import HERMITIAN_TOLERANCE, NEGATIVE_TOLERANCE, TRACE_TOLERANCE
from minigrok.jit import jit
from minigrok.kernels import are_states, clip_roundings, symmetric_eigenvalues
from minigrok.states.functionals import RANK_TOLERANCE

NUMBERS = ("entropy", "purity", "linear_entropy", "effective_rank", "participation_ratio", "normalised_entropy",
           "min_entropy", "stable_rank", "spectral_gap", "numerical_rank")
Numbers = tuple[float, float, float, float, float, float, float, float, float, int]


@jit
def numbers_of_spectrum(p: FloatArray) -> Numbers:
    """The NUMBERS, in their order, of one ascending spectrum p (d,) that sums to 1; S / ln d is NaN for d = 1."""
    d = len(p)
    S = P = 0.0
    rank = 0
    for i in range(d):
        if p[i] > 0.0:
            S -= p[i] * math.log(p[i])
        P += p[i] * p[i]
        rank += p[i] > RANK_TOLERANCE * p[d - 1]
    largest = p[d - 1]
    gap = largest - p[d - 2] if d > 1 else largest
    normalised = S / math.log(d) if d > 1 else np.nan
    return S, P, 1.0 - P, math.exp(S), 1.0 / P, normalised, abs(math.log(largest)), 1.0 / largest, gap, rank


@jit
def numbers_of_stack(stack: FloatArray) -> FloatArray:
    """The NUMBERS (n, 10) of each spectrum of a stack (n, d)."""
    numbers = np.empty((len(stack), 10))
    for k in range(len(stack)):
        of_one = numbers_of_spectrum(stack[k])
        for i, number in enumerate(of_one[:9]):
            numbers[k, i] = number
        numbers[k, 9] = of_one[9]                        # the rank, of another type
    return numbers


@jit
def numbers_of_state(rho: FloatArray) -> tuple[Any, ...]:
    """The fields of `StateMetrics`, in their order, of one real rho (d, d); the dimension is 0 where it is no state.

    So little is left to be done in Python that a small state takes about two microseconds (bench/bench_states.py).
    """
    d = len(rho)
    well = are_states(rho.reshape(1, d, d), HERMITIAN_TOLERANCE, TRACE_TOLERANCE)
    p = symmetric_eigenvalues(rho, np.empty((d + 2, d)))
    if not (well and p[0] >= -NEGATIVE_TOLERANCE):       # not so for NaN
        d = 0
        p[:] = 1.0                                       # of which there are numbers, and nobody looks at them
    clip_roundings(p)
    S, P, L, exp_S, inverse_P, normalised, smallest, stable, gap, rank = numbers_of_spectrum(p)
    return None, None, d, S, P, L, exp_S, inverse_P, normalised, smallest, stable, gap, rank, p, None, None
