import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok.fast.elementary import exponential, hyperbolic_tangent, logistic
from minigrok.jit import JIT_ENABLED, jit

EPSILON = 2.0**-52
LIBM = {                                                 # right to one unit in the last place or nearly so
    exponential: math.exp,
    hyperbolic_tangent: math.tanh,
    logistic: lambda x: 1 / (1 + math.exp(-x)),
}
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
