"""Laws of the criteria that end a run: what they say depends on what was recorded, and on nothing else."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok import MLP, SGD, Moment, patience, stop_when, tasks, train

TASK = tasks.moons(n=60, noise=0.3, seed=0)
few = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, math.nan, math.inf, -math.inf])
series = st.lists(few | st.floats(-3, 3), min_size=1, max_size=15)
thresholds, counts = st.sampled_from([-1.0, 0.0, 0.5, 1.0]), st.integers(1, 4)


def moments(values):
    """What a callback would see of a run that records these values of v."""
    rows = [{"epoch": epoch, "v": value} for epoch, value in enumerate(values)]
    return [Moment(epoch, len(rows), None, TASK, row, rows[: epoch + 1]) for epoch, row in enumerate(rows)]


def answers(criterion, values):
    return [criterion(moment) for moment in moments(values)]


@given(series, thresholds, counts)
def test_stop_when_counts_the_records_above(values, above, held):
    count, expected = 0, []
    for value in values:
        count = count + 1 if value > above else 0            # a NaN is not above
        expected.append(count >= held)
    assert answers(stop_when("v", above=above, held=held), values) == expected


@given(series, thresholds, counts)
def test_below_is_above_in_the_mirror(values, below, held):
    mirrored = [-value for value in values]
    assert answers(stop_when("v", below=below, held=held), values) == answers(
        stop_when("v", above=-below, held=held), mirrored)


@given(series, counts, st.sampled_from([0.0, 0.5, 1.0]))
def test_patience_compares_the_best_before_with_the_best_since(values, records, least_change):
    expected = []
    for k in range(1, len(values) + 1):
        before = [v for v in values[: max(0, k - records)] if not math.isnan(v)]
        best_before, best = min(before, default=math.inf), min([math.inf, *(v for v in values[:k] if v == v)])
        improved = best < best_before and not best >= best_before - least_change
        expected.append(k > records and not improved)
    assert answers(patience("v", records, least_change), values) == expected


@given(series, counts, st.sampled_from([0.0, 0.5]))
def test_the_goal_max_is_min_in_the_mirror(values, records, least_change):
    mirrored = [-value for value in values]
    assert answers(patience("v", records, least_change, goal="max"), mirrored) == answers(
        patience("v", records, least_change, goal="min"), values)


@given(st.integers(1, 9), st.floats(-9, 9))
def test_patience_ends_a_steady_run_as_soon_as_it_may(records, value):
    assert answers(patience("v", records), [value] * 12) == [k > records for k in range(1, 13)]


@given(counts, st.floats(0.01, 1))
def test_a_slow_improvement_counts_by_what_it_amounts_to(records, step):
    falling = [-step * k for k in range(12)]
    assert not any(answers(patience("v", records, least_change=0.99 * step * records), falling))
    assert answers(patience("v", records, least_change=1.01 * step * records), falling)[records]


@given(series, counts)
def test_a_nan_is_never_an_improvement(values, records):
    """It changes nothing to put the worst value in its place."""
    worst = [math.inf if math.isnan(value) else value for value in values]
    assert answers(patience("v", records), values) == answers(patience("v", records), worst)


@given(series, counts, st.randoms(use_true_random=False))
def test_a_criterion_remembers_nothing(values, records, random):
    for criterion in (patience("v", records), stop_when("v", above=0, held=records), stop_when("v", below=0)):
        once, seen = answers(criterion, values), moments(values)
        shuffled = random.sample(range(len(values)), len(values))
        assert [criterion(seen[k]) for k in shuffled] == [once[k] for k in shuffled]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), counts)
def test_numbers_of_any_type_are_what_they_are_as_floats(values, held):
    criteria = (stop_when("v", above=0.3, held=held), stop_when("v", below=1, held=held), patience("v", held, 0.1))
    for kind in (int, np.uint8, bool, np.float32, np.float64, lambda value: np.array(float(value))):
        column = [kind(value) / 10 if kind is np.float32 else kind(value) for value in values]
        for criterion in criteria:                       # 0.3 in float32 is 0.3000000119
            found = answers(criterion, column)
            assert found == answers(criterion, [float(value) for value in column])
            assert all(type(answer) is bool for answer in found)


@pytest.mark.parametrize("criterion", [
    stop_when("train_loss", below=0.4), stop_when("test_accuracy", above=0.75, held=3), patience("test_loss", 5, 0.01),
    patience("train_accuracy", 4, goal="max"), stop_when("epoch", above=29)])
def test_a_run_ends_at_the_first_record_that_meets_the_criterion(criterion):
    settings = {"epochs": 60, "batch_size": 8, "record_every": 2}
    whole = train(MLP([2, 8, 2], seed=1), TASK, SGD(0.2), **settings)
    ended = train(MLP([2, 8, 2], seed=1), TASK, SGD(0.2), callbacks=[criterion], **settings)
    assert 1 < len(ended) < len(whole)
    for name, column in ended.columns.items():
        np.testing.assert_array_equal(column, whole[name][: len(ended)])
    rows = [{name: column[i] for name, column in whole.columns.items()} for i in range(len(ended))]
    met = [criterion(Moment(0, 60, None, TASK, row, rows[: i + 1])) for i, row in enumerate(rows)]
    assert met == [False] * (len(ended) - 1) + [True]


@pytest.mark.parametrize("make", [lambda name: stop_when(name, above=1), lambda name: patience(name, 3)])
@pytest.mark.parametrize(("column", "message"), [
    ("test_los", "column 'test_los' is not known; did you mean 'test_loss'"),
    ("spectrum", "column 'spectrum' holds .* one number a record"),
    ("word", "column 'word' holds 'far'.* one number a record"),
])
def test_a_column_that_cannot_be_judged_shows_before_the_first_epoch(make, column, message):
    net = MLP([2, 4, 2])
    before = net.theta.copy()
    with pytest.raises(ValueError, match=message):
        train(net, TASK, SGD(0.1), 5, callbacks=[make(column)], record={"word": lambda net, task: "far"})
    np.testing.assert_array_equal(net.theta, before)


BAD_SETTINGS = [
    (stop_when, {}, "above is None and below None, but give one"),
    (stop_when, {"above": 1, "below": 0}, "above is 1 and below 0, but give one"),
    (stop_when, {"above": math.nan}, "above is nan"), (stop_when, {"below": math.inf}, "below is inf"),
    (stop_when, {"above": "high"}, "above is 'high'"), (stop_when, {"above": 1, "held": 0}, "held is 0"),
    (stop_when, {"above": 1, "held": 1.5}, "held is 1.5"),
    (patience, {"records": 0}, "records is 0"), (patience, {"records": 2.5}, "records is 2.5"),
    (patience, {"records": 3, "least_change": -1}, "least_change is -1"),
    (patience, {"records": 3, "least_change": math.nan}, "least_change is nan"),
    (patience, {"records": 3, "goal": "mim"}, "goal 'mim' is not known; did you mean 'min'"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), BAD_SETTINGS)
def test_a_bad_setting_is_named(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind("test_loss", **settings)


def test_several_criteria_end_a_run_as_soon_as_one_is_met():
    both = [stop_when("epoch", above=6), stop_when("epoch", above=3)]
    for criteria in itertools.permutations(both):
        assert train(MLP([2, 4, 2]), TASK, SGD(0.1), 9, callbacks=criteria).epoch[-1] == 4


@pytest.mark.parametrize("goal", ["min", "max"])
def test_the_least_change_is_counted_in_the_units_of_the_column(goal):
    """0.4 of improvement is as much as 0.4, whichever way is better."""
    sign = 1 if goal == "max" else -1
    for least_change, ends in ((0.39, False), (0.41, True)):
        assert answers(patience("v", 1, least_change, goal), [0.0, 0.4 * sign]) == [False, ends]


def test_patience_looks_back_over_all_of_its_records():
    """An improvement holds for `records` records, though all later ones are worse, and no longer."""
    for records in range(1, 6):
        values = [1.0, *[0.0] * 1, *[2.0] * records]
        assert answers(patience("v", records), values) == [False] * (records + 1) + [True]
