"""Values as JSON and arrays: equal to the bit after a round trip, and nothing but records of minigrok is ever made."""

import json
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

from minigrok import tasks
from minigrok.dos import WalkerResult
from minigrok.history import History
from minigrok.optimizers import SGD
from minigrok.study.evidence import Explained, Reading
from minigrok.study.packing import canonical, is_record, pack, unpack

dtypes = scalar_dtypes() | st.just(np.dtype("U3"))
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
numpy_arrays = arrays(dtypes, array_shapes(min_dims=0, min_side=0, max_side=3))
numpy_scalars = arrays(dtypes, 1).map(lambda array: array[0])
histories = st.dictionaries(st.text(), arrays(float, 3), max_size=3).map(History)
explained = st.builds(Explained, st.floats(), st.floats().map(np.float64))


def containers(inner):
    some = st.lists(inner, max_size=3)
    named = st.dictionaries(st.text(), inner, max_size=3)
    return some | some.map(tuple) | named | st.builds(Reading, named, inner, inner, st.text())


values = st.recursive(plain | numpy_arrays | numpy_scalars | histories | explained, containers, max_leaves=10)


def assert_same(a, b):
    """Of the same types and equal to the bit, the signs of NaN and the order of dicts included."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray | np.generic):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    elif isinstance(a, float):
        assert np.float64(a).tobytes() == np.float64(b).tobytes()
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, dict):
        assert_same(list(a.items()), list(b.items()))
    elif is_record(type(a)):
        assert_same(vars(a), vars(b))
    else:
        assert a == b


def there_and_back(value, setting=None):
    """Through the JSON that checkpoints write."""
    structure, found = pack(value, setting)
    return unpack(json.loads(json.dumps(structure, allow_nan=False, sort_keys=True)), found, setting)


@given(values)
def test_every_value_comes_back_to_the_bit(value):
    assert_same(there_and_back(value), value)


def test_what_a_walker_brings_home_comes_back():
    rng = np.random.default_rng(0)
    walked = WalkerResult(
        rng.normal(size=4), np.array([True, False] * 2), np.arange(4), np.zeros(0), {"a": np.full((2, 4), np.nan)}, {},
        rng.normal(size=4), np.int64(3), -np.inf, 10**30)
    assert_same(there_and_back(walked), walked)
    assert not pack(walked.round_trips)[1]               # one number needs no array


def test_arrays_keep_their_order_in_memory_on_which_the_last_bit_of_a_sum_depends():
    assert there_and_back(np.ones((3, 4)).T).flags.f_contiguous
    assert there_and_back(np.ones((3, 4))).flags.c_contiguous


def test_a_reference_stands_for_the_setting_though_partials_are_never_equal():
    def fresh():
        return Reading({"task": "moons"}, (partial(tasks.moons, n=400, noise=0.1),), (), "a")

    setting = fresh()
    result = {"own": setting, "copy": (fresh(),), "other": Reading({}, (0.5,), (True,), "a")}
    back = there_and_back(result, setting)
    assert back["own"] is setting
    assert back["copy"][0] is setting
    assert back["other"] == result["other"]
    assert_same(there_and_back((1, "", True), 1), (1, "", True))       # a plain setting is a value like any other


class Outside(tuple):
    """None of minigrok's."""


Pair = namedtuple("Pair", "a b")


@dataclass(frozen=True)
class Frozen:
    """Not defined in minigrok."""

    a: int = 1


class MoreReading(Reading):
    """A subclass, which has no fields of its own."""


@pytest.mark.parametrize(("value", "words"), [
    (Frozen(), "test_packing.Frozen is no named tuple or frozen dataclass"), (Pair(1, 2), "Pair is no named tuple"),
    (Outside(), "Outside"), (MoreReading({}, (), (), ""), "MoreReading"), (len, "result is of"), (1j, "complex"),
    ({1: 2}, "dict"), ([{"a": (0, set())}], r"result\[0\]\['a'\]\[1\] is of <class 'set'>"),
    (History({"a": [object()]}), r"result.columns\['a'\]\[0\] is of"), (np.array([None]), "ndarray"),
    (np.ma.masked_array([1]), "MaskedArray"), (b"", "bytes"), (partial(len), "partial")])
def test_what_cannot_be_stored_is_refused_with_its_place(value, words):
    with pytest.raises(ValueError, match=words):
        pack(value)


@pytest.mark.parametrize("structure", [
    {"record": ["builtins.dict", []]}, {"record": ["subprocess.Popen", [["args", "true"]]]},
    {"record": ["minigrok.study.packing.partial", []]}, {"record": ["minigrok.study.packing.pack", []]},
    {"record": ["minigrok.study.store.Store", []]}, {"record": ["minigrok.gone.Gone", []]},
    {"record": ["minigrok.study.evidence.Explained", [["share", 1]]]},
    {"record": ["minigrok.history.History", [["columns", {"dict": []}], ["more", 1]]]},
    {"record": ["minigrokked.history.History", [["columns", {"dict": []}]]]},
    {"call": ["os.system", "true"]}, {"array": "7"}, {}, {"list": [], "tuple": []}, [1], {"float": "x"}, {"float": ""},
    {"number": ["O", "00"]}])
def test_structures_that_pack_never_makes_are_refused(structure):
    with pytest.raises((ValueError, LookupError, TypeError)):
        unpack(structure, {})


def test_a_canonical_text_tells_settings_apart():
    settings = [
        1, 1.0, True, "1", None, (1,), [1], ((1,),), {"a": 1}, {"a": "1"}, np.float64(1), np.float32(1), np.ones(1),
        np.ones((1, 1)), np.zeros(1), SGD(0.1), SGD(0.2), tasks.moons, tasks.circles, partial(tasks.moons),
        partial(tasks.moons, n=3), partial(tasks.moons, 3), partial(tasks.moons, n=3, noise=0.1), float("nan"), "nan",
        Explained(1, 2), (1, 2), Frozen(), Frozen(2), Frozen]
    assert len({canonical(setting) for setting in settings}) == len(settings)
    assert canonical(partial(tasks.moons, n=3, noise=1)) == canonical(partial(tasks.moons, noise=1, n=3))


@pytest.mark.parametrize("setting", [
    lambda x: x, object(), {"a"}, SGD(0.1).__eq__, History({}).save, partial(lambda: 0), np.array([None]),
    (1, object())])
def test_settings_that_differ_from_process_to_process_are_refused(setting):
    with pytest.raises(ValueError, match="cannot be part of a setting"):
        canonical(setting)


def test_a_canonical_text_is_the_same_in_another_process():
    setting = (partial(tasks.moons, n=400), SGD(0.1), {"a": np.arange(3)}, 0.1 + 0.2)
    code = ("from functools import partial; import numpy as np; from minigrok import tasks; "
            "from minigrok.optimizers import SGD; from minigrok.study.packing import canonical; "
            "print(canonical((partial(tasks.moons, n=400), SGD(0.1), {'a': np.arange(3)}, 0.1 + 0.2)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == canonical(setting)
