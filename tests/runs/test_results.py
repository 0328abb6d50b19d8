import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from minigrok.runs.picture import axis_figure
from minigrok.runs.results import as_csv, axes_of, chosen, median_interval, summarised
from minigrok.runs.store import DONE, FAILED, Run


def run(seed, lr=0.1, activation="relu", hidden=(6,), entropy=None, status=DONE):
    numbers = {} if status == FAILED else {"entropy": float(seed) if entropy is None else entropy}
    configuration = {"task": "moons", "lr": lr, "activation": activation, "hidden": list(hidden), "momentum": None,
                     "seed": seed, "seeds": 1}
    return Run(f"{seed}-{lr}-{activation}", configuration, seed, "abc", status, numbers,
               "ValueError: a, b" if status == FAILED else "")


RUNS = [run(seed, lr, activation) for activation in ("tanh", "relu") for lr in (0.1, 0.03) for seed in range(8)]


@given(st.lists(st.floats(-1e6, 1e6), max_size=40, unique=True))
def test_an_interval_of_the_median_is_the_narrowest_of_its_kind_that_holds_it_often_enough(values):
    low, high = median_interval(np.array(values))
    n, ordered = len(values), sorted(values)
    if n < 6:
        assert math.isnan(low)
        assert math.isnan(high)
        return
    k = ordered.index(low) + 1
    assert high == ordered[n - k]
    missed = 2 * binom.cdf(k - 1, n, 0.5)                # below the k-th of n or above its mirror image
    assert missed <= 0.05 < 2 * binom.cdf(k, n, 0.5)


def test_ninety_five_percent_of_intervals_hold_the_median():
    rng = np.random.default_rng(0)
    held = [low <= 0 <= high for low, high in (median_interval(rng.normal(size=15)) for _ in range(4000))]
    exact = 1 - 2 * binom.cdf(3, 15, 0.5)                # 0.965
    assert abs(np.mean(held) - exact) < 4 * math.sqrt(exact * (1 - exact) / 4000)


def test_axes_are_the_options_that_differ():
    assert axes_of(RUNS) == ["lr", "activation"]
    assert axes_of(RUNS[:8]) == []


def test_a_summary_has_a_row_for_each_combination_in_the_order_of_their_values():
    rows = summarised([*RUNS, run(8, 0.1, "relu", status=FAILED), run(9, 0.1, "relu", entropy=math.nan)], "entropy")
    assert [tuple(row.axes.values()) for row in rows] == [
        (0.03, "relu"), (0.03, "tanh"), (0.1, "relu"), (0.1, "tanh")]
    assert [(row.seeds, row.failed, row.median) for row in rows] == [(8, 0, 3.5), (8, 0, 3.5), (8, 1, 3.5), (8, 0, 3.5)]
    assert (rows[0].low, rows[0].high) == (0.0, 7.0)


def test_a_combination_of_which_all_runs_failed_has_no_median():
    [row] = summarised(
        [run(0, status=FAILED), run(1, entropy=math.nan)], "entropy")
    assert (row.seeds, row.failed) == (0, 1)
    assert math.isnan(row.median)


def test_a_number_that_no_run_has_is_refused():
    with pytest.raises(ValueError, match="did you mean 'entropy'"):
        summarised(RUNS, "entrpy")


@pytest.mark.parametrize(("conditions", "count"), [
    ([], 32), (["lr=0.1"], 16), (["lr!=0.1"], 16), (["lr<0.1", "activation=tanh"], 8), (["activation = tanh "], 16),
    (["seed>=6"], 8), (["entropy<=1"], 8), (["hidden=6"], 32), (["hidden=[6]"], 32), (["status=done"], 32),
    (["momentum=null"], 32), (["momentum>0"], 0), (["lr=0.5"], 0), (["activation=0.1"], 0)])
def test_runs_are_chosen_by_conditions(conditions, count):
    assert len(chosen(RUNS, conditions)) == count


@pytest.mark.parametrize(("condition", "words"), [
    ("lr", "is no condition"), ("=0.1", "is no condition"), ("lr=", "is no condition"), ("lt=0.1", "name 'lt'"),
    ("1; DROP TABLE runs", "is no condition")])
def test_a_wrong_condition_is_refused(condition, words):
    with pytest.raises(ValueError, match=words):
        chosen(RUNS, [condition])


def test_a_table_holds_every_option_and_number_to_the_last_bit():
    runs = [run(0, entropy=1 / 3), run(1, status=FAILED), run(2, entropy=math.nan)]
    rows = list(csv.DictReader(io.StringIO(as_csv(runs))))
    assert [row["entropy"] for row in rows] == [repr(1 / 3), "", "nan"]
    assert (rows[0]["hidden"], rows[0]["momentum"], rows[0]["activation"]) == ("[6]", "", "relu")
    assert (rows[1]["status"], rows[1]["error"]) == (FAILED, "ValueError: a, b")


def test_a_figure_has_a_line_for_each_combination_of_the_other_axes():
    rows = summarised(RUNS, "entropy")
    figure = axis_figure(rows, "entropy", "lr")
    [ax] = figure.axes
    assert sorted(line.get_label() for line in ax.lines) == ["activation relu", "activation tanh"]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.03, 0.1]] * 2
    words = axis_figure(rows, "entropy", "activation").axes[0]
    assert [label.get_text() for label in words.get_xticklabels()] == ["relu", "tanh"]
    for along, message in (("momentum", "axis 'momentum'"), ("lrr", "did you mean 'lr'")):
        with pytest.raises(ValueError, match=message):
            axis_figure(rows, "entropy", along)
    with pytest.raises(ValueError, match="no axis to draw along"):
        axis_figure(summarised(RUNS[:8], "entropy"), "entropy")


def test_more_lines_than_can_be_told_apart_are_refused():
    rows = summarised([run(0, lr, hidden=(width,)) for lr in (0.1, 0.2) for width in range(1, 16)], "entropy")
    with pytest.raises(ValueError, match="15 lines, of which 14"):
        axis_figure(rows, "entropy", "lr")
