from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok import MLP, SGD, measure, tasks, train
from minigrok.grams import CONVENTIONS
from minigrok.study import configurations, multiverse
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, NOT_TESTED, REPRODUCED, holm, load_claims
from minigrok.study.configurations import EPOCHS, PARTS, ClassifierReadings, Configuration, drawn, make_task, run
from minigrok.study.evidence import Figure, read_figures

CONFIGURATION = Configuration("xor", 5, True, 6, "tanh", False, "lecun_normal", "SGD", "middle", (3, 4))
DRAWN = drawn()
CLAIMS = load_claims()


def made_up(count, change, seeds=5, accuracy=1.0, scatter=0.0):
    """Readings of the first configurations whose S changes by `change(configuration)`, and P by the opposite."""
    rng, runs = np.random.default_rng(0), {}
    for setting in DRAWN[:count]:
        shape = (seeds, len(EPOCHS), len(CONVENTIONS), len(PARTS))
        S = np.full(shape, 1.2) + scatter * rng.normal(size=shape)
        S[:, 1:] += change(setting)
        accuracies = np.full(shape[:2], accuracy)
        runs[setting.name] = [ClassifierReadings(setting, np.arange(seeds), S, np.exp(-S), accuracies, accuracies)]
    return runs


def rows(runs):
    return {judgement.id: judgement for judgement in multiverse.judge(CLAIMS, runs)}


def test_the_drawn_configurations_are_all_different_and_most_are_admissible():
    assert len(set(DRAWN)) == len({configuration.name for configuration in DRAWN}) == 1024
    assert sum(configuration.admissible for configuration in DRAWN) == 640


@pytest.mark.parametrize("count", [24, 96, 1024])
def test_every_level_is_drawn_equally_often_in_every_size(count):
    core = [configuration for configuration in DRAWN[:count] if configuration.admissible]
    for axis, levels in {
            "data": 6, "input dimension": 4, "noise dimensions": 2, "width": 1, "activation": 3, "biases": 2,
            "initialisation": 5, "optimizer": 2, "learning rate": 3}.items():
        counts = Counter(configuration.axes[axis] for configuration in core)
        assert len(counts) == levels
        if axis != "noise dimensions":                   # which is balanced in the long run, by data and dimension
            assert max(counts.values()) - min(counts.values()) <= 1


def test_half_of_the_admissible_configurations_have_dimensions_of_noise():
    assert np.mean([configuration.noise for configuration in DRAWN if configuration.admissible]) == pytest.approx(
        0.5, abs=0.01)


def test_the_sensitivity_axes_hold_every_width_and_optimizer():
    rest = [configuration for configuration in DRAWN if not configuration.admissible]
    assert len({(configuration.width, configuration.optimizer) for configuration in rest}) == 4 * 3 - 2


def test_every_kind_of_task_has_the_dimension_that_it_says():
    for setting in {(c.data, c.dimension, c.noise): c for c in DRAWN}.values():
        task = make_task(setting, 0)
        assert task.X_train.shape == (500, setting.dimension)
        assert task.n_classes == 2
        own = setting.dimension - task.description["noise_dimensions"]
        assert own == (2 if setting.noise else setting.dimension)


def test_readings_are_those_of_a_net_trained_and_measured_by_hand():
    found = run(CONFIGURATION, 3)
    for i, seed in enumerate(CONFIGURATION.seeds):
        task = tasks.xor(n=1000, noise=0.3, seed=seed, noise_dimensions=3)
        net = MLP([5, 6, 2], "tanh", init="lecun_normal", bias=False, seed=seed)
        inputs = {"train": task.X_train, "test": task.X_test, "all": np.concatenate([task.X_train, task.X_test])}
        for j, epoch in enumerate(EPOCHS[:3]):
            net = MLP([5, 6, 2], "tanh", init="lecun_normal", bias=False, seed=seed)
            history = train(net, task, SGD(0.1), epoch, batch_size=32, record_every=25, seed=seed)
            assert found.test_accuracy[i, j] == history.test_accuracy[-1]
            assert found.train_accuracy[i, j] == history.train_accuracy[-1]
            for k, convention in enumerate(CONVENTIONS):
                for m, part in enumerate(PARTS):
                    numbers = measure(net.hidden(inputs[part]), conventions=convention)
                    assert found.entropy[i, j, k, m] == pytest.approx(numbers.entropy, abs=1e-9)
                    assert found.purity[i, j, k, m] == pytest.approx(numbers.purity, abs=1e-9)


def test_a_run_that_diverges_is_nan_from_there_on(monkeypatch):
    rates = (lambda lr: SGD(lr), (1e200, 1e200, 1e200))
    monkeypatch.setitem(configurations.OPTIMIZERS, "SGD", rates)
    found = run(replace(CONFIGURATION, activation="relu", seeds=(0,)), 0)
    assert np.isfinite(found.entropy[:, 0]).all()
    assert np.isnan(found.entropy[:, 1:]).all()
    assert np.isnan(found.train_accuracy[:, 1:]).all()


def test_a_layer_that_is_dead_is_nan_and_its_neighbours_are_not():
    A = np.random.default_rng(0).normal(size=(2, 1, 10, 3))
    A[1] = 0
    p = configurations._spectra(A, 5)
    assert np.isfinite(p[0]).all()
    assert np.isnan(p[1]).all()


@pytest.mark.parametrize(("change", "expected"), [
    (lambda setting: -0.2, REPRODUCED), (lambda setting: 0.2, NOT_REPRODUCED),
    (lambda setting: 0.2 if setting.activation == "relu" else -0.2, DEPENDS)])
def test_made_up_readings_give_each_verdict(change, expected):
    found = rows(made_up(160, change))
    assert found["C1"].verdict == found["C2"].verdict == expected


def test_notes_are_put_beside_the_direction_and_the_two_ranks_are_told_apart():
    judged = {row.id: row.note for row in multiverse.judge(CLAIMS, made_up(8, lambda setting: 0.0), {"C11": "also"})}
    assert judged["C11"] == f"{multiverse.TWO_RANKS}. also"
    assert judged["C1"] == judged["C1-value"] == ""


def test_runs_that_have_not_learnt_are_not_tested():
    found = rows(made_up(24, lambda setting: -0.2, accuracy=0.94))
    assert all(judgement.verdict == NOT_TESTED for judgement in found.values())


def test_nan_is_not_tested():
    runs = made_up(24, lambda setting: -0.2)
    for (result,) in runs.values():
        result.entropy[:] = result.purity[:] = np.nan
    found = rows(runs)
    assert [name for name, judgement in found.items() if judgement.verdict != NOT_TESTED] == ["C3", "C3-value"]


def test_the_axis_that_decides_is_found():
    found = rows(made_up(160, lambda setting: 0.2 if setting.dimension == 2 else -0.2))
    assert found["C1"].decided_by == "input dimension"
    assert found["C1"].assessment.levels["input dimension"] == pytest.approx({"2": 0, "5": 1, "10": 1, "20": 1})


def test_no_axis_is_found_in_noise():
    found = rows(made_up(160, lambda setting: 0.0, scatter=0.1))
    assert not holm(found["C1"].assessment.axes)


def test_other_conventions_never_enter_the_verdict():
    for judgement in rows(made_up(24, lambda setting: -0.2)).values():
        for reading in judgement.readings:
            core = reading.axes["width"] == "6" and reading.axes["optimizer"] != "AdamW"
            assert reading.admissible == (core and reading.axes.get("convention", "trace") == "trace")


def test_a_thousand_configurations_make_forty_nine_thousand_specifications():
    found = rows(made_up(1024, lambda setting: -0.2, seeds=2))
    assert len(found["C1"].readings) == 1024 * 48
    assert len(found["C3"].readings) == 1024 * 4
    assert len(found["C11"].readings) == 1024 * 96
    assert found["C1"].assessment.specifications == 640 * 12


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_all_specifications_at_once_are_judged_as_one_by_one(seed, seeds):
    rng = np.random.default_rng(seed)
    columns = rng.normal(1, 0.1, (2, seeds, 4))
    columns[:, rng.random((seeds, 4)) < 0.2] = np.nan
    (result,) = next(iter(made_up(1, lambda setting: 0.0, seeds=seeds).values()))
    figures = (Figure("a", 1.05, 0.01), Figure("b", 0.95, 0.01))
    for i, reading in enumerate(multiverse._figures(result, multiverse.STOPS, columns, figures)):
        one = read_figures(reading.axes, columns[:, :, i].tolist(), figures, "")
        tested = np.isfinite(columns[:, :, i]).all(axis=0)
        assert reading.meets == one.meets
        assert reading.values == tuple(
            value if ok else None for value, ok in zip(columns[1, :, i].tolist(), tested, strict=True))


def test_the_nearest_specification_is_the_one_that_was_planted():
    runs = made_up(40, lambda setting: -0.2, accuracy=0.995)
    setting = next(configuration for configuration in DRAWN[5:40] if configuration.admissible)
    (result,) = runs[setting.name]
    for values, start, end in ((result.entropy, 1.42, 1.19), (result.purity, 0.29, 0.37)):
        values[:, 0], values[:, EPOCHS.index(300)] = start, end
    found, searched = multiverse.nearest(runs, 3)
    assert found[0].axes == {**setting.axes, "stopping epoch": "300", "convention": "trace", "inputs": "train"}
    assert found[0].distance == pytest.approx(0, abs=1e-12)
    assert searched == 12 * sum(configuration.admissible for configuration in DRAWN[:40])
    words = multiverse.nearest_in_words(runs, 3)
    assert words.startswith(f"Found by searching {searched} specifications")
    assert len(words.splitlines()) == 4


def test_the_directions_are_counted_by_data_and_dimension():
    runs = made_up(200, lambda setting: 0.1 if setting.dimension == 2 else -0.1)
    table = multiverse.direction_by_dimension(runs)
    assert sum(row.runs for row in table) == 5 * sum(configuration.admissible for configuration in DRAWN[:200])
    for row in table:
        assert row.falling == (0 if row.dimension == 2 else 1)
        assert row.learnt == row.runs
        assert row.entropy_at_start == pytest.approx(1.2)


def test_what_has_not_learnt_has_no_direction():
    assert all(row.falling is None and row.learnt == 0 for row in multiverse.direction_by_dimension(
        made_up(40, lambda setting: 0.1, accuracy=0.5)))


def test_epochs_are_counted_up_to_where_a_run_diverged():
    runs = made_up(2, lambda setting: 0.0, seeds=3)
    next(iter(runs.values()))[0].train_accuracy[0, 3:] = np.nan
    assert multiverse.epochs(runs) == 5 * 1000 + 100


def test_a_job_holds_all_seeds_of_its_configuration():
    jobs = multiverse.plan(24, range(2, 5))
    assert len(jobs) == 24
    assert len({job.specification for job in jobs}) == 24
    assert all(job.setting.seeds == (2, 3, 4) for job in jobs)
