"""Eigenvalues of Hermitian matrices of any size, each by the way that is fastest for it.

All ways reduce M to a tridiagonal T = Q^H M Q and then find the eigenvalues of T by the root-free QL iteration of
`minigrok.kernels`:

    d up to 32, real, few matrices    kernels.symmetric_eigenvalues, one by one
    d up to 32, real, many            lanes.eigenvalues_of_stack, side by side
    d above 32                        LAPACK's blocked reduction (dsytrd, zhetrd), then our QL, which takes little more
                                      than half the time of LAPACK's dsterf (bench/bench_states.py --parts)

What does not converge (nothing known does) goes to `numpy.linalg.eigvalsh`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from minigrok.checks import FloatArray, InexactArray
from minigrok.fast.lanes import eigenvalues_of_stack
from minigrok.kernels import symmetric_eigenvalues, tridiagonal_eigenvalues

LARGEST_JITTED_DIMENSION = 32  # above it LAPACK's blocked reduction is the faster one
FEWEST_IN_LANES = 3            # of fewer matrices each goes alone


def hermitian_eigenvalues(stack: InexactArray) -> FloatArray:
    """Ascending eigenvalues (..., d) of Hermitian matrices (..., d, d), float64 or complex128, of order one."""
    d = stack.shape[-1]
    matrices = np.ascontiguousarray(stack).reshape(-1, d, d)
    values: FloatArray
    if matrices.dtype.kind == "c" and d <= LARGEST_JITTED_DIMENSION:
        values = np.linalg.eigvalsh(matrices)
    elif d <= LARGEST_JITTED_DIMENSION and len(matrices) >= FEWEST_IN_LANES:
        values = eigenvalues_of_stack(matrices)
    else:
        values = np.empty(matrices.shape[:2])
        for k, matrix in enumerate(matrices):
            values[k] = _of_one(matrix)
    if np.isnan(values).any():
        values = np.linalg.eigvalsh(matrices)
    return values.reshape(stack.shape[:-1])


def _of_one(matrix: InexactArray) -> FloatArray:
    """Ascending eigenvalues (d,) of one contiguous Hermitian matrix; NaN where QL does not converge."""
    d = len(matrix)
    if d <= LARGEST_JITTED_DIMENSION:
        return symmetric_eigenvalues(matrix, np.empty((d + 2, d)))
    reduce, workspace = _lapack_reduction(matrix.dtype.kind, d)
    # the transpose is in LAPACK's order, so nothing is turned round; its eigenvalues are the same
    _, diagonal, off_diagonal, _, _ = reduce(matrix.T, lower=1, lwork=workspace)
    squares = np.append(off_diagonal**2, 0.0)
    converged = tridiagonal_eigenvalues(diagonal, squares)
    return np.sort(diagonal) if converged else np.full(d, np.nan)


@cache
def _lapack_reduction(kind: str, d: int) -> tuple[Callable[..., Any], int]:
    """LAPACK's reduction to tridiagonal form for real ("f") or complex ("c") matrices, and the workspace it likes."""
    from scipy.linalg import lapack  # slow to import, so only here

    name = "zhetrd" if kind == "c" else "dsytrd"
    workspace: Any = getattr(lapack, f"{name}_lwork")(d, lower=1)[0]
    return getattr(lapack, name), int(workspace.real)
