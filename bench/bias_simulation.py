"""Is the sampling error of S, P and exp S what it claims to be? A simulation with populations whose state is known.

Inputs are drawn from normal distributions with given variances, so the population's state is diag(variances) / trace.
For each number N of inputs the table gives the true bias and spread over many samples beside what `sampling_error`
estimates from one sample at a time, and how often its 95 % interval holds the truth.

    python bench/bias_simulation.py [--samples 300]
"""

import argparse
import warnings

import numpy as np

from minigrok import effective_rank, purity, sampling_error, von_neumann_entropy

POPULATIONS = {"5 neurons, variances 4 to 1/4": 2.0 ** np.arange(2, -3, -1), "20 neurons, all alike": np.ones(20),
               "20 neurons, variances 1/k": 1 / np.arange(1, 21)}
INPUTS_A_NEURON = (2, 5, 10, 50)
ROUNDING = 1e-12               # the truth may be the largest or smallest value possible, and so an end of the interval
TRUTH = {"entropy": von_neumann_entropy, "purity": purity, "effective_rank": effective_rank}


def simulate(variances, n, samples):
    """For each quantity: truth, bias, its estimate, bias left after the correction, spread, its estimate, coverage."""
    state, errors = np.diag(variances / variances.sum()), []
    for seed in range(samples):
        A = np.random.default_rng([seed, n]).normal(size=(n, len(variances))) * np.sqrt(variances)
        errors.append(sampling_error(A, resamples=200, seed=seed))
    for name, function in TRUTH.items():
        truth, mine = float(function(state)), [error[name] for error in errors]
        values = np.array([error.value for error in mine])
        yield (name, truth, values.mean() - truth, np.mean([error.bias for error in mine]),
               np.mean([error.corrected for error in mine]) - truth, values.std(),
               np.mean([error.standard_error for error in mine]),
               np.mean([error.low - ROUNDING <= truth <= error.high + ROUNDING for error in mine]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=300)
    samples = parser.parse_args().samples
    warnings.simplefilter("ignore", UserWarning)         # two inputs a neuron are too few: that is what is shown
    print(f"{samples} samples each; 95 % intervals by 200 bootstrap samples, seeds 0 to {samples - 1}")
    for title, variances in POPULATIONS.items():
        print(f"\n{title}\n{'N / d':>6} {'quantity':15}{'truth':>8}{'bias':>9}{'estimated':>10}{'left':>9}{'spread':>9}"
              f"{'estimated':>10}{'covered':>9}")
        for ratio in INPUTS_A_NEURON:
            for name, *numbers, covered in simulate(variances, ratio * len(variances), samples):
                truth, bias, estimated, left, spread, error = numbers
                print(f"{ratio:6} {name:15}{truth:8.3f}{bias:9.4f}{estimated:10.4f}{left:9.4f}{spread:9.4f}"
                      f"{error:10.4f}{covered:9.1%}")
