import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok import MLP
from minigrok.metrics import entropy_of_spectrum
from minigrok.study import classifier, classifier_controls
from minigrok.study.classifier_controls import (
    CORRUPTED,
    FROZEN,
    OTHERS,
    ROLES,
    SHUFFLED,
    TRUE,
    ControlRun,
    ControlSetting,
    matched_spectra,
    place,
    random_like,
    relabelled,
)


def made_up(change=-0.2, others=0.5):
    """Three runs of every control, S from 1 to 1 + change, and others all alike."""
    runs = {}
    for task in range(len(classifier.BASE)):
        for role in ROLES:
            moved = np.array([1.0, 1.0 if role == FROZEN else 1.0 + change])
            same = np.full(OTHERS if role == TRUE else 0, others)
            setting = ControlSetting(task, role)
            runs[setting.name] = [
                ControlRun(setting, seed, moved, np.exp(-moved), np.array([0.5, 0.9]), same, same) for seed in range(3)]
    return runs


def test_the_base_settings_come_first_and_keep_their_names():
    assert [setting.name for setting in classifier.SETTINGS] == [
        "moons, 2 inputs", "circles, 2 inputs", "xor, 2 inputs", "blobs, 10 inputs", "moons, 2 inputs, tanh",
        "moons, 2 inputs, sigmoid", "blobs, 10 inputs, tanh", "blobs, 10 inputs, sigmoid"]
    assert [job.seed for job in classifier.plan(range(2))] == 8 * [0, 1]


@pytest.mark.parametrize("setting", classifier.SETTINGS)
def test_a_net_has_the_activation_of_its_setting_and_six_neurons(setting):
    net, task = classifier.build(setting, 0)
    assert net.activation == setting.activation
    assert net.sizes[1:] == (6, 2)
    assert len(task.y_train) + len(task.y_test) == 1000


def test_a_run_keeps_its_weights_before_and_after():
    setting = classifier.SETTINGS[4]
    found = classifier.run(setting, 1)
    net, task = classifier.build(setting, 1)
    assert (found.theta_start == net.theta).all()
    net.theta = found.theta_end
    assert np.mean(net.predict(task.X_test) == task.y_test) == found.history.test_accuracy[-1]


def test_with_a_frozen_first_layer_nothing_moves_but_the_accuracy():
    found = classifier_controls.run(ControlSetting(3, FROZEN), 0)
    assert found.entropy[0] == found.entropy[1]
    assert found.purity[0] == found.purity[1]
    assert found.test_accuracy[1] > found.test_accuracy[0]


def test_the_run_with_true_labels_is_the_base_run():
    found = classifier_controls.run(ControlSetting(0, TRUE), 2)
    base = classifier.run(classifier.SETTINGS[0], 2).history
    assert found.entropy.tolist() == pytest.approx(base.entropy[[0, -1]].tolist())
    assert found.test_accuracy[1] == base.test_accuracy[-1]
    assert found.equal_norm_entropy.shape == found.matched_rank.shape == (OTHERS,)


def test_only_training_labels_change_and_by_as_much_as_said():
    _, task = classifier.build(classifier.SETTINGS[0], 0)
    for role, wrong in ((TRUE, 0), (SHUFFLED, 0.5), (CORRUPTED, 0.25), (FROZEN, 0)):
        changed = relabelled(task, role, np.random.default_rng(0))
        assert np.mean(changed.y_train != task.y_train) == pytest.approx(wrong, abs=0.07)
        assert (changed.y_test == task.y_test).all()
        assert (changed.X_train == task.X_train).all()
    assert relabelled(task, SHUFFLED, np.random.default_rng(0)).y_train.sum() == task.y_train.sum()


def test_a_random_net_has_the_norms_of_the_other_and_not_its_weights():
    net = MLP([3, 6, 2], seed=5)
    net.layers[0].b[:] = 1
    other = random_like(net, np.random.default_rng(0))
    for mine, yours in zip(other.layers, net.layers, strict=True):
        assert np.linalg.norm(mine.W) == pytest.approx(np.linalg.norm(yours.W))
        assert np.linalg.norm(mine.b) == pytest.approx(np.linalg.norm(yours.b))
    assert not np.allclose(other.layers[0].W, net.layers[0].W)


@given(st.floats(0.05, 1.7), st.integers(0, 1000))
def test_matched_spectra_have_the_entropy_that_was_asked_for(S, seed):
    p = matched_spectra(S, 6, 3, np.random.default_rng(seed))
    assert p.sum(axis=1) == pytest.approx(1)
    assert (p >= 0).all()
    assert entropy_of_spectrum(p) == pytest.approx(S, abs=1e-6)


@pytest.mark.parametrize("S", [np.nan, -0.1, 1.8])
def test_an_entropy_that_no_spectrum_has_gives_nan(S):
    assert np.isnan(matched_spectra(S, 6, 3, np.random.default_rng(0))).all()


def test_a_place_is_a_share():
    assert [place(value, np.arange(4.0)) for value in (-1, 0, 1.5, 9)] == [0, 0.125, 0.5, 1]


def test_the_notes_say_what_the_controls_do():
    said = classifier_controls.notes(made_up())
    assert list(said) == ["C1", "C2", "C11"]
    assert "100% with true labels, 100% with shuffled labels, 100% with corrupted labels" in said["C1"]
    assert "S and P cannot move" in said["C1"]
    assert "outside the middle 95 %" in said["C11"]
    assert "0% with true labels" in classifier_controls.notes(made_up(0.2))["C2"]
    assert classifier_controls.notes({}) == {}


def test_the_picture_says_what_the_notes_say():
    ((stem, caption, figure),) = classifier_controls.sketches(made_up())
    assert stem == "classifier-controls"
    assert caption.startswith("Controls on the base tasks: S falls in 100%")
    assert len(figure.axes) == 3
    assert classifier_controls.sketches({}) == []


def test_every_control_is_planned_for_every_seed():
    jobs = classifier_controls.plan(range(3))
    assert len(jobs) == len(classifier.BASE) * len(ROLES) * 3
