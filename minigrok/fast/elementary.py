"""exp, tanh and the logistic function for loops that the compiler turns into vector instructions.

libm's functions are called one number at a time; these are sums, products and one division, without a branch,
so that a loop over an array takes four or eight numbers at once. With k the whole number nearest to x / ln 2,

    exp(x) = 2^k exp(r),    r = x - k ln 2 in [-0.35, 0.35],    exp(r) - 1 = r + r^2 (1/2! + r/3! + ... + r^11/13!),

where what is left out is below 2^-57 of the sum, ln 2 is subtracted in two parts (W. J. Cody and W. Waite, "Software
Manual for the Elementary Functions", Prentice-Hall, 1980, chapter 6), and 2^k is made of the bits of k. tanh comes
from E = exp(2 x) - 1 as E / (E + 2), which keeps its digits where x is small. All three agree with libm to a few units
in the last place (tests/fast/test_elementary.py), keep NaN, and saturate where the result would leave the range.
"""

from typing import Any

import numpy as np

from minigrok.jit import JIT_ENABLED, jit

if JIT_ENABLED:
    from llvmlite import ir
    from numba import types as numba_types
    from numba.extending import intrinsic

LOG2_E = 1.4426950408889634                      # 1 / ln 2
LN2_HIGH = float.fromhex("0x1.62e42fefa3800p-1")         # the first 42 bits: k times it is exact
LN2_LOW = float.fromhex("0x1.ef35793c76730p-45")
ROUND = 1.5 * 2.0**52                            # t + ROUND has the whole number nearest to t in its lowest bits
ONE = 1023 << 52                                 # the bits of 1.0
LARGEST = 708.0                                  # exp(708) is 3e307, exp(-708) 3e-308: no overflow, nothing subnormal


def _emit_bits(_: Any, x: Any) -> Any:
    """For numba: the 64 bits of a float as an integer."""
    return numba_types.int64(numba_types.float64), (
        lambda context, builder, signature, values: builder.bitcast(values[0], ir.IntType(64)))


def _emit_float(_: Any, bits: Any) -> Any:
    """For numba: the float with these 64 bits."""
    return numba_types.float64(numba_types.int64), (
        lambda context, builder, signature, values: builder.bitcast(values[0], ir.DoubleType()))


def _plain_bits(x: float) -> int:
    return int(np.float64(x).view(np.int64))


def _plain_float(bits: int) -> float:
    return float(np.uint64(bits % 2**64).view(np.float64))


bits_of: Any = intrinsic(_emit_bits) if JIT_ENABLED else _plain_bits
float_of: Any = intrinsic(_emit_float) if JIT_ENABLED else _plain_float


@jit
def split_exponential(x: float) -> tuple[float, float]:
    """(2^k, exp(r) - 1) with exp(x) = 2^k exp(r), for |x| up to LARGEST."""
    t = x * LOG2_E + ROUND
    k = t - ROUND
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    q = 1.0 / 6227020800.0
    q = q * r + 1.0 / 479001600.0
    q = q * r + 1.0 / 39916800.0
    q = q * r + 1.0 / 3628800.0
    q = q * r + 1.0 / 362880.0
    q = q * r + 1.0 / 40320.0
    q = q * r + 1.0 / 5040.0
    q = q * r + 1.0 / 720.0
    q = q * r + 1.0 / 120.0
    q = q * r + 1.0 / 24.0
    q = q * r + 1.0 / 6.0
    q = q * r + 0.5
    return float_of((bits_of(t) << 52) + ONE), r + r * r * q


@jit
def exponential(x: float) -> float:
    """exp(x); for x beyond +-LARGEST that of +-LARGEST."""
    x = LARGEST if x > LARGEST else x            # so put, NaN stays NaN
    x = -LARGEST if x < -LARGEST else x
    power, rest = split_exponential(x)
    return power + power * rest


@jit
def hyperbolic_tangent(x: float) -> float:
    """tanh(x), which is +-1 to the bit beyond 20."""
    x = 20.0 if x > 20.0 else x
    x = -20.0 if x < -20.0 else x
    power, rest = split_exponential(2.0 * x)
    E = power * rest + (power - 1.0)             # exp(2 x) - 1
    return E / (E + 2.0)


@jit
def logistic(x: float) -> float:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exponential(-x))
