import numpy as np
import pytest

from minigrok import density_matrix, purity, von_neumann_entropy
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


def test_too_few_inputs_warn():
    with pytest.warns(UserWarning, match="take 25 or more"):
        sampling_error(sample(20, 0))


def test_the_same_seed_gives_the_same_interval():
    assert sampling_error(sample(50, 0), seed=3) == sampling_error(sample(50, 0), seed=3)
    assert sampling_error(sample(50, 0), seed=3) != sampling_error(sample(50, 0), seed=4)


@pytest.mark.parametrize(("settings", "message"), [
    ({"A": np.ones((1, 3))}, "1 independent inputs"), ({"groups": [0, 1]}, "one number a row"),
    ({"groups": np.zeros(50)}, "1 independent inputs"), ({"level": 1.5}, "level is 1.5"),
    ({"resamples": 5}, "resamples is 5"), ({"A": np.ones((2, 3, 4))}, "one matrix")])
def test_bad_input_is_refused_with_the_reason(settings, message):
    with pytest.raises(ValueError, match=message):
        sampling_error(**{"A": sample(50, 0), **settings})
