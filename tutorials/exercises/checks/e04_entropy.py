"""The marker's side of e04_entropy."""

import math

import numpy as np
from scipy.special import entr

import minigrok
from minigrok.course.laws import agrees, fails, law, rotated, states

LESSON, MINUTES = 1, 10
HINTS = (
    "The elements of rho depend on how the neurons are mixed. What about rho does not?",
    "np.linalg.eigvalsh(rho) gives the eigenvalues p. Those that are 0, or just below, add nothing: leave them out.",
    "With p = p[p > 0], sum p times np.log(p) over all that are left, and mind the sign.",
)


def von_neumann_entropy(rho):
    p = np.linalg.eigvalsh(rho)
    p = p[p > 0]               # 0 ln 0 = 0, the limit of p ln p, so a mode that is not there adds nothing
    return -(p * np.log(p)).sum()


def check(von_neumann_entropy, rng):
    _within_range(von_neumann_entropy, np.diag([1.0, 0.0]))
    agrees(von_neumann_entropy, minigrok.von_neumann_entropy, np.diag([1.0, -1e-17]),
           sentence="an eigenvalue that rounding has put just below 0 counts as 0")
    for rho in states(rng):
        _within_range(von_neumann_entropy, rho)
        law(von_neumann_entropy, "a rotation of the neurons leaves the entropy alone", rho, rotated(rho, rng))
        agrees(von_neumann_entropy, minigrok.von_neumann_entropy, rho)
    faint = np.diag([1 - 1e-8, 1e-8])
    agrees(von_neumann_entropy, minigrok.von_neumann_entropy, faint, sentence="a faint mode counts, if only a little")
    rho, sigma = (rotated(np.diag(rng.dirichlet(np.ones(d))), rng) for d in (2, 3))
    parts = minigrok.von_neumann_entropy(rho) + minigrok.von_neumann_entropy(sigma)
    together = von_neumann_entropy(np.kron(rho, sigma))
    if abs(together - parts) > 1e-9:
        fails("the entropies of two independent layers add up", (np.kron(rho, sigma),), together, parts)


def _within_range(von_neumann_entropy, rho):
    S, highest = von_neumann_entropy(rho), np.log(len(rho))
    if not np.isfinite(S):
        fails("S is a finite number, for 0 ln 0 counts as 0", (rho,), S)
    if not -1e-9 <= S <= highest + 1e-9:
        fails(f"0 <= S <= ln d, which is {highest:.4f} for d = {len(rho)}", (rho,), S)


def _shannon(p):
    p = np.asarray(p)
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def _by_loop(rho):
    S = 0.0
    for p in np.linalg.eigvalsh(rho):
        if p > 0:
            S -= p * math.log(p)
    return S


def _matrix_logarithm(rho):
    p, V = np.linalg.eigh(rho)
    log_p = np.log(np.where(p > 1e-15, p, 1.0))
    return -np.trace(rho @ (V * log_p) @ V.T)


def _quietly(formula):
    """The formula on rho, without NumPy's warnings of logarithms of 0 and below."""
    def wrong(rho):
        with np.errstate(all="ignore"):
            return formula(rho)

    return wrong


def _unless_zero(rho):
    p = np.linalg.eigvalsh(rho)
    p = p[p != 0]
    return -(p * np.log(p)).sum()


def _plus(small):
    return _quietly(lambda rho: -(np.linalg.eigvalsh(rho) * np.log(np.linalg.eigvalsh(rho) + small)).sum())


def _above(threshold):
    def wrong(rho):
        p = np.linalg.eigvalsh(rho)
        return _shannon(p[p > threshold])

    return wrong


RIGHT = (
    _by_loop,
    _matrix_logarithm,
    lambda rho: entr(np.clip(np.linalg.eigvalsh(rho), 0, None)).sum(),
    lambda rho: _shannon(np.linalg.svd(rho, compute_uv=False)),      # of a density matrix they are the eigenvalues
    lambda rho: sum(-p * np.log2(p) for p in np.linalg.eigvals(rho).real if p > 1e-14) * math.log(2),
)
WRONG = {
    "takes log2 instead of ln: the unit is bits, not nats": lambda rho: _shannon(np.linalg.eigvalsh(rho)) / math.log(2),
    "takes log10 instead of ln": lambda rho: _shannon(np.linalg.eigvalsh(rho)) / math.log(10),
    "takes the entropy of the diagonal: it cannot see that neurons fire together": lambda rho: _shannon(np.diag(rho)),
    "leaves out the minus: the logarithm of a probability is below 0": lambda rho: -_shannon(np.linalg.eigvalsh(rho)),
    "does not treat eigenvalues of 0 by themselves: 0 times ln 0 is NaN in NumPy":
        _quietly(lambda rho: -(np.linalg.eigvalsh(rho) * np.log(np.linalg.eigvalsh(rho))).sum()),
    "leaves out eigenvalues that are exactly 0, but not those that rounding put just below": _quietly(_unless_zero),
    "takes np.log of each element of rho: that is not the logarithm of a matrix":
        _quietly(lambda rho: -np.trace(rho @ np.log(rho))),
    "adds 1e-6 inside the logarithm to dodge ln 0: that shifts every other term as well": _plus(1e-6),
    "adds 1e-8 inside the logarithm to dodge ln 0: that shifts every other term as well": _plus(1e-8),
    "throws small eigenvalues away, with a threshold far above rounding": _above(1e-5),
    "returns 1 - P, the linear entropy": lambda rho: 1 - (rho**2).sum(),
    "returns -ln P, the Renyi entropy of order 2": lambda rho: -np.log((rho**2).sum()),
    "squares the eigenvalues: those of rho, unlike the singular values of A, are squares already":
        lambda rho: _shannon(np.linalg.eigvalsh(rho) ** 2),
    "divides by ln d: a share of the largest possible entropy, without a unit":
        _quietly(lambda rho: _shannon(np.linalg.eigvalsh(rho)) / np.log(np.float64(len(rho)))),
    "returns exp S, the number of modes": lambda rho: np.exp(_shannon(np.linalg.eigvalsh(rho))),
    "returns the term of each mode and does not add them up":
        _quietly(lambda rho: -np.linalg.eigvalsh(rho) * np.log(np.linalg.eigvalsh(rho))),
    "takes the mean over the modes where their sum belongs": lambda rho: _shannon(np.linalg.eigvalsh(rho)) / len(rho),
}
