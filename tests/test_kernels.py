import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import density_matrices, seeds, spectra

from minigrok import kernels
from minigrok.jit import JIT_ENABLED
from minigrok.metrics import purity, von_neumann_entropy


def both(kernel):
    """The compiled kernel and its plain form."""
    return pytest.mark.parametrize("kernel", [kernel, kernel.py_func], ids=["compiled", "plain"])


def scratch(d):
    return np.empty((d + 2, d))


@both(kernels.symmetric_eigenvalues)
@given(rho=density_matrices())
def test_eigenvalues_are_those_of_lapack_in_ascending_order(kernel, rho):
    rho = np.ascontiguousarray(rho.real)
    before = rho.copy()
    values = kernel(rho, scratch(len(rho)))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(rho), atol=2e-15)
    np.testing.assert_array_equal(rho, before)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 20, 32])
def test_eigenvalues_of_indefinite_and_badly_scaled_matrices(d):
    rng = np.random.default_rng(d)
    for scale in (1e-100, 1.0, 1e100):
        M = rng.normal(size=(d, d)) * scale
        M = M + M.T
        values = kernels.symmetric_eigenvalues(M, scratch(d))
        np.testing.assert_allclose(values / scale, np.linalg.eigvalsh(M / scale), atol=1e-13 * d)


GRADED = np.outer(*[10.0 ** -np.arange(0, 40, 4)] * 2)
WILKINSON = np.diag(abs(np.arange(-10.0, 11))) + np.eye(21, k=1) + np.eye(21, k=-1)      # pairs that nearly tie


@pytest.mark.parametrize("M", [
    np.zeros((4, 4)), np.eye(5), np.diag([3.0, 3, 0, -1]), np.ones((6, 6)), np.diag(np.arange(3.0))[::-1] * 2,
    GRADED * (1 + np.eye(10)), (GRADED * (1 + np.eye(10)))[::-1, ::-1], WILKINSON, np.eye(9, k=8) + np.eye(9, k=-8),
], ids=range(9))
def test_eigenvalues_with_ties_and_zeros_and_of_graded_matrices(M):
    M = (M + M.T) / 2
    values = kernels.symmetric_eigenvalues(M, scratch(len(M)))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(M), atol=1e-14)


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0.01, 10))
def test_wilkinsons_shift_solves_two_by_two_in_one_iteration(a, b, square):
    """The shift is then an eigenvalue itself; and what takes too long is given up."""
    solve = kernels.tridiagonal_eigenvalues.py_func
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "MAXIMAL_ITERATIONS", 1)
        diagonal = np.array([a, b])
        assert solve(diagonal, np.array([square, 0.0]))
        off = square**0.5
        np.testing.assert_allclose(np.sort(diagonal), np.linalg.eigvalsh([[a, off], [off, b]]), atol=1e-13)
        assert not solve(np.array([a, b, 1.0]), np.array([square, square, 0.0]))
        patch.setattr(kernels, "MAXIMAL_ITERATIONS", 0)
        assert not solve(np.array([a, b]), np.array([square, 0.0]))


@both(kernels.tridiagonalise)
@given(rho=density_matrices())
def test_the_tridiagonal_matrix_has_the_same_invariants(kernel, rho):
    """tr T = tr M and tr T^2 = tr M^2; the last squared element is 0."""
    M = np.ascontiguousarray(rho.real)
    diagonal, squares = np.empty(len(M)), np.empty(len(M))
    kernel(M.copy(), diagonal, squares)
    assert diagonal.sum() == pytest.approx(1, abs=1e-14)
    assert (diagonal**2).sum() + 2 * squares.sum() == pytest.approx((M**2).sum(), abs=1e-14)
    assert (squares >= 0).all()
    assert squares[-1] == 0


def test_an_iteration_that_does_not_converge_says_so():
    for kernel in (kernels.tridiagonal_eigenvalues, kernels.tridiagonal_eigenvalues.py_func):
        assert kernel(np.array([2.0, 0.0]), np.array([1.0, 0.0])) is True
        assert kernel(np.array([np.nan, 0.0]), np.array([1.0, 0.0])) is False
        assert kernel(np.array([1.0, np.nan]), np.array([1.0, 0.0])) is False
        assert kernel(np.array([1.0, 1.0]), np.array([np.nan, 0.0])) is False
        assert kernel(np.array([np.inf]), np.array([0.0])) is False


@both(kernels.symmetric_eigenvalues)
def test_nan_comes_out_as_nan(kernel):
    assert np.isnan(kernel(np.array([[np.nan, 1.0], [1.0, 0.0]]), scratch(2))).all()


@both(kernels.sort_ascending)
@given(values=arrays(float, st.integers(1, 9), elements=st.floats(-1, 1)))
def test_a_sort_is_a_sort(kernel, values):
    expected = np.sort(values)
    kernel(values)
    np.testing.assert_array_equal(values, expected)


@both(kernels.clip_roundings)
@given(p=spectra(), seed=seeds)
def test_clipping_moves_no_eigenvalue_by_more_than_a_rounding(kernel, p, seed):
    d = len(p)
    clipped = np.sort(p + np.random.default_rng(seed).uniform(-1, 1, d) * 1e-17)
    noisy = clipped.copy()
    kernel(clipped)
    np.testing.assert_allclose(clipped, noisy, atol=2 * d * kernels.EPSILON)
    assert (clipped >= 0).all()
    assert clipped.sum() == pytest.approx(1, abs=1e-15)
    weights = np.cumsum(abs(noisy)) / noisy.sum()
    np.testing.assert_array_equal(clipped > 0, (weights > d * kernels.EPSILON) & (noisy > 0))


@both(kernels.clip_roundings)
def test_many_faint_eigenvalues_count_where_a_few_are_roundings(kernel):
    """63 of 1e-14 weigh 6e-13 together; the first that are dropped weigh less than 64 eps = 1.4e-14."""
    faint = np.sort(np.r_[1 - 63e-14, np.full(63, 1e-14)])
    kernel(faint)
    assert (faint > 0).sum() == 63
    few = np.array([-1e-17, 2e-17, 1.0])
    kernel(few)
    np.testing.assert_array_equal(few, [0, 0, 1])
    mixed = np.array([-1e-15, 1.2e-15, 1.0])             # a negative one weighs too: it does not pay for a positive one
    kernel(mixed)
    assert mixed[1] > 0


@both(kernels.clip_stack)
def test_a_stack_is_clipped_row_by_row(kernel):
    stack = np.array([[1e-17, 2.0], [1.0, 3.0]])
    kernel(stack)
    np.testing.assert_array_equal(stack, [[0, 1], [0.25, 0.75]])


@both(kernels.are_states)
@given(rho=density_matrices(), data=st.data())
def test_the_quick_look_is_the_two_rules(kernel, rho, data):
    d = len(rho)
    j, k = data.draw(st.tuples(st.integers(0, d - 1), st.integers(0, d - 1)))
    assert kernel(rho[None], 1e-6, 1e-6)
    for change in (1e-4, np.nan, np.inf, -np.inf):
        spoilt = np.stack([rho, rho])
        spoilt[1, j, k] += change
        with np.errstate(invalid="ignore"):              # inf - inf in plain Python
            assert not kernel(spoilt, 1e-6, 1e-6)
    nearly = rho.copy()
    nearly[j, k] += 1e-7
    assert kernel(nearly[None], 1e-6, 1e-6)


@pytest.mark.parametrize("d", [kernels.TILE - 1, kernels.TILE, kernels.TILE + 1, 3 * kernels.TILE + 5])
def test_the_quick_look_sees_every_element(d):
    rho = np.eye(d) / d
    for j in range(d):
        for k in range(d):
            if j != k:
                rho[j, k] = 1e-3
                assert not kernels.are_states(rho[None], 1e-6, 1e-6)
                rho[k, j] = 1e-3
                assert kernels.are_states(rho[None], 1e-6, 1e-6)
                rho[j, k] = rho[k, j] = 0.0
    assert not kernels.are_states(rho[None] + 1j * np.eye(d), 1e-6, 1e-6)


@both(kernels.gram_entropy)
@given(rho=density_matrices(), seed=seeds)
def test_gram_entropy_is_the_entropy_of_the_state(kernel, rho, seed):
    rho = np.ascontiguousarray((rho.real + rho.real.T) / 2)
    scale = 10 ** np.random.default_rng(seed).uniform(-5, 5)
    assert kernel(rho * scale, scratch(len(rho))) == pytest.approx(von_neumann_entropy(rho), abs=1e-13)


@both(kernels.gram_purity)
@given(rho=density_matrices())
def test_gram_purity_is_the_purity_of_the_state(kernel, rho):
    rho = (rho.real + rho.real.T) / 2
    assert kernel(rho * 7.0) == pytest.approx(purity(rho), abs=1e-14)


@both(kernels.gram_entropy)
def test_a_gram_matrix_of_rank_one_has_entropy_zero_to_the_bit(kernel):
    for seed in range(20):
        a = np.random.default_rng(seed).normal(size=6)
        assert kernel(np.outer(a, a), scratch(6)) == 0.0


@pytest.mark.parametrize("G", [np.zeros((2, 2)), np.diag([np.inf, 1.0]), np.diag([np.nan, 1.0])])
def test_where_there_is_no_state_there_is_no_number(G):
    for kernel in (kernels.gram_entropy, kernels.gram_entropy.py_func):
        assert np.isnan(kernel(G, scratch(2)))
    for kernel in (kernels.gram_purity, kernels.gram_purity.py_func):
        assert np.isnan(kernel(G))


@pytest.mark.skipif(not JIT_ENABLED, reason="this is the run without the JIT")
def test_all_of_this_holds_with_the_jit_switched_off():
    """`py_func` of a kernel still calls compiled ones; here every line runs as plain Python."""
    tests = [str(Path(__file__)), str(Path(__file__).parent / "test_metrics.py")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        capture_output=True, text=True, check=False, env=os.environ | {"MINIGROK_NO_JIT": "1"},
        cwd=Path(__file__).parent.parent)
    assert run.returncode == 0, run.stdout[-3000:]
