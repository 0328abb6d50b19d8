"""Wang-Landau sampling: a random walk that learns the density of states g(E) on the way.

g(E) is the share of all configurations (of the reference measure) with energy E. A walk that accepts a
move with probability

    min(1, g(E) / g(E') * ratio),    ratio = q(x|x') pi(x') / (q(x'|x) pi(x)), 1 for symmetric moves on a flat measure,

visits all energies equally often. g is not known, so the walk estimates it: at *every* step, also after a
refused move, ln g of the bin in which it stands grows by ln f, and ln f shrinks:

    "flatness"      halved whenever the least visited bin has 80 % of the mean visits, down to 1e-8 [1]. The error
                    then stays where it is for ever.
    "one_over_t"    halved whenever all bins were visited, until it would fall below (bins seen) / t; from
                    then on it is that, and the error falls as t^(-1/2) [2].

Last comes *production*: ln g is frozen, the walk samples with fixed weights, and only then observables
are taken, bin by bin. Several independent walkers give an error: the spread of their ln g.

A system is anything with `start`, `energy`, `propose`, `accept` (see `minigrok.walk`): `minigrok.systems` has some.

References
----------
.. [1] F. Wang and D. P. Landau, Physical Review Letters 86, 2050 (2001).
.. [2] R. E. Belardinelli and V. D. Pereyra, Physical Review E 75, 046701 (2007).
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, IntArray, numeric_array, one_of, whole_number
from minigrok.dos import DensityOfStates, WalkerResult, combine
from minigrok.walk import BUILD_UP, FROZEN, ONE_OVER_T, System, Walk, bin_of, loops_for

SCHEDULES = ("one_over_t", "flatness")
FLATNESS = 0.8                 # least over mean visits at which "flatness" halves ln f
FINAL_LOG_F = 1e-8             # where "flatness" ends
PRODUCTION_SHARE = 0.2         # of all steps
CHECK_EVERY = 10_000           # steps between two looks at the histogram
BLOCK = 10_000                 # steps whose random numbers are drawn at once; the walk does not depend on it
OBSERVE_EVERY = 200            # steps between two records in production
LONGEST_APPROACH = 200_000     # steps to walk into the range of the edges
START_DRAWS = 1000             # random states tried for one that has an energy
ROUND_TRIPS_WANTED, R_HAT_WANTED = 10, 1.05
STEP_SIZES = (1e-3, 2.0)       # of an adaptive proposal, as a share of the scale
ACCEPTANCE = (0.3, 0.5)        # below or above it the step size changes


class Progress(NamedTuple):
    """What a progress callback gets, between two blocks of a walker."""

    walker: int
    steps: int                 # done
    of_steps: int              # to do
    bins_seen: int
    log_f: float


class WangLandau:
    """A Wang-Landau sampler of a system's density of states.

    Parameters
    ----------
    system : System
        Such as `Ising2D(8)`.
    edges : array_like, shape (bins + 1,)
        Increasing limits of the energy bins; energies outside are walls. The last bin is closed.
    schedule : {"one_over_t", "flatness"}
        How ln f shrinks.
    walkers : int
        Independent walks; from two on their spread gives an error.
    seed : int
        The walkers' streams are spawned from it.
    workers : int
        Threads; the result is the same for any number.

    Raises
    ------
    ValueError
        For fewer than two bins, edges that do not increase, unknown schedules, numbers out of range.

    Examples
    --------
    >>> from minigrok.systems import Ising2D
    >>> model = Ising2D(2)
    >>> states = WangLandau(model, model.edges, seed=0).run(steps=200_000)
    >>> bool(abs(states.log_g[0] - np.log(2 / 16)) < 0.05)          # both ground states of 16 configurations
    True
    """

    def __init__(
        self, system: System, edges: ArrayLike, schedule: str = "one_over_t", walkers: int = 1, seed: int = 0,
        workers: int = 1,
    ) -> None:
        self.system = system
        self.edges: FloatArray = numeric_array("edges", edges).astype(np.float64)
        if self.edges.ndim != 1 or len(self.edges) < 3:
            raise ValueError(
                f"edges has shape {self.edges.shape}, but a walk needs two bins at least: three edges or more")
        for index in np.argwhere(np.diff(self.edges) <= 0)[:1].ravel():
            raise ValueError(
                f"edges[{index + 1}] is {self.edges[index + 1]:g}, not above edges[{index}] = {self.edges[index]:g}: "
                "edges must increase")
        self.schedule = one_of("schedule", schedule, SCHEDULES)
        self.walkers = whole_number("walkers", walkers, 1)
        self.seed = whole_number("seed", seed, 0)
        self.workers = whole_number("workers", workers, 1)

    def run(self, steps: int, progress: Callable[[Progress], None] | None = None) -> DensityOfStates:
        """Walk `steps` trial moves with every walker, the last fifth of them in production.

        Poor convergence warns, and never raises.

        Raises
        ------
        ValueError
            If a walker cannot be brought into the range of the edges, or a move that is no wall leads to an
            energy that is NaN or infinite.
        """
        steps = whole_number("steps", steps, 10 * OBSERVE_EVERY)
        streams = np.random.SeedSequence(self.seed).spawn(self.walkers)
        with ThreadPoolExecutor(min(self.workers, self.walkers)) as pool:
            results = list(pool.map(
                lambda pair: self.run_walker(pair[0], pair[1], steps, progress), enumerate(streams)))
        states = combine(self.edges, results, steps)
        _warn_of_poor_convergence(states)
        return states

    def run_walker(
        self, number: int, stream: np.random.SeedSequence, steps: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> WalkerResult:
        """One walker on its own stream: start, build-up, production; for whoever spreads walkers over processes."""
        system, edges = self.system, self.edges
        rng, observation_rng = (np.random.Generator(np.random.SFC64(child)) for child in stream.spawn(2))
        state = _started(system, rng)
        walk_loop, approach = loops_for(system, state)
        numbers = _numbers_of(system, rng)
        energy = np.array([system.energy(state)])
        for _ in range(LONGEST_APPROACH // BLOCK):
            if edges[0] <= energy[0] <= edges[-1]:
                break
            approach(state, energy, edges[0], edges[-1], numbers(BLOCK))
        else:
            raise ValueError(
                f"after {LONGEST_APPROACH} moves toward the range from {edges[0]:g} to {edges[-1]:g} the energy is "
                f"{energy[0]:.6g}: the walk does not reach this range; choose edges around energies that it has")
        here = bin_of(energy[0], edges, 0)
        bins = len(edges) - 1
        walk = Walk(np.zeros(bins), np.zeros(bins, np.int64), np.arange(bins) == here, energy, np.array([here]),
                    np.zeros(4, np.int64))
        for part in _build_up(walk, steps - round(PRODUCTION_SHARE * steps), self.schedule, state):
            _advance(walk_loop, system, state, walk, edges, numbers(part.steps), part.log_f, part.phase)
            if progress is not None:
                progress(Progress(number, int(walk.steps[0]), steps, int(walk.seen.sum()), part.log_f))
        if walk.seen.sum() < 2:
            raise ValueError(
                f"the walk never left the bin from {edges[here]:g} to {edges[here + 1]:g} in {walk.steps[0]} moves: "
                "its moves do not change the energy, or the bins are too wide")
        return _production(system, state, walk, edges, walk_loop, numbers, observation_rng, steps)


class _Part(NamedTuple):
    """A stretch of the build-up in which the rule for ln f does not change."""

    steps: int
    log_f: float
    phase: int


def _build_up(walk: Walk, steps: int, schedule: str, state: Any) -> Any:
    """Yield the parts of the build-up one by one; the caller walks each before it asks for the next."""
    log_f, phase = 1.0, BUILD_UP
    while walk.steps[0] < steps:
        before = int(walk.steps[0])
        yield _Part(min(CHECK_EVERY, steps - before), log_f, phase)
        if phase == ONE_OVER_T:
            continue
        if log_f == 1.0 and hasattr(state, "step_size"): # later the walk must not change under its estimate
            _adapt(state.step_size, int(walk.steps[1]) / CHECK_EVERY)
        walk.steps[1] = 0
        visits = walk.histogram[walk.seen]
        flat = visits.min() > 0 if schedule == "one_over_t" else visits.min() >= FLATNESS * visits.mean()
        if flat:
            log_f /= 2
            walk.histogram[:] = 0
        if schedule == "one_over_t" and log_f <= walk.seen.sum() / walk.steps[0]:
            phase = ONE_OVER_T
        if schedule == "flatness" and log_f < FINAL_LOG_F:
            return


def _advance(
    walk_loop: Any, system: System, state: Any, walk: Walk, edges: FloatArray, rows: FloatArray, log_f: float,
    phase: int,
) -> None:
    """Walk one step for each row of random numbers."""
    fault = walk_loop(state, walk, edges, rows, log_f, phase)
    if fault >= 0:
        energy, log_ratio = system.propose(state, rows[fault, 1:])
        raise ValueError(
            f"move {walk.steps[0] + 1}, from energy {walk.energy[0]:.6g}, leads to energy {energy} with log_ratio "
            f"{log_ratio}, but energies must be finite: a forbidden move says so with log_ratio = -inf")


def _adapt(step_size: FloatArray, acceptance: float) -> None:
    """Longer steps where most are accepted, shorter ones where few are."""
    if acceptance < ACCEPTANCE[0]:
        step_size[0] = max(step_size[0] * 0.8, STEP_SIZES[0])
    elif acceptance > ACCEPTANCE[1]:
        step_size[0] = min(step_size[0] * 1.25, STEP_SIZES[1])


def _production(
    system: System, state: Any, walk: Walk, edges: FloatArray, walk_loop: Any, numbers: Callable[[int], FloatArray],
    rng: np.random.Generator, steps: int,
) -> WalkerResult:
    """Sample with frozen ln g; take observables every OBSERVE_EVERY steps."""
    walk.histogram[:] = 0
    walk.steps[2:] = 0                                   # round trips are counted anew
    bins, energies = len(walk.log_g), []
    sums: dict[str, FloatArray] = {}
    looks: IntArray = np.zeros(bins, np.int64)
    for _ in range(round(PRODUCTION_SHARE * steps) // OBSERVE_EVERY):
        _advance(walk_loop, system, state, walk, edges, numbers(OBSERVE_EVERY), 0.0, FROZEN)
        energies.append(float(walk.energy[0]))
        looks[walk.energy_bin[0]] += 1
        for name, value in system.observe(state, rng).items():
            sums.setdefault(name, np.zeros(bins))[walk.energy_bin[0]] += value
    return WalkerResult(
        walk.log_g, walk.seen, walk.histogram, np.array(energies), looks, sums, int(walk.steps[2]) // 2,
        int(walk.steps[0]))


def _started(system: System, rng: np.random.Generator) -> Any:
    for _ in range(START_DRAWS):
        state = system.start(rng)
        energy = system.energy(state)
        if np.isinf(energy):
            raise ValueError(
                f"a random state has energy {energy}, but energies must be finite, or NaN where there is none")
        if not np.isnan(energy):
            return state
    raise ValueError(f"{START_DRAWS} random states had no energy (NaN): the system has hardly any state to walk in")


def _numbers_of(system: System, rng: np.random.Generator) -> Callable[[int], FloatArray]:
    """A function that gives the next rows of random numbers, drawn BLOCK rows at a time from one stream."""
    width = 1 + system.uniforms
    rows: FloatArray = np.empty((0, width))

    def take(count: int) -> FloatArray:
        nonlocal rows
        while len(rows) < count:
            rows = np.concatenate([rows, rng.random((BLOCK, width))])
        taken, rows = rows[:count], rows[count:]
        return taken

    return take


def _warn_of_poor_convergence(states: DensityOfStates) -> None:
    reasons = []
    if states.round_trips.min() < ROUND_TRIPS_WANTED:
        reasons.append(f"a walker made {states.round_trips.min()} round trips between the lowest and the highest bin, "
                       f"fewer than {ROUND_TRIPS_WANTED}")
    if states.r_hat > R_HAT_WANTED:
        reasons.append(f"split R-hat of the energy in production is {states.r_hat:.3f}, above {R_HAT_WANTED}")
    if reasons:
        warnings.warn(f"poor convergence: {'; '.join(reasons)}. Take more steps, or fewer bins", stacklevel=3)
