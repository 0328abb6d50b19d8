"""Jitted primitives on arrays: eigenvalues of small symmetric matrices, S and P of one Gram matrix.

A symmetric matrix M is turned into a tridiagonal T = Q^T M Q by Householder reflections, which leave
the eigenvalues as they are; the QL iteration then makes the off-diagonal elements of T vanish one by
one. For the sizes of a small layer (d up to about 30) both together cost less than the overhead of
one call of a general library.

All are pure functions of their arrays. `work` is scratch space, float64, shape (d + 2, d): the
diagonal, the squared off-diagonal elements, and a copy of the matrix.

References
----------
.. [1] G. H. Golub and C. F. Van Loan, "Matrix Computations", Johns Hopkins, 2013, section 8.3.1.
.. [2] C. H. Reinsch, "Algorithm 464: eigenvalues of a real, symmetric, tridiagonal matrix",
   Communications of the ACM 16, 689 (1973).
"""

import math

import numpy as np

from minigrok.checks import FloatArray
from minigrok.jit import jit

EPSILON = 2.0**-52             # the spacing of float64 at 1
MAXIMAL_ITERATIONS = 60        # QL needs about 2 an eigenvalue


@jit
def tridiagonalise(M: FloatArray, diagonal: FloatArray, squares: FloatArray) -> None:
    """Householder reduction of symmetric M (d, d), which is overwritten.

    Writes the diagonal of T = Q^T M Q and the squares of its d - 1 off-diagonal elements, then a 0.
    Reflection k is 1 - beta v v^T with v = x - alpha e_1, where x = M[k+1:, k] and alpha = -sign(x_1) |x|;
    the rest of M becomes M - v w^T - w v^T with u = beta M v and w = u - (beta v.u / 2) v.
    """
    d = len(M)
    v, w = np.empty(d), np.empty(d)
    for k in range(d - 2):
        diagonal[k] = M[k, k]
        below = 0.0                                      # |x|^2 without its first element
        for i in range(k + 2, d):
            below += M[i, k] ** 2
        first = M[k + 1, k]
        squares[k] = first**2 + below                    # alpha^2
        if below == 0.0:                                 # nothing to eliminate
            continue
        norm = math.sqrt(squares[k])
        beta = 1.0 / (squares[k] + abs(first) * norm)    # 2 / v.v
        for i in range(k + 1, d):
            v[i] = M[i, k]
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
    Elements below EPSILON times the largest row of T count as zero. Reinsch 1973 [2].
    """
    d = len(diagonal)
    shift = largest = 0.0                                # the sum of all shifts; the size of T
    for low in range(d):
        largest = max(largest, abs(diagonal[low]) + math.sqrt(squares[low]))
        tiny = EPSILON * largest
        high = low
        while squares[high] > tiny * tiny:               # squares[d - 1] = 0 ends it
            high += 1
        iterations = 0
        while high > low and squares[low] != 0.0:
            if iterations == MAXIMAL_ITERATIONS:
                return False
            iterations += 1
            # Wilkinson's shift: the eigenvalue of the leading 2 x 2 block that is nearer to its first element
            root = math.sqrt(squares[low])
            slope = (diagonal[low + 1] - diagonal[low]) / (2.0 * root)
            offset = root / (slope + math.copysign(math.sqrt(slope * slope + 1.0), slope))
            step = diagonal[low] - offset
            diagonal[low] = offset
            for i in range(low + 1, d):
                diagonal[i] -= step
            shift += step
            # one QL sweep from `high` up to `low`, on squares alone
            g = diagonal[high] if diagonal[high] != 0.0 else tiny
            h, s = g, 0.0
            for i in range(high - 1, low - 1, -1):
                p = g * h
                r = p + squares[i]
                squares[i + 1] = s * r
                s = squares[i] / r
                diagonal[i + 1] = h + s * (h + diagonal[i])
                g = diagonal[i] - squares[i] / g
                if g == 0.0:
                    g = tiny
                h = g * p / r
            squares[low] = s * g * h
            diagonal[low] = h
            if h == 0.0 or abs(s * g) <= abs(tiny * tiny / h):
                break
        squares[low] = 0.0
        diagonal[low] += shift
    return True


@jit
def symmetric_eigenvalues(M: FloatArray, work: FloatArray) -> FloatArray:
    """Eigenvalues of a symmetric M (d, d), which is left as it is; a view into `work`, in no order.

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
    return diagonal


@jit
def eigenvalues_of_stack(stack: FloatArray) -> FloatArray:
    """Eigenvalues (n, d) of a stack of symmetric matrices (n, d, d), in no order: numba's sort takes 6 s to compile."""
    n, d, _ = stack.shape
    values, work = np.empty((n, d)), np.empty((d + 2, d))
    for k in range(n):
        values[k] = symmetric_eigenvalues(stack[k], work)
    return values


@jit
def gram_entropy(G: FloatArray, work: FloatArray) -> float:
    """S = -sum_i p_i ln p_i in nats, p the eigenvalues of G / tr G, for a Gram matrix G (d, d).

    Eigenvalues below d EPSILON tr G are roundings of 0: they count as 0, so that a state of
    rank one has S = 0 to the bit. NaN where tr G is 0 or not finite: there is no state.
    The caller scales G so that the squares of its entries neither overflow nor vanish.
    """
    d = len(G)
    trace = 0.0
    for i in range(d):
        trace += G[i, i]
    if not 0.0 < trace < np.inf:
        return np.nan
    values = symmetric_eigenvalues(G, work)
    S, live = 0.0, 0
    for i in range(d):
        p = values[i] / trace
        if p > d * EPSILON:
            S -= p * math.log(p)
            live += 1
        elif not p <= d * EPSILON:                       # NaN
            return np.nan
    return S if live > 1 else 0.0


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
