import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, seeds

from minigrok.metrics import weight_entropy
from minigrok.recording import weights_of
from minigrok.states.labels import holevo_information
from minigrok.study import features
from minigrok.study.features import (
    MOST_BINS,
    answer_share,
    fourier_concentration,
    freedman_diaconis_entropy,
    holevo,
    powers_of_root,
)
from minigrok.study.grokking import GrokkingSetting, build, run
from minigrok.tasks.modular import OPERATIONS

P = 23
A, B = np.divmod(np.arange(P * P), P)
PLAIN = GrokkingSetting("tiny", "add", 7, "squared_error", "quadratic", "AdamW", 0.01, 0.1, 0.5, width=8, epochs=40)


@pytest.mark.parametrize("op", ["add", "subtract", "multiply"])
def test_logits_that_depend_on_the_answer_alone_have_share_one(op):
    answers = OPERATIONS[op](A, B, P)
    of_answer = np.random.default_rng(0).normal(size=(P, P))
    assert answer_share(of_answer[answers], answers) == pytest.approx(1)


@pytest.mark.parametrize("op", ["add", "subtract", "multiply"])
def test_random_logits_have_the_share_of_chance(op):
    answers = OPERATIONS[op](A, B, P)
    logits = np.random.default_rng(0).normal(size=(P * P, P))
    assert answer_share(logits, answers) == pytest.approx(1 / (P + 1), rel=0.2)


def test_logits_of_a_alone_have_no_share_and_mixtures_lie_between():
    answers, rng = (A + B) % P, np.random.default_rng(0)
    of_a, of_answer = rng.normal(size=(P, P))[A], rng.normal(size=(P, P))[answers]
    assert answer_share(of_a, answers) == pytest.approx(0, abs=1e-12)
    assert answer_share(of_a + of_answer, answers) == pytest.approx(0.5, abs=0.1)
    assert np.isnan(answer_share(np.ones((P * P, P)), answers))


@given(seeds, st.floats(0.1, 10), st.floats(-5, 5))
def test_the_answer_share_lies_between_0_and_1_and_knows_no_scale_nor_shift(seed, scale, shift):
    rng = np.random.default_rng(seed)
    logits, answers = rng.normal(size=(30, 4)), rng.integers(0, 4, 30)
    share = answer_share(logits, answers)
    assert 0 <= share <= 1
    assert answer_share(scale * logits + shift, answers) == pytest.approx(share)


@given(activations(min_rows=2), seeds)
def test_holevo_is_the_one_of_states(A, seed):
    labels = np.random.default_rng(seed).integers(0, 3, len(A))
    labels[:2] = [0, 1]
    scaled = A / abs(A).max()
    assert holevo(scaled, labels) == pytest.approx(holevo_information(scaled, labels), abs=1e-9)


def test_holevo_of_orthogonal_classes_is_ln_of_their_number_and_of_a_dead_layer_nothing():
    assert holevo(np.eye(4), np.arange(4)) == pytest.approx(np.log(4))
    assert holevo(np.ones((4, 3)), np.arange(4)) == pytest.approx(0)
    assert np.isnan(holevo(np.zeros((4, 3)), np.arange(4)))


@given(seeds)
def test_the_freedman_diaconis_entropy_is_numpys(seed):
    weights = np.random.default_rng(seed).normal(size=200)
    assert freedman_diaconis_entropy(weights) == pytest.approx(float(weight_entropy(weights, "fd")))


def test_decayed_weights_do_not_ask_for_any_number_of_bins():
    weights = np.concatenate([np.random.default_rng(0).normal(size=1000) * 1e-30, [1.0, -1.0]])
    assert 0 < freedman_diaconis_entropy(weights) < np.log(MOST_BINS)
    assert freedman_diaconis_entropy(np.zeros(5)) == 0
    assert 0 < freedman_diaconis_entropy(np.array([0.0] * 9 + [1.0])) < np.log(2)


def test_fourier_concentration_is_one_for_waves_and_small_for_noise():
    p, angle = 47, 2 * np.pi * np.arange(47) / 47
    waves = np.stack([np.cos(3 * angle), np.sin(9 * angle)], axis=1)
    assert fourier_concentration(np.concatenate([waves, waves]), p) == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=(2 * p, 300))
    assert fourier_concentration(noise, p) == pytest.approx(2 / 24, abs=0.01)
    assert fourier_concentration(noise, p, "multiply") == pytest.approx(2 / 24, abs=0.01)
    assert fourier_concentration(np.zeros((2 * p, 3)), p) == 0
    two = np.cos(3 * angle) + np.cos(5 * angle)
    assert fourier_concentration(np.concatenate([two, two])[:, None], p) == pytest.approx(0.5)


def test_the_waves_of_products_are_those_of_the_multiplicative_group():
    p = 23
    wave = np.zeros(p)
    wave[powers_of_root(p)] = np.cos(2 * np.pi * 4 * np.arange(p - 1) / (p - 1))
    W = np.concatenate([wave, wave])[:, None]
    assert fourier_concentration(W, p, "multiply") == pytest.approx(1)
    assert fourier_concentration(W, p) < 0.4


@pytest.mark.parametrize("p", [2, 3, 23, 31, 47, 59, 97])
def test_powers_of_a_primitive_root_are_all_residues_but_0(p):
    assert sorted(powers_of_root(p)) == list(range(1, p))


def test_without_a_primitive_root_an_error_says_so():
    with pytest.raises(ValueError, match="p is 8"):
        powers_of_root(8)


def test_a_history_holds_each_feature_of_its_net_as_a_column():
    deep = run(PLAIN.__class__(**{**PLAIN.__dict__, "depth": 2, "activation": "tanh"}), 0)
    net, task = build(deep.setting, 0)
    start = dict(zip(features.names(net), features.features(net, task), strict=True))
    for name, value in start.items():
        assert deep.history[name][0] == pytest.approx(value)
    assert start["weight_entropy_fixed"] == pytest.approx(float(weight_entropy(weights_of(net), features.FIXED_EDGES)))
    assert start["holevo"] == pytest.approx(holevo_information(net.hidden(task.X_train), task.y_train), abs=1e-5)
    assert 0 < start["entropy_first"] < np.log(8)
    assert features.RECORDED not in deep.history.columns
    assert "entropy_first" not in run(PLAIN, 0).history.columns
