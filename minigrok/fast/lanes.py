"""Many small symmetric matrices side by side: the eigenvalues of a stack, several times faster than one by one.

The arithmetic is that of `minigrok.kernels`, where it is explained, but every number has become a row of L
numbers, one for each of L matrices (a *lane* each): the last axis. Steps of one matrix wait for one another, for
a division takes several times as long as an addition; steps of different matrices do not, and the processor
takes four or eight lanes with one instruction.

All lanes walk in step. A lane that has converged takes further sweeps until the slowest has, which
leaves it as it is, and where a matrix falls into blocks the sweep runs over the border: there r = p, hence c = 1
and s = 0, and it starts afresh.
"""

import math

import numpy as np

from minigrok.checks import FloatArray
from minigrok.jit import jit
from minigrok.kernels import EPSILON, MAXIMAL_ITERATIONS

LANES = 32                     # 16 to 64 are alike; the matrices of all lanes should fit into the first-level cache
SMALLEST = 1e-150              # added where 0 / 0 might occur: far below any rounding, and its square is no 0 yet


@jit
def tridiagonalise_lanes(M: FloatArray, diagonal: FloatArray, squares: FloatArray) -> None:
    """`kernels.tridiagonalise` for M (d, d, L), which is overwritten; diagonal and squares (d, L)."""
    d, _, lanes = M.shape
    v, w = np.empty((d, lanes)), np.empty((d, lanes))
    beta, overlap = np.empty(lanes), np.empty(lanes)
    for k in range(d - 2):
        beta[:] = 0.0
        for i in range(k + 2, d):
            for lane in range(lanes):
                v[i, lane] = M[i, k, lane]
                beta[lane] += M[i, k, lane] ** 2
        for lane in range(lanes):
            first, below = M[k + 1, k, lane], beta[lane]
            diagonal[k, lane] = M[k, k, lane]
            squares[k, lane] = first**2 + below
            norm = math.sqrt(squares[k, lane])
            beta[lane] = 1.0 / (squares[k, lane] + abs(first) * norm) if below > 0.0 else 0.0
            v[k + 1, lane] = first + math.copysign(norm, first)
            overlap[lane] = 0.0
        for i in range(k + 1, d):
            w[i] = 0.0
            for j in range(k + 1, d):
                for lane in range(lanes):
                    w[i, lane] += M[i, j, lane] * v[j, lane]
            for lane in range(lanes):
                w[i, lane] *= beta[lane]
                overlap[lane] += v[i, lane] * w[i, lane]
        for i in range(k + 1, d):
            for lane in range(lanes):
                w[i, lane] -= 0.5 * beta[lane] * overlap[lane] * v[i, lane]
        for i in range(k + 1, d):
            for j in range(k + 1, d):
                for lane in range(lanes):
                    M[i, j, lane] -= v[i, lane] * w[j, lane] + w[i, lane] * v[j, lane]
    for k in range(max(d - 2, 0), d):
        for lane in range(lanes):
            diagonal[k, lane] = M[k, k, lane]
            squares[k, lane] = M[k + 1, k, lane] ** 2 if k < d - 1 else 0.0


@jit
def tridiagonal_eigenvalues_lanes(diagonal: FloatArray, squares: FloatArray) -> bool:
    """`kernels.tridiagonal_eigenvalues` for diagonal and squares (d, L); False if a lane does not converge."""
    d, lanes = diagonal.shape
    tiny, shift, g, h, s = np.zeros(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    for i in range(d):
        for lane in range(lanes):
            tiny[lane] = max(tiny[lane], EPSILON * (abs(diagonal[i, lane]) + math.sqrt(squares[i, lane])) + SMALLEST)
    for low in range(d - 1):
        for iteration in range(MAXIMAL_ITERATIONS + 1):
            remaining = 0.0
            for lane in range(lanes):
                remaining = max(remaining, squares[low, lane] - tiny[lane] ** 2)
            if not remaining > 0.0:
                break
            if iteration == MAXIMAL_ITERATIONS:
                return False
            for lane in range(lanes):
                half = (diagonal[low + 1, lane] - diagonal[low, lane]) / 2.0
                root = math.sqrt(half * half + squares[low, lane]) + SMALLEST
                shift[lane] = diagonal[low, lane] - squares[low, lane] / (half + math.copysign(root, half))
                last = diagonal[d - 1, lane] - shift[lane]
                g[lane] = last if last != 0.0 else tiny[lane]
                h[lane] = g[lane]
                s[lane] = 0.0
            for i in range(d - 2, low - 1, -1):
                for lane in range(lanes):
                    p = g[lane] * h[lane]
                    r = p + squares[i, lane] + SMALLEST**2
                    squares[i + 1, lane] = s[lane] * r
                    s[lane] = squares[i, lane] / r
                    new = diagonal[i, lane] - shift[lane] - squares[i, lane] / g[lane]
                    g[lane] = new if new != 0.0 else tiny[lane]
                    before, h[lane] = h[lane], g[lane] * (p / r)
                    diagonal[i + 1, lane] = before + (diagonal[i, lane] - h[lane])
            for lane in range(lanes):
                squares[low, lane] = s[lane] * g[lane] * h[lane]
                diagonal[low, lane] = shift[lane] + h[lane]
    return True


@jit
def sort_lanes(values: FloatArray) -> None:
    """Sort values (d, L) in place along their first axis, by exchanging neighbours: no branch, all lanes in step."""
    d, lanes = values.shape
    for end in range(d - 1, 0, -1):
        for i in range(end):
            for lane in range(lanes):
                one, two = values[i, lane], values[i + 1, lane]
                values[i, lane] = one if one < two else two
                values[i + 1, lane] = two if one < two else one


@jit
def eigenvalues_of_stack(stack: FloatArray) -> FloatArray:
    """Eigenvalues (n, d), ascending, of a stack of symmetric matrices (n, d, d) with entries of order one.

    NaN throughout a block of LANES matrices of which one does not converge; the caller asks LAPACK then.
    """
    n, d, _ = stack.shape
    lanes = min(LANES, n)
    values = np.empty((n, d))
    M, diagonal, squares = np.empty((d, d, lanes)), np.empty((d, lanes)), np.empty((d, lanes))
    for start in range(0, n, lanes):
        for lane in range(lanes):
            matrix = stack[min(start + lane, n - 1)]     # the last one fills up the last block
            for i in range(d):
                for j in range(d):
                    M[i, j, lane] = matrix[i, j]
        tridiagonalise_lanes(M, diagonal, squares)
        if not tridiagonal_eigenvalues_lanes(diagonal, squares):
            diagonal[:] = np.nan
        sort_lanes(diagonal)
        for lane in range(min(lanes, n - start)):
            for i in range(d):
                values[start + lane, i] = diagonal[i, lane]
    return values
