"""The Gram matrix in register tiles against the plain formula."""

import os
import subprocess
import sys

import numpy as np
import pytest
from plain_forms import with_globals

from minigrok.fast.tall import HEIGHT, MOST_COLUMNS, ROWS, WIDTH, _gram, serves, tall_gram

needs_kernel = pytest.mark.skipif(not serves(np.zeros((1000, 100))), reason="needs numba and AVX-512")


def drawn(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) + 0.5


def add_tile(A, first, rows, j, k, sums, at):
    """What the machine code of a tile does."""
    block = A[first : first + rows]
    sums[at : at + HEIGHT * WIDTH] += (block[:, j : j + HEIGHT].T @ block[:, k : k + WIDTH]).ravel()


@pytest.mark.parametrize("d", [WIDTH, WIDTH + 1, 2 * WIDTH + HEIGHT - 1])
def test_the_tiles_are_the_whole_matrix(d):
    A = drawn(2 * ROWS + 5, d)
    plain = A.T @ A
    assert np.abs(with_globals(_gram, _add_tile=add_tile)(A) - plain).max() <= 1e-13 * np.abs(plain).max()


@needs_kernel
@pytest.mark.parametrize("d", [*range(WIDTH + 1, 2 * WIDTH + 2), 63, 64, 65, 72, 73, 96, 100, 121, 127, 128, 159, 160])
@pytest.mark.parametrize("extra", [0, 1, ROWS - 1])
def test_is_the_plain_formula(d, extra):
    A = drawn(-(-4 * d // ROWS) * ROWS + extra, d, seed=d)
    before = A.copy()
    G, plain = tall_gram(A), A.T @ A
    np.testing.assert_array_equal(A, before)
    assert G.shape == (d, d)
    assert G.dtype == np.float64
    np.testing.assert_array_equal(G, G.T)                # to the bit
    assert np.abs(G - plain).max() <= 1e-13 * np.abs(plain).max()


@needs_kernel
@pytest.mark.parametrize("d", [25, 33, 100, 160])
def test_whole_numbers_come_out_exactly(d):
    A = np.random.default_rng(d).integers(-9, 10, size=(4 * d + 5, d)).astype(float)
    np.testing.assert_array_equal(tall_gram(A), A.T @ A)


@needs_kernel
def test_many_rows_read_only_and_a_part_of_a_larger_array():
    whole = drawn(20_011, 50)
    whole.flags.writeable = False
    A = whole[3:-4]                                      # starts at no multiple of a cache line
    np.testing.assert_allclose(tall_gram(A), A.T @ A, rtol=1e-11)


@needs_kernel
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("n", "d"), [(200, 25), (431, 100), (700, 160)])
def test_nan_and_infinity_reach_the_trace(bad, n, d):
    for row in (0, n // 2, n - 1):
        for column in {0, HEIGHT, d // 2, d - HEIGHT, d - 1}:
            A = drawn(n, d)
            A[row, column] = bad
            G = tall_gram(A)
            np.testing.assert_equal(G[column, column], bad * bad)
            assert not np.isfinite(np.trace(G))
            others = np.delete(np.delete(G, column, 0), column, 1)
            assert np.isfinite(others).all()             # and nowhere else


@needs_kernel
def test_serves_tall_arrays_with_few_columns():
    assert serves(np.zeros((4 * (WIDTH + 1), WIDTH + 1)))
    assert serves(np.zeros((4 * MOST_COLUMNS, MOST_COLUMNS)))


def unaligned(n, d):
    return np.zeros(8 * n * d + 1, np.uint8)[1:].view(np.float64).reshape(n, d)


@pytest.mark.parametrize("A", [
    np.zeros((1000, 100), np.float32), np.zeros((1000, 100), complex), np.zeros((1000, 100), int),
    np.zeros((1000, 100), ">f8" if sys.byteorder == "little" else "<f8"),
    np.zeros((1000, 100), order="F"), np.zeros((1000, 200))[:, :100], np.zeros((2000, 100))[::2], unaligned(1000, 100),
    np.zeros((1000, WIDTH)), np.zeros((1000, 1)), np.zeros((1000, MOST_COLUMNS + 1)), np.zeros((399, 100)),
    np.zeros((0, 100)), np.zeros((2, 1000, 100)), np.zeros(1000), [[1.0] * 100] * 1000,
], ids=lambda A: f"{getattr(A, 'dtype', 'list')}{np.shape(A)}")
def test_serves_nothing_else(A):
    assert not serves(A)
    with pytest.raises(ValueError, match="does not take this array"):
        tall_gram(A)


def test_without_jit_nothing_of_numba_is_imported():
    script = ("import sys, numpy, minigrok.fast.tall as tall\n"
              "assert not tall.serves(numpy.zeros((1000, 100)))\n"
              "assert not {'numba', 'llvmlite'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "MINIGROK_NO_JIT": "1"})
