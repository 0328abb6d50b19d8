"""The largest number and the sum of a row against NumPy's, and against their own order of joining."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrok.fast.folds import largest, total
from minigrok.fast.products import lanes_of
from minigrok.jit import jit


@jit
def largest_of(z):
    """Machine code can be called from compiled code alone."""
    return largest(z)


@jit
def total_of(z):
    """The same for the sum."""
    return total(z)


def joined(z, join):
    """`lanes` partial results, number j going to j mod lanes; then halved, the upper half joined to the lower."""
    part, *rest = z.reshape(-1, lanes_of(z.dtype))
    for row in rest:
        part = join(part, row)
    while len(part) > 1:
        part = join(part[: len(part) // 2], part[len(part) // 2 :])
    return part[0]


FOLDS = {largest_of: lambda x, y: np.where(y > x, y, x), total_of: np.add}
both_folds = pytest.mark.parametrize("fold", FOLDS, ids=["largest", "total"])
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@st.composite
def rows(draw, **elements):
    """A row of one to five vectors, of either type; ties and zeros of both signs are frequent."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    numbers = st.sampled_from([0.0, -0.0, 1.0]) | st.floats(**elements, width=8 * np.dtype(dtype).itemsize)
    return draw(arrays(dtype, lanes_of(dtype) * draw(st.integers(1, 5)), elements=numbers))


@both_folds
@given(z=rows())
def test_the_order_of_joining_is_fixed_to_the_bit(fold, z):
    before = z.copy()
    with np.errstate(all="ignore"):
        result, expected = fold(z), joined(z, FOLDS[fold])
    np.testing.assert_array_equal(result, expected)
    assert np.signbit(result) == np.signbit(expected) or np.isnan(expected)
    assert z.tobytes() == before.tobytes()


@given(z=rows(allow_nan=False))
def test_largest_is_the_maximum(z):
    assert largest_of(z) == z.max()


@given(z=rows(min_value=-(2.0**100), max_value=2.0**100))
def test_total_is_the_sum(z):
    """n - 1 additions, each off by at most eps / 2 of what may be the sum of all sizes."""
    assert abs(total_of(z) - math.fsum(z)) <= len(z) * np.finfo(z.dtype).eps / 2 * math.fsum(abs(z))


@both_types
def test_every_place_counts(dtype):
    lanes = lanes_of(dtype)
    for n in (lanes, 2 * lanes, 3 * lanes):
        for j in range(n):
            z = np.full(n, -1.0, dtype)
            z[j] = 2
            assert largest_of(z) == 2
            assert total_of(z) == 3 - n


@both_types
def test_nan_stays_in_the_sum_and_hides_no_more_than_its_own_lane(dtype):
    lanes = lanes_of(dtype)
    for j in range(3 * lanes):
        z = np.arange(3 * lanes, dtype=dtype)
        z[j] = np.nan
        assert math.isnan(total_of(z))
        np.testing.assert_array_equal(largest_of(z), joined(z, FOLDS[largest_of]))
