import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rotation, seeds

from minigrok.fast import eigenvalues
from minigrok.fast.eigenvalues import hermitian_eigenvalues


@settings(max_examples=30)
@given(st.sampled_from([1, 2, 6, 31, 32, 33, 64, 100]), st.sampled_from([1, 2, 3, 5]), st.booleans(), seeds)
def test_eigenvalues_are_those_of_lapack_in_any_dimension_and_number(d, n, complex_, seed):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(n, d, d)) + 1j * complex_ * rng.normal(size=(n, d, d))
    M = M if complex_ else M.real
    M = (M + np.swapaxes(M, -1, -2).conj()) / d
    before = M.copy()
    np.testing.assert_allclose(hermitian_eigenvalues(M), np.linalg.eigvalsh(M), atol=1e-14)
    np.testing.assert_allclose(hermitian_eigenvalues(M[0]), np.linalg.eigvalsh(M[0]), atol=1e-14)
    np.testing.assert_array_equal(M, before)


def test_numpys_solver_is_not_needed(monkeypatch):
    """It would hide that a way of ours does not converge."""
    M = np.array([np.cov(np.random.default_rng(k).normal(size=(70, 140))) for k in range(4)])
    expected = [np.linalg.eigvalsh(part) for part in (M, M[0, :6, :6], M[:, :6, :6])]
    monkeypatch.setattr("numpy.linalg.eigvalsh", None)
    for part, values in zip((M, M[0, :6, :6], M[:, :6, :6]), expected, strict=True):
        np.testing.assert_allclose(hermitian_eigenvalues(part), values, atol=1e-13)


@pytest.mark.parametrize("d", [8, 40])
@pytest.mark.parametrize("p", [lambda d: np.full(d, 1 / d), lambda d: np.eye(d)[0], lambda d: 2.0 ** -np.arange(d)])
def test_ties_zeros_and_grades_survive_a_rotation(d, p):
    p = p(d) / p(d).sum()
    for complex_ in (False, True):
        Q = rotation(d, 1, complex_=complex_)
        np.testing.assert_allclose(hermitian_eigenvalues((Q * p) @ Q.conj().T), np.sort(p), atol=3e-15)


def test_the_order_in_memory_does_not_matter():
    M = np.cov(np.random.default_rng(0).normal(size=(50, 90)))
    wide = np.kron(M, np.ones((2, 2)))
    for same in (np.asfortranarray(M), M.T, wide[::2, ::2]):
        np.testing.assert_allclose(hermitian_eigenvalues(same), np.linalg.eigvalsh(M), atol=1e-13)


@pytest.mark.parametrize(("kernel", "shape"), [
    ("symmetric_eigenvalues", (2, 4)), ("eigenvalues_of_stack", (9, 4)), ("tridiagonal_eigenvalues", (1, 40))])
def test_lapack_takes_over_where_a_kernel_does_not_converge(kernel, shape, monkeypatch):
    n, d = shape
    M = np.array([np.cov(np.random.default_rng(k).normal(size=(d, 2 * d))) for k in range(n)])
    failing = {"symmetric_eigenvalues": lambda M, work: np.full(len(M), np.nan),
               "eigenvalues_of_stack": lambda stack: np.full(stack.shape[:2], np.nan),
               "tridiagonal_eigenvalues": lambda diagonal, squares: False}
    monkeypatch.setattr(eigenvalues, kernel, failing[kernel])
    np.testing.assert_array_equal(hermitian_eigenvalues(M), np.linalg.eigvalsh(M))
