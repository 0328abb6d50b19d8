"""A^T A of a tall real A (n, d) with few columns, faster than BLAS on processors with AVX-512.

    G[j, k] = sum over rows i of  A[i, j] A[i, k]

G is cut into tiles of 8 x 24 entries, those below the diagonal left out. The sums of a tile fill 24 of the 32
vector registers while a block of rows streams by: each row gives 24 multiply-adds for 11 loads, and no sum goes
to memory before the block is through. The block stays in the cache until every tile has read it. The last tiles
are moved back to end at d, over the ones before, instead of being narrower: so there is one tile's machine code.

Why it exists: BLAS first copies ("packs") both factors into an order of its own, a cost of n d beside n d^2 / 2
for the product, which must weigh more the smaller d is. Here nothing is packed. Measured, one thread, n d = 10^7:

    d                        32     48     64    100    128    160    256
    A.T @ A, OpenBLAS      17.8   19.0   24.0   28.6   31.6   33.4   47.9  milliseconds
    this                    8.9    8.9   11.8   14.9   19.7   21.9   40.5
    (on one machine; `python bench/bench_states.py --parts` measures it on yours)

The order of summation differs from that of BLAS, so the two agree to rounding; `tests/fast/test_tall.py` holds this to
`A.T @ A` over shapes with every kind of remainder. There is no fastmath: NaN and infinity reach the trace.
"""

from functools import cache
from typing import Any

import numpy as np

from minigrok.checks import FloatArray
from minigrok.jit import JIT_ENABLED, jit, numba

if JIT_ENABLED:
    from llvmlite import binding, ir
    from numba import types
    from numba.extending import intrinsic

    cgutils = numba.core.cgutils

LANES = 8                            # float64 in a vector of AVX-512
HEIGHT, VECTORS = 8, 3               # of a tile: 24 sums, 3 vectors and 1 repeated number make 28 registers
WIDTH = VECTORS * LANES
ROWS = 48                            # of a block; at d = 160 it takes 61 KB, small beside the second cache
MOST_COLUMNS = 160                   # for more, packing pays off gradually


@cache
def _processor_serves() -> bool:
    """Whether processor and numba can do it, tried once: the way to write machine code may change with numba."""
    if not JIT_ENABLED or numba.config.DISABLE_JIT or not binding.get_host_cpu_features().get("avx512f"):
        return False
    trial = np.arange(3.0 * 30).reshape(3, 30)
    try:
        return bool((_gram(trial) == trial.T @ trial).all())     # whole numbers: no rounding
    except Exception:                                            # whatever numba may raise, BLAS is still there
        return False


def serves(A: Any) -> bool:
    """Whether `tall_gram` takes A and is the faster way; otherwise use `A.T @ A`."""
    return (isinstance(A, np.ndarray) and A.ndim == 2 and A.dtype == np.float64 and A.dtype.isnative
            and A.flags.c_contiguous and A.flags.aligned
            and WIDTH < A.shape[1] <= MOST_COLUMNS and A.shape[0] >= 4 * A.shape[1] and _processor_serves())


def tall_gram(A: FloatArray) -> FloatArray:
    """A^T A, shape (d, d), symmetric to the bit, of an A (n, d) that `serves` says yes to; else ValueError."""
    if not serves(A):                # the machine code checks no bounds
        raise ValueError("tall_gram does not take this array, as minigrok.fast.tall.serves says; use A.T @ A")
    return _gram(np.asarray(A))      # numba does not know subclasses, such as a memory map


def _emit_tile(_: Any, A: Any, i: Any, n: Any, j: Any, k: Any, out: Any, at: Any) -> Any:
    """For numba: code that adds A[i:i+n, j:j+HEIGHT]^T A[i:i+n, k:k+WIDTH] to out[at:]."""
    short, vector, byte_pointer = ir.IntType(32), ir.VectorType(ir.DoubleType(), LANES), ir.IntType(8).as_pointer()

    def emit(context: Any, b: Any, signature: Any, values: Any) -> Any:
        rows, i, n, j, k, out, at = values
        rows = context.make_array(signature.args[0])(context, b, rows)
        out = b.gep(context.make_array(signature.args[5])(context, b, out).data, [at])
        d = cgutils.unpack_tuple(b, rows.shape)[1]

        def place(start: Any, u: int) -> Any:
            return b.bitcast(b.gep(start, [ir.IntType(64)(u)]), vector.as_pointer())

        # Local variables in form; LLVM turns them into registers, since nobody takes their address.
        sums = [cgutils.alloca_once_value(b, vector([0.0] * LANES)) for _ in range(HEIGHT * VECTORS)]
        prefetch = cgutils.get_or_insert_function(
            b.module, ir.FunctionType(ir.VoidType(), [byte_pointer, short, short, short]), "llvm.prefetch.p0")
        with cgutils.for_range(b, n) as loop:
            row = b.gep(rows.data, [b.mul(b.add(i, loop.index), d)])
            left, right = b.gep(row, [j]), b.gep(row, [k])
            # The next block, to be read, into the second cache; past the end of A this does nothing.
            b.call(prefetch, [b.bitcast(b.gep(left, [b.mul(n, d)]), byte_pointer), short(0), short(2), short(1)])
            factors = [b.load(place(right, v * LANES), align=8) for v in range(VECTORS)]
            for u in range(HEIGHT):
                one = b.insert_element(vector(ir.Undefined), b.load(b.gep(left, [ir.IntType(64)(u)])), short(0))
                repeated = b.shuffle_vector(one, one, ir.VectorType(short, LANES)([0] * LANES))
                for v, factor in enumerate(factors):
                    total = sums[u * VECTORS + v]           # "contract": multiply and add in one instruction
                    product = b.fmul(repeated, factor, flags=["contract"])
                    b.store(b.fadd(product, b.load(total), flags=["contract"]), total)
        for u, total in enumerate(sums):
            target = place(out, u * LANES)
            b.store(b.fadd(b.load(target, align=8), b.load(total)), target, align=8)
        return context.get_dummy_value()

    return types.void(A, *[types.intp] * 4, out, types.intp), emit


_add_tile: Any = intrinsic(_emit_tile) if JIT_ENABLED else None


@jit
def _gram(A: FloatArray) -> FloatArray:
    n, d = A.shape
    tiles = sum([(d - j + WIDTH - 1) // WIDTH for j in range(0, d, HEIGHT)])
    sums = np.zeros(tiles * HEIGHT * WIDTH)                 # tile after tile
    for i in range(0, n, ROWS):
        at = 0
        for j in range(0, d, HEIGHT):
            for k in range(j, d, WIDTH):
                _add_tile(A, i, min(ROWS, n - i), min(j, d - HEIGHT), min(k, d - WIDTH), sums, at)
                at += HEIGHT * WIDTH
    G = np.empty((d, d))
    at = 0
    for j in range(0, d, HEIGHT):
        for k in range(j, d, WIDTH):
            for u in range(HEIGHT):
                for v in range(WIDTH):
                    row, column = min(j, d - HEIGHT) + u, min(k, d - WIDTH) + v
                    G[row, column] = G[column, row] = sums[at]          # both at once: symmetric to the bit
                    at += 1
    return G
