import json

import numpy as np
import pytest
from hypothesis import given
from strategies import activations, rotation, seeds

from minigrok import metrics
from minigrok.density import CONVENTIONS, activation_spectrum, density_matrix
from minigrok.states.measure import StateMetrics, measure

FUNCTIONS = {
    "entropy": metrics.von_neumann_entropy,
    "purity": metrics.purity,
    "linear_entropy": metrics.linear_entropy,
    "effective_rank": metrics.effective_rank,
    "participation_ratio": metrics.participation_ratio,
}


@pytest.mark.parametrize("convention", ["trace", "rows"])
@given(A=activations())
def test_each_number_is_what_its_own_function_says(convention, A):
    numbers = measure(A, conventions=convention)
    rho = density_matrix(A, convention)
    for name, function in FUNCTIONS.items():
        assert getattr(numbers, name) == pytest.approx(function(rho), abs=1e-12)
    np.testing.assert_array_equal(numbers.spectrum, activation_spectrum(A, convention))
    assert (numbers.convention, numbers.inputs, numbers.dimension) == (convention, *A.shape)


@given(activations(), seeds)
def test_a_rotation_of_the_neurons_leaves_all_numbers_alone(A, seed):
    before, after = measure(A), measure(A @ rotation(A.shape[1], seed))
    for name in FUNCTIONS:
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-12)


def test_normalised_entropy_is_one_where_all_neurons_are_used_alike_and_undefined_for_one():
    assert measure(np.eye(5)).normalised_entropy == pytest.approx(1, abs=1e-15)
    assert measure([[1.0, 1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]]).normalised_entropy == pytest.approx(0.5, abs=1e-15)
    assert np.isnan(measure([[1.0], [2.0]]).normalised_entropy)


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
    assert sorted(values) == ["dimension", "effective_rank", "inputs", "linear_entropy", "normalised_entropy",
                              "participation_ratio"]
    assert measure([np.eye(2), np.eye(2)]).as_dict()["inputs"] == 2
    assert measure([np.eye(2), np.eye(2)]).as_dict()["purity"] == pytest.approx([0.5, 0.5])


def test_the_numbers_cannot_be_changed_and_the_activations_are_not():
    A = np.random.default_rng(0).normal(size=(4, 3))
    A.setflags(write=False)
    before = A.copy()
    numbers = measure(A, conventions="all")["centered_rows"]
    np.testing.assert_array_equal(A, before)
    with pytest.raises(AttributeError, match="cannot assign"):
        numbers.entropy = 0.0


@pytest.mark.parametrize(("call", "message"), [
    (lambda: measure(np.zeros((3, 2))), "all its activations are zero"),
    (lambda: measure([[1.0, 2.0]], conventions="all"), "no state in the convention 'centered': all its rows are alike"),
    (lambda: measure([1.0, 2.0]), r"A has shape \(2,\)"),
    (lambda: measure([[1.0, np.nan]]), r"A\[0, 1\] is nan"),
    (lambda: measure([[1.0]], conventions="centred"), "did you mean 'centered'"),
    (lambda: measure([[1.0]], conventions=("trace", "row")), "did you mean 'rows'"),
    (lambda: measure([[1.0]], conventions=()), "must name one at least"),
    (lambda: measure([[1.0]], conventions=None), "convention None is not known"),
])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
