import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, density_matrices, rotation, seeds, spectra

from minigrok.density import CONVENTIONS, activation_spectrum, density_matrix, spectrum

conventions = st.sampled_from(["trace", "rows"])


@given(activations(), conventions)
def test_a_state_is_hermitian_positive_and_has_unit_trace(A, convention):
    rho = density_matrix(A, convention)
    np.testing.assert_array_equal(rho, rho.T)
    assert np.trace(rho) == pytest.approx(1, abs=1e-14)
    assert np.linalg.eigvalsh(rho).min() >= -1e-15


@given(activations())
def test_trace_convention_is_its_formula(A):
    B = A / abs(A).max()
    np.testing.assert_allclose(density_matrix(A), B.T @ B / np.trace(B.T @ B), atol=1e-15)


@given(activations())
def test_rows_convention_is_the_mean_of_normalised_projectors(A):
    rows = [a / abs(a).max() for a in A if a.any()]
    expected = np.mean([np.outer(a, a) / (a @ a) for a in rows], axis=0)
    np.testing.assert_allclose(density_matrix(A, "rows"), expected, atol=1e-14)


@given(seeds)
def test_centered_conventions_take_the_mean_off_first(seed):
    A = np.random.default_rng(seed).normal(size=(7, 3)) + 5
    np.testing.assert_allclose(density_matrix(A, "centered"), density_matrix(A - A.mean(axis=0)), atol=1e-13)
    np.testing.assert_allclose(
        density_matrix(A, "centered_rows"), density_matrix(A - A.mean(axis=0), "rows"), atol=1e-12)
    np.testing.assert_allclose(density_matrix(A, "centered"), np.cov(A.T) / np.trace(np.cov(A.T)), atol=1e-13)


@given(activations(), seeds, conventions)
def test_a_rotation_of_the_neurons_rotates_the_state(A, seed, convention):
    Q = rotation(A.shape[1], seed)
    np.testing.assert_allclose(density_matrix(A @ Q, convention), Q.T @ density_matrix(A, convention) @ Q, atol=1e-13)


@given(activations(), st.floats(-1e3, 1e3).filter(lambda c: abs(c) > 1e-3))
def test_the_scale_of_the_activations_drops_out(A, c):
    np.testing.assert_allclose(density_matrix(c * A), density_matrix(A), atol=1e-14)


def test_a_complex_state_is_the_mean_projector():
    a = np.array([[1.0, 1j], [2.0, -1.0]])
    expected = sum(np.outer(row, row.conj()) for row in a) / (abs(a) ** 2).sum()
    np.testing.assert_allclose(density_matrix(a), expected, atol=1e-15)


@given(activations(), conventions)
def test_the_smaller_gram_matrix_gives_the_same_spectrum(A, convention):
    p = activation_spectrum(A, convention)
    np.testing.assert_allclose(p, spectrum(density_matrix(A, convention)), atol=1e-14)
    assert p.shape == (A.shape[1],)
    assert (np.diff(p) >= 0).all()


@given(spectra(), seeds)
def test_a_spectrum_survives_a_rotation(p, seed):
    Q = rotation(len(p), seed)
    np.testing.assert_allclose(spectrum((Q * p) @ Q.T), np.sort(p), atol=1e-14)


def test_lapack_and_the_kernel_agree_across_the_dimension_where_they_change():
    rng = np.random.default_rng(0)
    for d in (31, 32, 33, 40):
        rho = density_matrix(rng.normal(size=(60, d)))
        np.testing.assert_allclose(spectrum(rho), np.linalg.eigvalsh(rho), atol=1e-15)


def test_a_stack_is_its_matrices_one_by_one():
    A = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    for convention in CONVENTIONS:
        stacked = density_matrix(A, convention)
        spectra_of_stack = activation_spectrum(A, convention)
        for index in np.ndindex(2, 3):
            np.testing.assert_allclose(stacked[index], density_matrix(A[index], convention), atol=1e-15)
            np.testing.assert_allclose(spectra_of_stack[index], activation_spectrum(A[index], convention), atol=1e-15)


@pytest.mark.parametrize("convert", [
    lambda A: A.astype(np.float32), lambda A: A.astype(int), lambda A: A.astype(">f8"), np.asfortranarray,
    lambda A: A.tolist(), lambda A: A.astype(bool).astype(float)], ids=range(6))
def test_every_numeric_input_becomes_double(convert):
    A = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert density_matrix(convert(A)).dtype == np.float64
    np.testing.assert_allclose(density_matrix(convert(A)), density_matrix(A), atol=1e-7)


def test_the_argument_is_left_alone():
    A = np.random.default_rng(0).normal(size=(5, 3))
    A.flags.writeable = False
    for convention in CONVENTIONS:
        density_matrix(A, convention)
    spectrum(density_matrix(A))


def test_tiny_and_huge_activations_have_a_state():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    for scale in (5e-324, 1e-200, 1e300):
        np.testing.assert_allclose(density_matrix(A * scale), density_matrix(A), atol=1e-14)


BAD_ACTIVATIONS = [
    ([[1.0, np.nan]], r"A\[0, 1\] is nan"),
    ([[np.inf], [1.0]], r"A\[0, 0\] is inf"),
    (np.zeros((0, 3)), r"shape \(0, 3\)"),
    ([1.0, 2.0], r"shape \(2,\)"),
    ([["a"]], "must hold numbers"),
    ([[1.0], [1.0, 2.0]], "rectangular"),
    (np.zeros((3, 2)), "all its activations are zero"),
    (np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]]), "masked"),
]


@pytest.mark.parametrize(("A", "message"), BAD_ACTIVATIONS)
def test_bad_activations_are_refused_with_the_reason(A, message):
    with pytest.raises(ValueError, match=message):
        density_matrix(A)


@pytest.mark.parametrize("A", [[[1.0, 2.0]], [[0.1, 0.3]] * 7])
def test_rows_that_are_all_alike_have_no_centered_state(A):
    with pytest.raises(ValueError, match="all its rows are alike"):
        density_matrix(A, "centered")


def test_an_unknown_convention_is_met_by_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'centered'"):
        density_matrix([[1.0]], "centred")


BAD_STATES = [
    (np.eye(2), "trace 2"),
    (np.diag([1.3, -0.3]), "eigenvalue -0.3"),
    ([[0.5, 0.2], [0.1, 0.5]], r"element \[0, 1\] is 0.2"),
    (np.ones((2, 3)), "square"),
    ([[np.nan]], r"rho\[0, 0\] is nan"),
    ([np.eye(2) / 2, np.eye(2)], r"rho\[1\] has trace 2"),
    ([[0.5, 0.5j], [0.5j, 0.5]], "not Hermitian"),
]


@pytest.mark.parametrize(("rho", "message"), BAD_STATES)
def test_what_is_no_state_is_refused_with_the_reason(rho, message):
    with pytest.raises(ValueError, match=message):
        spectrum(rho)


@given(density_matrices())
def test_the_spectrum_is_a_probability_distribution(rho):
    p = spectrum(rho)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-15)
