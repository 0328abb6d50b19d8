"""The products table of bench_training.py: minigrok's own products beside those of NumPy's BLAS.

An epoch of the grokking net takes three, with activations H (N, d), weights W2 (d, p) and derivatives dZ (N, p):

    Z = H W2,    dH = dZ W2^T,    dW2 = H^T dZ.

Ours go over the N inputs in blocks, on arrays whose rows are padded to whole vectors; BLAS takes the whole at once.
"""

import numba
import numpy as np
from training_alone import least

from minigrok.fast.one_hidden import BLOCK
from minigrok.fast.products import lanes_of, padded, product

N, P, WIDTHS = 4705, 97, (100, 256)
AGREED = {"float32": 1e-5, "float64": 1e-13}             # relative to the largest number
MORE_ROUNDS = 10               # a round is short


@numba.njit
def three_products(H, W2, W2_transposed, dZ, Z, dH, dW2, d, d_width, p_width, lanes):
    """All three, matrices flat."""
    dW2[:] = 0
    for start in range(0, N, BLOCK):
        rows, h, z = min(BLOCK, N - start), start * d_width, start * p_width
        product(H[h:], d_width, 1, W2, Z[z:], rows, p_width, d, lanes, False, False)
        product(dZ[z:], p_width, 1, W2_transposed, dH[h:], rows, d_width, P, lanes, False, False)
        product(H[h:], 1, d_width, dZ[z:], dW2, d, p_width, rows, lanes, True, False)


def pad(A, width):
    """Zeros to the right of A, and below it up to a whole block."""
    wide = np.zeros((padded(len(A), BLOCK), width), A.dtype)
    wide[: len(A), : A.shape[1]] = A
    return wide


def seconds(d, dtype, rounds):
    """CPU seconds of ours and of BLAS, once they agree."""
    lanes, rng = lanes_of(dtype), np.random.default_rng(0)
    H, W2, dZ = (rng.normal(size=shape).astype(dtype) for shape in ((N, d), (d, P), (N, P)))
    Z, dH, dW2 = np.empty_like(dZ), np.empty_like(H), np.empty_like(W2)
    d_width, p_width = padded(d, lanes), padded(P, lanes)
    inputs = pad(H, d_width), pad(W2, p_width), pad(W2.T, d_width), pad(dZ, p_width)
    outputs = pad(dZ, p_width), pad(H, d_width), pad(W2, p_width)
    arguments = *(array.ravel() for array in (*inputs, *outputs)), d, d_width, p_width, lanes

    def blas():
        np.matmul(H, W2, out=Z)
        np.matmul(dZ, W2.T, out=dH)
        np.matmul(H.T, dZ, out=dW2)

    blas()
    three_products(*arguments)
    for found, right in zip(outputs, (Z, dH, dW2)):
        off = abs(found[: len(right), : right.shape[1]] - right).max() / abs(right).max()
        if not off <= AGREED[right.dtype.name]:
            raise SystemExit(f"a product of ours is {off:.1e} off")
    return least([lambda: three_products(*arguments), blas], MORE_ROUNDS * rounds)


def products(rounds):
    """The table."""
    print(f"\nthe three products of an epoch, p = {P}, {N} pairs, CPU ms: ours, in blocks, beside NumPy's BLAS")
    for d in WIDTHS:
        for dtype in ("float32", "float64"):
            ours, blas = 1e3 * seconds(d, np.dtype(dtype), rounds)
            print(f"  d = {d}, {dtype}: ours {ours:7.3f}, BLAS {blas:7.3f}, ratio {ours / blas:.2f}")
