"""Jitted primitives on arrays: eigenvalues of symmetric matrices, checks of states, S and P of one Gram matrix.

A symmetric matrix M is turned into a tridiagonal T = Q^T M Q by Householder reflections, which leave
the eigenvalues as they are; the QL iteration then makes the off-diagonal elements of T vanish one by
one. For the sizes of a small layer (d up to about 30) both together cost less than the overhead of
one call of a general library.

What they return depends on their arrays alone; where one of these is overwritten, the kernel says so. `work` is
scratch space, float64, shape (d + 2, d): the diagonal, the squared off-diagonal elements, and a copy of the matrix.

References
----------
.. [1] G. H. Golub and C. F. Van Loan, "Matrix Computations", Johns Hopkins, 2013, section 8.3.1.
.. [2] C. H. Reinsch, "Algorithm 464: eigenvalues of a real, symmetric, tridiagonal matrix",
   Communications of the ACM 16, 689 (1973).
"""

import math

import numpy as np

from minigrok.checks import FloatArray, InexactArray
from minigrok.jit import jit

EPSILON = 2.0**-52             # the spacing of float64 at 1
MAXIMAL_ITERATIONS = 60        # QL needs about 2 an eigenvalue
TILE = 16                      # of a matrix, and of its mirror image: both stay in the first-level cache


@jit
def tridiagonalise(M: FloatArray, diagonal: FloatArray, squares: FloatArray) -> None:
    """Householder reduction of symmetric M (d, d), which is overwritten.

    Writes the diagonal of T = Q^T M Q and the squares of its d - 1 off-diagonal elements, then a 0.
    Reflection k is 1 - beta v v^T with v = x - alpha e_1, where x = M[k, k+1:] and alpha = -sign(x_1) |x|;
    the rest of M becomes M - v w^T - w v^T with u = beta M v and w = u - (beta v.u / 2) v. No scratch space is
    needed: v takes the place of x, which is done with, and w the places of `squares` that are still to come.
    """
    d = len(M)
    w = squares
    for k in range(d - 2):
        diagonal[k] = M[k, k]
        v = M[k]
        below = 0.0                                      # |x|^2 without its first element
        for i in range(k + 2, d):
            below += v[i] ** 2
        first = v[k + 1]
        squares[k] = first**2 + below                    # alpha^2
        if below == 0.0:                                 # nothing to eliminate
            continue
        norm = math.sqrt(squares[k])
        beta = 1.0 / (squares[k] + abs(first) * norm)    # 2 / v.v
        v[k + 1] += math.copysign(norm, first)
        overlap = 0.0                                    # v.u
        for i in range(k + 1, d):
            u = 0.0
            for j in range(k + 1, d):
                u += M[i, j] * v[j]
            w[i] = beta * u
            overlap += v[i] * w[i]
        for i in range(k + 1, d):
            w[i] -= 0.5 * beta * overlap * v[i]
        for i in range(k + 1, d):
            for j in range(k + 1, d):
                M[i, j] -= v[i] * w[j] + w[i] * v[j]
    if d > 1:
        diagonal[d - 2] = M[d - 2, d - 2]
        squares[d - 2] = M[d - 1, d - 2] ** 2
    diagonal[d - 1] = M[d - 1, d - 1]
    squares[d - 1] = 0.0


@jit
def tridiagonal_eigenvalues(diagonal: FloatArray, squares: FloatArray) -> bool:
    """Root-free QL iteration: `diagonal` becomes the eigenvalues, in no order; False if it does not converge.

    `squares[i]` is the squared off-diagonal element between rows i and i + 1, and is overwritten.
    Elements below EPSILON times the largest row of T count as zero. Reinsch 1973 [2], with the shift taken
    off where it is needed and not from the whole diagonal, so that no rounding piles up there.
    """
    d = len(diagonal)
    largest = 0.0                                        # the size of T
    for low in range(d):
        size = abs(diagonal[low]) + math.sqrt(squares[low])
        if not size < np.inf:                            # NaN too, which no comparison below would see
            return False
        largest = max(largest, size)
        tiny = EPSILON * largest
        high = low
        while squares[high] > tiny * tiny:               # squares[d - 1] = 0 ends it
            high += 1
        iterations = 0
        while high > low and squares[low] > tiny * tiny:
            if iterations == MAXIMAL_ITERATIONS:
                return False
            iterations += 1
            # Wilkinson's shift: the eigenvalue of the leading 2 x 2 block that is nearer to its first element
            half = (diagonal[low + 1] - diagonal[low]) / 2.0
            root = math.sqrt(half * half + squares[low])
            shift = diagonal[low] - squares[low] / (half + math.copysign(root, half))
            # one QL sweep from `high` up to `low`, on squares alone
            g = diagonal[high] - shift
            g = g if g != 0.0 else tiny
            h, s = g, 0.0
            for i in range(high - 1, low - 1, -1):
                p = g * h
                r = p + squares[i]
                squares[i + 1] = s * r
                s = squares[i] / r
                g = diagonal[i] - shift - squares[i] / g
                g = g if g != 0.0 else tiny
                before, h = h, g * (p / r)
                diagonal[i + 1] = before + (diagonal[i] - h)
            squares[low] = s * g * h
            diagonal[low] = shift + h
    return True


@jit
def symmetric_eigenvalues(M: FloatArray, work: FloatArray) -> FloatArray:
    """Eigenvalues of a symmetric M (d, d), which is left as it is; a view into `work`, ascending.

    All are NaN if the iteration does not converge, as for an M that holds NaN.
    """
    d = len(M)
    diagonal: FloatArray = work[0]
    squares: FloatArray = work[1]
    for i in range(d):
        for j in range(d):
            work[i + 2, j] = M[i, j]
    tridiagonalise(work[2:], diagonal, squares)
    if not tridiagonal_eigenvalues(diagonal, squares):
        for i in range(d):
            diagonal[i] = np.nan
    sort_ascending(diagonal)
    return diagonal


@jit
def sort_ascending(values: FloatArray) -> None:
    """Sort a few values in place, by insertion: numba's own sort takes 6 s to compile."""
    for i in range(1, len(values)):
        value, j = values[i], i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@jit
def clip_roundings(p: FloatArray) -> None:
    """Ascending eigenvalues p (d,) of a state, in place: those below zero, and those that are roundings of 0, become 0.

    The smallest count as roundings of 0 for as long as they weigh, together, no more than d EPSILON of the
    whole, which moves S by less than d EPSILON ln(d / EPSILON). So a state of rank one has S = 0 to the bit,
    and a state with a thousand eigenvalues of 1e-14 keeps them. What remains is divided by its sum.
    """
    d = len(p)
    total = weight = 0.0
    for i in range(d):
        total += p[i]
    for i in range(d):
        weight += abs(p[i])
        if weight <= d * EPSILON * total or p[i] < 0.0:
            p[i] = 0.0
    total = 0.0
    for i in range(d):
        total += p[i]
    for i in range(d):
        p[i] /= total


@jit
def clip_stack(stack: FloatArray) -> None:
    """`clip_roundings` of each row of (n, d)."""
    for p in stack:
        clip_roundings(p)


@jit
def are_states(stack: InexactArray, hermitian_tolerance: float, trace_tolerance: float) -> bool:
    """Whether all matrices (n, d, d) are Hermitian and of unit trace; False where anything is NaN. One quick look.

    The matrix is read in tiles, for else each step down a column of a large one would be a miss of the cache.
    """
    n, d, _ = stack.shape
    for k in range(n):
        M = stack[k]
        trace = M[0, 0]
        for i in range(1, d):
            trace += M[i, i]
        if not abs(trace - 1.0) <= trace_tolerance:
            return False
        for top in range(0, d, TILE):
            for left in range(0, top + 1, TILE):
                for i in range(top, min(top + TILE, d)):
                    for j in range(left, min(left + TILE, i + 1)):
                        if not abs(M[i, j] - M[j, i].conjugate()) <= hermitian_tolerance:
                            return False
    return True


@jit
def gram_entropy(G: FloatArray, work: FloatArray) -> float:
    """S = -sum_i p_i ln p_i in nats, p the eigenvalues of G / tr G, for a Gram matrix G (d, d).

    Roundings of 0 among them are taken for 0, see `clip_roundings`, so that a state of rank one has S = 0 to
    the bit. NaN where tr G is 0 or not finite: there is no state.
    The caller scales G so that the squares of its entries neither overflow nor vanish.
    """
    d = len(G)
    trace = 0.0
    for i in range(d):
        trace += G[i, i]
    if not 0.0 < trace < np.inf:
        return np.nan
    p = symmetric_eigenvalues(G, work)
    clip_roundings(p)
    S = 0.0
    for i in range(d):
        if p[i] != 0.0:                                  # NaN goes on
            S -= p[i] * math.log(p[i])
    return S


@jit
def gram_purity(G: FloatArray) -> float:
    """P = sum_jk G_jk^2 / (tr G)^2 of a Gram matrix G (d, d); NaN where tr G is 0 or not finite."""
    d = len(G)
    trace = squares = 0.0
    for j in range(d):
        trace += G[j, j]
        for k in range(d):
            squares += G[j, k] ** 2
    return squares / trace**2 if 0.0 < trace < np.inf else np.nan
