import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minigrok.checks import numeric_array, one_of, real_number, whole_number


@pytest.mark.parametrize(("call", "message"), [
    (lambda: one_of("loss", "cross_entrpy", ["cross_entropy", "squared_error"]), "did you mean 'cross_entropy'"),
    (lambda: one_of("loss", "x", ["cross_entropy"]), "choose one of: cross_entropy"),
    (lambda: whole_number("n", 1.5, 1), "n is 1.5, but must be a whole number, 1 or more"),
    (lambda: whole_number("n", True, 0), "n is True"),
    (lambda: whole_number("n", 0, 1), "n is 0"),
    (lambda: whole_number("n", np.True_, 0), "whole number"),
    (lambda: whole_number("n", "3", 0), "n is '3'"),
    (lambda: whole_number("n", np.nan, 0), "n is nan"),
    (lambda: one_of("op", None, ["add"]), "op None is not known; choose one of: add"),
    (lambda: real_number("lr", np.nan, 0), r"lr is nan, but must be a number in \[0, inf\)"),
    (lambda: real_number("lr", "fast", 0), "lr is 'fast'"),
    (lambda: real_number("lr", 0, 0, low_open=True), r"\(0, inf\)"),
    (lambda: real_number("share", 2, 0, 1), r"\[0, 1\]"),
    (lambda: real_number("share", -1e-300, 0, 1), "share is -1e-300"),
    (lambda: real_number("x", np.inf), r"x is inf, but must be a number in \(-inf, inf\)"),
    (lambda: real_number("x", None), "x is None"),
    (lambda: real_number("x", 1j), "x is 1j"),
    (lambda: real_number("x", 10**400), "x is 1000"),
    (lambda: numeric_array("A", [None]), "must hold numbers"),
    (lambda: numeric_array("A", np.array([1, 2], dtype=object)), "must hold numbers"),
    (lambda: numeric_array("A", []), "no entry"),
    (lambda: numeric_array("A", [1.0, -np.inf]), r"A\[1\] is -inf"),
    (lambda: numeric_array("A", np.nan), "A is nan"),
    (lambda: numeric_array("A", [[1, 2], [3, np.nan]]), r"A\[1, 1\] is nan"),
    (lambda: numeric_array("A", [1.0, complex(0, np.inf)]), r"A\[1\] is infj"),
    (lambda: numeric_array("A", np.longdouble("1e4000")), "A is inf"),
    (lambda: numeric_array("A", np.zeros((2, 0))), r"shape \(2, 0\)"),
    (lambda: numeric_array("A", [[1], [1, 2]]), "no rectangular array.*same length"),
    (lambda: numeric_array("A", ["1"]), "dtype <U1, but must hold numbers"),
    (lambda: numeric_array("A", np.array(["2026-01-01"], "datetime64[D]")), "must hold numbers"),
    (lambda: numeric_array("A", np.zeros(2, [("x", float)])), "must hold numbers"),
    (lambda: numeric_array("A", {1.0}), "must hold numbers"),
    (lambda: numeric_array("A", np.ma.array([1.0, 2.0], mask=[False, True])), "masked entries.*fill them"),
    (lambda: numeric_array("A", [np.ma.array([1, 2], mask=[False, True]), [3, 4]]), "masked entries"),
    (lambda: numeric_array("A", [1.0, np.ma.masked]), "masked entries"),
])
def test_a_refusal_names_value_and_rule(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_right_comes_back():
    assert one_of("op", "add", {"add": 1}) == "add"
    assert whole_number("n", np.int64(3), 1) == 3
    assert real_number("x", "1.5", 0, 2) == 1.5
    assert real_number("x", 0, 0, 1) == 0.0
    assert real_number("x", 1, 0, 1, low_open=True) == 1.0
    assert type(real_number("x", np.float32(1))) is float
    assert type(whole_number("n", np.uint8(1), 1)) is int


@pytest.mark.parametrize(("values", "dtype"), [
    ([True, False], np.float64), (np.uint8([1, 0]), np.float64), (np.float32([1, 0]), np.float32),
    (np.longdouble([1, 0]), np.float64), (np.clongdouble([1, 0]), np.complex128), (np.complex64([1, 0]), np.complex64),
    (np.ma.array([1.0, 0.0]), np.float64), (np.array([1.0, 0.0], ">f8"), np.float64), ((1, 0), np.float64),
])
def test_what_kind_of_array_comes_back(values, dtype):
    array = numeric_array("A", values)
    assert type(array) is np.ndarray
    assert array.dtype == np.dtype(dtype) or array.dtype == np.dtype(dtype).newbyteorder()
    np.testing.assert_array_equal(array, [1.0, 0.0])


def test_an_array_that_is_right_is_not_copied():
    values = np.asfortranarray(np.eye(3))[::2]
    values.setflags(write=False)
    assert numeric_array("A", values) is values


@given(arrays(float, array_shapes(max_dims=3, max_side=4), elements=st.floats(-1, 1)), st.data())
def test_the_first_entry_that_is_not_finite_is_named(values, data):
    places = list(np.ndindex(values.shape))
    bad = sorted(data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)))
    for place in bad:
        values[place] = np.nan
    with pytest.raises(ValueError) as error:
        numeric_array("A", values)
    assert str(error.value).startswith(f"A{list(bad[0])} is nan, but every entry must be finite")
