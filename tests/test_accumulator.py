import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, seeds

from minigrok import DensityAccumulator, density_matrix

conventions = st.sampled_from(["trace", "rows", "centered"])


def parts_of(A, seed):
    cuts = np.sort(np.random.default_rng(seed).integers(1, len(A) + 1, 3))
    return [part for part in np.split(A, cuts) if len(part)]


@given(seeds, seeds, conventions, st.booleans())
def test_any_split_into_batches_gives_the_state_of_all_rows(seed, cuts, convention, complex_):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(30, 4)) + 100 + 1j * complex_ * rng.normal(size=(30, 4))
    A = A if complex_ else A.real
    whole = density_matrix(A, convention)
    one, two = DensityAccumulator(convention), DensityAccumulator(convention)
    for i, part in enumerate(parts_of(A, cuts)):
        (one, two)[i % 2].update(part)
    before = None if two.n == 0 else two.density_matrix() if convention != "centered" else two.gram.copy()
    np.testing.assert_allclose(one.merge(two).density_matrix(), whole, atol=1e-12)
    assert one.n == 30
    if before is not None:                               # the other is left alone
        np.testing.assert_array_equal(two.density_matrix() if convention != "centered" else two.gram, before)


@given(activations(min_rows=2).filter(lambda A: 1e-100 < abs(A).max() < 1e100), seeds)
def test_dead_neurons_and_silent_inputs_are_no_exception(A, cuts):
    for convention in ("trace", "rows"):
        accumulator = DensityAccumulator(convention)
        for part in parts_of(A, cuts):
            accumulator.update(part)
        np.testing.assert_allclose(accumulator.density_matrix(), density_matrix(A, convention), atol=1e-12)


def test_float32_batches_are_summed_in_float64():
    A = np.random.default_rng(0).normal(size=(5000, 6)).astype(np.float32)
    accumulator = DensityAccumulator()
    for part in np.split(A, 50):
        accumulator.update(part)
    np.testing.assert_allclose(accumulator.density_matrix(), density_matrix(A.astype(np.float64)), atol=1e-14)


def test_a_memory_mapped_file_is_read_block_by_block(tmp_path, monkeypatch):
    A = np.random.default_rng(0).normal(size=(1000, 5))
    np.save(tmp_path / "a.npy", A)
    monkeypatch.setattr("minigrok.grams.BLOCK_BYTES", 8 * 5 * 7)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for convention in ("trace", "rows", "centered"):
        rho = DensityAccumulator(convention).update(mapped).density_matrix()
        np.testing.assert_allclose(rho, density_matrix(A, convention), atol=1e-12)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: DensityAccumulator("centered_rows"), "needs the mean"),
    (lambda: DensityAccumulator("centred"), "did you mean 'centered'"),
    (lambda: DensityAccumulator().density_matrix(), "no row was seen"),
    (lambda: DensityAccumulator().update(np.zeros((3, 2))).density_matrix(), "all activations are zero"),
    (lambda: DensityAccumulator("centered").update([[0.1, 0.3]] * 7).density_matrix(), "all alike"),
    (lambda: DensityAccumulator().update([1.0]), "must be a matrix"),
    (lambda: DensityAccumulator().update(np.zeros((0, 2))), "no entry"),
    (lambda: DensityAccumulator().update([[1.0, np.nan]]), r"batch\[0, 1\] is nan"),
    (lambda: DensityAccumulator().update([[1.0]]).update([[1.0, 2.0]]), "2 neurons, but those before had 1"),
    (lambda: DensityAccumulator("rows").merge(DensityAccumulator()), "do not add up"),
    (lambda: DensityAccumulator().update(np.ones((4, 3, 2))), "must be a matrix"),
    (lambda: DensityAccumulator().update([[1e200]]), "overflow"),
    (lambda: DensityAccumulator().update([[1.7e308], [1.7e308]]), "overflow"),       # their mean does, too
    (lambda: DensityAccumulator().update([[1.2e154]]).update([[1.2e154]]), "together overflow"),
    (lambda: DensityAccumulator().update([[9e-101]]).density_matrix(), "below 1e-100"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_before_the_first_row_there_is_nothing():
    accumulator = DensityAccumulator()
    assert (accumulator.n, accumulator.gram.shape, accumulator.mean.shape) == (0, (0, 0), (0,))


def test_activations_of_the_smallest_size_have_a_state():
    assert DensityAccumulator().update([[1e-100]]).density_matrix() == 1


def test_rows_that_are_alike_have_no_centered_state_however_they_are_split():
    for size in (1e-3, 0.1, 1e8):
        accumulator = DensityAccumulator("centered")
        for rows in (3, 7, 11, 100):
            accumulator.update(np.full((rows, 3), size / 3))
        with pytest.raises(ValueError, match="all alike"):
            accumulator.density_matrix()


def test_a_spread_of_a_hundred_millionth_of_the_mean_is_a_centered_state():
    deviations = np.random.default_rng(0).normal(size=(40, 3))
    for mean in (1e-3, 100.0):
        accumulator = DensityAccumulator("centered")
        for part in np.split(mean * (1 + 1e-8 * deviations), 4):
            accumulator.update(part)
        np.testing.assert_allclose(accumulator.density_matrix(), density_matrix(deviations, "centered"), atol=1e-6)


@pytest.mark.parametrize("first", ["trace", "rows", "centered"])
@pytest.mark.parametrize("second", ["trace", "rows", "centered"])
def test_states_of_two_conventions_are_never_merged(first, second):
    one, two = DensityAccumulator(first), DensityAccumulator(second)
    for each in (one, two):
        each.update(np.eye(3, 2) + 1)
    if first == second:
        assert one.merge(two).n == 6
    else:
        with pytest.raises(ValueError, match="convention"):
            one.merge(two)


@pytest.mark.parametrize("neurons", [(2, 3), (3, 2)])
def test_batches_of_two_layers_are_refused(neurons):
    accumulator = DensityAccumulator()
    accumulator.update(np.ones((4, neurons[0])))
    with pytest.raises(ValueError, match=f"has {neurons[1]} neurons, but those before had {neurons[0]}"):
        accumulator.update(np.ones((4, neurons[1])))
