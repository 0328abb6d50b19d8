import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import density_matrices, rotation, spectra

from minigrok import kernels
from minigrok.fast import lanes


def both(kernel):
    """The compiled kernel and its plain form."""
    return pytest.mark.parametrize("kernel", [kernel, kernel.py_func], ids=["compiled", "plain"])


stacks = st.integers(1, 6).flatmap(lambda d: st.lists(density_matrices(st.just(d)), min_size=1, max_size=5))


@both(lanes.eigenvalues_of_stack)
@given(stack=stacks)
def test_a_stack_is_its_matrices_one_by_one(kernel, stack):
    stack = np.ascontiguousarray(np.array(stack).real)
    d = stack.shape[-1]
    before = stack.copy()
    alone = [kernels.symmetric_eigenvalues(M, np.empty((d + 2, d))) for M in stack]
    np.testing.assert_allclose(kernel(stack), alone, atol=2e-15)
    np.testing.assert_array_equal(stack, before)


def test_lanes_that_converge_early_wait_for_the_others_unharmed():
    """Diagonal, degenerate, pure, block and generic states side by side; more than one block, the last one not full."""
    rng, d = np.random.default_rng(0), 6
    p = [np.full(d, 1 / d), np.eye(d)[0], [0.5, 0.5, 0, 0, 0, 0], 2.0 ** -np.arange(d), [1, 1e-14, 0, 0, 0, 0]]
    plain = [np.diag(q) for q in p] + [np.kron(np.diag([0.5, 0.3, 0.2]), np.full((2, 2), 0.5))]
    turned = [Q @ M @ Q.T for M in plain for Q in (rotation(d, seed) for seed in range(8))]
    stack = np.array(plain + turned + [np.zeros((d, d))])[rng.permutation(len(plain + turned) + 1)]
    stack = (stack + np.swapaxes(stack, 1, 2)) / 2
    assert len(stack) % lanes.LANES
    values = lanes.eigenvalues_of_stack(stack)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(stack), atol=3e-15)
    np.testing.assert_array_equal(values, np.sort(values, axis=-1))


@pytest.mark.parametrize("d", [1, 2, 3, 7, 20, 32])
def test_every_dimension_has_its_eigenvalues(d):
    M = np.random.default_rng(d).normal(size=(lanes.LANES + 3, d, d))
    M = M + np.swapaxes(M, 1, 2)
    np.testing.assert_allclose(lanes.eigenvalues_of_stack(M), np.linalg.eigvalsh(M), atol=2e-14 * d)


@both(lanes.sort_lanes)
@given(p=spectra())
def test_lanes_are_sorted_each_by_itself(kernel, p):
    values = np.stack([p, p[::-1], -p], axis=-1)
    expected = np.sort(values, axis=0)
    kernel(values)
    np.testing.assert_array_equal(values, expected)


@both(lanes.tridiagonal_eigenvalues_lanes)
def test_an_iteration_that_does_not_converge_says_so(kernel, monkeypatch):
    assert kernel(np.array([[2.0], [0.0]]), np.array([[1.0], [0.0]])) is True
    if kernel is lanes.tridiagonal_eigenvalues_lanes.py_func:
        monkeypatch.setattr(lanes, "MAXIMAL_ITERATIONS", 0)
        assert kernel(np.array([[2.0], [0.0]]), np.array([[1.0], [0.0]])) is False


@both(lanes.eigenvalues_of_stack)
def test_nan_comes_out_as_nan(kernel):
    stack = np.array([np.eye(2), [[np.nan, 1.0], [1.0, 0.0]], np.eye(2), [[1.0, np.nan], [np.nan, 1.0]]])
    values = kernel(stack)
    assert np.isnan(values[1]).any()
    assert np.isnan(values[3]).any()
