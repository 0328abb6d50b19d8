import numpy as np
import pytest

from minigrok import density_matrix, purity, von_neumann_entropy
from minigrok.states import sampling_error as se
from minigrok.states.sampling_error import sampling_error

SPREAD = np.sqrt([4.0, 2.0, 1.0, 0.5, 0.25])
POPULATION = np.diag(SPREAD**2 / (SPREAD**2).sum())       # the state of normal activations with these deviations


def sample(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 5)) * SPREAD


def test_the_value_is_that_of_the_sample():
    A = sample(100, 0)
    error = sampling_error(A)
    assert error["entropy"].value == pytest.approx(von_neumann_entropy(density_matrix(A)), abs=1e-13)
    assert error["purity"].value == pytest.approx(purity(density_matrix(A)), abs=1e-13)
    assert error["effective_rank"].value == pytest.approx(np.exp(error["entropy"].value))


def test_bias_error_and_interval_are_those_of_a_simulation_with_a_known_state():
    truth = {"entropy": von_neumann_entropy(POPULATION), "purity": purity(POPULATION)}
    errors = [sampling_error(sample(60, seed), seed=seed, resamples=200) for seed in range(300)]
    for name, true in truth.items():
        values = np.array([error[name].value for error in errors])
        bias, spread = values.mean() - true, values.std()
        standard_error_of_bias = spread / np.sqrt(300)
        assert abs(bias) > 3 * standard_error_of_bias                        # there is something to be mended
        assert np.mean([error[name].bias for error in errors]) == pytest.approx(bias, abs=3 * standard_error_of_bias)
        corrected = np.mean([error[name].corrected for error in errors]) - true
        assert abs(corrected) < 0.35 * abs(bias)
        assert np.mean([error[name].standard_error for error in errors]) == pytest.approx(spread, rel=0.15)
        covered = np.mean([error[name].low <= true <= error[name].high for error in errors])
        assert 0.88 <= covered <= 0.99


def test_the_whole_population_has_no_error():
    for error in sampling_error(sample(40, 0), population=True).values():
        assert error.bias == error.standard_error == 0
        assert error.low == error.value == error.high


def test_rows_that_repeat_are_no_new_evidence():
    A = sample(80, 0)
    once = sampling_error(A)["entropy"]
    thrice = np.repeat(A, 3, axis=0)
    grouped = sampling_error(thrice, groups=np.repeat(np.arange(80), 3))["entropy"]
    assert grouped.standard_error == pytest.approx(once.standard_error, rel=1e-9)
    assert sampling_error(thrice)["entropy"].standard_error < 0.7 * once.standard_error


def test_many_rows_are_dealt_into_groups_and_agree():
    error = sampling_error(sample(5000, 0))["entropy"]
    half = sampling_error(sample(1900, 0))["entropy"]
    assert error.standard_error == pytest.approx(half.standard_error * np.sqrt(1900 / 5000), rel=0.15)


def test_without_resamples_the_interval_is_that_of_the_standard_error():
    drawn, normal = sampling_error(sample(400, 0)), sampling_error(sample(400, 0), resamples=0)
    for name, error in normal.items():
        assert error[:4] == drawn[name][:4]
        assert error.high - error.low == pytest.approx(2 * 1.959964 * error.standard_error)
        assert (error.low + error.high) / 2 == pytest.approx(error.corrected)
        assert error.low == pytest.approx(drawn[name].low, abs=0.6 * error.standard_error)
        assert error.high == pytest.approx(drawn[name].high, abs=0.6 * error.standard_error)


@pytest.mark.parametrize("convention", ["trace", "rows", "centered", "centered_rows"])
def test_wide_layers_are_measured_in_the_space_of_their_rows(convention):
    """Eight neurons of which five are seen have the errors of the five, also with fewer rows than neurons."""
    A = sample(7, 0)
    wide = A @ np.linalg.qr(np.random.default_rng(1).normal(size=(12, 5)))[0].T
    with pytest.warns(UserWarning, match="too few"):
        one, other = (sampling_error(B, convention)["purity"] for B in (A, wide))
    np.testing.assert_allclose(one[:3], other[:3], atol=1e-12)


def test_a_jackknife_by_hand_is_the_jackknife():
    A = sample(30, 0)
    for name, function in (("entropy", von_neumann_entropy), ("purity", purity)):
        left_out = np.array([function(density_matrix(np.delete(A, i, axis=0))) for i in range(30)])
        value = function(density_matrix(A))
        error = sampling_error(A)[name]
        assert error.bias == pytest.approx(29 * (left_out.mean() - value), abs=1e-12)
        assert error.standard_error == pytest.approx(np.sqrt(29 / 30 * ((left_out - left_out.mean()) ** 2).sum()))
        assert error.corrected == pytest.approx(value - error.bias)


def test_groups_are_dealt_into_fewer_whole_where_they_are_too_many(monkeypatch):
    A = np.repeat(sample(500, 0), 3, axis=0)
    groups = np.repeat(np.arange(500), 3)
    alone = sampling_error(A, groups=groups)["entropy"].standard_error
    monkeypatch.setattr("minigrok.states.sampling_error.MOST_GROUPS", 50)
    dealt = sampling_error(A, groups=groups)["entropy"].standard_error
    assert dealt == pytest.approx(alone, rel=0.3)        # 50 groups tell it to 10 %; as rows it would be 0.58 of it
    numbers, m = se._dealt(groups, 500, 5, np.random.default_rng(0))
    assert m == 50
    assert all(len(set(numbers[groups == g])) == 1 for g in range(500))
    assert set(np.bincount(numbers)) == {30}
    assert se._dealt(np.arange(9000), 9000, 1000, np.random.default_rng(0))[1] == se.FEWEST_DEALT


def test_a_warning_counts_inputs_and_not_the_groups_they_are_dealt_to(monkeypatch):
    monkeypatch.setattr(se, "MOST_GROUPS", 20)
    sampling_error(sample(500, 0))                       # 20 groups for 5 neurons, but 500 inputs: no warning


def test_too_few_inputs_warn():
    with pytest.warns(UserWarning, match="take 25 or more"):
        sampling_error(sample(20, 0))


def test_the_same_seed_gives_the_same_interval():
    assert sampling_error(sample(50, 0), seed=3) == sampling_error(sample(50, 0), seed=3)
    assert sampling_error(sample(50, 0), seed=3) != sampling_error(sample(50, 0), seed=4)


@pytest.mark.parametrize(("settings", "message"), [
    ({"A": np.ones((1, 3))}, "1 independent inputs"), ({"groups": [0, 1]}, "one number a row"),
    ({"groups": np.zeros(50)}, "1 independent inputs"), ({"level": 1.5}, "level is 1.5"),
    ({"resamples": 5}, "resamples is 5"), ({"A": np.ones((2, 3, 4))}, "one matrix"),
    ({"A": np.eye(50, 3, k=-49)}, "nothing is left without it"), ({"A": [[np.nan]] * 50}, r"A\[0, 0\] is nan")])
def test_bad_input_is_refused_with_the_reason(settings, message):
    with pytest.raises(ValueError, match=message):
        sampling_error(**{"A": sample(50, 0), **settings})
