import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from strategies import density_matrices, seeds

from minigrok import kernels
from minigrok.metrics import purity, von_neumann_entropy


def both(kernel):
    """The compiled kernel and its plain form."""
    return pytest.mark.parametrize("kernel", [kernel, kernel.py_func], ids=["compiled", "plain"])


def scratch(d):
    return np.empty((d + 2, d))


@both(kernels.symmetric_eigenvalues)
@given(rho=density_matrices())
def test_eigenvalues_are_those_of_lapack(kernel, rho):
    rho = np.ascontiguousarray(rho.real)
    before = rho.copy()
    values = np.sort(kernel(rho, scratch(len(rho))))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(rho), atol=2e-15)
    np.testing.assert_array_equal(rho, before)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 20, 32])
def test_eigenvalues_of_indefinite_and_badly_scaled_matrices(d):
    rng = np.random.default_rng(d)
    for scale in (1e-100, 1.0, 1e100):
        M = rng.normal(size=(d, d)) * scale
        M = M + M.T
        values = np.sort(kernels.symmetric_eigenvalues(M, scratch(d)))
        np.testing.assert_allclose(values / scale, np.linalg.eigvalsh(M / scale), atol=1e-13 * d)


GRADED = np.outer(*[10.0 ** -np.arange(0, 40, 4)] * 2)
WILKINSON = np.diag(abs(np.arange(-10.0, 11))) + np.eye(21, k=1) + np.eye(21, k=-1)      # pairs that nearly tie


@pytest.mark.parametrize("M", [
    np.zeros((4, 4)), np.eye(5), np.diag([3.0, 3, 0, -1]), np.ones((6, 6)), np.diag(np.arange(3.0))[::-1] * 2,
    GRADED * (1 + np.eye(10)), (GRADED * (1 + np.eye(10)))[::-1, ::-1], WILKINSON, np.eye(9, k=8) + np.eye(9, k=-8),
], ids=range(9))
def test_eigenvalues_with_ties_and_zeros_and_of_graded_matrices(M):
    M = (M + M.T) / 2
    values = np.sort(kernels.symmetric_eigenvalues(M, scratch(len(M))))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(M), atol=1e-14)


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


@both(kernels.symmetric_eigenvalues)
def test_nan_comes_out_as_nan(kernel):
    assert np.isnan(kernel(np.array([[np.nan, 1.0], [1.0, 0.0]]), scratch(2))).all()


@both(kernels.eigenvalues_of_stack)
def test_a_stack_is_its_matrices_one_by_one(kernel):
    M = np.random.default_rng(0).normal(size=(9, 4, 4))
    M = M + np.swapaxes(M, 1, 2)
    np.testing.assert_allclose(np.sort(kernel(M), axis=-1), np.linalg.eigvalsh(M), atol=1e-14)


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


@pytest.mark.skipif("MINIGROK_NO_JIT" in os.environ, reason="this is the run without the JIT")
def test_all_of_this_holds_with_the_jit_switched_off():
    """`py_func` of a kernel still calls compiled ones; here every line runs as plain Python."""
    tests = [str(Path(__file__)), str(Path(__file__).parent / "test_metrics.py")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        capture_output=True, text=True, check=False, env=os.environ | {"MINIGROK_NO_JIT": "1"},
        cwd=Path(__file__).parent.parent)
    assert run.returncode == 0, run.stdout[-3000:]
