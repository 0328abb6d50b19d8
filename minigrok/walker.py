"""One walker of a Wang-Landau run: a walk on its own stream of random numbers, which may stop anywhere and go on.

It walks in *rounds*, each half build-up and half *production*, in which ln g is frozen. In the 1/t schedule a step
at clock t adds (bins seen) / t to ln g where the walk stands; to first order, production of n steps that visited
bin i H_i times would have added n / t H_i / mean(H) to ln g_i. When it is over that, less its mean, is added:

    ln g_i  <-  ln g_i + (n / t) (H_i / mean(H) - 1).

So no step is lost to the estimate, and the next round goes on as if there had been no production. The gain
(bins seen) / t is the optimal one (Z. Tan 2017, theorem 1): with it ln g is as good as the visits of a flat walk
of t steps would make it.

Where a bin is discovered after 1/t has begun, ln f goes back to 1 and the clock starts again: the gain would be
too small ever to learn it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrok.checks import FloatArray, IntArray
from minigrok.dos import WalkerResult
from minigrok.walk import BUILD_UP, FROZEN, ONE_OVER_T, System, Walk, bin_of, bins_per_energy, loops_for

FLATNESS = 0.8                 # least over mean visits at which "flatness" halves ln f
FINAL_LOG_F = 1e-8             # where "flatness" stops halving
CHECK_EVERY = 1000             # steps between two looks at the histogram while ln f is halved
STRETCH = 20_000               # steps between two looks for bins discovered later; a multiple of CHECK_EVERY
OBSERVE_EVERY = 200            # steps between two looks in production; in a long round a multiple of them
MOST_LOOKS = 10_000            # in a round, at most
LONGEST_APPROACH = 200_000     # steps to walk into the range of the edges
START_DRAWS = 1000             # random states tried for one that has an energy
STEP_SIZES = (1e-3, 2.0)       # of an adaptive proposal, as a share of the scale
ACCEPTANCE = (0.3, 0.5)        # below or above it the step size changes


class Round(NamedTuple):
    """A stretch of every walk: build-up, then production."""

    start: int                 # trial moves done when it begins
    steps: int

    @property
    def end(self) -> int:
        """Trial moves done when it ends."""
        return self.start + self.steps

    @property
    def look_every(self) -> int:
        """Production steps between two looks."""
        return OBSERVE_EVERY * -(-self.steps // (2 * OBSERVE_EVERY * MOST_LOOKS))

    @property
    def production(self) -> int:
        """Trial moves done when production begins, which takes half of the round, cut to whole looks."""
        return self.end - self.steps // 2 // self.look_every * self.look_every


class Control(NamedTuple):
    """What steers a walk, each an array of one number, so that a checkpoint can keep it with the rest."""

    log_f: FloatArray
    phase: IntArray
    phase_before: IntArray     # production, to go back to after it
    bins_known: IntArray       # seen at the last look at the histogram
    round_trips: IntArray      # in earlier productions


class Walker:
    """A walk with all that it needs in order to go on."""

    def __init__(
        self, system: System, edges: FloatArray, schedule: str, joint: Mapping[str, FloatArray],
        stream: np.random.SeedSequence,
    ) -> None:
        self.system, self.edges, self.schedule, self.joint = system, edges, schedule, joint
        self.rngs = [np.random.Generator(np.random.SFC64(child)) for child in stream.spawn(2)]
        self.state = _started(system, self.rngs[0])
        self.walk_loop, approach = loops_for(system, self.state)
        energy = np.array([system.energy(self.state)])
        for _ in range(LONGEST_APPROACH // STRETCH):
            if edges[0] <= energy[0] <= edges[-1]:
                break
            approach(self.state, energy, edges[0], edges[-1], self._numbers(STRETCH))
        else:
            raise ValueError(
                f"after {LONGEST_APPROACH} moves toward the range from {edges[0]:g} to {edges[-1]:g} the energy is "
                f"{energy[0]:.6g}: the walk does not reach this range; choose edges around energies that it has")
        here, bins = int(bin_of(energy[0], edges, bins_per_energy(edges))), len(edges) - 1
        self.walk = Walk(np.zeros(bins), np.zeros(bins, np.int64), np.arange(bins) == here, energy, np.array([here]),
                         np.zeros(5, np.int64))
        one = np.ones(1, np.int64)
        self.control = Control(np.ones(1), one * BUILD_UP, one * BUILD_UP, one, one * 0)
        self.visits: IntArray = np.zeros(bins, np.int64)              # in production, as all that follows
        self.shift: FloatArray = np.zeros(bins)
        self.energies: list[float] = []
        self.sums: dict[str, FloatArray] = {}
        observed = system.observe(self.state, np.random.default_rng(0)) if joint else {}
        for name in set(joint) - set(observed):
            raise ValueError(f"joint names {name!r}, which {type(system).__name__} does not observe; it observes "
                             f"{', '.join(observed) or 'nothing'}")
        self.counts: dict[str, IntArray] = {
            name: np.zeros((bins, len(borders) - 1), np.int64) for name, borders in joint.items()}

    @property
    def steps(self) -> int:
        """Trial moves so far."""
        return int(self.walk.steps[0])

    def walk_to(self, step: int, part: Round) -> None:
        """Go on until `step` trial moves are done, within one round; where it stops makes no difference."""
        while self.steps < min(step, part.production):
            self._build_up(min(step, part.production))
        if self.steps == part.production < step:
            self._freeze()
        while self.steps < min(step, part.end):
            self._produce(min(step, part.end), part)
        if self.steps == part.end and self.control.phase[0] == FROZEN:
            self._fold_in(part)

    def result(self) -> WalkerResult:
        """What the walk has found so far, at the end of a round."""
        return WalkerResult(
            self.walk.log_g, self.walk.seen, self.visits, np.array(self.energies), self.sums, self.counts, self.shift,
            int(self.control.round_trips[0]), float(self.control.log_f[0]), self.steps)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that changes, by name."""
        kept = {f"state {name}": value for name, value in self.state._asdict().items()}
        kept |= {f"walk {name}": value for name, value in self.walk._asdict().items()}
        kept |= {f"control {name}": value for name, value in self.control._asdict().items()}
        kept |= {f"sum {name}": value for name, value in self.sums.items()}
        kept |= {f"count {name}": value for name, value in self.counts.items()}
        kept |= {"visits": self.visits, "shift": self.shift, "energies": np.array(self.energies)}
        for number, rng in enumerate(self.rngs):
            inside: Any = rng.bit_generator.state
            kept[f"random {number}"] = np.array(
                [*inside["state"]["state"], inside["has_uint32"], inside["uinteger"]], np.uint64)
        return kept

    def restore(self, kept: Mapping[str, NDArray[Any]]) -> None:
        """Stand where another walker of the same settings stood when it gave its `arrays`."""
        for name in kept:
            if name.startswith("sum "):
                self.sums[name.removeprefix("sum ")] = np.zeros((2, len(self.visits)))
        self.energies = kept["energies"].tolist()
        for name, value in self.arrays().items():
            if not name.startswith("random"):
                value[...] = kept[name]
        for number, rng in enumerate(self.rngs):
            *words, has_uint32, uinteger = kept[f"random {number}"].tolist()
            rng.bit_generator.state = {
                "bit_generator": "SFC64", "state": {"state": np.array(words, np.uint64)}, "has_uint32": has_uint32,
                "uinteger": uinteger}

    def _numbers(self, rows: int) -> FloatArray:
        return self.rngs[0].random((rows, 1 + self.system.uniforms))

    def _advance(self, steps: int) -> None:
        rows = self._numbers(steps)
        fault = self.walk_loop(
            self.state, self.walk, self.edges, rows, self.control.log_f[0], self.control.phase[0])
        if fault >= 0:
            energy, log_ratio = self.system.propose(self.state, rows[fault, 1:])
            raise ValueError(
                f"move {self.steps + 1}, from energy {self.walk.energy[0]:.6g}, leads to energy {energy} with "
                f"log_ratio {log_ratio}, but energies must be finite: a forbidden move says so with log_ratio = -inf")

    def _build_up(self, until: int) -> None:
        """Walk to the next look at the histogram, then set ln f and the phase by the schedule."""
        walk, (log_f, phase, _, bins_known, _) = self.walk, self.control
        every = STRETCH if phase[0] == ONE_OVER_T else CHECK_EVERY
        self._advance(min(until, self.steps // every * every + every) - self.steps)
        if self.steps % every:
            return
        if phase[0] == ONE_OVER_T and walk.seen.sum() > bins_known[0]:
            log_f[0], phase[0], bins_known[0], walk.steps[4] = 1.0, BUILD_UP, walk.seen.sum(), self.steps
            walk.histogram[:] = 0
            return
        bins_known[0] = walk.seen.sum()
        if phase[0] == ONE_OVER_T:
            return
        if log_f[0] == 1.0 and walk.steps[4] == 0 and hasattr(self.state, "step_size"):
            _adapt(self.state.step_size, int(walk.steps[1]) / CHECK_EVERY)      # later the walk must stay what it is
        walk.steps[1] = 0
        walk.log_g[walk.seen] -= walk.log_g[walk.seen].min()
        visits = walk.histogram[walk.seen]
        one_over_t = self.schedule == "one_over_t"
        flat = visits.min() >= (log_f[0] ** -0.5 if one_over_t else FLATNESS * visits.mean())
        if flat and (one_over_t or log_f[0] >= FINAL_LOG_F):
            log_f[0] /= 2
            walk.histogram[:] = 0
        if one_over_t and log_f[0] <= bins_known[0] / (self.steps - walk.steps[4]):
            phase[0] = ONE_OVER_T

    def _freeze(self) -> None:
        """Production begins."""
        if self.walk.seen.sum() < 2:
            low, high = self.edges[self.walk.energy_bin[0] :][:2]
            raise ValueError(f"the walk never left the bin from {low:g} to {high:g} in {self.steps} moves: "
                             "its moves do not change the energy, or the bins are too wide")
        self.control.phase_before[:] = self.control.phase
        if self.control.phase[0] == ONE_OVER_T:
            self.control.log_f[0] = self.walk.seen.sum() / (self.steps - self.walk.steps[4])
        self.control.phase[0] = FROZEN
        self.walk.histogram[:] = 0
        self.walk.steps[2:4] = 0

    def _produce(self, until: int, part: Round) -> None:
        """Walk to the next look, then take observables."""
        ahead = part.look_every - (self.steps - part.production) % part.look_every
        self._advance(min(ahead, until - self.steps))
        if (self.steps - part.production) % part.look_every:
            return
        here = self.walk.energy_bin[0]
        self.energies.append(float(self.walk.energy[0]))
        observed = self.system.observe(self.state, self.rngs[1])
        for name, value in observed.items():
            if value == value:                           # a dead layer, say, has no entropy
                self.sums.setdefault(name, np.zeros((2, len(self.visits))))[:, here] += value, 1.0
        for name, borders in self.joint.items():
            column = bin_of(observed[name], borders, bins_per_energy(borders))
            if column < len(borders) - 1:
                self.counts[name][here, column] += 1

    def _fold_in(self, part: Round) -> None:
        """Production is over: its visits go into ln g, as 1/t would have put them there."""
        walk, control = self.walk, self.control
        seen = walk.seen
        control.phase[:] = control.phase_before
        self.shift[seen] = walk.histogram[seen] / walk.histogram[seen].mean() - 1.0
        if control.phase[0] == ONE_OVER_T:
            walk.log_g[seen] += (part.end - part.production) / (self.steps - walk.steps[4]) * self.shift[seen]
        self.visits += walk.histogram
        control.round_trips[0] += walk.steps[2] // 2
        walk.histogram[:] = 0


def _adapt(step_size: FloatArray, acceptance: float) -> None:
    """Longer steps where most are accepted, by a quarter, shorter ones where few are, by a fifth: 1.25 * 0.8 = 1."""
    if acceptance < ACCEPTANCE[0]:
        step_size[0] = max(step_size[0] * 0.8, STEP_SIZES[0])
    elif acceptance > ACCEPTANCE[1]:
        step_size[0] = min(step_size[0] * 1.25, STEP_SIZES[1])


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
