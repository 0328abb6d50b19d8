"""The landscape's claims on made-up priors: each verdict, and what counts as the same ensemble."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from minigrok.study import landscape, prior_map
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, REPRODUCED, load_claims
from minigrok.study.prior_map import PriorResult, PriorSetting, Share, Value

CLAIMS = load_claims()
NEVER = Share(0.0, 0.0, 0.0)


def value(mean, spread=0.001):
    each = tuple(mean + spread * np.array([-1.0, 1.0] * 4))
    return Value(mean, spread / 8**0.5, each)


def priors(S, accuracy):
    """One result for each prior of the map; S and accuracy are functions of the setting."""
    settings = [PriorSetting(task, family, scale, activation, 0, 0) for task, activation, family, scale in product(
        prior_map.TASKS, prior_map.ACTIVATIONS, prior_map.FAMILIES, prior_map.SCALES)]
    return [PriorResult(setting, NEVER, NEVER, value(S(setting)),
                        dict.fromkeys(prior_map.ACCURACIES, value(accuracy(setting))), None, 0, 0, ())
            for setting in settings]


def trained(S_end):
    """Trained nets of every data set and activation, 20 seeds, that end with S about `S_end`."""
    names = {result.setting.trained for result in priors(lambda s: 1.0, lambda s: 0.5)}
    ends = S_end + 0.01 * np.linspace(-1, 1, 20)
    return {name: [SimpleNamespace(history=SimpleNamespace(entropy=np.array([1.0, end]))) for end in ends]
            for name in names}


def judged(S, accuracy, S_end=1.0):
    return {j.id: j for j in landscape.judge(CLAIMS, {}, trained(S_end), priors(S, accuracy))}


def test_what_the_study_says_is_reproduced_where_every_prior_says_so():
    found = judged(lambda s: 1.42, lambda s: 0.62, 1.19)
    assert {found[name].verdict for name in found} == {REPRODUCED}
    assert found["C4a"].assessment.specifications == 72


def test_and_refuted_where_none_does():
    found = judged(lambda s: 0.5, lambda s: 0.5, 0.9)
    assert {found[name].verdict for name in found} == {NOT_REPRODUCED}


def test_it_depends_on_the_data_where_these_decide():
    found = judged(lambda s: 1.42 if "blobs" in s.data else 0.7, lambda s: 0.62)
    assert found["C4a"].verdict == DEPENDS
    assert found["C4a"].decided_by == "data"


def test_the_scales_of_relu_are_one_ensemble_and_so_no_independent_evidence():
    readings = prior_map.peak_readings(priors(lambda s: 1.42, lambda s: 0.5))[0]
    assert len({reading.group for reading in readings}) == 2 * 3 * (1 + 4 + 4)


def test_two_figures_at_once_are_found_by_searching():
    words = prior_map.nearest(priors(lambda s: 1.42 if s.family == "sphere" else 1.0, lambda s: 0.62))
    assert words.startswith("of 216 pairs of a prior and an accuracy 72 come within")
    assert "found by searching" in words


@pytest.mark.parametrize(("S", "high"), [(0.89, False), (0.90, True)])
def test_high_is_above_half_of_ln_6(S, high):
    assert prior_map.is_high(S) == high
