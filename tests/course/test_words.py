import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok.course.exercises import exercise, lessons, names
from minigrok.course.laws import Failure, Source
from minigrok.course.marking import NOT_STARTED, NOT_YET, PASSED, STATES, Mark
from minigrok.course.words import list_of, text_of, verdict

THE = exercise("e03_purity")
WRONG = Failure("a rotation leaves it alone", (np.diag([0.9, 0.1]),), {"yours before": 0.82, "yours after": 0.5},
                changed=(np.diag([0.5, 0.5]),))
plain = re.compile("\033\\[\\d*m")


@pytest.mark.parametrize("colour", [False, True])
def test_a_list_has_a_line_an_exercise_with_its_state_in_words_and_fits_80_columns(colour):
    marks = [Mark(name, STATES[i % 3]) for i, name in enumerate(names())]
    text = list_of(marks, {name: exercise(name) for name in names()}, lessons(), colour)
    assert ("\033" in text) is colour
    lines = plain.sub("", text).splitlines()
    assert all(len(line) < 80 for line in lines)
    for mark in marks:
        [line] = [line for line in lines if f" {mark.name} " in line]
        assert f" {mark.state} " in line
        assert f"{exercise(mark.name).minutes} min" in line
    for lesson in lessons():
        [line] = [line for line in lines if line.startswith(f"Lesson {lesson.number}: ")]
        assert line.endswith(f"{lesson.minutes} min")
    passed = sum(mark.state == PASSED for mark in marks)
    assert lines[-1].startswith(f"{passed} of {len(marks)} passed")


def test_a_verdict_names_law_input_answers_and_what_probably_happened():
    text = verdict(Mark("e03_purity", NOT_YET, WRONG, "drops the coherences", "hello\n" * 20), THE, False)
    for words in ("e03_purity: not yet", "A rotation leaves it alone.", "rho = [[0.9, 0],", "yours before  0.82",
                  "and after the change with", "rho = [[0.5, 0],", "yours after   0.5",
                  "It looks as if your code drops the coherences.", "hint e03_purity", "| hello"):
        assert words in text
    assert text.count("hello") == 6


@pytest.mark.parametrize(("shown", "words"), [
    ({"expected": 0.5, "yours": 0.5 + 1e-11}, "They differ by 1e-11 at most"),
    ({"yours before": np.zeros(2), "yours after": np.array([0.0, 1e-6])}, "They differ by 1e-06 at most"),
    ({"expected": (1.0, np.zeros(2)), "yours": (1.0, np.full(2, 1e-7))}, "They agree to 5 digits and no further"),
    ({"expected": 0.5, "yours": 0.6}, None), ({"yours": 0.5}, None), ({"expected": 0.5, "yours": None}, None)])
def test_that_answers_are_nearly_alike_is_said(shown, words):
    text = verdict(Mark("e03_purity", NOT_YET, Failure("it must agree", (), shown)), THE, False)
    assert words is None or words in text
    assert ("float32" in text) is (words is not None)


@pytest.mark.parametrize(("sentence", "words"), [
    ("a law", "A law."), ("purity called exit", "purity called exit."), ("g = 1", "g = 1."),
    ("ln f falls", "ln f falls."), ("1/d <= P", "1/d <= P."), ("is it so?", "Is it so?")])
def test_a_sentence_begins_with_a_capital_unless_with_a_symbol(sentence, words):
    assert f"\n  {words}\n" in verdict(Mark("e03_purity", NOT_YET, Failure(sentence)), THE, False) + "\n"


@pytest.mark.parametrize(("state", "words"), [
    (NOT_STARTED, "Write purity in exercises/e03_purity.py"), (PASSED, "minigrok course solution e03_purity")])
def test_other_verdicts_say_how_to_go_on(state, words):
    assert words in verdict(Mark("e03_purity", state), THE, False)


@given(st.text(st.sampled_from("ab \033"), min_size=1, max_size=300))
def test_a_verdict_fits_80_columns_whatever_was_printed(printed):
    text = verdict(Mark("e03_purity", PASSED, printed=printed), THE, False)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\033" not in text


@pytest.mark.parametrize(("value", "text"), [
    (0.1 + 0.2, "0.3"), (None, "None"), (True, "True"), (3, "3"), (np.array([1.0, 0.5, -0.0]), "[1, 0.5, 0]"),
    ((1, np.zeros(2)), "(1, [0, 0])"), ([1, 2], "[1, 2]"), (1e-20, "1e-20"), (float("nan"), "nan"),
    (Source("f", "def f(x):\n    return x"), "def f(x):\n    return x"), (np.array([True]), "[ True]")])
def test_values_are_shown_as_they_would_be_typed(value, text):
    assert text_of(value) == text


def test_a_large_array_is_shortened_and_its_shape_said():
    text = text_of(np.random.default_rng(0).normal(size=(100, 60)))
    assert "of shape (100, 60)" in text
    assert len(text.splitlines()) < 15
    assert max(map(len, text.splitlines())) < 70
