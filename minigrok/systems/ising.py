"""The Ising model on an L x L torus: E = -sum over bonds of s_i s_j, with s_i = +1 or -1 at each of N = L^2 sites.

Each site has four neighbours, so to turn spin i changes E by 2 s_i (sum of its neighbours). How many of the
2^N configurations have each energy is known exactly: `minigrok.exact.ising` counts them.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray, whole_number
from minigrok.exact.ising import exact_counts


class Spins(NamedTuple):
    """A configuration on its way, and the move that it considers."""

    spins: IntArray            # (N,) +1 or -1
    neighbours: IntArray       # (N, 4) indices, unsigned for speed: see ONE in `minigrok.walk`
    energy: FloatArray         # (1,)
    site: IntArray             # (1,) that would be turned; an index, unsigned as well


def propose(state: Spins, uniforms: FloatArray) -> tuple[float, float]:
    """Turn one random spin: the energy grows by 2 s_i (sum of its neighbours)."""
    site = np.uint64(uniforms[0] * len(state.spins))
    state.site[0] = site
    field = 0
    for k in range(4):
        field += state.spins[state.neighbours[site, k]]
    return state.energy[0] + 2 * state.spins[site] * field, 0.0


def accept(state: Spins, energy: float) -> None:
    """Turn it."""
    site = state.site[0]
    state.spins[site] = -state.spins[site]
    state.energy[0] = energy


class Ising2D:
    """The Ising model on an L x L torus (J = 1), energies from -2 N to 2 N in steps of 4.

    Parameters
    ----------
    L : int
        Side, 2 or more. For L = 2 each pair of neighbours has two bonds. `exact_log_g` is known for even L alone.

    Examples
    --------
    >>> np.exp(Ising2D(2).exact_log_g()).round().astype(int)         # E = -8, -4, 0, 4, 8
    array([ 2,  0, 12,  0,  2])
    """

    uniforms = 1
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(self, L: int) -> None:
        self.L = whole_number("L", L, 2)

    @property
    def levels(self) -> FloatArray:
        """-2 N, -2 N + 4, ..., 2 N; the second and the last but one do not occur."""
        N = self.L**2
        return np.arange(-2 * N, 2 * N + 1, 4, dtype=np.float64)

    @property
    def edges(self) -> FloatArray:
        """One bin around each level."""
        return np.append(self.levels - 2, self.levels[-1] + 2)

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON."""
        return {"name": "Ising2D", "L": self.L}

    def start(self, rng: np.random.Generator) -> Spins:
        """Random spins."""
        L = self.L
        spins = rng.choice(np.array([-1, 1]), L * L).astype(np.int8)
        x, y = np.divmod(np.arange(L * L), L)
        beside = ((x + 1) % L * L + y, (x - 1) % L * L + y, x * L + (y + 1) % L, x * L + (y - 1) % L)
        neighbours = np.stack(beside, axis=1).astype(np.uint32)
        state = Spins(spins, neighbours, np.zeros(1), np.zeros(1, np.uint64))
        state.energy[0] = self.energy(state)
        return state

    def energy(self, state: Spins) -> float:
        """E, computed afresh; each bond is seen from both its ends."""
        spins = state.spins.astype(np.int64)
        return -0.5 * float((spins[:, None] * spins[state.neighbours]).sum())

    def observe(self, state: Spins, rng: np.random.Generator) -> dict[str, float]:
        """The size of the magnetisation per spin."""
        return {"magnetisation": abs(float(state.spins.mean()))}

    def exact_log_g(self) -> FloatArray:
        """ln of the number of configurations at each of `levels`, exact to rounding; -inf where there is none.

        Raises
        ------
        ValueError
            For odd L, where Kaufman's formula takes another form; WangLandau(model, model.edges) still estimates it.
        """
        return np.array([math.log(count) if count else -math.inf for count in exact_counts(self.L)])
