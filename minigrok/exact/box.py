"""E = |x|^2 of a random point: uniform in the cube [-1, 1]^n, or standard normal; both have exact answers.

For the normal, E is chi-square with n degrees of freedom. For the cube, F_n(e) = P(|x|^2 <= e) grows by one
dimension as F_n(e) = integral_0^1 F_(n-1)(e - u^2) du: `minigrok.exact.squares` does the integrals.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, one_of, whole_number
from minigrok.exact.squares import cube_log_g, normal_log_g

KINDS = ("box", "gauss")


class Point(NamedTuple):
    """A point on its way, and the move that it considers."""

    x: FloatArray              # (n,)
    step_size: FloatArray      # (1,) longest change of a coordinate
    gauss: FloatArray          # (1,) 1 for the normal measure, 0 for the cube
    pending: FloatArray        # (2,) the coordinate's index and its new value


def propose(state: Point, uniforms: FloatArray) -> tuple[float, float]:
    """Move one random coordinate by a uniform amount; outside the cube is forbidden."""
    i = int(uniforms[0] * len(state.x))
    before = state.x[i]
    after = before + state.step_size[0] * (2.0 * uniforms[1] - 1.0)
    state.pending[0], state.pending[1] = i, after
    if state.gauss[0] == 0.0 and abs(after) > 1.0:
        return np.nan, -np.inf
    energy = 0.0                                         # summed afresh: a running sum would drift
    for k in range(len(state.x)):
        energy += after * after if k == i else state.x[k] * state.x[k]
    return energy, -0.5 * state.gauss[0] * (after * after - before * before)


def accept(state: Point, energy: float) -> None:
    """Go there."""
    state.x[int(state.pending[0])] = state.pending[1]


class Box:
    """E = |x|^2 for x uniform in [-1, 1]^n ("box") or standard normal in n dimensions ("gauss").

    Examples
    --------
    >>> Box(2).exact_log_g([0.0, 0.5, 1.0]).round(4)                 # quarter discs: ln(pi / 8), twice
    array([-0.9347, -0.9347])
    """

    uniforms = 2
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(self, n: int, kind: str = "box") -> None:
        self.n = whole_number("n", n, 1)
        self.kind = one_of("kind", kind, KINDS)

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON."""
        return {"name": "Box", "n": self.n, "kind": self.kind}

    def start(self, rng: np.random.Generator) -> Point:
        """A random point."""
        x = rng.normal(size=self.n) if self.kind == "gauss" else rng.uniform(-1, 1, self.n)
        return Point(x, np.array([0.5]), np.array([float(self.kind == "gauss")]), np.zeros(2))

    def energy(self, state: Point) -> float:
        """|x|^2."""
        energy = 0.0                                     # in the order of `propose`, so that both agree to the bit
        for value in state.x.tolist():
            energy += value * value
        return energy

    def observe(self, state: Point, rng: np.random.Generator) -> dict[str, float]:
        """Nothing beyond the energy."""
        return {}

    def exact_log_g(self, edges: ArrayLike) -> FloatArray:
        """ln of the mass in each bin [edges[i], edges[i + 1]), of the whole measure; -inf where no point can be."""
        return cube_log_g(self.n, edges) if self.kind == "box" else normal_log_g(self.n, edges)
