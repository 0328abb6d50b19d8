"""Products of small matrices, tile by tile in vector registers, for loops that use them while they are in the cache.

    out[u, v] = sum over k of  a[u, k] b[k, v]          "product", each matrix flat and row after row

A tile of `out` has HEIGHT rows and up to VECTORS vectors of columns, each vector of `lanes` numbers; its sums stay in
registers while k runs. Each k gives HEIGHT * VECTORS multiply-adds for HEIGHT + VECTORS loads. The numbers of `a` are
read one at a time, `a_row` apart from row to row and `a_step` apart from k to k: (width, 1) reads `a` as it
stands, (1, width) transposed. The width of `b` and `out` is a whole number of vectors (pad them), and there must be
room for whole tiles: rows of `out` up to the next multiple of HEIGHT are written, and those of `a` read.

Why not BLAS: its products of a hundred columns reach two thirds of the processor's rate, for it first copies both
factors into an order of its own; and its threads would fight with those of the caller. In an epoch of grokking this
takes 0.7 to 1.0 of OpenBLAS's time (`python bench/bench_training.py --only products`). Sums run in the order of k,
whatever the processor, with one rounding for multiply-and-add where it can.
"""

from typing import Any

import numpy as np

from minigrok.checks import FloatArray
from minigrok.jit import JIT_ENABLED, jit, numba

if JIT_ENABLED:
    from llvmlite import binding, ir
    from numba import types
    from numba.extending import intrinsic

    cgutils = numba.core.cgutils

# AVX-512 has 32 registers of 64 bytes: 24 sums, 3 vectors of b, 1 repeated number of a. Others: 16 of 32 bytes, or
# (ARM) as many of 16, which the compiler takes two at a time.
HAS_512_BITS = JIT_ENABLED and bool(binding.get_host_cpu_features().get("avx512f"))
VECTOR_BYTES, HEIGHT = (64, 8) if HAS_512_BITS else (32, 4)
VECTORS = 3


def lanes_of(dtype: Any) -> int:
    """How many numbers of this type a vector holds."""
    return VECTOR_BYTES // int(np.dtype(dtype).itemsize)


def padded(n: int, multiple: int) -> int:
    """The first multiple at or above n."""
    return -(-n // multiple) * multiple


def _tile_of(vectors: int) -> Any:
    """A function for kernels that computes one tile: HEIGHT rows, so many vectors wide.

    Its arguments: a, a_at, a_row, a_step, b, b_at, b_width, out, out_at, out_width, count (of k), add (or replace).
    """
    def emit_tile(_: Any, a: Any, a_at: Any, a_row: Any, a_step: Any, b: Any, b_at: Any, b_width: Any,
                  out: Any, out_at: Any, out_width: Any, count: Any, add: Any) -> Any:
        places = [types.intp] * 3
        real, lanes = (ir.FloatType(), VECTOR_BYTES // 4) if out.dtype == types.float32 else (
            ir.DoubleType(), VECTOR_BYTES // 8)
        return types.void(a, *places, b, *places[:2], out, *places, types.boolean), (
            lambda context, builder, signature, values: _emit(
                context, builder, signature, values, ir.VectorType(real, lanes), vectors))

    def plain_tile(a: Any, a_at: int, a_row: int, a_step: int, b: Any, b_at: int, b_width: int,
                   out: Any, out_at: int, out_width: int, count: int, add: bool) -> None:
        width = vectors * lanes_of(out.dtype)
        left = np.array([a[a_at + u * a_row :][: count * a_step : a_step] for u in range(HEIGHT)])
        right = np.array([b[b_at + k * b_width :][:width] for k in range(count)])
        for u, row in enumerate(left @ right):
            target = out[out_at + u * out_width :][:width]
            target[:] = target + row if add else row

    return intrinsic(emit_tile) if JIT_ENABLED else plain_tile


def _emit(context: Any, b: Any, signature: Any, values: Any, vector: Any, vectors: int) -> Any:
    """The machine code of a tile."""
    _, a_at, a_row, a_step, _, b_at, b_width, _, out_at, out_width, count, add = values
    a, right, out = (
        b.gep(context.make_array(signature.args[i])(context, b, values[i]).data, [at])
        for i, at in ((0, a_at), (4, b_at), (7, out_at)))
    short, long, lanes = ir.IntType(32), ir.IntType(64), vector.count
    size = vector.element.get_abi_size(context.target_data)      # NumPy aligns numbers, not vectors

    def place(start: Any, at: Any, v: int) -> Any:
        return b.bitcast(b.gep(start, [b.add(at, long(v * lanes))]), vector.as_pointer())

    # Local variables in form; LLVM turns them into registers, since nobody takes their address.
    tile = [(u, v, cgutils.alloca_once_value(b, vector([0.0] * lanes))) for u in range(HEIGHT) for v in range(vectors)]
    with cgutils.for_range(b, count) as loop:
        at = b.mul(loop.index, b_width)
        factors = [b.load(place(right, at, v), align=size) for v in range(vectors)]
        for u, v, total in tile:
            if v == 0:
                step = b.add(b.mul(long(u), a_row), b.mul(loop.index, a_step))
                one = b.insert_element(vector(ir.Undefined), b.load(b.gep(a, [step])), short(0))
                repeated = b.shuffle_vector(one, one, ir.VectorType(short, lanes)([0] * lanes))
            product = b.fmul(repeated, factors[v], flags=["contract"])       # one instruction for both
            b.store(b.fadd(product, b.load(total), flags=["contract"]), total)
    with b.if_else(cgutils.is_true(b, add)) as (adding, replacing):
        with adding:
            for u, v, total in tile:
                target = place(out, b.mul(long(u), out_width), v)
                b.store(b.fadd(b.load(target, align=size), b.load(total)), target, align=size)
        with replacing:
            for u, v, total in tile:
                b.store(b.load(total), place(out, b.mul(long(u), out_width), v), align=size)
    return context.get_dummy_value()


one_wide, two_wide, three_wide = _tile_of(1), _tile_of(2), _tile_of(3)


@jit
def product(
    a: FloatArray, a_row: int, a_step: int, b: FloatArray, out: FloatArray, rows: int, width: int, count: int,
    lanes: int, add: bool, upper: bool,
) -> None:
    """out (rows, width) = a (rows, count) b (count, width), or added to what is there; see above for the padding.

    `upper`: of a symmetric product only the tiles that reach the diagonal or lie above it; below it are leftovers.
    """
    v = 0
    while v < width:                                     # so many columns of b stay in the first cache
        vectors = min(VECTORS, (width - v) // lanes)
        for u in range(0, min(rows, v + vectors * lanes) if upper else rows, HEIGHT):
            if vectors == 3:
                three_wide(a, u * a_row, a_row, a_step, b, v, width, out, u * width + v, width, count, add)
            elif vectors == 2:
                two_wide(a, u * a_row, a_row, a_step, b, v, width, out, u * width + v, width, count, add)
            else:
                one_wide(a, u * a_row, a_row, a_step, b, v, width, out, u * width + v, width, count, add)
        v += vectors * lanes
