import numpy as np
import pytest

from minigrok.checks import numeric_array, one_of, real_number, whole_number


@pytest.mark.parametrize(("call", "message"), [
    (lambda: one_of("loss", "cross_entrpy", ["cross_entropy", "squared_error"]), "did you mean 'cross_entropy'"),
    (lambda: one_of("loss", "x", ["cross_entropy"]), "choose one of: cross_entropy"),
    (lambda: whole_number("n", 1.5, 1), "n is 1.5, but must be a whole number, 1 or more"),
    (lambda: whole_number("n", True, 0), "n is True"),
    (lambda: whole_number("n", 0, 1), "n is 0"),
    (lambda: real_number("lr", np.nan, 0), r"lr is nan, but must be a number in \[0, inf\)"),
    (lambda: real_number("lr", "fast", 0), "lr is 'fast'"),
    (lambda: real_number("lr", 0, 0, low_open=True), r"\(0, inf\)"),
    (lambda: real_number("share", 2, 0, 1), r"\[0, 1\]"),
    (lambda: real_number("x", np.inf), "inf"),
    (lambda: numeric_array("A", [None]), "must hold numbers"),
    (lambda: numeric_array("A", np.array([1, 2], dtype=object)), "must hold numbers"),
    (lambda: numeric_array("A", []), "no entry"),
    (lambda: numeric_array("A", [1.0, -np.inf]), r"A\[1\] is -inf"),
    (lambda: numeric_array("A", np.nan), "A is nan"),
])
def test_a_refusal_names_value_and_rule(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_right_comes_back():
    assert one_of("op", "add", {"add": 1}) == "add"
    assert whole_number("n", np.int64(3), 1) == 3
    assert real_number("x", "1.5", 0, 2) == 1.5
    assert numeric_array("A", [True, False]).dtype == np.float64
    assert numeric_array("A", np.float32([1])).dtype == np.float32
