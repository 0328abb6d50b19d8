import json

import numpy as np
import pytest
from hypothesis import given
from strategies import activations, density_matrices, rotation, seeds, spectra

from minigrok import metrics
from minigrok.density import activation_spectrum, density_matrix
from minigrok.grams import CONVENTIONS
from minigrok.states import functionals, numbers
from minigrok.states.measure import StateMetrics, measure, measure_state

FUNCTIONS = {
    "entropy": metrics.von_neumann_entropy,
    "purity": metrics.purity,
    "linear_entropy": metrics.linear_entropy,
    "effective_rank": metrics.effective_rank,
    "participation_ratio": metrics.participation_ratio,
    "min_entropy": functionals.min_entropy,
    "stable_rank": functionals.stable_rank,
    "spectral_gap": functionals.spectral_gap,
    "numerical_rank": functionals.numerical_rank,
}


@pytest.mark.parametrize("convention", ["trace", "rows"])
@given(A=activations(min_rows=2))
def test_each_number_is_what_its_own_function_says(convention, A):
    numbers = measure(A, conventions=convention)
    rho = density_matrix(A, convention)
    for name, function in FUNCTIONS.items():
        assert getattr(numbers, name) == pytest.approx(function(rho), abs=1e-12)
    np.testing.assert_array_equal(numbers.spectrum, activation_spectrum(A, convention))
    assert (numbers.convention, numbers.inputs, numbers.dimension) == (convention, *A.shape)


@given(activations(min_rows=2), seeds)
def test_a_rotation_of_the_neurons_leaves_all_numbers_alone(A, seed):
    before, after = measure(A), measure(A @ rotation(A.shape[1], seed))
    for name in FUNCTIONS:
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-12)


def test_normalised_entropy_is_one_where_all_neurons_are_used_alike_and_undefined_for_one():
    assert measure(np.eye(5)).normalised_entropy == pytest.approx(1, abs=1e-15)
    assert measure([[1.0, 1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]]).normalised_entropy == pytest.approx(0.5, abs=1e-15)
    assert np.isnan(measure([[1.0], [2.0]]).normalised_entropy)


@given(density_matrices())
def test_a_given_state_is_measured_as_each_function_measures_it(rho):
    real = np.ascontiguousarray((rho.real + rho.real.T) / 2)
    for state in (rho, real, real.tolist(), np.kron(np.eye(40), real) / 40, real[None]):
        m = measure_state(state)
        assert (m.convention, m.inputs, m.dimension) == (None, None, np.shape(state)[-1])
        for name, function in FUNCTIONS.items():
            np.testing.assert_allclose(getattr(m, name), function(state), atol=1e-11)
        np.testing.assert_allclose(m.spectrum, metrics.spectrum(state), atol=1e-15)


@pytest.mark.parametrize("kernel", [numbers.numbers_of_spectrum, numbers.numbers_of_spectrum.py_func])
@given(p=spectra())
def test_the_numbers_of_a_spectrum_are_their_formulas(kernel, p):
    p = np.sort(p)
    m = dict(zip(numbers.NUMBERS, kernel(p), strict=True))
    live = p[p > 0]
    assert m["entropy"] == pytest.approx(-(live * np.log(live)).sum(), abs=1e-14)
    assert m["purity"] == pytest.approx((p**2).sum(), abs=1e-15)
    assert m["linear_entropy"] == 1 - m["purity"]
    assert m["effective_rank"] == pytest.approx(np.exp(m["entropy"]))
    assert m["participation_ratio"] == pytest.approx(1 / m["purity"])
    assert m["min_entropy"] == pytest.approx(-np.log(p[-1]), abs=1e-15)
    assert m["stable_rank"] == pytest.approx(1 / p[-1])
    assert m["spectral_gap"] == p[-1] - (p[-2] if len(p) > 1 else 0)
    assert m["numerical_rank"] == (p > 1e-10 * p[-1]).sum()
    if len(p) > 1:
        assert m["normalised_entropy"] == pytest.approx(m["entropy"] / np.log(len(p)))
    for stacked in (numbers.numbers_of_stack, numbers.numbers_of_stack.py_func):
        np.testing.assert_allclose(stacked(np.array([p, p])), [list(m.values())] * 2)


@pytest.mark.parametrize("kernel", [numbers.numbers_of_state, numbers.numbers_of_state.py_func])
def test_the_quick_way_leaves_what_is_no_state_to_the_other(kernel):
    m = StateMetrics._make(kernel(np.diag([0.25, 0.75])))
    assert (m.dimension, m.purity, m.linear_entropy, m.spectral_gap) == (2, 0.625, 0.375, 0.5)
    with np.errstate(invalid="ignore"):                  # a NaN in plain Python
        for bad in (np.eye(2), -np.eye(2), np.diag([1.3, -0.3]), np.array([[0.5, 0.1], [0.0, 0.5]])):
            assert kernel(bad)[2] == 0
        assert kernel(np.full((2, 2), np.nan))[2] == 0


@pytest.mark.parametrize(("rho", "message"), [
    (np.eye(2) * 0.75, "trace 1.5"), (np.diag([1.3, -0.3]), "eigenvalue -0.3"),
    (np.array([[0.5, 0.1], [0.0, 0.5]]), "not Hermitian"), (np.diag([np.nan, 1.0]), r"rho\[0, 0\] is nan"),
    (np.ones((2, 3)), "square"), (np.ones(3), "square"), (np.array([[None]]), "must hold numbers"),
    (np.zeros((0, 0)), "no entry"), (1.0, "square")])
def test_what_is_no_state_is_not_measured(rho, message):
    with pytest.raises(ValueError, match=message):
        measure_state(rho)


def test_a_stack_is_its_matrices_one_by_one():
    A = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    for convention, stacked in measure(A, conventions="all").items():
        assert stacked.spectrum.shape == (2, 3, 5)
        for index in np.ndindex(2, 3):
            alone = measure(A[index], conventions=convention)
            for name in (*FUNCTIONS, "normalised_entropy"):
                assert getattr(stacked, name)[index] == pytest.approx(getattr(alone, name), abs=1e-13)
    assert np.isnan(measure(A[..., :1]).normalised_entropy).tolist() == [[True] * 3] * 2


def test_several_conventions_come_as_a_table():
    A = np.random.default_rng(0).normal(size=(9, 3)) + 2
    table = measure(A, conventions="all")
    assert tuple(table) == CONVENTIONS
    assert len({float(numbers.entropy) for numbers in table.values()}) == 4
    assert {name: numbers.convention for name, numbers in table.items()} == {name: name for name in CONVENTIONS}
    assert list(measure(A, conventions=("rows", "trace"))) == ["rows", "trace"]
    assert isinstance(measure(A, conventions="rows"), StateMetrics)


def test_as_dict_is_ready_for_json_and_keeps_every_number():
    numbers = measure([[3.0, 0.0], [0.0, 1.0]])
    values = json.loads(json.dumps(numbers.as_dict(), allow_nan=False))
    assert values.pop("entropy") == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    assert values.pop("purity") == pytest.approx(0.82)
    assert values.pop("convention") == "trace"
    assert sorted(values) == [
        "dimension", "effective_rank", "inputs", "linear_entropy", "min_entropy", "normalised_entropy",
        "numerical_rank", "participation_ratio", "spectral_gap", "stable_rank"]
    assert measure([np.eye(2), np.eye(2)]).as_dict()["inputs"] == 2
    assert measure([np.eye(2), np.eye(2)]).as_dict()["purity"] == pytest.approx([0.5, 0.5])


def test_the_numbers_cannot_be_changed_and_the_activations_are_not():
    A = np.random.default_rng(0).normal(size=(4, 3))
    A.setflags(write=False)
    before = A.copy()
    numbers = measure(A, conventions="all")["centered_rows"]
    np.testing.assert_array_equal(A, before)
    with pytest.raises(AttributeError, match="can't set"):
        numbers.entropy = 0.0


@pytest.mark.parametrize(("call", "message"), [
    (lambda: measure(np.zeros((3, 2))), "all its activations are zero"),
    (lambda: measure([[1.0, 2.0]] * 2, conventions="all"), "in the convention 'centered': all its rows are alike"),
    (lambda: measure([[1.0, 2.0]]), "a single input, whose state is pure"),
    (lambda: measure(np.ones((3, 1, 2))), "a single input, whose state is pure"),
    (lambda: measure([1.0, 2.0]), r"A has shape \(2,\)"),
    (lambda: measure([[1.0, np.nan], [0.0, 1.0]]), r"A\[0, 1\] is nan"),
    (lambda: measure([[1.0], [2.0]], conventions="centred"), "did you mean 'centered'"),
    (lambda: measure([[1.0], [2.0]], conventions=("trace", "row")), "did you mean 'rows'"),
    (lambda: measure([[1.0], [2.0]], conventions=()), "must name one at least"),
    (lambda: measure([[1.0], [2.0]], conventions=None), "convention None is not known"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
