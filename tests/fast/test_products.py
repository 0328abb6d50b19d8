"""Products in register tiles against NumPy's, for every remainder of their shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_forms import with_globals
from strategies import seeds

from minigrok.fast.products import HEIGHT, VECTORS, _tile_of, lanes_of, padded, product
from minigrok.jit import JIT_ENABLED

SENTINEL = 7.25
BEHIND = 41                    # sentinels on either side; no multiple of a vector, so the vectors stand askew in memory
plain_tile_of = with_globals(_tile_of, JIT_ENABLED=False)
plain_product = with_globals(
    product, one_wide=plain_tile_of(1), two_wide=plain_tile_of(2), three_wide=plain_tile_of(3))

both_forms = pytest.mark.parametrize("form", [product, plain_product], ids=["compiled", "plain"])
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
compiled_only = pytest.mark.skipif(not JIT_ENABLED, reason="BLAS has an order of its own")


def framed(matrix):
    """A flat copy, as a part of a longer array that has sentinels on both sides; the longer one comes with it."""
    whole = np.full(matrix.size + 2 * BEHIND, SENTINEL, matrix.dtype)
    part = whole[BEHIND:-BEHIND]
    part[:] = matrix.ravel()
    return part, whole


def flat(a, transposed):
    """(numbers, a_row, a_step) of a matrix a, with NaN where the kernel may read but must not use what it reads."""
    rows, count = a.shape
    if transposed:
        room = np.full((count, padded(rows, HEIGHT)), np.nan, a.dtype)
        room[:, :rows] = a.T
        return room.ravel(), 1, room.shape[1]
    room = np.full((padded(rows, HEIGHT), count + 3), np.nan, a.dtype)
    room[:rows, :count] = a
    return room.ravel(), room.shape[1], 1


def multiply(form, a, b, before, *, transposed=False, add=False, upper=False):
    """The kernel's a b, or before + a b; it must leave alone what it reads, and what stands around `out`."""
    (rows, count), width = a.shape, b.shape[1]
    numbers, a_row, a_step = flat(a, transposed)
    room = np.full((padded(rows, HEIGHT), width), SENTINEL, a.dtype)
    room[:rows] = before
    out, whole = framed(room)
    right, right_whole = framed(b)
    numbers_before, right_before = numbers.copy(), right_whole.copy()
    form(numbers, a_row, a_step, right, out, rows, width, count, lanes_of(a.dtype), add, upper)
    np.testing.assert_array_equal(whole[:BEHIND], SENTINEL)
    np.testing.assert_array_equal(whole[-BEHIND:], SENTINEL)
    np.testing.assert_array_equal(numbers, numbers_before)
    np.testing.assert_array_equal(right_whole, right_before)
    return out.reshape(-1, width)[:rows]


@both_forms
@both_types
@pytest.mark.parametrize("vectors", range(1, 2 * VECTORS + 2))
@settings(max_examples=25)
@given(rows=st.integers(1, 2 * HEIGHT + 1), count=st.integers(0, 9), add=st.booleans(), transposed=st.booleans(),
       seed=seeds)
def test_is_the_plain_formula_for_every_shape(form, dtype, vectors, rows, count, add, transposed, seed):
    """Each of two sums of count + 1 terms is off by at most (count + 1) eps / 2 times the sum of their sizes."""
    rng, width = np.random.default_rng(seed), vectors * lanes_of(dtype)
    a, b, before = (rng.normal(size=shape).astype(dtype) for shape in ((rows, count), (count, width), (rows, width)))
    result = multiply(form, a, b, before, transposed=transposed, add=add)
    a, b, before = (M.astype(float) for M in (a, b, before * add))
    bound = (count + 1) * np.finfo(dtype).eps * (abs(a) @ abs(b) + abs(before))
    assert (abs(result - (before + a @ b)) <= bound).all()


@both_forms
@both_types
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("rows", range(1, 2 * HEIGHT + 2))
def test_whole_numbers_come_out_exactly(form, dtype, transposed, rows):
    rng = np.random.default_rng(rows)
    for vectors in range(1, 2 * VECTORS + 2):
        a = rng.integers(-9, 10, size=(rows, 5)).astype(dtype)
        b = rng.integers(-9, 10, size=(5, vectors * lanes_of(dtype))).astype(dtype)
        before = rng.integers(-9, 10, size=(rows, b.shape[1])).astype(dtype)
        np.testing.assert_array_equal(multiply(form, a, b, before, transposed=transposed), a @ b)
        np.testing.assert_array_equal(multiply(form, a, b, before, transposed=transposed, add=True), before + a @ b)


@both_forms
@both_types
@pytest.mark.parametrize("add", [False, True])
def test_upper_gives_the_part_on_and_above_the_diagonal(form, dtype, add):
    lanes = lanes_of(dtype)
    for d in (1, HEIGHT, lanes - 1, lanes + 1, 3 * lanes, 4 * lanes + 1, 7 * lanes - 1):
        a = np.random.default_rng(d).integers(-9, 10, size=(6, padded(d, lanes))).astype(dtype)
        before = np.full((d, a.shape[1]), SENTINEL, dtype)
        result = multiply(form, a[:, :d].T, a, before, transposed=True, add=add, upper=True)
        np.testing.assert_array_equal(np.triu(result), np.triu(before * add + a[:, :d].T @ a))


@both_forms
@both_types
def test_upper_leaves_tiles_below_the_diagonal_out(form, dtype):
    d = 4 * VECTORS * lanes_of(dtype)
    a = np.ones((2, d), dtype)
    result = multiply(form, a.T, a, np.full((d, d), SENTINEL, dtype), transposed=True, upper=True)
    assert (result == SENTINEL).mean() > 1 / 4           # of half the matrix, all but what lies along the diagonal


@compiled_only
@both_types
def test_sums_run_in_the_order_of_k(dtype):
    big = dtype(2 / np.finfo(dtype).eps)                 # big + 1 is big
    a = np.array([[big, 1, -big, 1], [1, big, 1, -big]], dtype)
    b = np.ones((4, lanes_of(dtype)), dtype)
    result = multiply(product, a, b, np.zeros((2, b.shape[1]), dtype))
    np.testing.assert_array_equal(result[:, 0], [1, 0])  # ((big + 1) - big) + 1, and ((1 + big) + 1) - big


@compiled_only
@both_types
@pytest.mark.parametrize("transposed", [False, True])
def test_the_bits_of_a_number_do_not_depend_on_the_tile_it_is_in(dtype, transposed):
    rng, lanes = np.random.default_rng(0), lanes_of(dtype)
    rows, count, width = HEIGHT + 3, 37, (2 * VECTORS + 1) * lanes
    a, b = rng.normal(size=(rows, count)).astype(dtype), rng.normal(size=(count, width)).astype(dtype)
    whole = multiply(product, a, b, np.zeros((rows, width), dtype), transposed=transposed)
    for u in range(rows):
        for v in range(0, width, lanes):
            part = multiply(product, a[u : u + 1], b[:, v : v + lanes], np.zeros((1, lanes), dtype))
            np.testing.assert_array_equal(part[0], whole[u, v : v + lanes])


@both_forms
@both_types
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_reaches_its_row_or_column_and_no_other(form, dtype, bad):
    lanes = lanes_of(dtype)
    ones, zeros = np.ones((5, 4), dtype), np.zeros((5, 4 * lanes), dtype)
    b = np.ones((4, 4 * lanes), dtype)
    for row, column in ((0, 0), (4, 3 * lanes - 1), (2, 4 * lanes - 1)):
        spoilt_a, spoilt_b = ones.copy(), b.copy()
        spoilt_a[row, 1], spoilt_b[3, column] = bad, bad
        expected = np.full(zeros.shape, 4.0)
        expected[row] = bad
        with np.errstate(invalid="ignore"):              # of the padding, NaN, some NumPy's products complain
            np.testing.assert_array_equal(multiply(form, spoilt_a, b, zeros), expected)
            expected = np.full(zeros.shape, 4.0)
            expected[:, column] = bad
            np.testing.assert_array_equal(multiply(form, ones, spoilt_b, zeros), expected)


@given(st.integers(0, 10**6), st.integers(1, 100))
def test_padded_is_the_first_multiple_that_is_large_enough(n, multiple):
    assert padded(n, multiple) % multiple == 0
    assert n <= padded(n, multiple) < n + multiple


def test_a_block_of_vectors_is_a_whole_number_of_tiles():
    """Widths are padded to vectors, heights to tiles: a matrix read transposed is long enough for both."""
    for dtype in (np.float32, np.float64):
        assert lanes_of(dtype) % HEIGHT == 0
        assert lanes_of(dtype) * np.dtype(dtype).itemsize == lanes_of(np.uint8)
