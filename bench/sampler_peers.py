"""One Wang-Landau sampler at work on the L x L Ising model, in the interpreter that it is installed in.

bench_sampler.py --peers starts this file once for each sampler and reads one line of JSON. By hand:

    icet/bin/python bench/sampler_peers.py icet --seconds 5

Nothing of minigrok is imported unless it is the one that walks. Before any time is taken the set-up is checked:
energies of the ground state and of random configurations against

    E = -sum over x, y of s[x, y] (s[x + 1, y] + s[x, y + 1]),    indices modulo L,

and, one step at a time, that a step flips one spin or none, anywhere on the lattice, and does not conserve the
magnetisation. A step is one trial move of one walker, in all of them: mchammer counts "trial steps", flatwalk "trials"
(of all walkers together, if there are many), smol "steps"; none of the four counts sweeps here.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"                               # smol on two busy threads was ten times slower than on one

import argparse
import json
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

CHECKED_CONFIGURATIONS = 20
CHECKED_STEPS = 400            # one at a time; of 256 sites about 200 different ones are then tried
TOUCHED_SHARE = 0.25           # of all sites, flipped at least once in these steps: all are, were there enough steps
CALIBRATION_SHARE = 0.1        # of the time, walked before to learn how many steps fill it; short walks are dearer
LEAST_STEPS = 2000             # that a run of minigrok takes
FIRST_STEPS = 4096             # of the calibration, doubled until it is long enough; enough for minigrok's least run
NEVER = 10**12                 # steps; mchammer 4.0 fails where no interval at all is finite
FINAL_LOG_F = 1e-10            # so small that no schedule ends before the time is over
FLATNESS, CHECK_EVERY = 0.8, 10_000                      # the peers' own 0.8; smol looks every 1000 steps if not told
BATCH = 256                    # walkers of flatwalk-batched: after 20 s of 16 x 16 best of 64, 256, 1024 and 4096


class Sampler(NamedTuple):
    """A sampler that is set up: what is asked of it."""

    energy: Callable           # (spins (L, L)) -> its energy of a configuration
    walk: Callable             # (steps) -> steps done: goes on from where it stands
    place: Callable | None     # () -> spins (walkers, L, L), energies (walkers,) that it believes in
    estimate: Callable         # () -> energies, ln g of the levels that it has seen


def plain_energy(spins):
    """E of configurations (..., L, L), from the formula."""
    return -(spins * (np.roll(spins, 1, axis=-1) + np.roll(spins, 1, axis=-2))).sum(axis=(-2, -1))


def random_spins(L, rng, walkers=None):
    return rng.choice(np.array([-1, 1]), (L, L) if walkers is None else (walkers, L, L))


def minigrok_threads_sampler(L, seed):
    """One walker for each processor, on threads; the steps of all are counted."""
    return minigrok_sampler(L, seed, os.cpu_count())


def minigrok_sampler(L, seed, walkers=1):
    """The public class, as a user calls it, one walker; its production is counted."""
    from minigrok import Ising2D, WangLandau

    warnings.simplefilter("ignore", UserWarning)         # of poor convergence in the short run that calibrates
    model, found = Ising2D(L), []

    def walk(steps):
        sampler = WangLandau(model, model.edges, seed=seed, walkers=walkers, workers=walkers)
        found[:] = [sampler.run(steps=max(LEAST_STEPS, steps // walkers))]
        return found[0].steps * walkers

    def energy(spins):
        state = model.start(np.random.default_rng(0))
        state.spins[:] = spins.ravel()
        return model.energy(state)

    def estimate():
        seen = np.isfinite(found[0].log_g)
        return model.levels[seen], found[0].log_g[seen]

    return Sampler(energy, walk, None, estimate)         # one step alone it does not offer: --loops sees to that


def icet_sampler(L, seed):
    """mchammer's WangLandauEnsemble with flips; a pair interaction -J for each of the 2 N bonds."""
    from ase import Atoms
    from icet import ClusterExpansion, ClusterSpace
    from mchammer.calculators import ClusterExpansionCalculator
    from mchammer.ensembles import WangLandauEnsemble

    cell = Atoms("Au", positions=[[0, 0, 0]], cell=[1, 1, 10], pbc=True)
    pairs = ClusterExpansion(ClusterSpace(cell, cutoffs=[1.1], chemical_symbols=["Ag", "Au"]), [0, 0, -2])
    structure = cell.repeat((L, L, 1))
    x, y = structure.positions[:, :2].round().astype(int).T
    up, down = 79, 47                                    # atomic numbers of gold and silver
    structure.numbers = np.where(random_spins(L, np.random.default_rng(seed))[x, y] > 0, up, down)
    calculator = ClusterExpansionCalculator(structure, pairs)
    # one data point at the start and none after: the records that it keeps by default would cost it time
    ensemble = WangLandauEnsemble(structure, calculator, energy_spacing=4, trial_move="flip", random_seed=seed,
                                  fill_factor_limit=FINAL_LOG_F, flatness_limit=FLATNESS,
                                  ensemble_data_write_interval=NEVER, trajectory_write_interval=np.inf)

    def walk(steps):
        before = ensemble.step
        ensemble.run(steps)
        return ensemble.step - before

    def place():
        spins = np.empty((1, L, L), int)
        spins[0, x, y] = np.where(ensemble.configuration.occupations == up, 1, -1)
        return spins, np.array([ensemble._potential])

    def estimate():
        found = sorted(ensemble._entropy.items())        # in the data container it is only once ln f has changed
        return 4.0 * np.array([level for level, _ in found]), np.array([log_g for _, log_g in found])

    return Sampler(lambda spins: calculator.calculate_total(occupations=np.where(spins[x, y] > 0, up, down)),
                   walk, place, estimate)


def flatwalk_driver(L):
    from flatwalk import Bin1D, WLConfig, WLDriver

    N = L * L
    bins = Bin1D(low=-2 * N - 2, high=2 * N + 2, n_bins=N + 1)
    return WLDriver(WLConfig(bin_scheme=bins, beta=0.0, ln_f_final=FINAL_LOG_F))


def flatwalk_sampler(L, seed):
    """WLDriver.run with the callbacks of flatwalk's own README. Each call of `walk` learns anew."""
    driver, rng, found = flatwalk_driver(L), np.random.default_rng(seed), []
    spins = random_spins(L, rng).astype(np.int8)
    state = [(spins, float(plain_energy(spins.astype(int))))]

    def propose(state, rng):
        spins, E = state
        i, j = int(rng.integers(0, L)), int(rng.integers(0, L))
        s = int(spins[i, j])
        beside = int(spins[(i - 1) % L, j] + spins[(i + 1) % L, j] + spins[i, (j - 1) % L] + spins[i, (j + 1) % L])
        turned = spins.copy()
        turned[i, j] = -s
        return (turned, E + 2.0 * s * beside), 0.0

    def walk(steps):
        found[:] = [driver.run(state[0], _second, _second, propose, max_trials=steps, rng=rng)]
        state[0] = found[0].final_state
        return found[0].t_total

    return Sampler(plain_energy, walk, lambda: (state[0][0][None].astype(int), np.array([state[0][1]])),
                   lambda: (found[0].bin_centers[found[0].visited], found[0].g[found[0].visited]))


def _second(state):
    """The energy that flatwalk's states carry with them."""
    return state[1]


def flatwalk_batched_sampler(L, seed):
    """WLDriver.run_batched: BATCH walkers on one ln g, NumPy callbacks; spins and, last, the energy in one row each."""
    driver, rng, found = flatwalk_driver(L), np.random.default_rng(seed), []
    spins = random_spins(L, rng, BATCH)
    state = [np.concatenate([spins.reshape(BATCH, -1), plain_energy(spins)[:, None]], axis=1).astype(np.int16)]
    x, y = np.divmod(np.arange(L * L), L)
    beside = np.stack([(x + 1) % L * L + y, (x - 1) % L * L + y, x * L + (y + 1) % L, x * L + (y - 1) % L], axis=1)
    each, symmetric = np.arange(BATCH), np.zeros(BATCH)

    def energies(batch):
        return batch[:, -1].astype(float)

    def propose(batch, rng):
        site = rng.integers(0, L * L, BATCH)
        turned, s = batch.copy(), batch[each, site]
        turned[each, site] = -s
        turned[:, -1] += 2 * s * batch[each[:, None], beside[site]].sum(axis=1, dtype=np.int16)
        return turned, symmetric

    def walk(steps):
        found[:] = [driver.run_batched(state[0], energies, energies, propose, BATCH, max_trials=steps, rng=rng)]
        state[0] = found[0].final_state
        return found[0].t_total

    return Sampler(plain_energy, walk, lambda: (state[0][:, :-1].reshape(-1, L, L).astype(int), energies(state[0])),
                   lambda: (found[0].bin_centers[found[0].visited], found[0].g[found[0].visited]))


def smol_sampler(L, seed):
    """smol's WangLandau kernel with flips in the semigrand ensemble, both chemical potentials 0."""
    from pymatgen.core import Lattice, Structure
    from smol.cofe import ClusterExpansion, ClusterSubspace
    from smol.moca import Ensemble
    from smol.moca import Sampler as MonteCarlo

    cell = Structure(Lattice.orthorhombic(1, 1, 10), [{"Ag": 0.5, "Au": 0.5}], [[0, 0, 0]])
    space = ClusterSubspace.from_cutoffs(cell, cutoffs={2: 1.1}, basis="sinusoid")           # for two species: +1, -1
    pairs = ClusterExpansion(space, np.array([0, 0, -2.0]))
    ensemble = Ensemble.from_cluster_expansion(pairs, np.diag([L, L, 1]), chemical_potentials={"Ag": 0.0, "Au": 0.0})
    x, y = (ensemble.processor.structure.frac_coords[:, :2] * L).round().astype(int).T % L
    N = L * L
    sampler = MonteCarlo.from_ensemble(
        ensemble, step_type="flip", kernel_type="WangLandau", seeds=[seed], min_enthalpy=-2.0 * N - 2,
        max_enthalpy=2.0 * N + 2, bin_size=4.0, flatness=FLATNESS, check_period=CHECK_EVERY)
    kernel, = sampler.mckernels

    def occupancy(spins):
        return ((1 + spins[x, y]) // 2).astype(np.int32)

    start = occupancy(random_spins(L, np.random.default_rng(seed)))

    def walk(steps):
        sampler.run(steps, start if len(sampler.samples) == 0 else None, thin_by=steps)      # one sample, the last
        return steps

    def place():
        spins = np.empty((1, L, L), int)
        spins[0, x, y] = 2 * sampler.samples.get_occupancies(flat=False)[-1, 0] - 1
        return spins, np.array([kernel._current_enthalpy])

    return Sampler(lambda spins: ensemble.natural_parameters @ ensemble.compute_feature_vector(occupancy(spins)),
                   walk, place, lambda: (kernel.levels + 2, kernel.entropy))


SAMPLERS = {"minigrok": minigrok_sampler, "minigrok-threads": minigrok_threads_sampler, "icet": icet_sampler,
            "flatwalk": flatwalk_sampler,
            "flatwalk-batched": flatwalk_batched_sampler, "smol": smol_sampler}


def require(right, what):
    if not right:
        raise SystemExit(f"wrong set-up: {what}")


def check_energies(sampler, L):
    """The ground state and random configurations."""
    rng = np.random.default_rng(7)
    require(sampler.energy(np.ones((L, L), int)) == -2 * L * L, "the ground state is not at -2 N")
    for _ in range(CHECKED_CONFIGURATIONS):
        spins = random_spins(L, rng)
        require(np.isclose(sampler.energy(spins), plain_energy(spins), rtol=0, atol=1e-9), "energies differ from E")


def check_moves(sampler, L):
    """Single flips, anywhere, that do not conserve the magnetisation; the energy it believes in is the right one."""
    sampler.walk(1)
    before, _ = sampler.place()
    touched = np.zeros((L, L), bool)
    for _ in range(max(CHECKED_STEPS // len(before), 1)):
        sampler.walk(len(before))
        after, energies = sampler.place()
        turned = after != before
        require((turned.sum(axis=(-2, -1)) <= 1).all(), "a step turns more than one spin")
        require(np.allclose(energies, plain_energy(after), rtol=0, atol=1e-9), "the energy of the walk is not E")
        touched |= turned.any(axis=0)
        before = after
    require(touched.mean() >= TOUCHED_SHARE, f"only {touched.sum()} sites were ever turned")


def timed(walk, steps):
    """Steps done, and the seconds that they took: of the processor, and on the clock."""
    clock, processor = time.perf_counter(), time.process_time()
    done = walk(steps)
    return done, time.process_time() - processor, time.perf_counter() - clock


def steps_that_fill(seconds, sampler):
    """How many steps take the processor so long, from a shorter walk."""
    sampler.walk(FIRST_STEPS)                            # compiles, allocates
    steps = FIRST_STEPS
    while True:
        done, taken, _ = timed(sampler.walk, steps)
        if taken >= CALIBRATION_SHARE * seconds:
            return int(done / taken * seconds)
        steps *= 2


def measure(tool, L, seconds, seed):
    """All that bench_sampler.py wants to know of one sampler."""
    make = SAMPLERS[tool]
    sampler = make(L, seed)
    check_energies(sampler, L)
    if sampler.place is not None:
        check_moves(sampler, L)
    steps = steps_that_fill(seconds, sampler)
    sampler = make(L, seed)                              # knows nothing again
    steps, processor, clock = timed(sampler.walk, steps)
    energies, log_g = sampler.estimate()
    name = tool.partition("-")[0]
    return {"version": version(name), "steps": steps, "seconds": processor, "clock": clock,
            "energies": np.asarray(energies).tolist(), "log_g": np.asarray(log_g).tolist()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", choices=SAMPLERS)
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    try:
        print(json.dumps(measure(settings.tool, settings.side, settings.seconds, settings.seed)))
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": str(error)}))
