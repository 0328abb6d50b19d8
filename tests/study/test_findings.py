"""The sentences beside the verdicts, from made-up boards and runs."""

import numpy as np

from minigrok.study import findings, grokking
from minigrok.study.announce import Announcement
from minigrok.study.configurations import ClassifierReadings, drawn


def row(name, auc):
    interval = None if auc is None else (auc - 0.1, auc + 0.05)
    return Announcement(name, auc, interval, 3, None, None, 0, None, None, 0, 40)


def test_the_board_is_told_by_its_best_and_by_where_S_and_P_stand():
    board = [row("answer share", 0.95), row("centred S", 0.9), row("test loss", 0.85), row("weight norm", 0.8),
             row("S", 0.6), row("P", 0.4), row("change of S", None)]
    words = findings.announced(board)
    assert "of 6 quantities" in words
    assert "answer share (place 1) 0.95 (0.85 to 1.00)" in words
    assert "S (place 5) 0.60" in words
    assert "P (place 6) 0.40" in words
    assert "weight norm" not in words
    assert findings.announced([row("S", None)]) == ""


def test_nothing_is_said_of_runs_that_are_not_there():
    assert findings.of_all({}, [], "quick") == ()


def test_directions_count_the_runs_that_learnt():
    """Of nets with two inputs S falls in the one of two runs that learnt; a net that did not learn says nothing."""
    setting = next(one for one in drawn() if one.admissible and one.dimension == 2)
    shape = (2, 5, 4, 3)
    S = np.ones(shape)
    S[:, -1] = np.array([0.5, 2.0])[:, None, None]
    accuracy = np.tile([[0.99], [0.5]], (1, 5))
    readings = ClassifierReadings(setting, np.arange(2), S, 1 / S, accuracy, accuracy)
    words = findings.of_all({"classifier multiverse": {"a": [readings]}}, [], "full")[0].sentence
    assert f"{setting.activation}: with 2 inputs in 100% of 1 (S at the start 1.00)" in words


def test_a_base_shares_its_level_of_the_fraction_with_others():
    assert {grokking.fraction_in_words(fraction) for fraction in (0.4, 0.5, 0.55, 0.58, 0.6, 0.75)} == {
        "at most 0.5", "0.5 to 0.65", "above 0.65"}
