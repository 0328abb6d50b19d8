import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import density_matrices, seeds

from minigrok import density_matrix, purity, spectrum
from minigrok.course.laws import (
    Failure,
    Student,
    activations,
    agrees,
    close,
    holds,
    law,
    rotated,
    rotation,
    states,
    structure_differs,
)
from minigrok.course.student import local


def student(function, solution=purity):
    return Student(local(function), solution, lambda reply: Failure(f"said of {reply['kind']}", kind=reply["kind"]))


@given(seeds)
def test_states_are_states_and_begin_small(seed):
    drawn = list(states(np.random.default_rng(seed)))
    assert [len(rho) for rho in drawn[:3]] == [1, 2, 2]
    assert all(spectrum(rho).sum() == pytest.approx(1) for rho in drawn)
    assert any(spectrum(rho)[0] < 1e-12 for rho in drawn)


@given(seeds)
def test_activations_have_a_state(seed):
    drawn = list(activations(np.random.default_rng(seed)))
    assert all(density_matrix(A).shape == (A.shape[1],) * 2 for A in drawn)
    assert (drawn[-1][:, -1] == 0).all()


@given(density_matrices(), seeds)
def test_a_rotation_keeps_the_spectrum(rho, seed):
    rho = rho.real / np.trace(rho.real)
    rng = np.random.default_rng(seed)
    np.testing.assert_allclose(spectrum(rotated(rho, rng)), spectrum(rho), atol=1e-12)
    Q = rotation(len(rho), rng)
    np.testing.assert_allclose(Q.T @ Q, np.eye(len(rho)), atol=1e-12)


def test_agreement_shows_both_answers():
    with pytest.raises(Failure) as caught:
        agrees(student(lambda rho: 0.25), purity, np.diag([0.5, 0.5]))
    assert caught.value.shown == {"expected": 0.5, "yours": 0.25}
    assert "minigrok's purity" in caught.value.sentence
    agrees(student(lambda rho: (rho**2).sum()), purity, np.diag([0.5, 0.5]))


def test_an_invariance_shows_before_and_after():
    diagonal_only = student(lambda rho: (np.diag(rho) ** 2).sum())
    with pytest.raises(Failure, match="a rotation changes nothing") as caught:
        law(diagonal_only, "a rotation changes nothing", np.diag([1.0, 0.0]), np.full((2, 2), 0.5))
    assert caught.value.shown == {"yours before": 1.0, "yours after": 0.5}


def test_a_law_of_the_answer():
    holds(student(lambda rho: 0.5), "P <= 1", lambda P: P <= 1, np.eye(1))
    with pytest.raises(Failure, match="P <= 1"):
        holds(student(lambda rho: np.nan), "P <= 1", lambda P: P <= 1, np.eye(1))


@pytest.mark.parametrize(("answer", "expected", "words"), [
    (None, 1.0, "None"),
    ([1.0, 2.0], 1.0, "a list of 2 values"),
    (np.zeros(1), 1.0, r"shape \(1,\), but a number"),
    (1.0, np.zeros(2), "a number, but an array"),
    (np.zeros((2, 1)), np.zeros(2), r"shape \(2, 1\), but an array of numbers of shape \(2,\)"),
    (1.0, (1.0, 2.0), "2 values were expected"),
    ((1.0,), (1.0, 2.0), "a tuple of 1 value, but one of 2"),
    ((1.0, np.zeros(3)), (1.0, 2.0), "value number 2 is an array"),
    (1.0, True, "a number, but True or False"),
    (True, 1.0, "True or False, but a number"),
    (1j, 1.0, "a complex number, but a number"),
    ("0.5", 0.5, "a text"),
])
def test_another_structure_is_said(answer, expected, words):
    with pytest.raises(Failure, match=words) as caught:
        student(lambda x: answer, lambda x: expected)(0)
    assert caught.value.kind == "structure"


@pytest.mark.parametrize(("answer", "expected"), [
    (1, 1.0), (np.float64(1), 1), (np.array(1.0), 2.0), (np.zeros(2, int), np.zeros(2)), ([1, None], (1, 2)),
    ((0.0, 0.0), [0.0, 0.0]), (None, None), (1.0, None)])
def test_other_types_of_one_structure_are_welcome(answer, expected):
    assert structure_differs(answer, expected) == ""


def test_an_array_of_two_will_do_for_a_pair():
    assert student(lambda x: np.array([1.0, 2.0]), lambda x: (1.0, 2.0))(0) == [1.0, 2.0]


def test_what_is_no_answer_becomes_the_sentence_of_its_kind():
    def broken(rho):
        raise ValueError("no")

    with pytest.raises(Failure, match="said of raised") as caught:
        student(broken)(np.eye(1))
    assert caught.value.kind == "raised"


@given(st.floats(-1e6, 1e6), st.floats(1e-15, 1e-10))
def test_answers_are_compared_relatively_above_one_and_absolutely_below(x, relative):
    assert close(x + relative * max(1, abs(x)), x)
    assert not close(x + 3e-9 * max(1.0, abs(x)), x)


@pytest.mark.parametrize(("answer", "expected", "same"), [
    (np.nan, np.nan, True), (np.nan, 1.0, False), (1.0, np.nan, False), (np.inf, np.inf, True),
    (-np.inf, np.inf, False),
    (1.0, np.inf, False), (None, None, True), (None, 1.0, False), (1.0, None, False), ("a", "a", True),
    ([1.0, 2.0], (1.0, 2.0), True), ([1.0], (1.0, 2.0), False), (np.zeros(2), np.zeros((2, 1)), False),
    (True, True, True), (True, False, False), (np.array([True]), np.array([False]), False)])
def test_what_is_the_same(answer, expected, same):
    assert close(answer, expected) is same
