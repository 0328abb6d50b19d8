"""Laws of the data: what each task promises in its docstring, held against the plain formula."""

import hashlib
import json
import warnings
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrok import tasks

PLANAR = {
    "circles": tasks.circles, "moons": tasks.moons, "spirals": tasks.spirals,
    "xor": tasks.xor, "blobs": tasks.blobs, "halfspace": tasks.halfspace,
}

seeds = st.integers(0, 2**32 - 1)
makers = st.sampled_from(list(PLANAR.values()))
moduli = st.integers(3, 12)
operations = st.sampled_from(["add", "subtract", "multiply"])


def everything(task):
    """All inputs and all labels, train first."""
    return np.concatenate([task.X_train, task.X_test]), np.concatenate([task.y_train, task.y_test])


def parts(task):
    return task.X_train, task.y_train, task.X_test, task.y_test


def by_row(X, y):
    """Inputs with their labels, in an order that does not depend on the split."""
    return sorted(zip(X.tolist(), y.tolist(), strict=True))


# Two-class problems

@given(makers, st.integers(4, 60), st.floats(0.2, 0.8), st.integers(0, 3), seeds)
def test_two_classes_are_balanced_split_as_asked_and_finite(make, n, test_fraction, noise_dimensions, seed):
    task = make(n=n, seed=seed, test_fraction=test_fraction, noise_dimensions=noise_dimensions)
    X, y = everything(task)
    assert X.shape == (n, 2 + noise_dimensions)
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    assert len(task.y_test) == len(task.X_test) == round(test_fraction * n)
    assert task.n_classes == 2
    assert np.bincount(y).tolist() == [n - n // 2, n // 2]


@given(makers, seeds)
def test_a_seed_tells_the_data_to_the_bit_and_another_seed_tells_others(make, seed):
    one, again, other = make(n=20, seed=seed), make(n=20, seed=seed), make(n=20, seed=seed + 1)
    for mine, same in zip(parts(one), parts(again), strict=True):
        assert mine.tobytes() == same.tobytes()
    assert one.description == again.description != other.description
    assert one.X_train.tobytes() != other.X_train.tobytes()


OTHER_SETTINGS = {"n": 42, "noise": 0.25, "test_fraction": 0.3, "noise_dimensions": 1}


@pytest.mark.parametrize(("make", "more"), [
    (tasks.circles, {}), (tasks.moons, {}), (tasks.spirals, {}), (tasks.xor, {"dimension": 3}),
    (tasks.blobs, {"dimension": 3, "separation": 3.0}), (tasks.halfspace, {"dimension": 3, "margin": 0.1})])
def test_the_description_tells_every_setting_apart(make, more):
    others = [make(**{name: value}) for name, value in {**OTHER_SETTINGS, **more}.items()]
    descriptions = [task.description for task in (make(), *others)]
    assert len({json.dumps(one, sort_keys=True) for one in descriptions}) == len(descriptions)


def test_every_kind_of_task_has_its_own_description():
    assert len({json.dumps(make().description) for make in PLANAR.values()}) == len(PLANAR)


@given(makers, seeds)
def test_the_classes_come_in_random_order(make, seed):
    _, y = everything(make(n=60, seed=seed))
    assert 6 < (y[1:] != y[:-1]).sum() < 54              # alternating labels would give 59; chance 30, 3.9 either way


@given(st.sampled_from([(tasks.xor, 3), (tasks.blobs, 1), (tasks.halfspace, 7)]), seeds)
def test_dimension_is_the_number_of_columns_beside_the_noise(choice, seed):
    make, dimension = choice
    assert make(n=10, dimension=dimension, noise_dimensions=2, seed=seed).X_train.shape == (5, dimension + 2)


@given(makers, seeds)
def test_noise_dimensions_leave_the_others_alone_and_are_standard_normal(make, seed):
    plain, X = everything(make(n=1000, seed=seed))[0], everything(make(n=1000, seed=seed, noise_dimensions=2))[0]
    assert (X[:, :2] == plain).all()
    assert abs(X[:, 2:].mean()) < 0.2                    # the standard error is 0.022
    assert abs(X[:, 2:].std() - 1) < 0.15                # and here 0.016


@given(makers, seeds)
def test_noise_has_its_standard_deviation_in_each_coordinate(make, seed):
    quiet, y = everything(make(n=1000, noise=0, seed=seed))
    loud, same_y = everything(make(n=1000, noise=3, seed=seed))
    assert (y == same_y).all()
    assert (loud - quiet).std(axis=0) == pytest.approx([3, 3], rel=0.2)      # the standard error is 2.2 %


@given(seeds)
def test_circles_have_radius_one_and_a_half(seed):
    X, y = everything(tasks.circles(n=200, noise=0, seed=seed))
    assert np.linalg.norm(X, axis=1) == pytest.approx(np.where(y == 0, 1, 0.5))
    assert (np.sign(X).min(axis=0) == -1).all()          # all around the origin
    assert (np.sign(X).max(axis=0) == 1).all()


@given(seeds)
def test_moons_are_half_circles_about_the_origin_and_about_one_half(seed):
    X, y = everything(tasks.moons(n=200, noise=0, seed=seed))
    from_centre = X - np.where(y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    assert np.linalg.norm(from_centre, axis=1) == pytest.approx(1.0)
    assert (from_centre[y == 0, 1] >= 0).all()           # the upper half
    assert (from_centre[y == 1, 1] <= 0).all()           # the lower half
    assert np.ptp(from_centre[y == 0, 0]) > 1.8          # all of it
    assert np.ptp(from_centre[y == 1, 0]) > 1.8


@given(seeds)
def test_spirals_wind_once_and_a_half_and_differ_by_half_a_turn(seed):
    X, y = everything(tasks.spirals(n=200, noise=0, seed=seed))
    radius = np.linalg.norm(X, axis=1)
    angle = 3 * np.pi * radius + np.pi * y
    assert X[:, 0] == pytest.approx(radius * np.cos(angle), abs=1e-12)
    assert X[:, 1] == pytest.approx(radius * np.sin(angle), abs=1e-12)
    assert 0.5 / (3 * np.pi) <= radius.min() < 0.2
    assert 0.9 < radius.max() <= 1


@given(st.integers(2, 6), seeds)
def test_xor_sits_on_the_corners_and_is_the_parity_of_their_signs(dimension, seed):
    X, y = everything(tasks.xor(n=200, noise=0, dimension=dimension, seed=seed))
    assert (abs(X) == 1).all()
    assert ((X < 0).sum(axis=1) % 2 == y).all()
    if dimension < 4:
        assert len(np.unique(X, axis=0)) == 2**dimension


@given(st.integers(1, 5), st.floats(0.1, 10), seeds)
def test_blobs_have_opposite_centres_at_the_separation(dimension, separation, seed):
    X, y = everything(tasks.blobs(n=20, noise=0, dimension=dimension, separation=separation, seed=seed))
    centre = X[y == 0][0]
    assert np.where(y[:, None] == 0, X, -X) == pytest.approx(np.tile(centre, (20, 1)))
    assert np.linalg.norm(centre) == pytest.approx(separation / 2)


@settings(max_examples=5)
@given(seeds)
def test_blobs_are_as_hard_as_the_docstring_says(seed):
    X, y = everything(tasks.blobs(n=40_000, dimension=3, seed=seed))
    direction = X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)
    assert ((X @ direction < 0) == y).mean() == pytest.approx(0.97725, abs=0.005)     # Phi(2); 6 standard errors


@given(st.integers(1, 4), seeds)
def test_a_perceptron_learns_a_halfspace_within_novikoffs_bound(dimension, seed):
    """A. Novikoff, 1962: if a plane through the origin has the margin m, at most max |x|^2 / m^2 mistakes are made."""
    margin = 0.4
    X, y = everything(tasks.halfspace(40, dimension, margin=margin, seed=seed))
    assert abs(X).max() <= 1
    signs, w, mistakes = 2 * y - 1, np.zeros(dimension), 0
    while (wrong := np.flatnonzero(signs * (X @ w) <= 0)).size:
        w += signs[wrong[0]] * X[wrong[0]]
        mistakes += 1
        assert mistakes <= dimension / margin**2


@given(st.floats(0, 0.5), seeds)
def test_a_halfspace_keeps_its_margin_and_fills_the_rest(margin, seed):
    X, y = everything(tasks.halfspace(400, 1, margin=margin, seed=seed))
    assert abs(X).min() >= margin
    assert abs(X).min() < margin + 0.1
    assert len({float(side) for side in np.sign(X[:, 0]) * (2 * y - 1)}) == 1        # the plane is x = 0


# Modular arithmetic

def holds(op, a, b, c, p):
    """c = a op b mod p, stated without inverses: c = a / b is c b = a."""
    return {"add": a + b - c, "subtract": a - b - c, "multiply": a * b - c, "divide": c * b - a}[op] % p == 0


@given(operations | st.just("divide"), st.sampled_from([3, 5, 7, 11]), st.floats(0.2, 0.8), seeds)
def test_modular_holds_every_pair_once_with_its_answer(op, p, train_fraction, seed):
    task = tasks.modular(p, op, train_fraction, seed)
    pairs, y = np.concatenate([task.pairs_train, task.pairs_test]), np.concatenate([task.y_train, task.y_test])
    first_b = 1 if op == "divide" else 0
    assert sorted(map(tuple, pairs.tolist())) == [(a, b) for a in range(p) for b in range(first_b, p)]
    assert holds(op, pairs[:, 0], pairs[:, 1], y, p).all()
    assert ((y >= 0) & (y < p)).all()
    assert task.n_classes == p
    assert abs(len(task.y_train) - train_fraction * len(y)) <= 0.5 + 1e-9


@given(moduli, operations, seeds)
def test_the_rows_of_a_modular_task_are_two_hot(p, op, seed):
    task = tasks.modular(p, op, seed=seed)
    for X, pairs in ((task.X_train, task.pairs_train), (task.X_test, task.pairs_test)):
        assert X.shape == (len(pairs), 2 * p)
        assert (X.sum(axis=1) == 2).all()
        assert (X[:, :p].argmax(axis=1) == pairs[:, 0]).all()
        assert (X[:, p:].argmax(axis=1) == pairs[:, 1]).all()
        assert X.max() == 1


def test_the_rows_are_built_only_when_asked_for_and_only_once():
    task = tasks.modular(499)                            # all of its rows would fill 2 GB
    assert "X_train" not in vars(task)
    assert "X_test" not in vars(task)
    small = tasks.modular(5)
    assert small.X_train is small.X_train


@given(moduli, operations, seeds)
def test_a_modular_split_is_told_by_its_seed(p, op, seed):
    one, again, other = (tasks.modular(p, op, seed=s) for s in (seed, seed, seed + 1))
    assert (one.pairs_train == again.pairs_train).all()
    assert one.description == again.description != other.description
    assume(p > 4)                                        # a small p may split twice the same
    assert not np.array_equal(one.pairs_train, other.pairs_train)


# Shuffled labels

@given(st.sampled_from([tasks.modular(11), tasks.circles(n=101), tasks.blobs(n=60)]), seeds, st.floats(0, 1))
def test_shuffling_keeps_inputs_test_labels_and_frequencies_and_moves_no_more_than_its_share(task, seed, fraction):
    before = task.y_train.copy()
    shuffled = tasks.shuffle_labels(task, seed, fraction)
    assert (task.y_train == before).all()                # the argument stays as it was
    assert (shuffled.X_train == task.X_train).all()
    assert (shuffled.X_test == task.X_test).all()
    assert (shuffled.y_test == task.y_test).all()
    assert sorted(shuffled.y_train) == sorted(before)
    assert (shuffled.y_train != before).sum() <= round(fraction * len(before))
    assert shuffled.n_classes == task.n_classes
    assert shuffled.description != task.description
    assert type(shuffled) is type(task)


@given(st.sampled_from([0.3, 0.6, 1.0]), seeds)
def test_a_shuffled_label_is_right_only_by_chance(fraction, seed):
    """Of n pairs a share f is permuted, of which 1 / p stay right by chance: (1 - f) + f / p remain."""
    p = 23
    task = tasks.modular(p, "add", 0.8, seed, corrupt_fraction=fraction)
    right = (task.y_train == task.pairs_train.sum(axis=1) % p).mean()
    assert right == pytest.approx(1 - fraction + fraction / p, abs=0.06)      # 6 standard errors of 0.01
    assert (task.y_test == task.pairs_test.sum(axis=1) % p).all()


@given(seeds)
def test_corrupt_fraction_and_shuffle_labels_are_one_thing(seed):
    corrupt = tasks.modular(7, seed=seed, corrupt_fraction=0.5)
    shuffled = tasks.shuffle_labels(tasks.modular(7, seed=seed), seed, 0.5)
    assert (corrupt.y_train == shuffled.y_train).all()
    assert corrupt.description == shuffled.description


def test_the_description_tells_every_modular_setting_apart():
    descriptions = [task.description for task in (
        tasks.modular(5), tasks.modular(7), tasks.modular(5, "divide"), tasks.modular(5, "multiply"),
        tasks.modular(5, train_fraction=0.3), tasks.modular(5, seed=1), tasks.modular(5, corrupt_fraction=0.5),
        tasks.modular(5, corrupt_fraction=1.0))]
    assert len({json.dumps(one, sort_keys=True) for one in descriptions}) == len(descriptions)


def test_another_seed_shuffles_otherwise():
    task = tasks.modular(11)
    one, other = tasks.shuffle_labels(task, 1), tasks.shuffle_labels(task, 2)
    assert (one.y_train != other.y_train).any()
    assert one.description != other.description


def test_a_label_shuffled_twice_is_told_from_one_shuffled_once():
    once = tasks.shuffle_labels(tasks.modular(11), 2)
    twice = tasks.shuffle_labels(tasks.shuffle_labels(tasks.modular(11), 1), 2)
    assert (once.y_train != twice.y_train).any()
    assert once.description != twice.description


# Your own arrays

X, Y = np.arange(12.0).reshape(6, 2), [0, 1, 2, 0, 1, 2]


@given(st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, ">f8"]), seeds)
def test_your_own_arrays_are_split_without_loss_and_not_changed(dtype, seed):
    given_X, given_y = X.astype(dtype), np.array(Y)
    given_X.flags.writeable = given_y.flags.writeable = False
    task = tasks.from_arrays(given_X, given_y, seed=seed)
    assert task.X_train.dtype == task.X_test.dtype == (np.float32 if dtype is np.float32 else np.float64)
    assert by_row(*everything(task)) == by_row(given_X.astype(float), given_y)
    assert task.n_classes == 3
    assert len(task.y_test) == 3


def test_your_own_test_set_is_taken_as_it_is():
    task = tasks.from_arrays(X, Y, X + 100, Y[::-1])
    assert (task.X_train == X).all()
    assert (task.X_test == X + 100).all()
    assert task.y_train.tolist() == Y
    assert task.y_test.tolist() == Y[::-1]


@pytest.mark.parametrize("labels", [Y, tuple(Y), np.array(Y, np.float32), np.array(Y, np.uint8), np.array(Y, ">i2")])
def test_labels_may_come_in_any_type_that_holds_whole_numbers(labels):
    assert tasks.from_arrays(X, labels, X, labels).y_train.tolist() == Y


def test_a_label_that_only_the_test_set_has_counts_as_a_class():
    assert tasks.from_arrays(X, [0, 1] * 3, X[:1], [4]).n_classes == 5


@pytest.mark.parametrize(("train_type", "test_type"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_wider_type_of_train_and_test_serves_both(train_type, test_type):
    task = tasks.from_arrays(X.astype(train_type), Y, (X * 1e30).astype(test_type), Y)
    assert task.X_train.dtype == task.X_test.dtype == np.float64
    assert (task.X_test == (X * 1e30).astype(test_type)).all()


def test_a_task_keeps_its_data_when_the_callers_array_changes():
    mine, labels = X.astype(np.float32), np.array(Y)
    task = tasks.from_arrays(mine, labels, mine, labels)
    mine[:], labels[:] = 0, 0
    assert (task.X_train == X).all()
    assert (task.X_test == X).all()
    assert task.y_train.tolist() == task.y_test.tolist() == Y


def test_the_description_tells_other_data_labels_splits_and_test_sets_apart():
    changed = X.copy()
    changed[5, 1] += 1e-9
    descriptions = [task.description for task in (
        tasks.from_arrays(X, Y), tasks.from_arrays(changed, Y), tasks.from_arrays(X, Y[::-1]),
        tasks.from_arrays(X.astype(np.float32), Y), tasks.from_arrays(X, Y, seed=1),
        tasks.from_arrays(X, Y, test_fraction=0.3), tasks.from_arrays(X, Y, X, Y),
        tasks.from_arrays(X, Y, changed, Y), tasks.from_arrays(X, Y, X, Y[::-1]))]
    assert len({json.dumps(one, sort_keys=True) for one in descriptions}) == len(descriptions)
    assert tasks.from_arrays(X.tolist(), Y).description == descriptions[0]


# Every task

ALL = {
    **{name: make() for name, make in PLANAR.items()}, "modular": tasks.modular(5),
    "corrupted": tasks.modular(5, corrupt_fraction=0.5), "from_arrays": tasks.from_arrays(X, Y),
    "shuffled": tasks.shuffle_labels(tasks.from_arrays(X, Y)),
    "NumPy numbers": tasks.xor(
        n=np.int64(9), noise=np.float32(0.1), seed=np.int64(1), test_fraction=np.float32(0.5),
        noise_dimensions=np.int64(1), dimension=np.int64(3)),
    "blobs, NumPy numbers": tasks.blobs(dimension=np.int64(3), separation=np.float32(1)),
    "halfspace, NumPy numbers": tasks.halfspace(dimension=np.int64(3), margin=np.float32(0)),
    "modular, NumPy numbers": tasks.modular(np.int64(5), "add", np.float32(0.5), np.int64(1), np.float32(0.5)),
    "arrays, NumPy numbers": tasks.from_arrays(X, Y, test_fraction=np.float32(0.5), seed=np.int64(1)),
}


@pytest.mark.parametrize("task", ALL.values(), ids=ALL)
def test_a_task_is_described_in_json_and_has_whole_labels(task):
    assert json.loads(json.dumps(task.description)) == task.description
    assert task.y_train.dtype == task.y_test.dtype == np.int64
    assert not set(task.y_train) - set(range(task.n_classes))


# Bad input

REFUSED = {
    "n of one": (tasks.circles, {"n": 1}, "n is 1, but must be a whole number, 2 or more"),
    "n not whole": (tasks.moons, {"n": 10.5}, "n is 10.5"),
    "negative noise": (tasks.moons, {"noise": -0.1}, "noise is -0.1"),
    "NaN as noise": (tasks.spirals, {"noise": float("nan")}, "noise is nan"),
    "infinite noise": (tasks.xor, {"noise": float("inf")}, "noise is inf"),
    "negative seed": (tasks.blobs, {"seed": -1}, "seed is -1"),
    "no seed": (tasks.modular, {"p": 5, "seed": None}, "seed is None"),
    "negative noise dimensions": (tasks.circles, {"noise_dimensions": -1}, "noise_dimensions is -1"),
    "test fraction above 1": (tasks.circles, {"test_fraction": 1.5}, "test_fraction is 1.5"),
    "an empty test set": (tasks.circles, {"test_fraction": 0}, "leaves it empty"),
    "an empty training set": (tasks.circles, {"test_fraction": 1}, "leaves the training set empty"),
    "xor in one dimension": (tasks.xor, {"dimension": 1}, "dimension is 1"),
    "blobs in none": (tasks.blobs, {"dimension": 0}, "dimension is 0"),
    "negative separation": (tasks.blobs, {"separation": -1}, "separation is -1"),
    "halfspace in none": (tasks.halfspace, {"dimension": 0}, "dimension is 0"),
    "a margin past the corner": (tasks.halfspace, {"margin": 0.6}, "margin is 0.6"),
    "modulus below 2": (tasks.modular, {"p": 1}, "p is 1, but must be a whole number, 2 or more"),
    "modulus not whole": (tasks.modular, {"p": 7.0}, "p is 7.0"),
    "division by no prime": (tasks.modular, {"p": 9, "op": "divide"}, "take a prime such as 11"),
    "unknown operation": (tasks.modular, {"p": 5, "op": "ad"}, "'ad' is not known; did you mean 'add'"),
    "train fraction below 0": (tasks.modular, {"p": 5, "train_fraction": -1}, "train_fraction is -1"),
    "no training pairs": (tasks.modular, {"p": 5, "train_fraction": 0}, "leaves the training set empty"),
    "no test pairs": (tasks.modular, {"p": 5, "train_fraction": 1}, "leaves it empty"),
    "corrupt fraction above 1": (tasks.modular, {"p": 5, "corrupt_fraction": 1.1}, "corrupt_fraction is 1.1"),
    "NaN as corrupt fraction": (tasks.modular, {"p": 5, "corrupt_fraction": float("nan")}, "corrupt_fraction is nan"),
    "fraction above 1": (tasks.shuffle_labels, {"task": ALL["moons"], "fraction": 2}, "fraction is 2"),
    "NaN": (tasks.from_arrays, {"X": [[1.0], [np.nan]], "y": [0, 1]}, r"X\[1, 0\] is nan"),
    "infinity": (tasks.from_arrays, {"X": [[1.0], [np.inf]], "y": [0, 1]}, r"X\[1, 0\] is inf"),
    "NaN in the test set": (tasks.from_arrays, {"X": X, "y": Y, "X_test": X * np.nan, "y_test": Y}, "X_test.* is nan"),
    "nothing": (tasks.from_arrays, {"X": [], "y": []}, r"X has shape \(0,\) and so no entry"),
    "text": (tasks.from_arrays, {"X": [["a"]], "y": [0]}, "X has dtype <U1"),
    "ragged rows": (tasks.from_arrays, {"X": [[1, 2], [3]], "y": [0, 1]}, "X is no rectangular array"),
    "complex inputs": (tasks.from_arrays, {"X": X * 1j, "y": Y}, "X .* must be real"),
    "a vector": (tasks.from_arrays, {"X": X[:, 0], "y": Y}, r"X has shape \(6,\)"),
    "a stack": (tasks.from_arrays, {"X": X[None], "y": Y}, r"X has shape \(1, 6, 2\)"),
    "labels in a column": (tasks.from_arrays, {"X": X, "y": X[:, :1]}, r"y has shape \(6, 1\)"),
    "too few labels": (tasks.from_arrays, {"X": X, "y": Y[:5]}, "X has 6 rows, but y has 5 labels"),
    "half a label": (tasks.from_arrays, {"X": X, "y": [0, 0.5, 1, 0, 1, 0]}, r"y\[1\] is 0.5"),
    "a negative label": (tasks.from_arrays, {"X": X, "y": [0, 1, -1, 0, 1, 0]}, r"y\[2\] is -1"),
    "a label past all integers": (tasks.from_arrays, {"X": X, "y": [0, 1, 1e300, 0, 1, 0]}, r"y\[2\] is 1e\+300"),
    "a label of 64 bits": (
        tasks.from_arrays, {"X": X, "y": np.array([0, 1, 2**64 - 1, 0, 1, 0], np.uint64)}, r"y\[2\] is 1.8"),
    "NaN as a label": (tasks.from_arrays, {"X": X, "y": [0, 1, np.nan, 0, 1, 0]}, r"y\[2\] is nan"),
    "labels as text": (tasks.from_arrays, {"X": X, "y": ["a", "b"] * 3}, "y has dtype"),
    "one class": (tasks.from_arrays, {"X": X, "y": [1] * 6}, "y holds the one label 1"),
    "one row": (tasks.from_arrays, {"X": X[:1], "y": [0]}, "of 1 inputs the test set would get"),
    "no labels for the test set": (tasks.from_arrays, {"X": X, "y": Y, "X_test": X}, "only one of X_test and y_test"),
    "a test set of other width": (
        tasks.from_arrays, {"X": X, "y": Y, "X_test": X[:, :1], "y_test": Y}, "X_test has 1 columns, but X has 2"),
    "too few test labels": (
        tasks.from_arrays, {"X": X, "y": Y, "X_test": X, "y_test": Y[:2]}, "X_test has 6 rows, but y_test has 2"),
}


@pytest.mark.parametrize(("make", "arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_with_value_and_rule(make, arguments, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            make(**arguments)


def unit(t):
    return np.stack([np.cos(t), np.sin(t)], axis=1)


def on_circles(y, rng):
    return (1 - y / 2)[:, None] * unit(rng.uniform(0, 2 * np.pi, len(y)))


def on_moons(y, rng):
    half = unit(rng.uniform(0, np.pi, len(y)))
    return (1 - 2 * y)[:, None] * half + y[:, None] * [1, 0.5]


def on_spirals(y, rng):
    t = rng.uniform(0.5, 3 * np.pi, len(y))
    return ((-1.0) ** y * t / (3 * np.pi))[:, None] * unit(t)


def on_corners(y, rng):
    signs = rng.choice([-1.0, 1.0], (len(y), 2))
    return np.where(((signs < 0).sum(axis=1) % 2 == y)[:, None], signs, signs * [-1, 1])


def about_centres(y, rng):
    direction = rng.normal(size=2)
    return (1 - 2 * y)[:, None] * 2 * direction / np.linalg.norm(direction)


def on_sides(y, rng):
    normal = rng.normal(size=2)
    X = rng.uniform(-1, 1, (len(y), 2))
    return np.where((X @ normal > 0) == (y == 1), 1, -1)[:, None] * X


@pytest.mark.parametrize(("make", "noise", "draw"), [
    (tasks.circles, 0.1, on_circles), (tasks.moons, 0.1, on_moons), (tasks.spirals, 0.1, on_spirals),
    (tasks.xor, 0.3, on_corners), (tasks.blobs, 1.0, about_centres), (tasks.halfspace, 0.0, on_sides)])
def test_a_seed_keeps_its_data_draw_by_draw(make, noise, draw):
    """What was published with a seed is found again: labels, inputs, noise, dimensions of noise, in this order."""
    for task, n, seed, dimensions in ((make(), 400, 0, 0), (make(n=31, seed=7, noise_dimensions=2), 31, 7, 2)):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.arange(n) % 2)
        inputs = draw(labels, rng)
        inputs = inputs + noise * rng.normal(size=inputs.shape)
        inputs = np.concatenate([inputs, rng.normal(size=(n, dimensions))], axis=1)
        held = round(n / 2)
        np.testing.assert_allclose(task.X_train, inputs[: n - held], atol=1e-14)
        np.testing.assert_allclose(task.X_test, inputs[n - held :], atol=1e-14)
        np.testing.assert_array_equal(task.y_train, labels[: n - held])
        np.testing.assert_array_equal(task.y_test, labels[n - held :])


@pytest.mark.parametrize("task", [tasks.moons(n=20), tasks.modular(5)], ids=["moons", "modular"])
def test_a_task_is_what_it_is(task):
    np.testing.assert_array_equal(task.X_first, task.X_train[0][None])
    assert task == task
    assert task != replace(task)                         # arrays have no one truth value to compare by
    with pytest.raises(FrozenInstanceError):
        task.n_classes = 3


def test_division_takes_the_primes_and_names_the_next():
    primes = [p for p in range(2, 130) if not any(p % q == 0 for q in range(2, p))]
    for p in range(2, 127):
        if p in primes:
            assert (tasks.modular(p, "divide", train_fraction=0.5).pairs_train[:, 1] > 0).all()
        else:
            with pytest.raises(ValueError, match=f"take a prime such as {min(q for q in primes if q > p)}$"):
                tasks.modular(p, "divide")


def test_shuffled_labels_of_a_seed_are_kept_draw_by_draw():
    task = tasks.modular(7, seed=3)
    for shuffled, seed in ((tasks.shuffle_labels(task), 0), (tasks.shuffle_labels(task, 5), 5)):
        rng, labels = np.random.default_rng([seed, 1]), task.y_train.copy()
        chosen = rng.permutation(len(labels))
        labels[chosen] = labels[rng.permutation(chosen)]
        np.testing.assert_array_equal(shuffled.y_train, labels)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: tasks.modular(5, seed=-1), "seed is -1"), (lambda: tasks.shuffle_labels(ALL["moons"], -1), "seed is -1"),
    (lambda: tasks.modular(5, train_fraction=1.5), "train_fraction is 1.5"),
    (lambda: tasks.modular(5, corrupt_fraction=-0.5), "corrupt_fraction is -0.5"),
    (lambda: tasks.shuffle_labels(ALL["moons"], 0, -0.5), "fraction is -0.5"),
    (lambda: tasks.halfspace(margin=-0.5), "margin is -0.5"),
    (lambda: tasks.from_arrays(X, Y, seed=-1), "seed is -1"),
    (lambda: tasks.from_arrays(X, Y, test_fraction=1.5), "test_fraction is 1.5"),
    (lambda: tasks.from_arrays(X, Y, test_fraction=-0.5), "test_fraction is -0.5"),
    (lambda: tasks.from_arrays(X, Y, y_test=Y), "only one of X_test and y_test"),
    (lambda: tasks.from_arrays(X[:, :1], Y, X_test=X, y_test=Y), "X_test has 2 columns, but X has 1"),
    (lambda: tasks.from_arrays(X[:5], Y), "X has 5 rows, but y has 6"),
    (lambda: tasks.from_arrays(X, 3), r"y has shape \(\)"),
    (lambda: tasks.from_arrays(X, [0, 1, 2**31, 0, -1, 0]), r"y\[2\] is 2147483648"),
    (lambda: tasks.from_arrays(X, [3] * 6, X_test=X, y_test=[3] * 6), "y holds the one label 3"),
    (lambda: tasks.from_arrays(X[:1], [3], X_test=X, y_test=[3] * 6), "y holds the one label 3"),
    (lambda: tasks.from_arrays(X, np.array(Y) * 1j), r"y has shape \(6,\), but labels are one whole number an input"),
    (lambda: tasks.circles(test_fraction=-0.5), r"test_fraction is -0\.5, but must be a number in \[0, 1\]"),
])
def test_what_lies_just_outside_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_largest_label_is_the_last_before_two_to_the_31():
    assert tasks.from_arrays(X, [0, 1, 2**31 - 1, 0, 1, 0]).n_classes == 2**31


def test_your_own_arrays_are_described_by_a_checksum_of_type_shape_and_bytes():
    """In a checkpoint it stands for the data, so it may not change from version to version."""
    def checksum(inputs, labels):
        parts = (inputs, "<f8 (6, 2) "), (labels, "<i8 (6,) ")
        return hashlib.sha256(b"".join(start.encode() + np.array(each).tobytes() for each, start in parts)).hexdigest()

    assert tasks.from_arrays(X, Y, X + 1, Y[::-1]).description == {
        "name": "from_arrays", "sha256": checksum(X, Y)[:16], "sha256_test": checksum(X + 1, Y[::-1])[:16]}
