"""The marker's side of e03_purity."""

import numpy as np

import minigrok
from minigrok.course.laws import agrees, holds, law, rotated, states

LESSON, MINUTES = 1, 5
HINTS = (
    "Write (rho @ rho)[i, i] as a sum over j.",
    "rho is symmetric, so that sum holds the squares of row i.",
    "Over all rows: the sum of the squares of all elements.",
)


def purity(rho):
    return (rho**2).sum()      # tr(rho^2) = sum_ij rho_ij rho_ji, and rho_ji = rho_ij


def check(purity, rng):
    for rho in states(rng):
        d = len(rho)
        law(purity, "a rotation of the neurons leaves the purity alone", rho, rotated(rho, rng))
        holds(purity, f"1/d <= P <= 1, here with d = {d}", lambda P, d=d: 1 / d - 1e-9 <= P <= 1 + 1e-9, rho)
        agrees(purity, minigrok.purity, rho)


def _by_loops(rho):
    total = 0.0
    for row in rho:
        for element in row:
            total += element * element
    return total


RIGHT = (
    _by_loops,
    lambda rho: np.trace(rho @ rho),
    lambda rho: (np.linalg.eigvalsh(rho) ** 2).sum(),
    lambda rho: float(np.einsum("ij,ji->", rho, rho)),
    lambda rho: np.linalg.norm(rho) ** 2,
)
WRONG = {
    "drops the off-diagonal elements, the coherences": lambda rho: (np.diag(rho) ** 2).sum(),
    "squares the trace, which is always 1": lambda rho: np.trace(rho) ** 2,
    "cubes: rho appears three times": lambda rho: np.trace(rho @ rho @ rho),
    "sums all elements before it squares": lambda rho: rho.sum() ** 2,
    "takes the root of the sum: the norm of rho, not its square": np.linalg.norm,
    "returns 1 - P, the linear entropy": lambda rho: 1 - (rho**2).sum(),
    "divides by the number of elements: a mean where a sum belongs": lambda rho: (rho**2).mean(),
}
