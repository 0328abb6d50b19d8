import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minigrok.course.worker import NoValueError, Source, call, decode, encode, load

numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text()
dtypes = st.sampled_from(["?", "<i8", "<u2", ">f8", "<f4", "<c16"])
values = st.recursive(
    numbers | dtypes.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, min_side=0))),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple), max_leaves=6)


def same(a, b):
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and (a == b or (a != a and b != b))


@given(values)
def test_values_travel_unchanged(value):
    assert same(decode(encode(value)), value)


@pytest.mark.parametrize("value", [{1, 2}, {"a": 1}, object(), np.array(["a"]), np.array([None]), print, b"bytes",
                                   np.datetime64("2000-01-01"), [1, {2}], np.broadcast_to(0.0, (10**5, 10**5))])
def test_other_things_do_not_travel(value):
    with pytest.raises(NoValueError):
        encode(value)


def test_a_numpy_number_travels_as_a_number():
    assert encode(np.float64(0.5)) == 0.5
    assert encode(np.bool_(True)) is True


def test_a_source_becomes_the_function_it_defines():
    square = decode(encode(Source("square", "def square(x):\n    return np.asarray(x) ** 2")))
    assert square(3) == 9


def exits(x):
    raise SystemExit(3)


def raises(x):
    raise ValueError("made up")


def takes(x):
    from minigrok.does_not_exist import anything  # noqa: F401


def mutates(x, y):
    y[0] = 7
    return 1.0


@pytest.mark.parametrize(("function", "arguments", "reply"), [
    (lambda x: x + 1, [1], {"kind": "answer", "value": 2}),
    (lambda x: {x}, [1], {"kind": "no value", "type": "set"}),
    (exits, [1], {"kind": "exited", "code": "3"}),
    (raises, [1], {"kind": "raised", "type": "ValueError", "message": "made up"}),
    (takes, [1], {"kind": "refused"}),
    (mutates, [np.zeros(1), np.zeros(1)], {"kind": "mutated", "argument": 1}),
    (lambda f: f(1), [Source("f", "def f(x):\n    return -x")], {"kind": "answer", "value": -1}),
])
def test_a_call_says_what_came_of_it(function, arguments, reply):
    assert call(function, [encode(argument) for argument in arguments]) == reply


def test_an_error_is_found_in_the_students_line():
    text = "def f(x):\n    y = x\n    return y / 0\n"
    reply = call(load("student.py", text, "f"), [1], "student.py", text)
    assert (reply["type"], reply["line"], reply["text"]) == ("ZeroDivisionError", 3, "return y / 0")


def test_a_name_that_is_missing_or_no_function_is_none():
    assert load("student.py", "g = 1", "f") is None
    assert load("student.py", "f = 1", "f") is None
