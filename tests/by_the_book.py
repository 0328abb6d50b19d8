"""Wang-Landau sampling one step at a time, as the papers and `minigrok.walker` put it: what a walker is held to."""

import math
from typing import Any

import numpy as np

from minigrok import walk as walk_module
from minigrok.checks import FloatArray
from minigrok.walk import BUILD_UP, FROZEN, ONE_OVER_T, Walk


def walked_by_the_book(state: Any, walk: Walk, edges: FloatArray, rows: FloatArray, log_f: float, phase: int) -> None:
    """F. Wang and D. P. Landau, Phys. Rev. Lett. 86, 2050 (2001), with the rules of `walk_loop`, not its shortcuts."""
    moves, here = walk_module._MOVES[type(state)], int(walk.energy_bin[0])
    seen = set(np.flatnonzero(walk.seen).tolist())
    tried, accepted, half_trips, last_end, clock = (int(number) for number in walk.steps)
    for row in rows:
        energy, log_ratio = moves.propose(state, row[1:])
        new = min(int(np.searchsorted(edges, energy, side="right")) - 1, len(edges) - 2)
        if edges[0] <= energy <= edges[-1] and (phase != FROZEN or new in seen):
            level = walk.log_g[new] if new in seen else walk.log_g[here]
            if math.log(1 - row[0]) < walk.log_g[here] - level + log_ratio:
                if new not in seen:
                    walk.log_g[new], walk.seen[new] = level, True
                    walk.histogram[:] = 0
                    seen.add(new)
                moves.accept(state, energy)
                walk.energy[0], here, accepted = energy, new, accepted + 1
                at = {end for end, where in ((-1, min(seen)), (1, max(seen))) if where == here}
                if at - {last_end}:
                    half_trips, last_end = half_trips + (last_end != 0), min(at)
        tried += 1
        if phase == ONE_OVER_T:
            log_f = min(1.0, len(seen) / (tried - clock))
        if phase != FROZEN:
            walk.log_g[here] += log_f
        walk.histogram[here] += 1
    walk.energy_bin[0], walk.steps[:] = here, (tried, accepted, half_trips, last_end, clock)


class Numbers:
    """Random numbers from one stream, drawn for one step at a time."""

    def __init__(self, stream: np.random.SeedSequence) -> None:
        self.moves, self.looks = (np.random.Generator(np.random.SFC64(child)) for child in stream.spawn(2))


class ByTheBook:
    """A walker without shortcuts. `limits` holds the constants of `minigrok.walker` by their names in lower case."""

    def __init__(self, system, edges, schedule, joint, stream, limits) -> None:
        self.system, self.edges, self.schedule, self.joint, self.limits = system, edges, schedule, joint, limits
        self.numbers, bins = Numbers(stream), len(edges) - 1
        self.state = system.start(self.numbers.moves)
        while math.isnan(system.energy(self.state)):
            self.state = system.start(self.numbers.moves)
        energy = np.array([system.energy(self.state)])
        while not edges[0] <= energy[0] <= edges[-1]:
            self.approach(energy, self.numbers.moves.random((limits["stretch"], 1 + system.uniforms)))
        here = min(int(np.searchsorted(edges, energy[0], side="right")) - 1, bins - 1)
        self.walk = Walk(np.zeros(bins), np.zeros(bins, int), np.arange(bins) == here, energy, np.array([here]),
                         np.zeros(5, int))
        self.log_f, self.phase, self.known, self.round_trips = 1.0, BUILD_UP, 1, 0
        self.visits, self.shift, self.energies = np.zeros(bins, int), np.zeros(bins), []
        self.sums, self.counts = {}, {name: np.zeros((bins, len(limits) - 1), int) for name, limits in joint.items()}

    def approach(self, energy, rows) -> None:
        """Every move that does not lead away from the range is made."""
        low, high = self.edges[0], self.edges[-1]
        for row in rows:
            if low <= energy[0] <= high:
                return
            new, log_ratio = self.system.propose(self.state, row[1:])
            distance = max(low - energy[0], energy[0] - high)
            if log_ratio > -math.inf and low - distance <= new <= high + distance:
                self.system.accept(self.state, new)
                energy[0] = new

    def step(self) -> int:
        """One trial move; how many there were."""
        row = self.numbers.moves.random((1, 1 + self.system.uniforms))
        walked_by_the_book(self.state, self.walk, self.edges, row, self.log_f, self.phase)
        return int(self.walk.steps[0])

    def round(self, start: int, steps: int):
        """Half build-up, half production, cut to whole looks; yields after each step."""
        least = self.limits["observe_every"]
        apart = least * math.ceil(steps / 2 / least / self.limits["most_looks"])
        produced = steps // 2 // apart * apart
        for step in range(start + 1, start + steps - produced + 1):
            self.look_at_the_histogram(self.step())
            yield step
        before, self.phase = self.phase, FROZEN
        gain = self.walk.seen.sum() / (start + steps - produced - self.walk.steps[4])
        if before == ONE_OVER_T:
            self.log_f = gain
        self.walk.histogram[:], self.walk.steps[2:4] = 0, 0
        for step in range(1, produced + 1):
            self.step()
            if step % apart == 0:
                self.look()
            if step < produced:
                yield start + steps - produced + step
        self.phase, seen, visits = before, self.walk.seen, self.walk.histogram
        self.shift[seen] = visits[seen] / visits[seen].mean() - 1
        if before == ONE_OVER_T:
            clock = start + steps - self.walk.steps[4]
            self.walk.log_g[seen] += produced / clock * self.shift[seen]
        self.visits += visits
        self.round_trips += self.walk.steps[2] // 2
        visits[:] = 0
        yield start + steps

    def look_at_the_histogram(self, step: int) -> None:
        """In build-up: halve ln f, begin 1/t, go back to the start, as the schedule says."""
        walk, seen, tail = self.walk, self.walk.seen, self.phase == ONE_OVER_T
        if step % self.limits["stretch" if tail else "check_every"]:
            return
        found, self.known = seen.sum() > self.known, seen.sum()
        if tail:
            if found:
                self.log_f, self.phase, walk.steps[4], walk.histogram[:] = 1.0, BUILD_UP, step, 0
            return
        if self.log_f == 1 and walk.steps[4] == 0 and hasattr(self.state, "step_size"):
            share = walk.steps[1] / self.limits["check_every"]
            factor = 0.8 if share < 0.3 else 1.25 if share > 0.5 else 1.0
            self.state.step_size[0] = np.clip(self.state.step_size[0] * factor, 1e-3, 2)
        walk.steps[1] = 0
        walk.log_g[seen] -= walk.log_g[seen].min()
        visits = walk.histogram[seen]
        if self.schedule == "flatness":
            halved = visits.min() >= 0.8 * visits.mean() and self.log_f >= self.limits["final_log_f"]
        else:
            halved = visits.min() >= 1 / math.sqrt(self.log_f)
        if halved:
            self.log_f, walk.histogram[:] = self.log_f / 2, 0
        if self.schedule == "one_over_t" and self.log_f <= seen.sum() / (step - walk.steps[4]):
            self.phase = ONE_OVER_T

    def look(self) -> None:
        """In production: note the energy and what is observed there."""
        here = self.walk.energy_bin[0]
        self.energies.append(self.walk.energy[0])
        observed = self.system.observe(self.state, self.numbers.looks)
        for name, value in observed.items():
            if not math.isnan(value):
                total, count = self.sums.setdefault(name, np.zeros((2, len(self.visits))))
                total[here] += value
                count[here] += 1
        for name, limits in self.joint.items():
            if limits[0] <= observed[name] <= limits[-1]:
                column = min(int(np.searchsorted(limits, observed[name], side="right")) - 1, len(limits) - 2)
                self.counts[name][here, column] += 1
