import numpy as np
import pytest
from scipy.stats import CensoredData, logrank

from minigrok.history import History
from minigrok.study import interventions
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, REPRODUCED, load_claims
from minigrok.study.dose_response import (
    by_push,
    control_of,
    dose_table,
    entropy_at,
    fate,
    log_rank,
    log_rank_scores,
    times,
)
from minigrok.study.interventions import SETUPS, delay_readings, findings, necessity_readings, plan, pushes, sketches
from minigrok.study.pushes import PERMUTED, SLOPES, Push, Pushed

CLAIMS = load_claims()
SETUP = SETUPS[0]
S_UP = Push(SETUP, "entropy", -0.01)


def made_up_run(push, seed=0, generalised=600, entropy=(2.0, 3.0), memorised=100, diverged=False, every=10):
    """A run whose test accuracy leaves chance half-way to generalising; S changes in a straight line over the run."""
    cap = push.setup.epochs
    end = 20 if diverged else cap if generalised is None else generalised + 50
    epoch = np.arange(0, end + 1, every)
    never = generalised is None
    test = np.zeros(len(epoch)) if never else np.interp(epoch, [generalised / 2, generalised], [0.0, 0.95])
    S = np.interp(epoch, [0, cap if never else generalised], entropy)
    return Pushed(push, seed, History({
        "epoch": epoch, "train_accuracy": (epoch >= memorised) * 1.0, "test_accuracy": test, "entropy": S,
        "entropy_centered": S - 0.5}))


def made_up_runs(time_of, seeds=10, doses="all"):
    """`time_of(push, seed)`, an epoch or None, is when each run generalises."""
    return {
        push.name: [made_up_run(push, seed, time_of(push, seed)) for seed in range(seeds)] for push in pushes(doses)}


def table(runs):
    return dose_table(by_push(runs))


def noisy_runs(rng, seeds, doses):
    """Times that do not depend on the push: spread widely, some never."""
    def time():
        epoch = 50 * int(rng.integers(6, 50))
        return None if epoch > 1700 else epoch

    return {push.name: [made_up_run(push, seed, time(), every=50) for seed in range(seeds)] for push in pushes(doses)}


def test_the_plan_has_every_dose_of_every_set_up():
    jobs = plan(range(10), "all")
    assert len(jobs) == len(SETUPS) * (1 + 8 * (len(SLOPES) + 1)) * 10 == 990
    assert len({(job.specification, job.seed) for job in jobs}) == len(jobs)
    for setup in SETUPS:
        for target in (*SLOPES, PERMUTED):
            doses = [job.setting.strength for job in jobs
                     if job.seed == 0 and (job.setting.setup, job.setting.target) == (setup, target)
                     and job.setting.strength]
            assert len(doses) == 8
            assert sorted(doses) == sorted(-dose for dose in doses)
            assert max(doses) / min(dose for dose in doses if dose > 0) == pytest.approx(1000)


def test_few_doses_have_their_controls():
    jobs = plan([0], "few")
    assert len(jobs) == len(SETUPS) * 7
    settings = {job.setting for job in jobs}
    for push in settings:
        assert Push(push.setup) in settings
        assert Push(push.setup, PERMUTED, push.strength) in settings or push.strength == 0
    assert settings < {job.setting for job in plan([0], "all")}
    with pytest.raises(ValueError, match="doses"):
        plan([0], "none")


def test_a_run_that_never_generalises_is_censored_at_the_cap_and_never_dropped():
    runs = [made_up_run(S_UP), made_up_run(S_UP, generalised=None), made_up_run(S_UP, generalised=None, diverged=True)]
    epochs, never = times([fate(run) for run in runs])
    assert epochs.tolist() == [600, SETUP.epochs, SETUP.epochs]
    assert never.tolist() == [False, True, True]
    dose = next(dose for dose in table({S_UP.name: runs}) if dose.push == S_UP)
    assert (dose.runs, dose.generalised) == (3, 1)
    assert dose.mean == pytest.approx((600 + 2 * SETUP.epochs) / 3)


def fates_at(epochs):
    return [fate(made_up_run(S_UP, seed, epoch)) for seed, epoch in enumerate(epochs)]


def test_the_log_rank_test_knows_a_censored_time_from_a_late_one():
    base, never = fates_at(range(500, 600, 10)), fates_at([None] * 10)
    assert log_rank(never, base) == pytest.approx(2 / 184_756)       # of all partitions the most extreme
    assert log_rank(never, never) == 1                   # nothing happened in either
    assert log_rank(fates_at([500] * 4), fates_at([500] * 4)) == 1
    assert np.isnan(log_rank(never, []))


@pytest.mark.parametrize("n", [8, 30])
def test_the_log_rank_test_is_scipys_but_for_its_tail(n):
    rng = np.random.default_rng(1)
    one, other = (fates_at([None if epoch > 1500 else 10 * (int(epoch) // 10) for epoch in rng.exponential(mean, n)])
                  for mean in (600, 900))
    theirs = logrank(*(CensoredData.right_censored(*times(fates)) for fates in (one, other)))
    assert theirs.pvalue > 0.02
    assert log_rank(one, other) == pytest.approx(theirs.pvalue, rel=0.2)
    epochs, never = times([*one, *other])
    scores = log_rank_scores(epochs, never)
    assert scores.sum() == pytest.approx(0)
    assert np.sign(scores[:n].sum()) == np.sign(theirs.statistic)


def test_a_planted_effect_is_found_and_only_that_one():
    rng = np.random.default_rng(0)

    def time_of(push, seed):
        delay = 800 if push.target == "entropy" and push.strength <= -0.01 and push.setup == SETUP else 0
        return 10 * int(rng.integers(40, 80)) + delay

    found = table(made_up_runs(time_of))
    assert {dose.push.words for dose in found if dose.shifted} == {"S up 0.01", "S up 0.1"}
    assert {dose.push.setup for dose in found if dose.shifted} == {SETUP}
    assert all(dose.p_control < 0.001 for dose in found if dose.shifted)


@pytest.mark.parametrize(("seeds", "doses", "repetitions"), [(6, "few", 200), (10, "all", 20)])
def test_pure_noise_is_called_an_effect_in_at_most_one_study_of_twenty(seeds, doses, repetitions):
    rng = np.random.default_rng(0)
    wrong = [any(dose.shifted for dose in table(noisy_runs(rng, seeds, doses))) for _ in range(repetitions)]
    assert np.mean(wrong) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / repetitions)


def r2(time_of, doses="all"):
    return interventions.judge(CLAIMS, made_up_runs(time_of, doses=doses))[0]


def raised(push):
    return push.strength < 0 and push.target in interventions.RAISED


@pytest.mark.parametrize(("time_of", "verdict"), [
    (lambda push, seed: 1000 + 10 * seed if raised(push) else 500 + 10 * seed, REPRODUCED),
    (lambda push, seed: None if raised(push) else 500 + 10 * seed, REPRODUCED),
    (lambda push, seed: 500 + 10 * seed, DEPENDS),       # half of the nets are later than the median
    (lambda push, seed: 300 + 10 * seed if raised(push) else 500 + 10 * seed, NOT_REPRODUCED),
    # a disturbance of the same length delays as much: not S
    (lambda push, seed: 900 if raised(push) else 1000 if push.target == PERMUTED else 500, NOT_REPRODUCED)])
def test_r2_gets_each_verdict(time_of, verdict):
    judgement = r2(time_of)
    assert judgement.verdict == verdict
    assert judgement.assessment.specifications == len(SETUPS) * 2 * 4


def test_the_note_counts_doses_that_shift():
    note = r2(lambda push, seed: 1000 + 10 * seed if raised(push) else 500 + 10 * seed).note
    assert "Holm over 96 doses: of 24 " in note
    assert "later under 24, sooner under 0" in note


def test_where_the_control_never_generalises_a_net_that_does_not_says_nothing():
    push, control = S_UP, Push(SETUP, PERMUTED, S_UP.strength)
    runs = {Push(SETUP).name: [made_up_run(Push(SETUP))] * 2, control.name: [made_up_run(control, 0, None)] * 2,
            push.name: [made_up_run(push, 0, None), made_up_run(push, 1, 700)]}
    reading = next(reading for reading in delay_readings(runs) if reading.admissible)
    assert reading.values == (None, 700.0 - SETUP.epochs)
    assert reading.meets == (None, False)


def test_only_the_held_95_percent_enters_the_verdict():
    readings = delay_readings(made_up_runs(lambda push, seed: 500, seeds=2))
    assert {reading.axes["generalised at"] for reading in readings if reading.admissible} == {"95 %, held"}
    assert {reading.axes["generalised at"] for reading in readings} == {"95 %, held", "50 %"}
    assert {reading.axes["strength"] for reading in readings} == {
        f"{factor} times the weakest" for factor in interventions.FACTORS}


def test_necessity_takes_s_in_both_windows_and_never_enters_a_verdict():
    late = made_up_run(S_UP, 0, 600, entropy=(3.0, 2.4), memorised=100)
    at_once = made_up_run(S_UP, 1, 600, entropy=(2.0, 2.6), memorised=400)
    runs = {Push(SETUP).name: [made_up_run(Push(SETUP))], S_UP.name: [late, at_once, made_up_run(S_UP, 2, None)]}
    by_window = {reading.axes["window"]: reading for reading in necessity_readings(runs)}
    assert not any(reading.admissible for reading in by_window.values())
    onset = fate(late).marks.onset
    plateau, whole = by_window["memorised to onset"], by_window["epoch 0 to generalised"]
    assert plateau.values == (pytest.approx(-0.6 * (onset - 100) / 600), None, None)
    assert whole.values == (pytest.approx(-0.6), pytest.approx(0.6), None)
    assert whole.meets == (False, True, None)


def test_s_is_read_where_it_is_and_a_dead_layer_has_none():
    run = made_up_run(S_UP, entropy=(np.log(100), np.log(100)))
    assert entropy_at(run, 600) == pytest.approx(1)
    assert entropy_at(run, None) is None
    run.history.entropy[60] = np.nan
    assert entropy_at(run, 600) is None


def test_the_control_is_that_of_the_same_lambda():
    pushed = by_push(made_up_runs(lambda push, seed: 500, seeds=1))
    assert {run.setting for run, _ in control_of(pushed, S_UP)} == {Push(SETUP, PERMUTED, -0.01)}
    assert next(iter(pushed)).strength == 0


def test_findings_say_what_moved_and_what_did_not():
    def time_of(push, seed):
        if push.target == "entropy" and push.strength == 0.1:
            return None
        return (1400 if push.target == "entropy" and push.strength == -0.1 else 500) + 10 * seed

    text = findings(made_up_runs(time_of))
    assert "10 of 10 generalise, at 545 on average" in text
    assert "lambda from -0.01 to 0.01" in text
    assert "S down 0.1 never, S up 0.1 later, and by 0 of 24 others" in text
    assert "Of 940 pushed nets that generalised, S was then below its value at epoch 0 in 0" in text


def test_findings_say_when_there_are_too_few_runs_to_find_a_shift():
    assert "With 4 runs a dose no shift can be significant" in findings(made_up_runs(lambda push, seed: 500, 4, "few"))
    assert "can be significant" not in findings(made_up_runs(lambda push, seed: 500, 6, "few"))


def test_findings_tell_a_net_that_does_not_even_memorise():
    runs = made_up_runs(lambda push, seed: 500 if push != S_UP else None)
    runs[S_UP.name] = [made_up_run(S_UP, seed, None, memorised=10**6) for seed in range(10)]
    assert "S up 0.01 never, for it does not even memorise" in findings(runs)
    assert "never generalise under 1, later under 0" in interventions.judge(CLAIMS, runs)[0].note


@pytest.mark.parametrize("doses", ["all", "few"])
def test_the_picture_is_drawn_also_where_some_never_generalise(doses):
    runs = made_up_runs(lambda push, seed: 500 + 10 * seed if seed and abs(push.strength) < 0.05 else None, 3, doses)
    [(stem, caption, figure)] = sketches(runs)
    assert stem.startswith("interventions")
    assert SETUP.name in caption
    figure.canvas.draw()
    assert len(figure.axes) == 9
