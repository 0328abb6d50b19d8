import numpy as np
import pytest

from minigrok.history import History
from minigrok.study import grokking_claims
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, NOT_TESTED, REPRODUCED, load_claims
from minigrok.study.grokking import SETTINGS, GrokkingRun, fourier_concentration, milestones

CLAIMS = load_claims()
EPOCH = np.arange(0, 2001, 10)


def step(at):
    return (at <= EPOCH).astype(float)


def made_up_run(*, setting=SETTINGS[0], memorised=100, onset=400, generalised=800, entropy=None, centered=None,
                concentration=None):
    """A run in which test accuracy is 20 % from onset and 100 % from generalised on; S is as given."""
    S = np.linspace(3, 3.5, len(EPOCH)) if entropy is None else entropy
    columns = {
        "epoch": EPOCH, "train_accuracy": step(memorised), "test_accuracy": 0.2 * step(onset) + 0.8 * step(generalised),
        "weight_entropy": np.linspace(3, 3.1, len(EPOCH)), "fourier_concentration": np.linspace(0.1, 0.5, len(EPOCH))}
    if concentration is not None:
        columns["fourier_concentration"] = concentration
    for suffix in ("", "_rows", "_centered"):
        columns["entropy" + suffix] = S if suffix != "_centered" or centered is None else centered
        columns["purity" + suffix] = np.exp(-columns["entropy" + suffix])
    for binning in ("weight_entropy_fixed", "weight_entropy_fd"):
        columns[binning] = columns["weight_entropy"]
    return GrokkingRun(setting, 0, History(columns), np.zeros(1), np.zeros(1))


NEVER = 10**6
FLAT = np.full(len(EPOCH), 0.1)


def verdicts(learner, control=None):
    control = control or made_up_run(onset=NEVER, generalised=NEVER, concentration=FLAT)
    runs = {setting.name: [(control if setting.corrupt_fraction else learner)._replace(setting=setting)] * 5
            for setting in SETTINGS}
    return {judgement.claim.id: judgement for judgement in grokking_claims.judge(CLAIMS, runs)}


def test_milestones_are_found():
    marks = milestones(made_up_run().history, 47)
    assert marks == (100, 400, 800, 800)
    assert marks.plateau == (100, 400)


def test_a_short_plateau_is_none():
    assert milestones(made_up_run(onset=150).history, 47).plateau is None
    assert milestones(made_up_run(onset=NEVER, generalised=NEVER).history, 47) == (100, None, None, None)


def test_generalised_means_held():
    history = made_up_run(generalised=500).history
    history.test_accuracy[52] = 0.5                      # a dip at epoch 520
    assert milestones(history, 47).generalised == 530


def test_a_climbing_entropy_reproduces_the_climb_and_a_falling_one_refutes_it():
    up, down = verdicts(made_up_run()), verdicts(made_up_run(entropy=np.linspace(3.5, 3, len(EPOCH))))
    assert up["C5"].verdict == up["C6"].verdict == up["C12"].verdict == REPRODUCED
    assert down["C5"].verdict == down["C6"].verdict == down["C12"].verdict == NOT_REPRODUCED
    np.testing.assert_allclose(up["C5"].evidence[0].values, 0.5 * 300 / 2000)


def test_the_rate_is_the_slope_over_the_plateau():
    steep = verdicts(made_up_run(entropy=1 + 0.00097 * EPOCH))
    assert steep["C7"].verdict == REPRODUCED
    np.testing.assert_allclose(steep["C7"].evidence[0].values, 0.00097)
    assert verdicts(made_up_run(entropy=1 + 0.003 * EPOCH))["C7"].verdict == NOT_REPRODUCED


def test_without_a_plateau_no_number_is_given():
    judged = verdicts(made_up_run(onset=150, generalised=200))
    for claim in ("C5", "C6", "C7", "C8"):
        assert judged[claim].verdict == NOT_TESTED
        assert set(judged[claim].evidence[0].values) == {None}


def test_correlations_are_judged():
    straight = verdicts(made_up_run())
    assert straight["C9"].verdict == REPRODUCED
    assert straight["C10"].verdict == NOT_REPRODUCED     # weight entropy climbs in step with S
    assert "without any learning" in straight["C9"].note


def test_a_jump_at_generalisation_is_a_transition_and_a_slope_is_none():
    jump = np.where(EPOCH < 800, 3.0, 3.5)
    assert verdicts(made_up_run(entropy=jump))["C13"].verdict == REPRODUCED
    assert verdicts(made_up_run())["C13"].verdict == NOT_REPRODUCED


def test_the_rivals_fall_below_the_threshold_is_judged():
    top = np.log(100)
    falling = made_up_run(centered=np.where(EPOCH < 700, 0.9, 0.5) * top)
    assert verdicts(falling)["R1"].verdict == REPRODUCED
    assert verdicts(made_up_run(centered=np.full(len(EPOCH), 0.9 * top)))["R1"].verdict == NOT_REPRODUCED
    below = made_up_run(centered=np.full(len(EPOCH), 0.5 * top))
    assert verdicts(below)["R1"].verdict == NOT_TESTED   # it never was above


def test_concentration_must_rise_more_than_in_the_controls():
    assert verdicts(made_up_run())["R6"].verdict == REPRODUCED
    rising = made_up_run(onset=NEVER, generalised=NEVER)
    assert verdicts(made_up_run(), rising)["R6"].verdict == NOT_REPRODUCED


def test_necessity_is_refuted_by_one_set_up():
    up, down = made_up_run(), made_up_run(entropy=np.linspace(3.5, 3, len(EPOCH)))
    runs = {s.name: [(up if "relu" in s.name else down)._replace(setting=s)] * 5 for s in SETTINGS}
    judged = {j.claim.id: j for j in grokking_claims.judge(CLAIMS, runs)}
    assert judged["C5"].verdict == DEPENDS
    assert judged["C12"].verdict == NOT_REPRODUCED
    assert judged["C12"].note == "5 of 10 runs that generalised after a plateau did so while S fell on it"


def test_fourier_concentration_is_one_for_waves_and_small_for_noise():
    p, angle = 47, 2 * np.pi * np.arange(47) / 47
    waves = np.stack([np.cos(3 * angle), np.sin(9 * angle)], axis=1)
    assert fourier_concentration(np.concatenate([waves, waves]), p) == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=(2 * p, 300))
    assert fourier_concentration(noise, p) == pytest.approx(2 / 24, abs=0.01)
    assert fourier_concentration(np.zeros((2 * p, 3)), p) == 0
    two = np.cos(3 * angle) + np.cos(5 * angle)
    assert fourier_concentration(np.concatenate([two, two])[:, None], p) == pytest.approx(0.5)
