"""Does the sampler's error bar tell the truth? Many short runs of systems whose density of states is known.

Each run has eight walkers. z = (ln g - exact) / standard error, in every bin of every run, follows Student's t
with m - 1 = 7 degrees of freedom if the error is right and there is no bias: its root mean square is then
sqrt((m - 1) / (m - 3)) = 1.18, and 95 % of the 95 % intervals hold the exact value. The columns:

    rms z, covered     over all bins of all runs
    bias / error       rms over bins of the mean of z over runs, less what chance would make of it: the bias, in units
                       of the standard error of one run
    error              mean standard error of ln g

Exit status 1 where rms z is farther than 10 % from 1.18, or not 92 to 98 % are covered.

    python bench/calibrate_sampler.py [--runs 200]
    python bench/calibrate_sampler.py --share 0.1        with a tenth of the moves: when is a run too short?
"""

import argparse
import platform
import sys
import warnings

import numpy as np
from scipy.stats import t as student_t

from minigrok import Box, Ising2D, NetworkLandscape, WangLandau
from minigrok.exact.linear_units import two_linear_units_log_g

WALKERS = 8
RMS_WANTED = np.sqrt((WALKERS - 1) / (WALKERS - 3))
COVERED_WANTED = (0.92, 0.98)


def systems():
    """Name, system, edges, exact ln g, trial moves of each walker."""
    for L, steps in ((4, 500_000), (8, 5_000_000)):
        model = Ising2D(L)
        yield f"Ising {L} x {L}", model, model.edges, model.exact_log_g() - L * L * np.log(2), steps
    edges = np.linspace(0, 3, 25)
    yield "square in a box, n = 3", Box(3), edges, Box(3).exact_log_g(edges), 500_000
    X = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 0.5]
    units = NetworkLandscape(X, hidden=2, activation="identity", bias=False, prior="gauss")
    edges = np.linspace(0.02, 0.69, 20)
    exact = two_linear_units_log_g(X, edges)
    yield "S of two linear units", units, edges, exact - np.log(np.exp(exact).sum()), 500_000


def calibrate(system, edges, exact, steps, runs):
    """(rms z, share covered, bias / error, mean error) of so many runs, seeds 0, 1, ..."""
    known, z, errors = np.isfinite(exact), [], []
    for seed in range(runs):
        states = WangLandau(system, edges, walkers=WALKERS, seed=seed, workers=2).run(steps)
        z.append((states.log_g[known] - exact[known]) / states.error[known])
        errors.append(states.error[known].mean())
    z = np.array(z)
    by_chance = np.mean(z.var(axis=0, ddof=1)) / runs
    bias = np.sqrt(max(0.0, np.mean(z.mean(axis=0) ** 2) - by_chance))
    covered = np.mean(abs(z) <= student_t.ppf(0.975, WALKERS - 1))
    return np.sqrt(np.mean(z**2)), covered, bias, np.mean(errors)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--share", type=float, default=1.0, help="of the moves of a full run")
    asked = parser.parse_args()
    runs, share = asked.runs, asked.share
    warnings.simplefilter("ignore", UserWarning)         # short runs say that they are short
    print(f"Python {platform.python_version()}, NumPy {np.__version__}; {runs} runs of {WALKERS} walkers, seeds 0 to "
          f"{runs - 1}\nwanted: rms z {RMS_WANTED:.3f} within 10 %, covered 92 to 98 %\n")
    print(f"{'system':24}{'moves a walker':>15}{'error':>9}{'rms z':>8}{'covered':>9}{'bias / error':>14}")
    good = True
    for name, system, edges, exact, full in systems():
        steps = round(share * full)
        rms, covered, bias, error = calibrate(system, edges, exact, steps, runs)
        good &= abs(rms / RMS_WANTED - 1) <= 0.1 and COVERED_WANTED[0] <= covered <= COVERED_WANTED[1]
        print(f"{name:24}{steps:15,}{error:9.4f}{rms:8.3f}{covered:9.1%}{bias:14.2f}", flush=True)
    sys.exit(0 if good else 1)
