import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, density_matrices, rotation, seeds, spectra

from minigrok.density import activation_spectrum, density_matrix, require_hermitian, require_unit_trace, spectrum
from minigrok.grams import CONVENTIONS

conventions = st.sampled_from(["trace", "rows"])


@given(activations() | activations(complex_=True), conventions)
def test_a_state_is_hermitian_positive_and_has_unit_trace(A, convention):
    rho = density_matrix(A, convention)
    np.testing.assert_array_equal(rho, rho.conj().T)
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
    assert density_matrix(a.astype(np.complex64)).dtype == np.complex128


@given(activations() | activations(complex_=True), conventions)
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


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_a_stack_is_its_matrices_one_by_one(shape):
    A = np.random.default_rng(0).normal(size=(*shape, 5, 4))
    A *= np.logspace(-180, 0, 5)[:, None]                # no row counts for less in "rows"
    for convention in CONVENTIONS:
        stacked = density_matrix(A, convention)
        spectra_of_stack = activation_spectrum(A, convention)
        for index in np.ndindex(shape):
            np.testing.assert_allclose(stacked[index], density_matrix(A[index], convention), atol=1e-15)
            np.testing.assert_allclose(spectra_of_stack[index], activation_spectrum(A[index], convention), atol=1e-15)


@pytest.mark.parametrize("convert", [
    lambda A: A.astype(np.float32), lambda A: A.astype(int), lambda A: A.astype(">f8"), np.asfortranarray,
    lambda A: A.tolist(), lambda A: A.astype(bool), lambda A: A.astype(">f4"), lambda A: A.astype(np.float16),
    lambda A: A.astype(np.uint8), lambda A: A.astype(np.longdouble), lambda A: np.repeat(A, 2, axis=1)[:, ::2],
    lambda A: A[::-1, ::-1][::-1, ::-1], np.ma.asarray, lambda A: np.broadcast_to(A, (2, 2, 3))[0]], ids=range(14))
def test_every_numeric_input_becomes_double(convert):
    A = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert density_matrix(convert(A)).dtype == np.float64
    np.testing.assert_allclose(density_matrix(convert(A)), density_matrix(A), atol=1e-7)


def test_the_argument_is_left_alone():
    A = np.random.default_rng(0).normal(size=(5, 3))
    A.flags.writeable = False
    before, rho = A.copy(), density_matrix(A)
    rho.flags.writeable = False
    for scale in (1.0, 1e200):                           # as it is, and where it must be scaled
        for convention in CONVENTIONS:
            density_matrix(A * scale, convention)
            activation_spectrum(A, convention)
    spectrum(rho)
    np.testing.assert_array_equal(A, before)
    np.testing.assert_array_equal(rho, density_matrix(A))


def test_tiny_and_huge_activations_have_a_state():
    A = np.array([[1.0, 2.0], [3.0, 4.0], [4.0, 1.0], [1.0, 4.0]])       # whose sums overflow, not only squares
    for scale in (5e-324, 1e-200, 1e300, 2.0**1021):
        for phase in (1.0, 1.0 + 1.0j):
            for convention in CONVENTIONS:
                np.testing.assert_allclose(
                    density_matrix(A * phase * scale, convention), density_matrix(A, convention), atol=1e-14)
    assert density_matrix([[np.finfo(float).max]]) == 1


def test_a_faint_input_beside_a_loud_one_has_a_direction_in_rows():
    for faint in (1e-200, 1e-160, 5e-324):
        np.testing.assert_allclose(density_matrix([[1.0, 0.0], [0.0, faint]], "rows"), np.eye(2) / 2, atol=1e-15)
        np.testing.assert_allclose(density_matrix([[1e300, 0.0], [0.0, faint]], "rows"), np.eye(2) / 2, atol=1e-15)


def test_a_row_at_the_mean_has_no_direction_in_centered_rows():
    """Its rounding would count as much as a whole input. Here the third row is the mean of the others."""
    outer = np.array([[0.1, 0.7], [0.3, 0.2]])
    expected = density_matrix(outer - outer.mean(axis=0), "rows")
    for count in (1, 1000):
        A = np.concatenate([np.repeat(outer, count, axis=0), np.full((count, 2), [0.2, 0.45])])
        np.testing.assert_allclose(density_matrix(A, "centered_rows"), expected, atol=1e-12)


def test_a_faint_neuron_beside_a_constant_one_is_seen_when_centered():
    for constant, faint in ((1.0, 1e-150), (0.1, 1e-17), (1e10, 1e-8)):
        np.testing.assert_allclose(
            density_matrix([[constant, faint], [constant, 3 * faint]], "centered"), np.diag([0.0, 1.0]), atol=1e-15)


BAD_ACTIVATIONS = [
    ([[1.0, np.nan]], r"A\[0, 1\] is nan"),
    ([[np.inf], [1.0]], r"A\[0, 0\] is inf"),
    (np.zeros((0, 3)), r"shape \(0, 3\)"),
    ([1.0, 2.0], r"shape \(2,\)"),
    ([["a"]], "must hold numbers"),
    ([[1.0], [1.0, 2.0]], "rectangular"),
    (np.zeros((3, 2)), "all its activations are zero"),
    (np.ones((2, 3, 4)) * [[[1]], [[0]]], r"A\[1\] has no state in the convention 'trace'"),
    (1.0, r"A has shape \(\)"),
    (np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]]), "masked"),
]


@pytest.mark.parametrize(("A", "message"), BAD_ACTIVATIONS)
def test_bad_activations_are_refused_with_the_reason(A, message):
    with pytest.raises(ValueError, match=message):
        density_matrix(A)


@pytest.mark.parametrize("A", [[[1.0, 2.0]], [[0.1, 0.3]] * 7, np.full((100_000, 2), 0.1)], ids=["one", "few", "many"])
@pytest.mark.parametrize("convention", ["centered", "centered_rows"])
def test_rows_that_are_all_alike_have_no_centered_state(A, convention):
    with pytest.raises(ValueError, match="all its rows are alike"):
        density_matrix(A, convention)
    with pytest.raises(ValueError, match="all its rows are alike"):
        activation_spectrum(A, convention)


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
    ([[0.5 + 0.1j, 0.0], [0.0, 0.5]], r"element \[0, 0\] is 0.5\+0.1j, but the conjugate of \[0, 0\] is 0.5-0.1j"),
    (np.eye(2) * (0.5 + 1e-6), "has trace 1, but|trace 1: build"),
    ([np.eye(2) / 2, np.diag([1.1, -0.1])], r"rho\[1\] has the eigenvalue -0.1"),
    ([np.eye(2) / 2, [[0.5, 0.1], [0.0, 0.5]]], r"rho\[1\] is not Hermitian"),
    ([0.5, 0.5], r"rho has shape \(2,\)"),
    (np.zeros((0, 0)), r"shape \(0, 0\)"),
    (np.diag([1.0 + 2e-6, -2e-6]), "eigenvalue -2e-06"),
    (np.full((2, 2), 1.7e308), "trace inf"),             # no warning besides
    ((np.ones((2, 2, 1)) * np.eye(2) / 2).reshape(1, 4, 2), r"shape \(1, 4, 2\)"),
    ([np.diag([1.0 + 1e-6, -1e-6]), np.diag([1.1, -0.1])], r"rho\[1\] has the eigenvalue -0.1"),
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


def test_the_tolerance_itself_is_forgiven():
    require_hermitian(np.array([[0.5, 1e-6], [0.0, 0.5]]))
    require_unit_trace(np.array([[1.0 + 1e-6j]]))
    assert spectrum(np.diag([1.0 + 1e-6, -1e-6]))[0] == 0


def test_roundings_of_float32_are_forgiven_and_leave_a_probability_distribution():
    trace, sides, negative = np.eye(2) * 4e-7, np.array([[0, 4e-7], [-4e-7, 0]]), np.diag([5e-7, -5e-7])
    for rho in (np.eye(2) / 2, np.diag([1.0, 0.0])):
        for rounding in (trace, sides, negative):
            p = spectrum(rho + rounding)
            np.testing.assert_allclose(p, spectrum(rho), atol=1e-6)
            assert p.sum() == pytest.approx(1, abs=1e-15)
            assert (p >= 0).all()


@pytest.mark.parametrize("shape", [(2, 7), (7, 2), (3, 2, 7)])
def test_only_the_smaller_gram_matrix_is_diagonalised(monkeypatch, shape):
    sizes = []
    monkeypatch.setattr(
        "minigrok.density.hermitian_eigenvalues", lambda G: sizes.append(G.shape[-2:]) or np.linalg.eigvalsh(G))
    assert activation_spectrum(np.random.default_rng(0).normal(size=shape)).shape[-1] == shape[-1]
    assert sizes == [(2, 2)]


@pytest.mark.parametrize("convert", [
    np.asfortranarray, lambda rho: rho.astype(">f8"), lambda rho: rho.astype(np.longdouble),
    lambda rho: rho.astype(complex), lambda rho: np.kron(rho, np.ones((2, 2)))[::2, ::2],
    lambda rho: rho.tolist()], ids=range(6))
def test_every_kind_of_array_has_its_spectrum(convert):
    rho = density_matrix(np.random.default_rng(0).normal(size=(9, 4)))
    np.testing.assert_allclose(spectrum(convert(rho)), np.linalg.eigvalsh(rho), atol=1e-15)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_stack_of_stacks_is_its_matrices_one_by_one(convention):
    A = np.random.default_rng(0).normal(size=(2, 3, 9, 4))
    A[0, 1] *= 1e-150                                    # one of them needs the scaled way
    states = density_matrix(A, convention)
    spectra = spectrum(states)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(states[index], density_matrix(A[index], convention), atol=1e-14)
        np.testing.assert_allclose(spectra[index], spectrum(states[index]), atol=1e-14)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (3, 4, 2), (2, 3, 3, 1)])
def test_what_is_not_square_is_no_state(shape):
    with pytest.raises(ValueError, match="is square"):
        spectrum(np.ones(shape) / 3)


def test_complex_activations_whose_moduli_overflow_have_a_state():
    A = np.random.default_rng(0).choice([1, -1, 1j, -1j], (6, 3)) * (1 + 1j)
    np.testing.assert_allclose(density_matrix(A * 1.7e308), density_matrix(A), atol=1e-15)


def test_the_first_state_of_a_stack_that_has_a_negative_eigenvalue_is_named():
    good, bad = np.diag([0.5, 0.5]), np.diag([1.5, -0.5])
    with pytest.raises(ValueError, match=r"rho\[1\] has the eigenvalue -0.5"):
        spectrum(np.stack([good, bad, good, bad]))
