import numpy as np
import pytest
from made_up_runs import made_up_run, made_up_runs, noisy_columns, setting
from scipy.special import expit

from minigrok.history import History
from minigrok.study import prediction
from minigrok.study.claims import load_claims
from minigrok.study.prediction import SPLITS, TARGETS, examples_at, gain_readings, held_out_gains, posed

CLAIMS = load_claims()


def gains_of(readings, target, split):
    return np.array([value for reading in readings for value in reading.values
                     if (reading.axes["target"], reading.axes["split"]) == (target.name, split) and value is not None])


def test_ridge_and_logistic_regression_stand_where_the_gradient_is_zero():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(40), rng.normal(size=(40, 3))])
    y, b = rng.normal(size=40), rng.random(40) < 0.4
    penalties = np.array([0, 1, 1, 1])
    beta = prediction.ridge(X, y)
    assert 2 * X.T @ (X @ beta - y) + penalties * beta == pytest.approx(0, abs=1e-9)
    beta = prediction.logistic(X, b.astype(float))
    assert X.T @ (expit(X @ beta) - b) + penalties * beta == pytest.approx(0, abs=1e-3)


def test_what_separates_perfectly_has_a_finite_fit():
    X = np.column_stack([np.ones(10), np.linspace(-1, 1, 10)])
    assert abs(prediction.logistic(X, (X[:, 1] > 0).astype(float))).max() < 10


@pytest.mark.parametrize("planted", ["entropy", "purity"])
def test_what_only_s_or_p_knows_is_a_gain(planted):
    readings = gain_readings(made_up_runs(np.random.default_rng(0), (planted,)))
    for target in TARGETS:
        for split in SPLITS:
            gains = gains_of(readings, target, split)
            assert (gains > 0).mean() > 0.8, (target.name, split)
    judgement, = prediction.judge(CLAIMS, made_up_runs(np.random.default_rng(0), (planted,)))
    assert judgement.id == "C10b"
    assert judgement.assessment.interval[0] > 0.5
    assert "whether it generalises, a set-up held out: median gain" in judgement.note


@pytest.mark.parametrize("planted", [(), ("weight_norm",), ("weight_norm", "entropy")])
def test_without_anything_of_their_own_s_and_p_are_no_gain(planted):
    """Noise; what the weight norm knows alone; and what S knows too, which then adds a little confidence at most."""
    shares, means = [], []
    for repetition in range(10):
        readings = gain_readings(made_up_runs(np.random.default_rng(repetition), planted))
        for target in TARGETS:
            gains = gains_of(readings, target, SPLITS[0])
            shares.append((gains > 0).mean())
            means.append(gains.mean())
    if "entropy" in planted:
        assert np.mean(means) < 0.15                     # 0.7 where S alone knows
    else:
        assert np.mean(shares) < 0.5
        assert np.mean(means) < 0


def test_gains_do_not_depend_on_the_units_of_a_quantity():
    examples = examples_at(made_up_runs(np.random.default_rng(0), ("entropy",)), 100)
    for target in TARGETS:
        some, y = posed(examples, target)
        gains = held_out_gains(some, y, target, SPLITS[0])
        scaled = held_out_gains(some._replace(X=1000 * some.X + 7), y, target, SPLITS[0])
        assert scaled == pytest.approx(gains, abs=1e-4, nan_ok=True)


def test_a_held_out_run_is_not_trained_on():
    """The time left of one set-up made absurd changes the gains of its own runs and of those trained on it only."""
    examples = examples_at(made_up_runs(np.random.default_rng(0)), 100)
    some, y = posed(examples, TARGETS[1])
    mine = np.array(some.setup) == "base 0"
    absurd = np.where(mine, 50.0, y)
    before, after = (held_out_gains(some, values, TARGETS[1], SPLITS[1]) for values in (y, absurd))
    assert before[~mine] == pytest.approx(after[~mine], nan_ok=True)
    assert not np.allclose(before[mine], after[mine])


def test_readings_name_their_axes_and_have_one_value_a_seed():
    runs = made_up_runs(np.random.default_rng(0))
    readings = gain_readings(runs)
    assert {tuple(reading.axes) for reading in readings} == {("target", "split", "set-up", "delay")}
    assert {len(reading.values) for reading in readings} == {5}
    assert all(reading.group == reading.axes["set-up"] and reading.admissible for reading in readings)
    few = [reading for reading in readings if reading.group == "multiverse 0" and reading.axes["split"] == SPLITS[1]]
    assert all(value is None for reading in few for value in reading.values)     # 4 seeds and a failure: too few


def test_runs_that_stalled_and_columns_that_died_are_left_out():
    noise = noisy_columns(np.random.default_rng(0))
    stalled = made_up_run(setting("a"), 0, 700.0, noise)
    columns = stalled.history.columns | {"test_accuracy": 0.9 * stalled.history.test_accuracy}
    dead = made_up_run(setting("a"), 1, 700.0, lambda epoch, end: noise(epoch, end) | {
        "entropy": np.full(len(epoch), np.nan)})
    fine = made_up_run(setting("a"), 2, 700.0, noise)
    runs = {"a": [stalled._replace(history=History(columns)), dead, fine]}
    assert examples_at(runs, 50).seed == [2]
    assert gain_readings({}) == ()
