"""Arrays inside a kernel without the counting of references.

Each time compiled code takes an array out of a named tuple it counts one reference more, then one less, by atomic
instructions of some twenty cycles. In the epochs of a net of six neurons that was 60 % of the time. The caller of a
kernel holds its arguments until the kernel is through, so that nothing needs counting: `borrowed` strips them of the
address of their counter, and numba counts no further.
"""

from typing import Any, TypeVar

from minigrok.jit import JIT_ENABLED

if JIT_ENABLED:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

T = TypeVar("T")


def _emit_borrowed(_: Any, value: Any) -> Any:
    """For numba: the same named tuple, its arrays without a counter."""
    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        result = values[0]
        for index, member in enumerate(value.types):
            if isinstance(member, types.Array):
                array = context.make_array(member)(context, builder, builder.extract_value(result, index))
                array.meminfo = ir.Constant(array.meminfo.type, None)
                array.parent = ir.Constant(array.parent.type, None)
                result = builder.insert_value(result, array._getvalue(), index)
        return result

    return value(value), emit


def _plain_borrowed(value: T) -> T:
    return value


borrowed: Any = intrinsic(_emit_borrowed) if JIT_ENABLED else _plain_borrowed
