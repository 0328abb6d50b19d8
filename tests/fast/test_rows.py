"""Activations and losses on flat padded blocks against the formulas of `minigrok.mlp`."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from plain_forms import with_globals
from strategies import seeds

from minigrok.fast import rows
from minigrok.fast.layer import CODES
from minigrok.fast.products import lanes_of, padded
from minigrok.fast.rows import FAINTEST, FAINTEST_32, FEW_CLASSES, WORK_ROWS
from minigrok.mlp import ACTIVATIONS, cross_entropy, squared_error

SENTINEL = 7.25
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_activation = pytest.mark.parametrize("name", CODES)
plain_cross_entropy_rows = with_globals(
    rows.cross_entropy_rows, largest=np.max, total=np.sum, cross_entropy_columns=rows.cross_entropy_columns.py_func,
    count_right=rows.count_right.py_func, exponentials=rows.exponentials.py_func)
plain_squared_error_rows = with_globals(rows.squared_error_rows, count_right=rows.count_right.py_func)


def both(kernel, plain=None):
    """The compiled kernel and its plain form."""
    return pytest.mark.parametrize("kernel", [kernel, plain or kernel.py_func], ids=["compiled", "plain"])


def numbers(dtype, bound, least=1, most=12):
    """Rows of either type; zeros of both signs are frequent."""
    some = st.sampled_from([0.0, -0.0]) | st.floats(-bound, bound, width=8 * np.dtype(dtype).itemsize)
    return st.integers(least, most).flatmap(lambda n: arrays(dtype, n, elements=some))


# ---------------------------------------------------------------- activations

@both(rows.shift)
@both_types
@given(data=st.data())
def test_shift_adds(kernel, dtype, data):
    z = data.draw(numbers(dtype, 1e6))
    b = data.draw(numbers(dtype, 1e6, len(z), len(z)))
    expected = z + b
    kernel(z, b)
    np.testing.assert_array_equal(z, expected)


@both(rows.activate_block)
@both_types
@every_activation
@settings(max_examples=50)
@given(data=st.data())
def test_activate_block_is_the_activation_of_the_first_numbers(kernel, dtype, name, data):
    """To the few units in the last place that exp, tanh and the logistic function have, see test_elementary."""
    Z = data.draw(numbers(dtype, 50.0))
    n = data.draw(st.integers(0, len(Z)))
    before, A = Z.copy(), np.full_like(Z, SENTINEL)
    kernel(Z, A, n, CODES[name])
    expected = ACTIVATIONS[name].function(Z[:n].astype(float))
    np.testing.assert_allclose(A[:n], expected, rtol=6 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
    np.testing.assert_array_equal(A[n:], SENTINEL)
    np.testing.assert_array_equal(Z, before)


@both(rows.activate_block)
@both_types
@every_activation
def test_nan_stays_nan_and_infinity_is_what_the_formula_says(kernel, dtype, name):
    Z = np.array([np.nan, np.inf, -np.inf, 0, 1], dtype)
    A = np.empty_like(Z)
    kernel(Z, A, len(Z), CODES[name])
    smallest = 1e-37 if dtype == np.float32 else 1e-300  # the logistic function never quite reaches 0
    np.testing.assert_allclose(A, ACTIVATIONS[name].function(Z), rtol=6 * np.finfo(dtype).eps, atol=smallest)


@both(rows.through_activation)
@both_types
@every_activation
@settings(max_examples=50)
@given(data=st.data())
def test_through_activation_multiplies_by_the_derivative(kernel, dtype, name, data):
    """Three operations after one another; of 1 - A^2 the size is 1, which counts where the difference is small."""
    Z = data.draw(numbers(dtype, 50.0))
    dA, n = data.draw(numbers(dtype, 100.0, len(Z), len(Z))), data.draw(st.integers(0, len(Z)))
    A = ACTIVATIONS[name].function(Z)
    before, Z_before, A_before = dA.copy(), Z.copy(), A.copy()
    kernel(dA, Z, A, n, CODES[name])
    factors = ACTIVATIONS[name].derivative(Z[:n].astype(float), A[:n].astype(float))
    expected = before[:n].astype(float) * factors
    bound = 2 * np.finfo(dtype).eps * abs(before[:n]) * np.maximum(abs(factors), 1) + np.finfo(dtype).tiny
    assert (abs(dA[:n] - expected) <= bound).all()
    np.testing.assert_array_equal(dA[n:], before[n:])
    np.testing.assert_array_equal(Z, Z_before)
    np.testing.assert_array_equal(A, A_before)


@both(rows.through_activation)
@both_types
def test_the_derivative_of_relu_at_zero_is_zero(kernel, dtype):
    Z, dA = np.array([0.0, -0.0, 1e-30, -1e-30], dtype), np.full(4, 3, dtype)
    kernel(dA, Z, np.maximum(Z, 0), 4, CODES["relu"])
    np.testing.assert_array_equal(dA, [0, 0, 3, 0])


@both(rows.through_activation)
@both_types
@every_activation
def test_a_nan_from_above_stays(kernel, dtype, name):
    dA, Z = np.full(1, np.nan, dtype), np.ones(1, dtype)
    kernel(dA, Z, ACTIVATIONS[name].function(Z), 1, CODES[name])
    assert np.isnan(dA[0])


# ---------------------------------------------------------------- exponentials

@both(rows.exponentials)
@both_types
@settings(max_examples=50)
@given(data=st.data())
def test_exponentials_are_exp_and_zero_where_that_is_faint(kernel, dtype, data):
    """z - top is off by half a unit of its size, and exp by that much more."""
    z = data.draw(numbers(dtype, 200.0))
    top = z.max()
    kept, x = z - top, z.astype(float) - float(top)
    kernel(z, top)
    faint = kept < (FAINTEST_32 if dtype == np.float32 else FAINTEST)
    np.testing.assert_array_equal(z[faint], 0)
    bound = np.finfo(dtype).eps * (6 + abs(x)) * np.exp(x)
    assert (abs(z - np.exp(x)) <= bound)[~faint].all()
    assert (z[~faint] > 0).all()


@both(rows.exponentials)
@both_types
def test_exponentials_of_nan_and_of_no_class(kernel, dtype):
    least = float(FAINTEST_32) if dtype == np.float32 else FAINTEST
    z = np.array([np.nan, -np.inf, 0, least, np.nextafter(dtype(least), dtype(-np.inf))], dtype)
    kernel(z, dtype(0))
    np.testing.assert_allclose(z, [np.nan, 0, 1, math.exp(least), 0], rtol=6 * np.finfo(dtype).eps)


def test_what_is_faint_changes_no_sum_but_leaves_products_normal():
    """Against the 1 of the largest it is below rounding; twice multiplied it is still above the smallest number."""
    for least, dtype in ((FAINTEST, np.float64), (float(FAINTEST_32), np.float32)):
        assert math.exp(least) < np.finfo(dtype).eps / 1e6
        assert math.exp(2 * least) > np.finfo(dtype).tiny


# ---------------------------------------------------------------- losses

CLASSES = [1, 2, FEW_CLASSES - 1, FEW_CLASSES, FEW_CLASSES + 1, 16, 21]
AFTER = 3                      # rows of sentinels after the block


@st.composite
def outputs(draw, dtype):
    """Z (n, classes) and labels: of any size, or small whole numbers, among which ties are frequent."""
    classes, n = draw(st.sampled_from(CLASSES)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(seeds))
    scale = draw(st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4]))
    Z = rng.integers(-1, 2, size=(n, classes)) if draw(st.booleans()) else scale * rng.normal(size=(n, classes))
    return Z.astype(dtype), rng.integers(classes, size=n)


def block(Z, padding):
    """Z flat and padded, with rows of sentinels after it; and the width of a row."""
    (n, classes), width = Z.shape, padded(Z.shape[1], lanes_of(Z.dtype))
    room = np.full((n + AFTER, width), SENTINEL, Z.dtype)
    room[:n] = padding
    room[:n, :classes] = Z
    return room.ravel(), width


def on_rows(kernel, Z, y, *, learn=True, watch=True):
    """The whole block that the kernel makes of Z (n, classes), as a matrix, and what it returns."""
    n, classes = Z.shape
    scale = Z.dtype.type(1 / n)
    if kernel in (rows.squared_error_rows, plain_squared_error_rows):
        flat, width = block(Z, 0)
        seen = kernel(flat, y, n, width, classes, scale, watch)
    else:
        flat, width = block(Z, -np.inf)
        work = np.full(WORK_ROWS * n + 2 * n, SENTINEL, Z.dtype)
        seen = kernel(flat, y, work[: WORK_ROWS * n], n, width, classes, scale, learn, watch)
        np.testing.assert_array_equal(work[WORK_ROWS * n :], SENTINEL)
    np.testing.assert_array_equal(flat[n * width :], SENTINEL)
    return flat.reshape(-1, width)[:n], seen


@both(rows.cross_entropy_rows, plain_cross_entropy_rows)
@both_types
@given(data=st.data())
def test_cross_entropy_rows_are_the_plain_formula(kernel, dtype, data):
    """softmax is exp(x) / sum: 6 units for exp, |x| exp(x) < 1/2 for x, classes / 2 for the sum, 1 for the quotient.

    The loss is the largest output less that of the label, which is right to float64, and the logarithm of the sum.
    """
    Z, y = data.draw(outputs(dtype))
    n, classes = Z.shape
    dZ, (loss, right) = on_rows(kernel, Z, y)
    expected_loss, expected = cross_entropy(Z.astype(float), y)
    units = (8 + classes) * np.finfo(dtype).eps
    assert abs(dZ[:, :classes] - expected).max() <= units / n
    np.testing.assert_array_equal(dZ[:, classes:], 0)
    assert abs(loss / n - expected_loss) <= units + 4 * np.finfo(float).eps * expected_loss
    assert right == (Z.argmax(axis=1) == y).sum()


@both(rows.squared_error_rows, plain_squared_error_rows)
@both_types
@given(data=st.data())
def test_squared_error_rows_are_the_plain_formula(kernel, dtype, data):
    """Rounded are Z - 1, which is squared, the factor and the product; where Z is near 1 the difference is exact."""
    Z, y = data.draw(outputs(dtype))
    n, classes = Z.shape
    dZ, (loss, right) = on_rows(kernel, Z, y)
    expected_loss, expected = squared_error(Z.astype(float), y)
    np.testing.assert_allclose(dZ[:, :classes], expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(dZ[:, classes:], 0)
    assert loss / n == pytest.approx(expected_loss, rel=float(4 * np.finfo(dtype).eps) + n * classes * 2.0**-52)
    assert right == (Z.argmax(axis=1) == y).sum()


@pytest.mark.parametrize("kernel", [
    rows.cross_entropy_rows, plain_cross_entropy_rows, rows.squared_error_rows, plain_squared_error_rows])
@both_types
@pytest.mark.parametrize("classes", CLASSES)
def test_unwatched_the_derivative_is_the_same_and_nothing_is_returned(kernel, dtype, classes):
    rng = np.random.default_rng(classes)
    Z, y = rng.normal(size=(4, classes)).astype(dtype), rng.integers(classes, size=4)
    watched, _ = on_rows(kernel, Z, y)
    unwatched, seen = on_rows(kernel, Z, y, watch=False)
    assert seen == (0, 0)
    np.testing.assert_array_equal(unwatched, watched)


@both(rows.cross_entropy_rows, plain_cross_entropy_rows)
@both_types
@pytest.mark.parametrize("classes", CLASSES)
def test_where_nothing_is_learnt_the_loss_is_the_same(kernel, dtype, classes):
    rng = np.random.default_rng(classes)
    Z, y = rng.normal(size=(4, classes)).astype(dtype), rng.integers(classes, size=4)
    assert on_rows(kernel, Z, y, learn=False)[1] == on_rows(kernel, Z, y)[1]
    assert on_rows(kernel, Z, y, learn=False, watch=False)[1] == (0, 0)


@both(rows.cross_entropy_rows, plain_cross_entropy_rows)
@both_types
@pytest.mark.parametrize("classes", [2, FEW_CLASSES, FEW_CLASSES + 1, 21])
def test_nan_or_infinity_spoils_its_row_and_the_loss_but_no_other_row(kernel, dtype, classes):
    y = np.array([0, 1, 0])
    for bad in (np.nan, np.inf):
        for place in range(classes):
            Z = np.random.default_rng(0).normal(size=(3, classes)).astype(dtype)
            good, _ = on_rows(kernel, Z, y)
            Z[1, place] = bad
            with np.errstate(invalid="ignore"):          # inf - inf
                dZ, (loss, _) = on_rows(kernel, Z, y)
            assert np.isnan(dZ[1, :classes]).all()
            np.testing.assert_array_equal(dZ[::2], good[::2])
            assert math.isnan(loss)


@both(rows.count_right)
@both_types
@given(data=st.data())
def test_an_answer_is_right_where_argmax_is_the_label(kernel, dtype, data):
    Z, y = data.draw(outputs(dtype))
    flat, width = block(Z, np.inf)                       # the padding has no say
    assert kernel(flat, y, *Z.shape[:1], width, Z.shape[1]) == (Z.argmax(axis=1) == y).sum()


@both(rows.count_right)
def test_of_several_largest_the_first_counts(kernel):
    Z = np.array([0.0, 3, 3, 1] * 4)
    assert [kernel(Z, np.full(4, label), 4, 4, 4) for label in range(4)] == [0, 4, 0, 0]
