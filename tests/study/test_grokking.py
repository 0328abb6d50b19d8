from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import entr
from strategies import spectra

from minigrok.history import History
from minigrok.optimizers import SGD, AdamW
from minigrok.study import grokking_claims
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, NOT_TESTED, REPRODUCED, load_claims
from minigrok.study.frozen import FrozenFirst
from minigrok.study.grokking import GrokkingRun, GrokkingSetting, build, end_of, milestones, run
from minigrok.study.grokking_measures import beyond_one_parameter, purity_from_entropy
from minigrok.study.grokking_settings import BASES, controls, multiverse

CLAIMS = load_claims()
EPOCH = np.arange(0, 2001, 20)
LEARNERS = [*BASES[:2], *(setting for setting in multiverse() if setting.depth == 1)][:16]
CONTROL = controls(BASES[0])[0]
TINY = GrokkingSetting("tiny", "add", 11, "squared_error", "quadratic", "AdamW", 0.01, 0.3, 0.8, width=32, epochs=200)
NEVER = 10**6
FLAT = np.full(len(EPOCH), 0.1)


def step(at):
    return (at <= EPOCH).astype(float)


def made_up_run(*, setting=BASES[0], memorised=100, onset=400, generalised=800, entropy=None, centered=None,
                concentration=None):
    """A run in which test accuracy is 30 % from onset and 100 % from generalised on; S is as given."""
    S = np.linspace(3, 3.5, len(EPOCH)) if entropy is None else entropy
    columns = {
        "spectrum": np.tile([0.7, 0.2, 0.1], (len(EPOCH), 1)), "epoch": EPOCH,
        "train_accuracy": step(memorised), "test_accuracy": 0.3 * step(onset) + 0.7 * step(generalised),
        "weight_entropy": np.linspace(3, 3.1, len(EPOCH)), "fourier_concentration": np.linspace(0.1, 0.5, len(EPOCH))}
    if concentration is not None:
        columns["fourier_concentration"] = concentration
    for suffix in ("", "_rows", "_centered"):
        columns["entropy" + suffix] = S if suffix != "_centered" or centered is None else centered
        columns["purity" + suffix] = np.exp(-columns["entropy" + suffix])
    for binning in ("weight_entropy_fixed", "weight_entropy_fd"):
        columns[binning] = columns["weight_entropy"]
    return GrokkingRun(setting, 0, History(columns), np.zeros(1), np.zeros(1))


def verdicts(learner, control=None, second=None):
    """All rows by their id, of settings that all learn alike (or those with squared error as `second`)."""
    control = control or made_up_run(onset=NEVER, generalised=NEVER, concentration=FLAT)
    runs = {CONTROL.name: [control._replace(setting=CONTROL)] * 5}
    for setting in LEARNERS:
        made_up = learner if second is None or setting.loss == "cross_entropy" else second
        runs[setting.name] = [made_up._replace(setting=setting)] * 5
    return {judgement.id: judgement for judgement in grokking_claims.judge(CLAIMS, runs)}


def test_milestones_are_found():
    marks = milestones(made_up_run().history, 47)
    assert marks == (100, 400, 800, 800)
    assert marks.plateau == (100, 400)


def test_a_short_plateau_is_none():
    assert milestones(made_up_run(onset=150).history, 47).plateau is None
    assert milestones(made_up_run(onset=NEVER, generalised=NEVER).history, 47) == (100, None, None, None)


def test_generalised_means_held():
    history = made_up_run(generalised=500).history
    history.test_accuracy[27] = 0.5                      # a dip at epoch 540
    assert milestones(history, 47).generalised == 560


def test_products_with_a_factor_0_are_no_onset():
    history = made_up_run(onset=NEVER, generalised=NEVER).history
    history.test_accuracy[:] = 0.15                      # 8.5 % of products modulo 23 have a factor 0
    assert milestones(history, 23).onset == 0
    assert milestones(history, 23, "multiply").onset is None


def test_a_run_ends_after_it_has_generalised_and_a_control_does_not():
    setting = replace(TINY, epochs=600)
    ended, whole = run(setting, 0), run(replace(setting, role="shuffled labels"), 0)
    generalised = milestones(ended.history, 11).generalised
    assert generalised is not None
    held = max(1.2 * generalised, generalised + 5 * 20)
    assert held <= ended.history.epoch[-1] < held + 20
    assert whole.history.epoch[-1] == 600
    np.testing.assert_array_equal(whole.history.entropy[: len(ended.history)], ended.history.entropy)


def test_the_end_is_found_whatever_was_seen_before():
    class Moment:
        rows = tuple({"epoch": int(e), "test_accuracy": float(a)} for e, a in zip(EPOCH, step(1000), strict=True))
        epoch = 1180

    assert not end_of(BASES[0])(Moment)
    Moment.epoch = 1200
    assert end_of(BASES[0])(Moment)
    assert not end_of(replace(BASES[0], role="past the end"))(Moment)
    assert not end_of(CONTROL)(Moment)


def test_a_run_is_the_same_twice_and_another_with_another_seed():
    first, again, other = run(TINY, 0), run(TINY, 0), run(TINY, 1)
    for name, column in first.history.columns.items():
        np.testing.assert_array_equal(column, again.history[name])
    assert not np.array_equal(first.theta_start, other.theta_start)
    assert first.setting is TINY


@pytest.mark.parametrize("optimizer", [AdamW(0.1, weight_decay=0.5), SGD(0.1, 0.9, 0.5)])
def test_frozen_parameters_stay_and_the_others_move_as_ever(optimizer):
    theta, gradient = np.arange(1.0, 6.0), np.ones(5)
    free, frozen, held = theta.copy(), theta.copy(), FrozenFirst(optimizer, 2)
    states = optimizer.start(free), held.start(frozen)
    for _ in range(3):
        states = optimizer.step(free, gradient, states[0]), held.step(frozen, gradient, states[1])
    np.testing.assert_array_equal(frozen[:2], theta[:2])
    np.testing.assert_array_equal(frozen[2:], free[2:])
    assert held.configuration == optimizer.configuration | {"frozen": 2}


def test_a_frozen_first_layer_is_the_one_it_began_with():
    frozen = run(replace(TINY, frozen_first=True), 0)
    first = build(TINY, 0)[0].layers[0].W.size
    np.testing.assert_array_equal(frozen.theta_start[:first], frozen.theta_end[:first])
    assert (frozen.theta_start[first:] != frozen.theta_end[first:]).any()


def test_a_run_that_diverges_keeps_what_was_recorded():
    broken = run(replace(TINY, optimizer="SGD", lr=1e6), 0)
    assert broken.history.epoch[0] == 0
    assert broken.history.epoch[-1] < 200
    assert np.isfinite(broken.history.answer_share).all()


def test_a_climbing_entropy_reproduces_the_climb_and_a_falling_one_refutes_it():
    up, down = verdicts(made_up_run()), verdicts(made_up_run(entropy=np.linspace(3.5, 3, len(EPOCH))))
    assert up["C5"].verdict == up["C6"].verdict == up["C12"].verdict == REPRODUCED
    assert down["C5"].verdict == down["C6"].verdict == down["C12"].verdict == NOT_REPRODUCED
    np.testing.assert_allclose(up["C5"].readings[0].values, 0.5 * 300 / 2000)
    assert down["C12"].note.startswith("80 of 80 runs")


def test_figures_are_reproduced_by_runs_that_have_them_alone():
    planted = made_up_run(entropy=np.interp(EPOCH, [100, 400], [1.55, 3.29]))
    assert verdicts(planted)["C5-value"].verdict == REPRODUCED
    assert verdicts(made_up_run())["C5-value"].verdict == NOT_REPRODUCED
    assert "found by searching" in verdicts(planted)["C5-value"].note


def test_the_rate_is_the_slope_over_the_plateau():
    steep = verdicts(made_up_run(entropy=1 + 0.00097 * EPOCH))
    assert steep["C7"].verdict == steep["C7-value"].verdict == REPRODUCED
    np.testing.assert_allclose(steep["C7"].readings[0].values, 0.00097)
    steeper = verdicts(made_up_run(entropy=1 + 0.003 * EPOCH))
    assert (steeper["C7"].verdict, steeper["C7-value"].verdict) == (REPRODUCED, NOT_REPRODUCED)


@pytest.mark.parametrize("made_up", [
    made_up_run(onset=150, generalised=200), made_up_run(generalised=NEVER), made_up_run(memorised=NEVER)])
def test_runs_that_do_not_grok_say_nothing(made_up):
    judged = verdicts(made_up)
    for claim in ("C5", "C6", "C7", "C8", "C9", "C10", "C12", "C5-value"):
        assert judged[claim].verdict == NOT_TESTED
        assert set(judged[claim].readings[0].values) == {None}


def test_correlations_are_judged():
    straight = verdicts(made_up_run())
    assert straight["C9"].verdict == REPRODUCED
    assert straight["C10"].verdict == NOT_REPRODUCED     # weight entropy climbs in step with S
    assert "without any learning" in straight["C9"].note
    assert "median +1.00" in straight["C10"].note


def test_only_the_studys_convention_enters_a_verdict():
    judged = verdicts(made_up_run(centered=np.linspace(3.5, 3, len(EPOCH))))
    assert judged["C5"].verdict == REPRODUCED
    assert {reading.axes["convention"] for reading in judged["C5"].readings if reading.admissible} == {"trace"}
    assert "convention" in judged["C5"].assessment.sensitivity


def test_the_rivals_fall_below_the_threshold_is_judged():
    top = np.log(100)
    falling = made_up_run(centered=np.where(EPOCH < 700, 0.9, 0.5) * top)
    assert verdicts(falling)["R1"].verdict == REPRODUCED
    assert verdicts(made_up_run(centered=np.full(len(EPOCH), 0.9 * top)))["R1"].verdict == NOT_REPRODUCED
    below = made_up_run(centered=np.full(len(EPOCH), 0.5 * top))
    assert verdicts(below)["R1"].verdict == NOT_REPRODUCED          # it never was above, so never crossed
    assert verdicts(made_up_run(generalised=NEVER))["R1"].verdict == NOT_TESTED


def test_a_fall_without_generalising_is_read_of_nets_that_never_do():
    falling = made_up_run(onset=NEVER, generalised=NEVER, centered=np.linspace(4, 3, len(EPOCH)))
    judged = verdicts(falling, falling)["R3"]
    assert judged.assessment.share == pytest.approx(1)
    assert {reading.axes["labels"] for reading in judged.readings} == {"true", "shuffled"}
    alone = verdicts(made_up_run(), falling)["R3"]
    assert {reading.axes["labels"] for reading in alone.readings if reading.share is not None} == {"shuffled"}


def test_concentration_must_rise_more_than_in_the_controls():
    assert verdicts(made_up_run())["R6"].verdict == REPRODUCED
    rising = made_up_run(onset=NEVER, generalised=NEVER)
    assert verdicts(made_up_run(), rising)["R6"].verdict == NOT_REPRODUCED
    alone = {judgement.id: judgement for judgement in grokking_claims.judge(CLAIMS, {BASES[0].name: [made_up_run()]})}
    assert alone["R6"].verdict == NOT_TESTED


def test_a_claim_that_holds_under_one_loss_depends_on_it():
    judged = verdicts(made_up_run(), second=made_up_run(entropy=np.linspace(3.5, 3, len(EPOCH))))
    assert judged["C5"].verdict == DEPENDS
    assert judged["C5"].decided_by == "loss"


def test_the_note_counts_milestones():
    note = verdicts(made_up_run())["C5"].note
    assert "shuffled labels: of 5 runs 5 memorised, 0 waited, 0 generalised" in note
    assert note.endswith("16 of 16 settings grokked in a seed")


@given(spectra(), st.floats(0.3, 3))
def test_purity_follows_from_the_entropy_of_a_family_of_one_parameter(q, beta):
    assume(q.max() < 0.99)
    p = np.where(q > 1e-6, q, 0) ** beta * (q > 1e-6)
    p /= p.sum()
    S = float(entr(p).sum())
    assert purity_from_entropy(np.array([S]), np.where(q > 1e-6, q, 0))[0] == pytest.approx((p**2).sum(), abs=2e-3)


def test_what_is_one_parameter_is_no_more_than_one():
    q = np.exp(-np.arange(100) / 7.0)
    p = np.stack([q**beta / (q**beta).sum() for beta in np.linspace(1.5, 0.5, len(EPOCH))])
    planted = made_up_run(entropy=entr(p).sum(axis=1))
    planted.history.columns["purity"], planted.history.columns["spectrum"] = (p**2).sum(axis=1), p
    ours, alone, distance, *own = beyond_one_parameter(planted)
    assert alone == pytest.approx(ours, abs=1e-3)
    assert distance < 1e-3
    assert own[1] < 0.05
