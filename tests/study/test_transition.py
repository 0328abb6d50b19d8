import numpy as np
import pytest
from made_up_runs import COLUMNS as NOISY
from made_up_runs import made_up_run, noisy_columns, setting
from scipy.stats import binom

from minigrok.study import transition
from minigrok.study.claims import load_claims
from minigrok.study.grokking_measures import marks_of
from minigrok.study.transition import COLUMNS, SPAN, TENTH, families, jump, late_turns, relative_width, scalings, turns

SIZES = (23, 31, 47)
GENERALISED, HALFWAY = 600.0, 550.0                      # the accuracy of a made-up run rises from epoch 500 to 600


def like(shape, size=23, role="family", noise=0.0, seed=0, epochs=1200, name=None):
    """A run in which S and P have a shape over time, beside a little noise."""
    of = setting(name or f"modulo {size}", role, "" if role == "base" else "modulo 23", modulus=size)
    rng = np.random.default_rng([seed, size])

    def columns(epoch, end):
        path = shape(epoch) + noise * rng.normal(size=len(epoch))
        return noisy_columns(rng)(epoch, end) | {"entropy": path, "purity": 1 - path}

    return made_up_run(of, seed, GENERALISED, columns, epochs, every=10)


def step(width):
    return lambda epoch: 1 / (1 + np.exp(-np.clip((epoch - HALFWAY) / width, -500, 500)))


def family(widths, seeds=4, noise=0.01):
    return {f"modulo {size}": [like(step(width), size, "family" if size > 23 else "base", noise, seed)
                               for seed in range(seeds)]
            for size, width in zip(SIZES, widths, strict=True)}


def test_an_even_change_has_a_tenth_of_it_around_halfway_and_a_step_has_all():
    even, sudden = like(lambda epoch: epoch / 100), like(lambda epoch: (epoch >= HALFWAY) * 2.0)
    assert marks_of(even).halfway == HALFWAY
    assert jump(even, "entropy") == pytest.approx(TENTH)
    assert relative_width(even, "entropy") == pytest.approx(0.6 / 0.5)
    assert jump(sudden, "entropy") == pytest.approx(1)
    assert relative_width(sudden, "entropy") < 0.02
    assert jump(sudden, "purity") == pytest.approx(1)    # P is one minus S here: the same change


def test_a_run_that_was_never_halfway_or_ends_too_soon_or_stands_still_has_no_jump():
    assert jump(like(lambda epoch: 0.0 * epoch), "entropy") is None
    assert jump(like(lambda epoch: epoch, epochs=550), "entropy") is None
    never = made_up_run(setting("a"), 0, None, noisy_columns(np.random.default_rng(0)))
    assert jump(never, "entropy") is None
    assert relative_width(never, "entropy") is None
    assert SPAN >= 1.2                                   # a window of a tenth on either side of h must fit


def test_every_run_that_generalises_is_trained_long_enough_to_be_measured():
    run = like(lambda epoch: epoch, epochs=int(np.ceil(SPAN * GENERALISED)))
    assert jump(run, "entropy") is not None


def test_families_are_a_base_and_its_like_in_one_respect():
    runs = family((40, 40, 40))
    for width in (50, 200):
        of = setting(f"width {width}", "family", "modulo 23", width=width)
        runs[of.name] = [made_up_run(of, 0, GENERALISED, noisy_columns(np.random.default_rng(width)))]
    found = families(runs)
    assert {name: list(of) for name, of in found.items()} == {
        "modulo 23, modulus grows": [23, 31, 47], "modulo 23, width grows": [50, 100, 200]}
    del runs["width 50"]
    assert list(families(runs)) == ["modulo 23, modulus grows"]          # two sizes make no family
    assert families({}) == {}


def test_a_planted_sharpening_is_found_with_its_slope_and_judged():
    """Logistic steps of width 60, 30, 15 epochs."""
    runs = family((60, 30, 15), noise=0.0)
    found = {(scaling.column, scaling.measure): scaling for scaling in scalings(runs)}
    widths = np.log([relative_width(runs[f"modulo {size}"][0], "entropy") for size in SIZES])
    slope = np.polyfit(np.log(SIZES), widths, 1)[0]
    assert found["entropy", "ln width"].slope == pytest.approx(slope)
    assert found["entropy", "ln width"].interval[1] < -1
    assert found["entropy", "jump"].interval[0] > 0.1
    assert found["entropy", "jump"].runs == 12
    judgement, = transition.judge(load_claims(), runs)
    assert judgement.id == "C13"
    assert judgement.assessment.share == 1
    assert "modulus grows, S trace: jump +" in judgement.note
    admissible = {reading.axes["quantity"] for reading in judgement.readings if reading.admissible}
    assert admissible == {"S", "P"}
    assert len(judgement.readings) == len(COLUMNS)
    judgement, = transition.judge(load_claims(), family((15, 30, 60), noise=0.0))
    assert judgement.assessment.share == 0


def test_without_sharpening_the_interval_misses_zero_about_as_often_as_it_says():
    """5 seeds a size and a percentile bootstrap: somewhat more than 5 % are to be expected."""
    rng, missed = np.random.default_rng(0), 0
    for _ in range(200):
        values = {size: rng.normal(size=5).tolist() for size in SIZES}
        _, (low, high) = transition._slope_with_interval(values, rng)
        missed += not low <= 0 <= high
    assert missed <= binom.ppf(0.999, 200, 0.08)


def test_the_same_runs_give_the_same_slopes():
    runs = family((60, 40, 30))
    assert scalings(runs) == scalings(runs)
    assert scalings({}) == []


@pytest.mark.parametrize(("path", "found"), [
    (np.linspace(0, 1, 200), []),
    (-np.linspace(0, 1, 200), []),
    (np.zeros(50), []),
    (np.linspace(0, 1, 200) + 0.02 * np.sin(np.arange(200)), []),        # wiggles of less than a tenth
    (np.where(np.arange(200) == 90, 9.0, np.linspace(0, 1, 200)), []),   # a spike of one record
    (np.concatenate([np.linspace(0, 1, 101), np.linspace(1, 0.7, 60)[1:]]), [100]),
    (np.cos(np.linspace(0, 6.5 * np.pi, 651)), [100, 200, 300, 400, 500, 600]),
])
def test_a_turn_goes_back_by_a_tenth_of_the_range(path, found):
    assert turns(path) == pytest.approx(found, abs=2)
    assert turns(-7 * path + 3) == turns(path)           # whichever way up, in whatever unit


def test_only_turns_past_the_end_count_and_are_told_by_base():
    def run(seed, peak):
        return like(lambda epoch: -abs(epoch - peak), role="past the end", seed=seed, epochs=3000)

    runs = {"past": [run(0, 1500), run(1, 300)]}
    assert [len(late_turns(one, "entropy")) for one in runs["past"]] == [1, 0]
    steady = {name: None for name in NOISY if name not in ("entropy", "purity")}
    for one in runs["past"]:
        one.history.columns.update({name: np.linspace(0, 1, len(one.history)) for name in steady})
    text = transition.past_the_end(runs)
    assert text.startswith("modulo 23, 2 runs: turned again: S in 1, P in 1; in none: centred S,")
    assert transition.past_the_end({}) == ""


def test_pictures_are_drawn_of_what_there_is(tmp_path):
    assert transition.sketches({}) == []
    runs = family((60, 30, 15)) | {"past": [like(step(30), role="past the end", epochs=3000)]}
    (stem, caption, figure), (past, words, _) = transition.sketches(runs)
    assert (stem, past) == ("transition", "past-the-end")
    assert "Slope of the jump of S on ln size, 95 %: modulo 23, modulus grows +" in caption
    assert "Marks: turns. modulo 23, 1 run:" in words
    assert len(figure.axes) == 1
