"""A density of states of a system of your own: n spins in a ring, E = how many neighbours differ.

A system is a named tuple of arrays with two small functions and a class: 23 lines of code here. The sampler
compiles the functions into its loop, as it does with its own systems, and compiles them again when you edit this
file. The exact answer: to choose E borders among n places, an even number, and then one of two colours,

    g(E) = 2 n! / (E! (n - E)!) / 2^n    for E = 0, 2, 4, ..., n.

Odd numbers of borders do not exist: their bins are never reached, and stay masked.

Run it: python -m minigrok_tutorials.a_system_of_your_own
"""

from math import comb, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrok import WangLandau


class Ring(NamedTuple):
    """All that changes; every field is an array."""

    spins: NDArray[np.int64]       # (n,) 0 or 1
    borders: NDArray[np.int64]     # (1,) the energy
    site: NDArray[np.int64]        # (1,) the spin that would be turned


def propose(ring: Ring, uniforms: NDArray[np.float64]) -> tuple[float, float]:
    """Write a pending move into the state; return the energy after it, and 0 for a symmetric move."""
    i, n = int(uniforms[0] * len(ring.spins)), len(ring.spins)
    ring.site[0] = i
    differing = (ring.spins[i] != ring.spins[i - 1]) + (ring.spins[i] != ring.spins[(i + 1) % n])
    return float(ring.borders[0] + 2 - 2 * differing), 0.0


def accept(ring: Ring, energy: float) -> None:
    """Carry the pending move out."""
    ring.spins[ring.site[0]] = 1 - ring.spins[ring.site[0]]
    ring.borders[0] = int(energy)


class RingOfSpins:
    """What the sampler asks of a system."""

    uniforms = 1                   # random numbers that one proposal takes
    propose: Any = staticmethod(propose)
    accept: Any = staticmethod(accept)

    def start(self, rng: np.random.Generator) -> Ring:
        """A random state."""
        spins = rng.integers(0, 2, 24)
        return Ring(spins, np.array([(spins != np.roll(spins, 1)).sum()]), np.zeros(1, np.int64))

    def energy(self, ring: Ring) -> float:
        """The energy, computed afresh."""
        return float((ring.spins != np.roll(ring.spins, 1)).sum())

    def observe(self, ring: Ring, rng: np.random.Generator) -> dict[str, float]:
        """Whatever you like to know of the states of one energy."""
        return {"share of ones": float(ring.spins.mean())}


if __name__ == "__main__":
    n = 24
    states = WangLandau(RingOfSpins(), np.arange(n + 2) - 0.5, walkers=8, seed=0, workers=2).run(until_error=0.03)
    low, high = states.interval()
    print(f"{states.steps:,} moves a walker, {states.round_trips.min()} round trips or more, R-hat {states.r_hat:.3f}")
    print("borders    ln g   95 % interval (Student's t, 7 degrees of freedom)   exact   share of ones")
    for E in np.flatnonzero(states.visited):
        exact = log(2 * comb(n, int(E))) - n * log(2)
        print(f"{E:7}{states.log_g[E]:8.3f}{low[E]:18.3f} .. {high[E]:.3f}{exact:36.3f}"
              f"{states.observables['share of ones'][E]:16.3f}")
