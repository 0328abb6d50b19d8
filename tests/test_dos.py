"""What walkers found, put together: each field by plain loops, of walks made up by a random number generator."""

import math
import statistics
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import t as student_t

from minigrok.checkpoint import load_arrays, save_arrays
from minigrok.dos import WALKERS_FOR_AN_INTERVAL, DensityOfStates, WalkerResult, combine, split_r_hat

EDGES = np.array([-3.0, -1.0, 0.0, 4.0, 6.0, 7.5])
BINS = 5


def walks(count, seed=0):
    """Bin 4 none has seen; bin 3 the first has not, nor looked at "x" in bin 2; "y" only the last one knows."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        seen = np.array([True, True, True, number > 0, False])
        looks = rng.integers(1, 9, BINS) * seen * (1.0 - (np.arange(BINS) == 2) * (number == 0))
        names = {"x", "y"} if number == count - 1 else {"x"}
        sums = {name: np.stack([looks * rng.random(BINS), looks]) for name in sorted(names)}
        counts = {"x": rng.integers(0, 5, (BINS, 3)) * seen[:, None]}
        found.append(WalkerResult(
            rng.normal(size=BINS) + 50 * number, seen, rng.integers(1, 99, BINS) * seen, rng.normal(size=20 + number),
            sums, counts, rng.normal(size=BINS) * seen, 10 + number, 0.5**number, 1000))
    return found


def mean_and_error(values):
    """Of the numbers that are not None: their mean, and its standard error if there are two."""
    known = [value for value in values if value is not None]
    if not known:
        return math.nan, math.nan
    error = statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return statistics.fmean(known), error


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_walkers_are_put_together_by_their_formulas(count):
    walkers = walks(count)
    states = combine(EDGES, walkers, {"x": np.arange(4.0)})
    log_g, errors = np.full(BINS, -math.inf), np.full(BINS, math.nan)
    for i in range(BINS):
        levels = [None if not walker.seen[i] else
                  walker.log_g[i] - math.log(sum(math.exp(g) for g in walker.log_g[walker.seen])) for walker in walkers]
        if any(level is not None for level in levels):
            log_g[i], error = mean_and_error(levels)
            errors[i] = math.nan if None in levels else error
    log_g -= math.log(sum(math.exp(g) for g in log_g))
    np.testing.assert_allclose(states.log_g, log_g, atol=1e-12)
    np.testing.assert_allclose(states.error, errors, atol=1e-12)
    np.testing.assert_array_equal(states.visited, np.isfinite(log_g))
    assert states.largest_error == math.inf              # of bin 3 not all know
    np.testing.assert_array_equal(states.histogram, sum(walker.histogram for walker in walkers))
    np.testing.assert_array_equal(states.joint["x"], sum(walker.counts["x"] for walker in walkers))
    for i in range(BINS):
        shift, error = mean_and_error([walker.shift[i] for walker in walkers])
        assert states.production_shift[i] == pytest.approx(shift)
        assert states.production_error[i] == pytest.approx(error, nan_ok=True)
        for name in ("x", "y"):
            pairs = [walker.sums[name][:, i] for walker in walkers if name in walker.sums]
            looks = sum(pair[1] for pair in pairs)
            wanted = sum(pair[0] for pair in pairs) / looks if looks else math.nan
            assert states.observables[name][i] == pytest.approx(wanted, nan_ok=True)
            wanted = mean_and_error([pair[0] / pair[1] if pair[1] else None for pair in pairs])[1]
            assert states.observable_errors[name][i] == pytest.approx(wanted, nan_ok=True)
    assert states.round_trips.tolist() == [10 + number for number in range(count)]
    assert (states.log_f, states.steps) == (1.0, 1000)
    assert states.r_hat == split_r_hat([walker.energies for walker in walkers])
    np.testing.assert_array_equal(states.centres, [-2, -0.5, 2, 5, 6.75])
    assert states.walkers_log_g.shape == (count, BINS)


def test_what_was_found_stays_as_it_is():
    with pytest.raises(FrozenInstanceError):
        combine(EDGES, walks(3)).steps = 1


def test_the_largest_error_is_that_of_the_visited_bins():
    walkers = walks(4)[1:]
    states = combine(EDGES, walkers)
    assert math.isnan(states.error[4])
    assert states.largest_error == states.error[:4].max() > 0
    assert states.joint_edges == {}


@pytest.mark.parametrize(("level", "count"), [(0.5, WALKERS_FOR_AN_INTERVAL), (0.95, WALKERS_FOR_AN_INTERVAL + 1)])
def test_an_interval_is_students_t_times_the_error(level, count):
    states = combine(EDGES, walks(count + 1)[1:])
    low, high = states.interval(level)
    half = student_t.ppf((1 + level) / 2, count - 1) * states.error[:4]
    np.testing.assert_allclose(high[:4], states.log_g[:4] + half)
    np.testing.assert_allclose(low[:4], states.log_g[:4] - half)
    np.testing.assert_array_equal(states.interval(), states.interval(0.95))


@pytest.mark.parametrize("level", [-0.5, 0.0, 1.0, 1.5, 95])
def test_a_level_lies_between_zero_and_one(level):
    with pytest.raises(ValueError, match="level is"):
        combine(EDGES, walks(8)).interval(level)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_few_walkers_give_no_interval(count):
    with pytest.raises(ValueError, match=f"from {count} walkers would mislead: run 8 or more"):
        combine(EDGES, walks(count)).interval()


def test_the_joint_law_shares_out_the_mass_of_each_bin():
    states = combine(EDGES, walks(3), {"x": np.arange(4.0)})
    joint = states.joint_log_g("x")
    counts = states.joint["x"]
    for i in range(BINS):
        for k in range(3):
            share = counts[i, k] / counts[i].sum() if counts[i].sum() else 0.0
            wanted = states.log_g[i] + math.log(share) if share else -math.inf
            assert joint[i, k] == pytest.approx(wanted)
    states.joint["x"][0] = [0, 1, 0]                     # one look is a look
    assert states.joint_log_g("x")[0].tolist() == [-math.inf, states.log_g[0], -math.inf]


def test_what_is_saved_is_read_back_to_the_bit_and_as_it_was(tmp_path):
    states = combine(EDGES, walks(3), {"x": np.arange(4.0)})
    states.save(tmp_path / "g.npz")
    again = DensityOfStates.load(tmp_path / "g.npz")
    for name, value in vars(states).items():
        other = getattr(again, name)
        assert type(other) is type(value)
        assert (value.keys() == other.keys()) if isinstance(value, dict) else True
        pairs = [(value[key], other[key]) for key in value] if isinstance(value, dict) else [(value, other)]
        for one, two in pairs:
            np.testing.assert_array_equal(one, two)
    assert again.load(tmp_path / "g.npz").steps == states.steps


def test_a_file_that_lacks_a_field_or_has_another_one_is_refused(tmp_path):
    path = tmp_path / "g.npz"
    combine(EDGES, walks(3)).save(path)
    arrays = load_arrays(path)
    for wrong in (dict(list(arrays.items())[1:]), arrays | {"more": np.zeros(1)}, {"a": np.zeros(1), "b": np.zeros(1)}):
        save_arrays(path, wrong)
        with pytest.raises(ValueError, match=f"holds {', '.join(wrong)}, which is no density of states"):
            DensityOfStates.load(path)


@pytest.mark.parametrize(("series", "wanted"), [
    ([[1.0, 2, 3]], math.nan), ([[1.0, 2, 3, 4], [1.0]], math.nan), ([[2.0] * 6, [2.0] * 6], 1.0),
    ([[2.0] * 6, [3.0] * 6], math.inf)])
def test_split_r_hat_of_short_and_constant_series(series, wanted):
    assert split_r_hat([np.array(values) for values in series]) == pytest.approx(wanted, nan_ok=True)
