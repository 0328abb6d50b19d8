import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from minigrok.study.claims import (
    DEPENDS,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    TESTS,
    Judgement,
    gather,
    load_claims,
    summary,
    written,
)
from minigrok.study.ledger import Ledger

CLAIMS = load_claims()


def above_zero(definition, values):
    return gather(definition, values, lambda value: value > 0)


@pytest.mark.parametrize(("values", "verdict"), [
    ([[1, 2, 3], [1, 1, 1]], REPRODUCED),
    ([[1, 2, 3], [-1, -1, -1]], DEPENDS),
    ([[-1, -2, -3], [-1, -1, -1]], NOT_REPRODUCED),
    ([[1, -1, 1, -1]], DEPENDS),
    ([[1, 1, 1, 1, -1]], REPRODUCED),                    # 80 % hold
    ([[-1, -1, -1, -1, 1]], NOT_REPRODUCED),             # 20 % hold
    ([[None, None], [1.0, 1.0]], REPRODUCED),            # what cannot be tested does not count
    ([[None, np.nan]], NOT_TESTED),
    ([], NOT_TESTED),
])
def test_the_rule_gives_each_verdict(values, verdict):
    judgement = Judgement(CLAIMS["C1"], tuple(above_zero(str(i), row) for i, row in enumerate(values)))
    assert judgement.verdict == verdict
    assert judgement.why


def test_the_reason_names_where_a_claim_holds_and_where_it_fails():
    judgement = Judgement(CLAIMS["C1"], (above_zero("moons", [1, 1]), above_zero("xor", [-1, -1])), "note")
    assert judgement.why == "holds under 1: moons. fails under 1: xor. note"
    assert judgement.outcomes == "It holds under 1, fails under 1 of 2 definitions."
    assert Judgement(CLAIMS["C1"]).outcomes == "These runs do not bear on it."


def test_the_studys_figure_lies_within_or_outside():
    assert Judgement(CLAIMS["C3"], (above_zero("a", [0.99, 1.0]),)).figure == "within"
    assert Judgement(CLAIMS["C3"], (above_zero("a", [0.5, 0.6]),)).figure == "outside"
    assert Judgement(CLAIMS["C12"], (above_zero("a", [0.5, 0.6]),)).figure == ""


@given(st.integers(6, 60))
def test_the_interval_encloses_the_median_with_95_percent_and_no_narrower_one_does(n):
    _, low, high = summary(range(1, n + 1))
    k = int(low)
    assert high == n + 1 - k
    assert 1 - 2 * binom.cdf(k - 1, n, 0.5) >= 0.95
    assert 1 - 2 * binom.cdf(k, n, 0.5) < 0.95


def test_the_interval_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = (summary(rng.exponential(size=20))[1:] for _ in range(2000))
    covered = sum(low <= np.log(2) <= high for low, high in intervals)
    assert 0.94 < covered / 2000 < 0.98                  # 0.959 for 20 values


def test_few_seeds_show_every_value_and_their_range():
    assert written([1.0, 3.0, 2.0]) == "1, 3, 2 (range 1 to 3)"
    assert written([1.0] * 6) == "1 (95 % 1 to 1)"
    assert written([12345.0]) == "12,345"
    assert written([None, None]) == "no plateau"
    with pytest.raises(ValueError, match="at least one"):
        summary([])


def test_every_row_of_the_table_of_claims_has_a_test():
    assert list(CLAIMS) == list(TESTS)
    assert CLAIMS["C5"].paper == "1.55 -> 3.29 (+112.0%)"
    assert CLAIMS["C8"].paper == "(+11.0%)"


def test_a_ledger_is_a_table_and_valid_json_and_csv():
    ledger = Ledger((Judgement(CLAIMS["C1"], (above_zero("moons", [1.0, None]),)), Judgement(CLAIMS["R2"])),
                    {"seeds": [0]}, {"grokking": "it broke"})
    assert "FAILED: grokking: it broke" in str(ledger)
    document = json.loads(ledger.to_json())
    assert [claim["id"] for claim in document["claims"]] == ["C1", "R2"]
    assert document["claims"][0]["definitions"][0]["values"] == [1.0, None]
    assert document["claims"][0]["definitions"][0]["summary"]["kind"] == "range"
    first_row = "C1,SGD lowers the entropy S of the hidden layer,1.42 -> 1.19,reproduced,moons,holds,1.000,1 "
    assert ledger.to_csv().splitlines()[1] == first_row
    assert ledger["R2"].verdict == NOT_TESTED
    with pytest.raises(KeyError):
        ledger["C99"]
