"""The largest number and the sum of a row, a vector at a time.

The compiler does not do this by itself, for it may not change the order of a sum, nor what becomes of a NaN. Here the
order is fixed: `lanes` partial results, number j going to the partial result j mod lanes, which are then halved, the
upper half joined to the lower one. The row is a whole number of vectors long.
"""

from collections.abc import Callable
from typing import Any

from minigrok.fast.products import VECTOR_BYTES, lanes_of
from minigrok.jit import JIT_ENABLED, numba

if JIT_ENABLED:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    cgutils = numba.core.cgutils


def _fold_of(join: Callable[[Any, Any, Any], Any], plain_join: Callable[[Any, Any], Any]) -> Any:
    """A function for kernels of a row z: its numbers joined to one. `join` writes the machine code for vectors."""
    def emit_fold(_: Any, z: Any) -> Any:
        real, size = (ir.FloatType(), 4) if z.dtype == types.float32 else (ir.DoubleType(), 8)

        def emit(context: Any, b: Any, signature: Any, values: Any) -> Any:
            lanes = VECTOR_BYTES // size
            row = context.make_array(z)(context, b, values[0])
            length, vector, short = cgutils.unpack_tuple(b, row.shape)[0], ir.VectorType(real, lanes), ir.IntType(32)
            start = b.bitcast(row.data, vector.as_pointer())
            part = cgutils.alloca_once_value(b, b.load(start, align=size))
            with cgutils.for_range_slice(b, ir.IntType(64)(lanes), length, ir.IntType(64)(lanes)) as (at, _):
                here = b.bitcast(b.gep(row.data, [at]), vector.as_pointer())
                b.store(join(b, b.load(part), b.load(here, align=size)), part)
            joined = b.load(part)
            while lanes > 1:
                lanes //= 2
                places = [ir.VectorType(short, lanes)(list(range(k, k + lanes))) for k in (0, lanes)]
                joined = join(b, *(b.shuffle_vector(joined, joined, place) for place in places))
            return b.extract_element(joined, short(0))

        return z.dtype(z), emit

    def plain_fold(z: Any) -> Any:
        lanes = lanes_of(z.dtype)
        part = list(z[:lanes])
        for j in range(lanes, len(z)):
            part[j % lanes] = plain_join(part[j % lanes], z[j])
        while len(part) > 1:
            half = len(part) // 2
            part = [plain_join(x, y) for x, y in zip(part[:half], part[half:], strict=True)]
        return part[0]

    return intrinsic(emit_fold) if JIT_ENABLED else plain_fold


# A NaN is not above anything: the largest may miss it, but it stays in the row and in the sum.
largest: Any = _fold_of(
    lambda b, x, y: b.select(b.fcmp_ordered(">", y, x), y, x), lambda x, y: y if y > x else x)
total: Any = _fold_of(lambda b, x, y: b.fadd(x, y), lambda x, y: x + y)
