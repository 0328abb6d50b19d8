from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, t

from minigrok.study import evidence
from minigrok.study.claims import (
    DEPENDS,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    RULES,
    Judgement,
    load_claims,
)
from minigrok.study.evidence import Figure, Reading, Table, assess, explained, raked, read, read_figures

CLAIMS = load_claims()
REPETITIONS = 200


def met(value):
    return value > 0


def design(levels, seeds, share, rng, group=None):
    """A full factorial of axes with so many levels; `share(*levels)` of runs meet, each drawn."""
    readings = []
    for place in product(*(range(count) for count in levels)):
        axes = {f"axis {i}": str(level) for i, level in enumerate(place)}
        values = np.where(rng.random(seeds) < share(*place), 1.0, -1.0)
        readings.append(read(axes, values, met, group(place) if group else str(place)))
    return readings


@st.composite
def crossed(draw):
    """Readings with drawn outcomes: a full design of up to three axes."""
    levels = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return design(levels, draw(st.integers(1, 6)), lambda *_: 0.5, rng)


# reading --------------------------------------------------------------------------------------------------------------

def test_none_and_nan_are_untested():
    reading = read({"a": "b"}, [1, None, np.nan, -1.0], met, "g")
    assert reading == Reading({"a": "b"}, (1.0, None, None, -1.0), (True, None, None, False), "g", True)
    assert reading.share == 0.5
    assert read({}, [None, np.nan], met, "g").share is None
    assert read({}, [], met, "g").share is None


@pytest.mark.parametrize(("columns", "meets"), [
    ([[1.0, 1.1, 0.9]], True),                           # the mean is the figure
    ([[2.0, 2.1, 1.9]], False),
    ([[1.0, 1.1, 0.9], [2.0, 2.1, 1.9]], False),         # has one figure of two
    ([[1.02, 1.02, 1.02]], True),                        # no spread, but the precision reaches it
    ([[1.08, 1.08, 1.08]], False),                       # nor the precision
])
def test_a_specification_has_all_figures_or_none(columns, meets):
    reading = read_figures({}, columns, [Figure("x", 1.0, 0.05), Figure("y", 1.0, 0.05)][: len(columns)], "g")
    assert reading.meets == (meets,) * 3
    assert reading.values == tuple(columns[-1])


def test_figures_are_compared_with_students_interval_and_the_precision():
    values = np.array([0.0, 1.0, 2.0, 3.0])
    reach = 1.5 + t.ppf(0.975, 3) * values.std(ddof=1) / 2 + 0.1
    for figure, has in ((reach - 1e-9, True), (reach + 1e-9, False), (3 - reach - 1e-9, False)):
        assert read_figures({}, [values], [Figure("x", figure, 0.1)], "g").meets == (has,) * 4


def test_a_figure_needs_three_seeds_and_half_of_them_and_skips_those_without_a_value():
    figure = [Figure("x", 1.0, 0.5)]
    for few in ([1.0], [1.0, 1.0], [1.0, None, 1.0], [1.0] * 3 + [None] * 4):
        assert read_figures({}, [few], figure, "g").share is None
    assert read_figures({}, [[1.0, None, 1.0, np.inf, 1.0]], figure, "g").meets == (True, None, True, None, True)
    assert read_figures({}, [[1.0] * 3 + [None] * 3], figure, "g").share == 1
    both = read_figures({}, [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, None, 1.0]], figure * 2, "g")
    assert both.meets == (True, True, None, True)


# weights and shares ---------------------------------------------------------------------------------------------------

@given(crossed())
def test_weights_sum_to_one_and_levels_weigh_the_same(readings):
    weights = raked(readings)
    assert weights.sum() == pytest.approx(1)
    for axis in evidence.varying(readings):
        words = [reading.axes[axis] for reading in readings]
        totals = [weights[[word == level for word in words]].sum() for level in set(words)]
        assert totals == pytest.approx([1 / len(totals)] * len(totals))


@given(crossed())
@settings(max_examples=30)
def test_of_a_balanced_full_design_the_share_is_the_plain_mean(readings):
    assert assess(readings).share == pytest.approx(np.mean([reading.share for reading in readings]))


def test_levels_weigh_the_same_however_often_they_were_tried():
    """Nine specifications with data a, of which all meet, and one each with b and c, of which none do."""
    readings = [read({"data": "a", "lr": str(i)}, [1.0], met, f"a{i}") for i in range(9)]
    readings += [read({"data": word, "lr": str(i)}, [-1.0], met, f"{word}{i}") for word in "bc" for i in range(9)]
    readings += [read({"data": "a", "lr": str(i)}, [1.0], met, f"again {i}") for i in range(9)]
    found = assess(readings)
    assert found.share == pytest.approx(1 / 3)
    assert found.levels["data"] == pytest.approx({"a": 1, "b": 0, "c": 0})


@pytest.mark.parametrize("seed", range(1, 6))
def test_thinned_designs_are_balanced_too(seed):
    rng = np.random.default_rng(seed)
    readings = [reading for reading in design((3, 4, 2), 3, lambda *_: 0.5, rng) if rng.random() < 0.7]
    weights = raked(readings)
    for axis in evidence.varying(readings):
        words = np.array([reading.axes[axis] for reading in readings])
        totals = [weights[words == level].sum() for level in np.unique(words)]
        assert totals == pytest.approx([1 / len(totals)] * len(totals), rel=1e-5)


# intervals ------------------------------------------------------------------------------------------------------------

@given(crossed())
@settings(max_examples=30)
def test_the_interval_contains_the_share_and_is_never_a_point(readings):
    found = assess(readings)
    low, high = found.interval
    assert low - 1e-12 <= found.share <= high + 1e-12
    assert 0 <= low < high <= 1
    runs = found.runs
    assert high - low >= 1 - 0.025 ** (1 / runs) - 1e-9  # that of Clopper and Pearson where all runs agree


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_more_runs_make_the_interval_shorter(share):
    def length(specifications, seeds):
        values = [1.0 if (i + j) % 2 < 2 * share else -1.0 for i in range(specifications) for j in range(seeds)]
        rows = np.reshape(values, (specifications, seeds))
        low, high = assess([read({"n": str(i)}, row, met, str(i)) for i, row in enumerate(rows)]).interval
        return high - low

    assert length(16, 10) < length(4, 10) < length(4, 4) < length(2, 2)


def test_readings_of_the_same_runs_do_not_make_the_interval_shorter():
    rng = np.random.default_rng(0)
    once = design((5,), 4, lambda level: 0.7, rng)
    often = [Reading(dict(reading.axes) | {"convention": str(i)}, reading.values, reading.meets, reading.group)
             for reading in once for i in range(20)]
    alone, repeated = assess(once), assess(often)
    assert repeated.share == pytest.approx(alone.share)
    assert repeated.interval == pytest.approx(alone.interval)
    assert (repeated.runs, repeated.specifications) == (alone.runs, 20 * alone.specifications)
    apart = [Reading(reading.axes, reading.values, reading.meets, f"{reading.group} {i}")
             for i, reading in enumerate(often)]
    assert np.ptp(assess(apart).interval) < np.ptp(repeated.interval) / 2


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("readings_of_a_run", [1, 3])
def test_the_interval_covers_the_share_as_often_as_it_says(share, readings_of_a_run, monkeypatch):
    """20 set-ups of 5 seeds each; read thrice, two of three readings are those of the same runs over again."""
    monkeypatch.setattr(evidence, "RESAMPLES", 200)
    rng, covered = np.random.default_rng(int(1000 * share)), 0
    for repetition in range(REPETITIONS):
        meets = rng.random((20, 5)) < share
        readings = [Reading({"set-up": str(i), "reading": str(j)}, (None,) * 5, tuple(row.tolist()), str(i))
                    for i, row in enumerate(meets) for j in range(readings_of_a_run)]
        table = Table(readings)
        low, high = table.interval(float(table.weights @ table.shares), repetition)
        covered += low <= share <= high
    assert covered / REPETITIONS >= 0.93


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_set_ups_that_differ_are_covered_too(spread, monkeypatch):
    """The share is that of these set-ups, each of which has one of its own; it says nothing of set-ups not tried."""
    monkeypatch.setattr(evidence, "RESAMPLES", 200)
    rng, covered = np.random.default_rng(0), 0
    shares = np.linspace(0.5 - spread, 0.5 + spread, 12)
    for repetition in range(REPETITIONS):
        readings = [Reading({"set-up": str(i)}, (None,) * 5, tuple((rng.random(5) < share).tolist()), str(i))
                    for i, share in enumerate(shares)]
        table = Table(readings)
        low, high = table.interval(float(table.weights @ table.shares), repetition)
        covered += low <= 0.5 <= high
    assert covered / REPETITIONS >= 0.93


# axes -----------------------------------------------------------------------------------------------------------------

def test_a_planted_effect_is_found_with_its_share_of_the_variance():
    """Shares 0.2 and 0.8: between levels 0.3^2, and of each specification binomial 0.16 / n within."""
    rng, seeds, found = np.random.default_rng(0), 10, []
    for _ in range(20):
        readings = design((2, 4, 3), seeds, lambda first, *_: (0.2, 0.8)[first], rng)
        of = explained(readings)
        assert next(iter(of)) == "axis 0"
        assert of["axis 0"].p <= 2 / (1 + evidence.PERMUTATIONS)
        found.append(of["axis 0"].share)
        shares = np.array([reading.share for reading in readings])
        assert assess(readings).levels["axis 0"] == pytest.approx(
            {"0": shares[:12].mean(), "1": shares[12:].mean()})
    expected = 0.09 / (0.09 + 0.16 / seeds)              # eta^2; chance would give 1 / 23 of it
    assert np.mean(found) == pytest.approx(expected - 1 / 23, abs=0.02)


def test_an_effect_within_groups_is_found():
    rng = np.random.default_rng(0)
    found = explained(design(
        (8, 3), 10, lambda group, convention: (0.2, 0.8, 0.8)[convention], rng, lambda place: str(place[0])))
    assert next(iter(found)) == "axis 1"
    assert found["axis 1"].p < 0.01
    assert found["axis 0"].p > 0.05


def noise(axis, rng):
    """A readings' design in which nothing matters; groups differ by luck where an axis is fixed within them."""
    if axis == "among groups":                           # three readings of the same runs: the same outcome thrice
        readings = []
        for i in range(18):
            values = rng.normal(size=5)
            readings += [read({"axis": str(i % 3), "convention": str(j)}, values, met, str(i)) for j in range(3)]
        return readings, "axis"
    return design((12, 3), 5, lambda *_: 0.5, rng, lambda place: str(place[0])), "axis 1"


@pytest.mark.parametrize("axis", ["among groups", "within groups"])
def test_in_pure_noise_an_axis_is_significant_as_often_as_it_says(axis, monkeypatch):
    monkeypatch.setattr(evidence, "PERMUTATIONS", 99)
    rng = np.random.default_rng(0)
    significant = 0
    for repetition in range(REPETITIONS):
        readings, name = noise(axis, rng)
        significant += explained(readings, repetition)[name].p <= 0.05
    low, high = binom.interval(0.99, REPETITIONS, 0.05)
    assert low <= significant <= high


def test_in_pure_noise_the_explained_shares_are_small(monkeypatch):
    monkeypatch.setattr(evidence, "PERMUTATIONS", 99)
    rng = np.random.default_rng(1)
    shares = [explained(design((2, 3, 6), 5, lambda *_: 0.5, rng))["axis 0"].share for _ in range(50)]
    assert np.mean(shares) < 0.03


def test_axes_on_which_nothing_differs_or_that_some_lack_are_not_asked():
    same = [read({"a": "1", "b": str(i), "c": "x"}, [float(i % 2) - 0.5], met, str(i)) for i in range(6)]
    other = [read({"a": "2", "b": "7"}, [1.0], met, "other")]
    assert evidence.varying(same) == ["b"]
    assert evidence.varying(same + other) == ["a", "b"]
    assert explained([read({"a": str(i)}, [1.0], met, str(i)) for i in range(5)]) == {}


# assessments and verdicts ---------------------------------------------------------------------------------------------

def test_only_admissible_and_tested_readings_count_and_all_are_counted():
    readings = [read({"a": "0"}, [1.0, 1.0], met, "0"), read({"a": "1"}, [None], met, "1"),
                read({"a": "2"}, [-1.0], met, "2", admissible=False)]
    found = assess(readings)
    assert (found.share, found.specifications, found.runs, found.searched) == (1, 1, 2, 2)
    assert assess(readings[2:]).share is None
    assert assess([]).interval is None


def test_the_same_seed_gives_the_same_assessment():
    readings = design((3, 4), 5, lambda *_: 0.5, np.random.default_rng(0))
    assert assess(readings, 1) == assess(readings, 1)


def made_up_judgement(claim, row, share, seeds=20):
    """30 specifications, of which that share meets the claim's test or, in a row of its figures, has them."""
    readings = []
    for i in range(30):
        meets = (i + 0.5) / 30 < share
        axes = {"data": "moons" if meets else "rings", "lr": str(i % 3)}
        if row == "value":
            columns = [np.full(seeds, figure.value + (0 if meets else 100 * figure.precision))
                       for figure in claim.rule.figures]
            readings.append(read_figures(axes, columns, claim.rule.figures, str(i)))
        else:
            readings.append(Reading(axes, (None,) * seeds, (meets,) * seeds, str(i)))
    return Judgement(claim, tuple(readings), row)


ROWS = [(name, row) for name, rule in RULES.items() for row in ("direction", "value")[: 1 + bool(rule.figures)]]


@pytest.mark.parametrize(("share", "verdict"), [(1.0, REPRODUCED), (0.0, NOT_REPRODUCED), (0.5, DEPENDS)])
@pytest.mark.parametrize(("name", "row"), ROWS)
def test_every_rule_gives_every_verdict(name, row, share, verdict, monkeypatch):
    monkeypatch.setattr(evidence, "RESAMPLES", 50)
    monkeypatch.setattr(evidence, "PERMUTATIONS", 99)
    judgement = made_up_judgement(CLAIMS[name], row, share)
    assert judgement.verdict == verdict
    assert judgement.id == (name if row == "direction" else f"{name}-value")
    assert judgement.decided_by == ("data" if verdict == DEPENDS else None)
    assert f"met in {share:.0%}" in judgement.sentence
    assert ("it depends most on data: from 0% (rings) to 100% (moons)" in judgement.sentence) == (verdict == DEPENDS)
    assert Judgement(CLAIMS[name], (), row).verdict == NOT_TESTED


def test_few_runs_that_agree_settle_nothing():
    """Three of three runs leave the share anywhere above 29 %."""
    judgement = Judgement(CLAIMS["C5"], (Reading({}, (1.0,) * 3, (True,) * 3, "a"),))
    assert judgement.verdict == DEPENDS
    assert judgement.assessment.interval == pytest.approx((0.025 ** (1 / 3), 1.0))


def test_nothing_that_is_not_admissible_changes_a_verdict():
    judgement = made_up_judgement(CLAIMS["C1"], "direction", 1.0)
    others = tuple(Reading({"data": "other", "lr": str(i)}, (None,) * 5, (False,) * 5, f"other {i}", admissible=False)
                   for i in range(50))
    more = Judgement(CLAIMS["C1"], judgement.readings + others)
    assert more.verdict == REPRODUCED
    assert more.assessment.share == judgement.assessment.share
    assert more.assessment.searched == 80
    assert more.assessment.sensitivity["data"].p < 0.05


def test_no_axis_has_a_p_of_nothing():
    """The data themselves are one of the permutations: an effect that none of them reaches has p = 1 / 500."""
    found = explained([read({"data": data}, [value] * 4, lambda v: v > 0, f"{data}{i}")
                       for data, value in (("moons", 1.0), ("xor", -1.0)) for i in range(20)])
    assert found["data"].p == 1 / (evidence.PERMUTATIONS + 1)
    assert found["data"].share > 0.9
