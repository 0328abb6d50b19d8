"""The marker's side of e19_ising_energy."""

import numpy as np

from minigrok import Ising2D
from minigrok.course.laws import agrees, fails, law

LESSON, MINUTES = 5, 10
HINTS = (
    "Give each spin two of its four bonds, and no bond is counted twice.",
    "np.roll(spins, -1, axis=1) holds, at each place, the right neighbour of the spin that is there; it wraps around.",
    "Multiply spins by (right + below), sum over all, and put a minus in front.",
)


def ising_energy(spins):
    right, below = np.roll(spins, -1, axis=1), np.roll(spins, -1, axis=0)          # they wrap around
    return -(spins * (right + below)).sum()


def check(ising_energy, rng):
    for L in (2, 3, 4):
        aligned = np.ones((L, L), dtype=int)
        agrees(ising_energy, ising_energy_of_minigrok, aligned,
               sentence=f"spins that are all equal have E = -2 L^2, here -{2 * L * L}: every bond gives -1")
    agrees(ising_energy, ising_energy_of_minigrok, np.array([[1, 1], [-1, -1]]),
           sentence="stripes: of the eight bonds the four along the rows hold, the four along the columns are broken")
    one_turned = np.ones((3, 3), dtype=int)
    one_turned[0, 0] = -1
    agrees(ising_energy, ising_energy_of_minigrok, one_turned,
           sentence="to turn one of the equal spins breaks four bonds, two of them around the edge: E rises by 8")
    for L in (2, 3, 4, 6):
        spins = rng.choice([-1, 1], (L, L))
        law(ising_energy, "to turn all spins leaves E alone: every bond has two of them", spins, -spins)
        law(ising_energy, "a torus has no edge: to shift all spins leaves E alone", spins,
            np.roll(spins, (1, -1), axis=(0, 1)))
        law(ising_energy, "rows and columns count alike: the transpose has the same E", spins, spins.T.copy())
        if L % 2 == 0:
            board = 1 - 2 * (np.indices((L, L)).sum(axis=0) % 2)
            before, after = ising_energy(spins), ising_energy(spins * board)
            if abs(before + after) > 1e-9:
                fails("to turn every second spin, as on a chessboard, turns each bond round, and so the sign of E; but "
                      f"yours is {before:g} before, and {after:g} after", (spins,), before)
        agrees(ising_energy, ising_energy_of_minigrok, spins,
               sentence="the energy is -(sum of s_i s_j over all 2 L^2 bonds of the torus), as Ising2D counts it")
    agrees(ising_energy, ising_energy_of_minigrok, np.ones((12, 12), dtype=int),
           sentence="larger grids have larger energies: 12 x 12 equal spins have E = -2 L^2 = -288")


def ising_energy_of_minigrok(spins):
    model = Ising2D(len(spins))
    return model.energy(model.start(np.random.default_rng(0))._replace(spins=np.ravel(spins)))


def _by_loops(spins):
    L, E = len(spins), 0
    for i in range(L):
        for j in range(L):
            E -= spins[i, j] * spins[i, (j + 1) % L] + spins[i, j] * spins[(i + 1) % L, j]
    return E


def _from_all_four(spins):
    around = sum(np.roll(spins, shift, axis) for shift in (1, -1) for axis in (0, 1))
    return -(spins * around).sum() / 2


def _broken_bonds(spins):
    broken = sum((spins != np.roll(spins, 1, axis)).sum() for axis in (0, 1))
    return 2 * broken - 2 * spins.size


def _by_indices(spins):
    left = np.arange(len(spins)) - 1                                               # -1 is the last one
    return -float(np.einsum("ij,ij->", spins, spins[:, left] + spins[left]))


def _no_wrap(spins):
    return -(spins[:, :-1] * spins[:, 1:]).sum() - (spins[:-1] * spins[1:]).sum()


def _short_loops(spins):
    L, E = len(spins), 0
    for i in range(L - 1):
        for j in range(L - 1):
            E -= spins[i, j] * (spins[i, j + 1] + spins[i + 1, j])
    return E


def _in_eight_bits(spins):
    small = spins.astype(np.int8)                        # a sum of products that einsum adds up in eight bits
    return -np.einsum("ij,ij->", small, np.roll(small, -1, axis=1) + np.roll(small, -1, axis=0))


def _broken(spins):
    return sum((spins != np.roll(spins, 1, axis)).sum() for axis in (0, 1))


def _diagonals_too(spins):
    below = np.roll(spins, -1, axis=0)
    return ising_energy(spins) - (spins * (np.roll(below, -1, axis=1) + np.roll(below, 1, axis=1))).sum()


def _matrix_product(spins):
    return -(spins @ np.roll(spins, -1, axis=1) + spins @ np.roll(spins, -1, axis=0)).sum()


def _pairs_once(spins):
    return ising_energy(spins) / (2 if len(spins) == 2 else 1)


RIGHT = (
    _by_loops,
    _from_all_four,
    _broken_bonds,
    lambda spins: -sum(np.vdot(spins, np.roll(spins, 1, axis)) for axis in (0, 1)),
    _by_indices,
)
WRONG = {
    "counts each bond from both its ends: E comes out twice too large": lambda spins: 2 * ising_energy(spins),
    "leaves out the bonds around the edge: the grid does not wrap": _no_wrap,
    "ends both loops at L - 1: the last row and the last column have right and lower neighbours, too, around the edge":
        _short_loops,
    "adds up in whole numbers of 8 bits (int8), which end at 127 and then go on at -128": _in_eight_bits,
    "forgets the minus: neighbours that agree must lower E": lambda spins: -ising_energy(spins),
    "takes the bonds along the rows only": lambda spins: -(spins * np.roll(spins, -1, axis=1)).sum(),
    "takes the bonds along the columns only": lambda spins: -(spins * np.roll(spins, -1, axis=0)).sum(),
    "counts the bonds that are broken: those that hold give -1, not 0": _broken,
    "counts diagonal neighbours too": _diagonals_too,
    "multiplies matrices with @: each spin needs its own neighbour, element by element": _matrix_product,
    "counts each pair once for L = 2, where it has two bonds": _pairs_once,
    "divides by the number of spins: that is the energy per spin": lambda spins: ising_energy(spins) / spins.size,
    "divides by the number of bonds: a mean where a sum belongs":
        lambda spins: -(spins * (np.roll(spins, -1, axis=1) + np.roll(spins, -1, axis=0))).mean() / 2,
    "sums the spins: that is (minus) the magnetisation": lambda spins: -spins.sum(),
}
