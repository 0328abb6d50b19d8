import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, seeds

from minigrok import density_matrix, grams
from minigrok.grams import CONVENTIONS, gram_matrix, grams_by_group, prepared_rows

conventions = st.sampled_from(CONVENTIONS)


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Five to seven rows a block, so that a small matrix takes the way of a large one."""
    monkeypatch.setattr(grams, "BLOCK_BYTES", 8 * 5 * 5)


def drawn(seed, complex_=False, n=43, d=5):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, d)) + 3 + 1j * complex_ * rng.normal(size=(n, d))
    A[:, rng.integers(d)] = 0.1                          # a neuron that never changes
    A[rng.integers(n)] = 0
    return A if complex_ else A.real


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("complex_", [False, True])
def test_block_by_block_is_all_at_once(convention, complex_, monkeypatch):
    A = drawn(0, complex_)
    whole = density_matrix(A, convention)
    rows = prepared_rows(A, convention)
    expected = rows.T @ rows.conj()
    np.testing.assert_allclose(whole, expected / np.trace(expected), atol=1e-15)
    monkeypatch.setattr(grams, "BLOCK_BYTES", 8 * 5 * 5)
    calls = []
    original = grams._blocks
    monkeypatch.setattr(grams, "_blocks", lambda *words: calls.append(1) or original(*words))
    np.testing.assert_allclose(density_matrix(A, convention), whole, atol=1e-14)
    assert calls


@given(seeds, seeds, conventions, st.booleans())
def test_groups_add_up_to_the_whole_and_are_their_own_rows(seed, other, convention, complex_):
    A = drawn(seed, complex_)
    groups = np.random.default_rng(other).integers(0, 4, len(A))
    rows = prepared_rows(A, convention)
    for block in (8 * 5 * 5, 2**20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grams, "BLOCK_BYTES", block)
            parts = grams_by_group(A, convention, groups, 4)
            np.testing.assert_allclose(parts.sum(axis=0), gram_matrix(A, convention), atol=1e-10)
            for g in range(4):
                mine = rows[groups == g]
                np.testing.assert_allclose(parts[g], mine.T @ mine.conj(), atol=1e-10)


@pytest.mark.parametrize("dtype", [
    np.float32, np.float16, np.uint8, np.int64, bool, ">f8", np.longdouble, np.complex64])
def test_every_type_is_summed_in_double_block_by_block(dtype, tiny_blocks):
    A = np.random.default_rng(0).integers(0, 2, size=(60, 5)).astype(dtype)
    rho = density_matrix(A)
    assert rho.dtype == (np.complex128 if np.dtype(dtype).kind == "c" else np.float64)
    B = A.astype(np.float64 if np.dtype(dtype).kind != "c" else complex)
    np.testing.assert_allclose(rho, B.T @ B / np.trace(B.T @ B), atol=1e-15)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_huge_tiny_and_alike_rows_take_the_longer_way(convention, tiny_blocks):
    A = drawn(1)
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(density_matrix(A * scale, convention), density_matrix(A, convention), atol=1e-13)
    with pytest.raises(ValueError, match=r"zero|alike"):
        density_matrix(np.zeros((50, 5)), convention)
    if convention.startswith("centered"):
        with pytest.raises(ValueError, match="all its rows are alike"):
            density_matrix(np.full((50, 5), 0.1), convention)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named_in_whichever_block_it_is(convention, bad, tiny_blocks):
    for place in ((0, 0), (37, 2), (42, 4)):
        A = drawn(2)
        A[place] = bad
        with pytest.raises(ValueError, match=rf"A\[{place[0]}, {place[1]}\] is {bad}"):
            density_matrix(A, convention)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_tall_activations_go_through_the_quicker_product(convention, monkeypatch):
    A = np.random.default_rng(0).normal(size=(2000, 30)) + 1
    expected = density_matrix(A, convention)
    monkeypatch.setattr(grams, "FEWEST_ENTRIES", 1)
    np.testing.assert_allclose(density_matrix(A, convention), expected, atol=1e-15)
    A[1234, 7] = np.nan
    with pytest.raises(ValueError, match=r"A\[1234, 7\] is nan"):
        density_matrix(A, convention)


def test_a_mapped_file_is_never_copied_whole(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", drawn(3).astype(np.float32))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    monkeypatch.setattr(grams, "BLOCK_BYTES", 8 * 5 * 7)
    sizes = []
    original = grams.as_double
    monkeypatch.setattr(grams, "as_double", lambda rows: sizes.append(len(rows)) or original(rows))
    for convention in CONVENTIONS:
        np.testing.assert_allclose(
            density_matrix(mapped, convention), density_matrix(drawn(3).astype(np.float32), convention), atol=1e-14)
    assert max(sizes) == 7


@given(activations(min_rows=2))
def test_a_gram_matrix_is_hermitian_to_the_bit(A):
    gram = gram_matrix(A)
    np.testing.assert_array_equal(gram, gram.T)
