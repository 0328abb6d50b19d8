"""exp, tanh and the logistic function for loops that the compiler turns into vector instructions.

libm's functions are called one number at a time; these are sums, products and one division, without a branch,
so that a loop over an array takes four or eight numbers at once. With k the whole number nearest to x / ln 2,

    exp(x) = 2^k exp(r),    r = x - k ln 2 in [-0.35, 0.35],    exp(r) - 1 = r + r^2 (1/2! + r/3! + ... + r^11/13!),

where what is left out is below 2^-57 of the sum, ln 2 is subtracted in two parts (W. J. Cody and W. Waite, "Software
Manual for the Elementary Functions", Prentice-Hall, 1980, chapter 6), and 2^k is made of the bits of k. tanh comes
from E = exp(2 x) - 1 as E / (E + 2), which keeps its digits where x is small. All three agree with libm to a few units
in the last place (tests/fast/test_elementary.py), keep NaN, and saturate where the result would leave the range.
The functions ending in 32 are the same in float32, of which a vector register holds twice as many: there the series
ends with r^7/7!, and what is left out is below 2^-27 of the sum.
"""

import math
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
LOG2_E_32 = np.float32(LOG2_E)
LN2_HIGH_32, LN2_LOW_32 = np.float32(0.693359375), np.float32(-2.12194440e-4)      # the first has 10 bits
ROUND_32 = np.float32(1.5 * 2.0**23)
SERIES_32 = tuple(np.float32(1 / math.factorial(k)) for k in (7, 6, 5, 4, 3, 2))
ONE_32, TWO_32 = np.float32(1), np.float32(2)
LARGEST_32, SATURATED_32 = np.float32(87), np.float32(9.1)   # exp(-87) is 1.6e-38, still normal; tanh(9.1) rounds to 1
LARGEST = 708.0                                  # exp(708) is 3e307, exp(-708) 3e-308: no overflow, nothing subnormal


def _emit_power(_: Any, t: Any) -> Any:
    """For numba: 2^k of t = k + ROUND, from the lowest bits of t: moved to the exponent's place, the bias added."""
    wide = t == numba_types.float64
    bits, mantissa, bias = (ir.IntType(64), 52, 1023) if wide else (ir.IntType(32), 23, 127)
    real = ir.DoubleType() if wide else ir.FloatType()

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        exponent = builder.shl(builder.bitcast(values[0], bits), bits(mantissa))
        return builder.bitcast(builder.add(exponent, bits(bias << mantissa)), real)

    return t(t), emit


def _plain_power(t: Any) -> Any:
    """2^k of t = k + ROUND: the same without numba."""
    if isinstance(t, np.float32):
        return np.float32(np.ldexp(1.0, int(t - ROUND_32))) if t == t else t
    return math.ldexp(1.0, int(t - ROUND)) if t == t else t


power_of_two: Any = intrinsic(_emit_power) if JIT_ENABLED else _plain_power


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
    return power_of_two(t), r + r * r * q


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


@jit
def split_exponential_32(x: np.float32) -> tuple[np.float32, np.float32]:
    """(2^k, exp(r) - 1) with exp(x) = 2^k exp(r), for |x| up to LARGEST_32."""
    t = x * LOG2_E_32 + ROUND_32
    k = t - ROUND_32
    r = (x - k * LN2_HIGH_32) - k * LN2_LOW_32
    q = SERIES_32[0] * r + SERIES_32[1]
    q = q * r + SERIES_32[2]
    q = q * r + SERIES_32[3]
    q = q * r + SERIES_32[4]
    q = q * r + SERIES_32[5]
    return power_of_two(t), r + r * r * q


@jit
def exponential_32(x: np.float32) -> np.float32:
    """exp(x); for x beyond +-LARGEST_32 that of +-LARGEST_32."""
    x = LARGEST_32 if x > LARGEST_32 else x
    x = -LARGEST_32 if x < -LARGEST_32 else x
    power, rest = split_exponential_32(x)
    return power + power * rest


@jit
def hyperbolic_tangent_32(x: np.float32) -> np.float32:
    """tanh(x), which is +-1 to the bit beyond 9.1."""
    x = SATURATED_32 if x > SATURATED_32 else x
    x = -SATURATED_32 if x < -SATURATED_32 else x
    power, rest = split_exponential_32(TWO_32 * x)
    E = power * rest + (power - ONE_32)
    return E / (E + TWO_32)


@jit
def logistic_32(x: np.float32) -> np.float32:
    """1 / (1 + exp(-x))."""
    return ONE_32 / (ONE_32 + exponential_32(-x))
