import csv
import io
import json

import numpy as np
import pytest

from minigrok.study.claims import (
    ADMISSIBLE,
    DEPENDS,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    RULES,
    Judgement,
    load_claims,
    verdict_of,
)
from minigrok.study.evidence import read
from minigrok.study.ledger import Finding, Ledger, readings_csv

CLAIMS = load_claims()


def readings(values_by_data, admissible=True):
    return tuple(read({"data": data, "lr": str(i)}, values, lambda value: value > 0, f"{data} {i}", admissible)
                 for data, rows in values_by_data.items() for i, values in enumerate(rows))


@pytest.mark.parametrize(("values", "verdict"), [
    ({"moons": [[1.0] * 10] * 4, "xor": [[2.0] * 10] * 4}, REPRODUCED),
    ({"moons": [[1.0] * 10] * 4, "xor": [[-2.0] * 10] * 4}, DEPENDS),
    ({"moons": [[-1.0] * 10] * 4, "xor": [[-2.0] * 10] * 4}, NOT_REPRODUCED),
    ({"moons": [[1.0, -1.0] * 5] * 8}, DEPENDS),
    ({"moons": [[1.0] * 3]}, DEPENDS),                   # three runs cannot exclude a share of 0.9 or less
    ({"moons": [[None] * 10, [1.0] * 40]}, REPRODUCED),  # what cannot be tested does not count
    ({"moons": [[None, np.nan]]}, NOT_TESTED),
    ({}, NOT_TESTED),
])
def test_the_rule_gives_each_verdict(values, verdict):
    judgement = Judgement(CLAIMS["C1"], readings(values))
    assert judgement.verdict == verdict
    assert judgement.sentence


@pytest.mark.parametrize(("interval", "verdict"), [
    ((0.9, 1.0), REPRODUCED), ((0.8999, 1.0), DEPENDS), ((0.0, 0.1), NOT_REPRODUCED), ((0.0, 0.1001), DEPENDS),
    ((0.0, 1.0), DEPENDS), (None, NOT_TESTED)])
def test_the_verdict_turns_at_nine_tenths_and_one_tenth(interval, verdict):
    assert verdict_of(interval) == verdict


def test_what_is_not_admissible_shows_sensitivity_and_never_enters_the_verdict():
    good, bad = readings({"moons": [[1.0] * 10] * 6}), readings({"xor": [[-1.0] * 10] * 6}, admissible=False)
    alone, both = Judgement(CLAIMS["C1"], good), Judgement(CLAIMS["C1"], good + bad)
    assert both.verdict == alone.verdict == REPRODUCED
    assert both.assessment.interval == alone.assessment.interval
    assert both.assessment.searched == 12
    assert both.assessment.sensitivity["data"].share > 0.5


def test_a_verdict_that_depends_names_the_axis_and_its_ends():
    judgement = Judgement(CLAIMS["C1"], readings({"moons": [[1.0] * 10] * 12, "xor": [[-1.0] * 10] * 12}))
    assert judgement.decided_by == "data"
    assert "depends most on data: from 0% (xor) to 100% (moons)" in judgement.sentence
    noise = np.random.default_rng(0).normal(size=(24, 10))
    undecided = Judgement(CLAIMS["C1"], readings({"moons": noise[:12], "xor": noise[12:]}))
    assert undecided.decided_by is None
    assert "more of the difference than chance" in undecided.sentence


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_few_runs_that_agree_are_said_to_be_too_few(value):
    judgement = Judgement(CLAIMS["R5"], readings({"moons": [[value] * 8] * 3}))
    assert judgement.verdict == DEPENDS
    assert "too few to be sure" in judgement.sentence
    assert "too few" not in Judgement(CLAIMS["R5"], readings({"moons": [[1.0, -1.0] * 8] * 3})).sentence


def test_a_count_has_no_interval():
    counted = tuple(read({"size": name}, [1.0], lambda value: True, name) for name in ("epochs", "moves"))
    assert Judgement(CLAIMS["C14"], counted).verdict == REPRODUCED
    assert Judgement(CLAIMS["C1"], counted).verdict == DEPENDS


def test_every_row_of_the_table_of_claims_has_a_rule():
    assert list(CLAIMS) == list(RULES)
    assert {rule.admissible for rule in RULES.values()} <= set(ADMISSIBLE)
    assert CLAIMS["C5"].paper == "1.55 -> 3.29 (+112.0%)"
    assert CLAIMS["C8"].paper == "(+11.0%)"
    for claim in CLAIMS.values():                        # the rule's figures are those of the table
        for figure in claim.rule.figures:
            assert f"{figure.value:g}"[:5] in claim.paper or claim.id == "C8" or f"{figure.value:.3f}" in claim.paper


def test_a_ledger_is_a_table_and_valid_json_and_csv():
    ledger = Ledger(
        (Judgement(CLAIMS["C1"], readings({"moons": [[1.0] * 40]})), Judgement(CLAIMS["C1"], row="value"),
         Judgement(CLAIMS["R2"])),
        {"seeds": [0]}, {"grokking": "it broke"}, (Finding("a", "b", "c"),))
    assert "FAILED: grokking: it broke" in str(ledger)
    document = json.loads(ledger.to_json())
    assert [claim["id"] for claim in document["claims"]] == ["C1", "C1-value", "R2"]
    first = document["claims"][0]
    assert (first["verdict"], first["share"], first["specifications"], first["runs"]) == (REPRODUCED, 1.0, 1, 40)
    assert 0.9 < first["interval"][0] < first["interval"][1] == 1
    assert first["command"] == "minigrok reproduce --claim C1"
    assert document["findings"] == [{"title": "a", "sentence": "b", "command": "c"}]
    rows = list(csv.DictReader(io.StringIO(ledger.to_csv())))
    assert [row["verdict"] for row in rows] == [REPRODUCED, NOT_TESTED, NOT_TESTED]
    assert ledger["R2"].verdict == NOT_TESTED
    with pytest.raises(KeyError):
        ledger["C99"]


def test_every_reading_is_written_down():
    rows = list(csv.DictReader(io.StringIO(readings_csv(readings({"moons": [[1.0, None, -2.0], [None]]})))))
    assert rows[0] == {"data": "moons", "lr": "0", "group": "moons 0", "admissible": "1", "tested": "2",
                       "share": "0.5", "mean": "-0.5"}
    assert (rows[1]["tested"], rows[1]["share"]) == ("0", "")
