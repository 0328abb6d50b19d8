import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok.fast import elementary
from minigrok.fast.elementary import (
    LARGEST_32,
    ROUND,
    ROUND_32,
    exponential,
    exponential_32,
    hyperbolic_tangent,
    hyperbolic_tangent_32,
    logistic,
    logistic_32,
    power_of_two,
)
from minigrok.jit import JIT_ENABLED, jit

EPSILON, EPSILON_32 = 2.0**-52, 2.0**-23
LIBM = {                                                 # right to one unit in the last place or nearly so
    exponential: math.exp,
    hyperbolic_tangent: math.tanh,
    logistic: lambda x: 1 / (1 + math.exp(-x)),
}
LIBM_32 = dict(zip((exponential_32, hyperbolic_tangent_32, logistic_32), LIBM.values(), strict=True))
sizes = st.one_of(st.floats(-1, 1), st.floats(-50, 50), st.floats(-700, 700), st.floats(-1e-8, 1e-8))


@pytest.mark.parametrize("function", LIBM, ids=lambda f: f.__name__)
@given(x=sizes)
def test_the_functions_are_those_of_libm_to_the_last_places(function, x):
    expected = LIBM[function](x)
    for form in (function, function.py_func):
        assert abs(form(x) - expected) <= 6 * EPSILON * abs(expected)


@pytest.mark.parametrize("function", LIBM, ids=lambda f: f.__name__)
def test_nan_stays_and_infinity_saturates(function):
    assert math.isnan(function(math.nan))
    top, bottom = function(math.inf), function(-math.inf)
    if function is exponential:
        assert top > 1e307
        assert 0 < bottom < 1e-307
    else:
        assert top == 1
        assert bottom == (-1 if function is hyperbolic_tangent else pytest.approx(0, abs=1e-300))


def test_signs_of_zero_and_oddness():
    x = np.arange(-500, 501) / 20
    values = np.array([hyperbolic_tangent(v) for v in x])
    assert (abs(values) <= 1).all()
    np.testing.assert_allclose(values, -values[::-1], rtol=4 * EPSILON)
    assert [f(0.0) for f in (exponential, hyperbolic_tangent, logistic)] == [1, 0, 0.5]


@pytest.mark.skipif(not JIT_ENABLED, reason="compares compiled code with plain code")
@pytest.mark.parametrize("function", LIBM, ids=lambda f: f.__name__)
def test_a_vectorised_loop_gives_the_bits_of_the_single_call(function):
    """A loop over an array is compiled to other instructions than one call; a walk that is resumed mixes both."""
    @jit
    def over(z, out):
        for i in range(len(z)):
            out[i] = function(z[i])

    z = np.random.default_rng(0).normal(scale=5, size=1003)
    out = np.empty_like(z)
    over(z, out)
    np.testing.assert_array_equal(out, [function(v) for v in z])
    np.testing.assert_array_equal(out[:50], [function.py_func(v) for v in z[:50]])


@jit
def power(t):
    """Machine code can be called from compiled code alone."""
    return power_of_two(t)


@pytest.mark.parametrize("form", [power, elementary._plain_power], ids=["compiled", "plain"])
@pytest.mark.parametrize(("shift", "exponents"), [(ROUND, range(-1022, 1024)), (ROUND_32, range(-126, 128))])
def test_a_power_of_two_is_exact_for_every_exponent_of_a_normal_number(form, shift, exponents):
    for k in exponents:
        assert form(shift + type(shift)(k)) == 2.0**k


def test_the_plain_power_keeps_nan_and_the_type():
    for number in (np.float32, float):
        assert math.isnan(elementary._plain_power(number("nan")))
    assert type(elementary._plain_power(ROUND_32)) is np.float32


sizes_32 = st.one_of(*(st.floats(-bound, bound, width=32) for bound in (2.0**-27, 1, 10, 87)))


@pytest.mark.parametrize("function", LIBM_32, ids=lambda f: f.__name__)
@given(x=sizes_32)
def test_in_float32_the_functions_are_those_of_libm_to_two_units(function, x):
    """Series, product, sum and quotient are each off by half a unit or less."""
    expected = LIBM_32[function](x)
    for form in (function, function.py_func):
        assert abs(float(form(np.float32(x))) - expected) <= 2 * EPSILON_32 * abs(expected)


@pytest.mark.parametrize("function", LIBM_32, ids=lambda f: f.__name__)
def test_in_float32_nan_stays_and_large_numbers_saturate(function):
    assert math.isnan(function(np.float32("nan")))
    for x in (np.float32("inf"), np.float32(3e38), np.float32(1000), LARGEST_32, np.float32(40)):
        within = min(float(x), float(LARGEST_32))
        for sign in (1, -1):
            for form in (function, function.py_func):
                assert float(form(sign * x)) == pytest.approx(LIBM_32[function](sign * within), rel=2 * EPSILON_32)
    if function is hyperbolic_tangent_32:
        for x in (9.1, 9.2, 1000):                       # to the bit
            assert (function(np.float32(x)), function(np.float32(-x))) == (1, -1)


def test_in_float32_signs_of_zero_and_bounds():
    assert [f(np.float32(0)) for f in LIBM_32] == [1, 0, 0.5]
    x = np.arange(-400, 401, dtype=np.float32) / 40
    values = np.array([hyperbolic_tangent_32(v) for v in x])
    assert (abs(values) <= 1).all()
    np.testing.assert_allclose(values, -values[::-1], rtol=3 * EPSILON_32)


@pytest.mark.skipif(not JIT_ENABLED, reason="compares compiled code with plain code")
@pytest.mark.parametrize("function", LIBM_32, ids=lambda f: f.__name__)
def test_in_float32_a_vectorised_loop_gives_the_bits_of_the_single_call(function):
    @jit
    def over(z, out):
        for i in range(len(z)):
            out[i] = function(z[i])

    z = np.random.default_rng(0).normal(scale=5, size=1003).astype(np.float32)
    out = np.empty_like(z)
    over(z, out)
    np.testing.assert_array_equal(out, [function(v) for v in z])
