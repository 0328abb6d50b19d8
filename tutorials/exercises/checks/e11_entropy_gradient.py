"""The marker's side of e11_entropy_gradient."""

import numpy as np

import minigrok
from minigrok.course.laws import activations, agrees, close, fails, holds, rotation

LESSON, MINUTES = 2, 25
HINTS = (
    "S moves by -tr(r ln rho): the other term of the product rule, tr(rho times the move of ln rho), is the sum of the "
    "moves of the p_i, tr r = 0. Now put in r = (a^T A + A^T a) / t - rho (move of t) / t; t moves by 2 sum(A * a).",
    "-tr(r ln rho) has two parts. The first is -(2/t) times the sum of (A ln rho) * a. In the second tr(rho ln rho) "
    "appears, which is -S. Together, what multiplies a is -(2/t) (A ln rho + S A).",
    "p, Q = np.linalg.eigh(rho); let log_p be ln p where p > 1e-15, say, and 0 elsewhere (A is 0 there); then "
    "-2 / t * (A @ Q * log_p @ Q.T + S * A) with S = -(p * log_p).sum().",
)


# Central differences of S err by 3e-11 or more in one of these, whatever their step; a formula errs by 1e-15, and by
# 1e-11 if it adds 1e-12 inside the logarithm.
EXACT = tuple(scale * np.array([[1.0, 0.3], [0.2, 0.1], [0.0, 0.2]]) for scale in (1.0, 0.1))
TO_ELEVEN_DIGITS = 2.5e-11


def entropy_gradient(A):
    t = (A**2).sum()                                     # tr(A^T A)
    p, Q = np.linalg.eigh(A.T @ A / t)
    alive = p > 1e-15                                    # the rest is rounding, and A is zero on its vectors
    log_p = np.log(p, where=alive, out=np.zeros_like(p))
    S = -(p * log_p).sum()
    return -2 / t * (A @ (Q * log_p) @ Q.T + S * A)      # (n, d)    A ln rho, with ln rho = Q diag(ln p) Q^T


def check(entropy_gradient, rng):
    for d in (1, 2, 3):
        holds(entropy_gradient, f"neurons that fire one at a time, and alike, have the largest S, ln {d}: there the "
              "gradient is 0", lambda g: np.allclose(g, 0, atol=1e-9), 2 * np.eye(d))
    pure = np.array([[1.0, 0.0], [2.0, 0.0]])
    holds(entropy_gradient, "a pure state has the smallest S, which is 0: the gradient is 0, not infinite or NaN",
          lambda g: np.allclose(g, 0, atol=1e-9), pure)
    for A in (np.diag([2.0, 1.0]), *EXACT, *activations(rng, shapes=((2, 2), (3, 2), (5, 3)))):
        gradient = entropy_gradient(A)
        if not abs((A * gradient).sum()) < 1e-9:
            fails("to scale A leaves S alone, so the gradient is orthogonal to A: sum(A * dS/dA) = 0", (A,), gradient)
        p = minigrok.spectrum(minigrok.density_matrix(A))
        if p.min() > 1e-3:                               # near an eigenvalue 0 the step would have to be much finer
            v, h = rng.integers(-1, 2, A.shape), 1e-4 * abs(A).max()
            slope = (_entropy(A + h * v) - _entropy(A - h * v)) / (2 * h)
            if not abs((gradient * v).sum() - slope) < 1e-4 * (1 + abs(slope)):
                fails(f"along v = {v.tolist()} S has the slope {slope:.6g}, by central differences, and the sum of "
                      "dS/dA * v must be that", (A,), gradient)
        agrees(entropy_gradient, minigrok.entropy_gradient, A)
        if any(A is exact for exact in EXACT):
            agrees(entropy_gradient, minigrok.entropy_gradient, A, tolerance=TO_ELEVEN_DIGITS, sentence="the formula "
                   "is exact but for rounding; differences of S, whatever the step, are good to some ten digits")
    for A in (rng.normal(size=(2, 4)), 100 * rng.normal(size=(6, 3))):
        Q = rotation(A.shape[1], rng)
        turned, expected = entropy_gradient(A @ Q), minigrok.entropy_gradient(A) @ Q
        if not close(turned, expected):
            fails("to rotate the neurons, A -> A Q, rotates the gradient alike", (A @ Q,), turned, expected)
        agrees(entropy_gradient, minigrok.entropy_gradient, A)


def _entropy(A):
    return minigrok.von_neumann_entropy(minigrok.density_matrix(A))


def _by_svd(A):                                          # A = U diag(s) V^T, so A ln rho = U diag(s ln p) V^T
    U, s, V = np.linalg.svd(A, full_matrices=False)
    p = s**2 / (s**2).sum()
    log_p = np.array([np.log(x) if x > 1e-15 else 0.0 for x in p])
    return -2 / (s**2).sum() * (U * s * (log_p - p @ log_p)) @ V


def _by_inputs(A):                                       # A f(A^T A) = f(A A^T) A: the n x n matrix does it too
    t = np.trace(A @ A.T)
    p, Q = np.linalg.eigh(A @ A.T / t)
    log_p = np.log(np.maximum(p, 1e-300))
    S = -(np.maximum(p, 0) * log_p).sum()
    keep = np.where(p > 1e-15, log_p, 0)
    return -2 / t * ((Q * (keep + S)) @ Q.T @ A)


def _through_rho(A):                                     # dS/dA = (2/t) A (M - tr(rho M)), with M = dS/drho = -ln rho
    t = np.trace(A.T @ A)
    rho = A.T @ A / t
    p, Q = np.linalg.eigh(rho)
    M = sum(-np.log(x) * np.outer(q, q) for x, q in zip(p, Q.T) if x > 1e-15)
    return 2 / t * A @ (M - np.trace(rho @ M) * np.eye(len(rho)))


def _parts(A, smallest=1e-15, base=np.e):
    """t, rho, A ln rho and S, for wrong ways to put them together."""
    t = (A**2).sum()
    rho = A.T @ A / t
    p, Q = np.linalg.eigh(rho)
    alive = p > smallest
    log_p = np.log(p, where=alive, out=np.zeros_like(p)) / np.log(base)
    return t, rho, A @ (Q * log_p) @ Q.T, -(p * log_p).sum()


def _wrong(combine, base=np.e):
    return lambda A: combine(A, *_parts(A, base=base))


def _infinite_logarithm(A):
    t = (A**2).sum()
    p, Q = np.linalg.eigh(A.T @ A / t)
    with np.errstate(all="ignore"):
        return -2 / t * (A @ (Q * np.log(p)) @ Q.T - (p * np.log(p)).sum() * A)


def _elementwise(A, S_too=False, above_zero=False):
    t = (A**2).sum()
    rho = A.T @ A / t
    with np.errstate(all="ignore"):
        log_rho = np.log(rho, where=rho > 0, out=np.zeros_like(rho)) if above_zero else np.log(rho)
        S = -np.trace(rho @ log_rho) if S_too else _parts(A)[3]
        return -2 / t * (A @ log_rho + S * A)


def _by_differences(A, h=1e-5):
    gradient = np.zeros(A.shape)
    for place in np.ndindex(*A.shape):
        step = np.zeros(A.shape)
        step[place] = h
        gradient[place] = (_parts(A + step)[3] - _parts(A - step)[3]) / (2 * h)
    return gradient


def _plus_small(A):
    t = (A**2).sum()
    p, Q = np.linalg.eigh(A.T @ A / t)
    log_p = np.log(abs(p) + 1e-6)
    return -2 / t * (A @ (Q * log_p) @ Q.T - (p * log_p).sum() * A)


def _rows_of_q(A):
    t = (A**2).sum()
    p, Q = np.linalg.eigh(A.T @ A / t)
    log_p = np.log(p, where=p > 1e-15, out=np.zeros_like(p))
    return -2 / t * (A @ (Q.T * log_p) @ Q - (p * log_p).sum() * A)


RIGHT = (_by_svd, _by_inputs, _through_rho)
WRONG = {
    "forgets that t changes with A, too: the term with S is missing": _wrong(lambda A, t, rho, L, S: -2 / t * L),
    "has the term with S with the wrong sign: tr(rho ln rho) is -S": _wrong(
        lambda A, t, rho, L, S: -2 / t * (L - S * A)),
    "keeps a 1 where S belongs: from d(p ln p) = (ln p + 1) dp, but t changes as well": _wrong(
        lambda A, t, rho, L, S: -2 / t * (L + A)),
    "misses a factor of 2: A stands twice in A^T A": _wrong(lambda A, t, rho, L, S: -1 / t * (L + S * A)),
    "forgets to divide by t, the trace of A^T A": _wrong(lambda A, t, rho, L, S: -2 * (L + S * A)),
    "has the sign turned round: it leads to less entropy": _wrong(lambda A, t, rho, L, S: 2 / t * (L + S * A)),
    "takes log2 instead of ln: the unit is bits": _wrong(lambda A, t, rho, L, S: -2 / t * (L + S * A), base=2),
    "divides by the number of inputs as well, but t counts them already": _wrong(
        lambda A, t, rho, L, S: -2 / t * (L + S * A) / len(A)),
    "divides by t twice": _wrong(lambda A, t, rho, L, S: -2 / t**2 * (L + S * A)),
    "takes ln of A^T A, not of rho: ln t is missing": _wrong(
        lambda A, t, rho, L, S: -2 / t * (L + np.log(t) * A + S * A)),
    "returns the gradient of the purity": _wrong(lambda A, t, rho, L, S: 4 / t * (A @ rho - (rho**2).sum() * A)),
    "returns the derivative by rho, A^T times what it should be": _wrong(
        lambda A, t, rho, L, S: A.T @ (-2 / t * (L + S * A))),
    "takes ln of an eigenvalue 0, which is infinite, where A makes 0 of it": _infinite_logarithm,
    "takes ln of each element of rho: ln of a matrix acts on its eigenvalues": _elementwise,
    "takes ln of each element of rho, in S as well: ln of a matrix acts on its eigenvalues":
        lambda A: _elementwise(A, S_too=True),
    "takes ln of each element of rho that is above 0: ln of a matrix acts on its eigenvalues":
        lambda A: _elementwise(A, above_zero=True),
    "takes ln of each element of rho that is above 0, in S as well: ln of a matrix acts on its eigenvalues":
        lambda A: _elementwise(A, S_too=True, above_zero=True),
    "takes differences of S, good to some ten digits: the formula is exact": _by_differences,
    "adds a small number inside the logarithm: wrong wherever p is small": _plus_small,
    "takes the rows of Q for the eigenvectors: eigh has them in the columns": _rows_of_q,
}
