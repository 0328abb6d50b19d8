"""The marker's side of e20_energy_change."""

import numpy as np

from minigrok import Ising2D
from minigrok.course.laws import agrees, fails, holds, law

LESSON, MINUTES = 5, 10
HINTS = (
    "Write down the part of E that contains this spin. What becomes of it when s turns into -s?",
    "With h the sum of the four neighbours that part is -s h; turned it is +s h.",
    "2 * s * h, with indices such as (row + 1) % L, so that they wrap around.",
)


def energy_change(spins, row, column):
    L = len(spins)
    h = (spins[(row + 1) % L, column] + spins[(row - 1) % L, column]
         + spins[row, (column + 1) % L] + spins[row, (column - 1) % L])
    return 2 * spins[row, column] * h          # from -s h to +s h


def check(energy_change, rng):
    for L in (2, 3):
        aligned = np.ones((L, L), dtype=int)
        agrees(energy_change, energy_difference, aligned, 0, 0,
               sentence="to turn one of the equal spins breaks four bonds, and each of them goes from -1 to +1")
    for L in (2, 3, 5):
        spins = rng.choice([-1, 1], (L, L))
        places = [(0, 0), (L - 1, L - 1), (0, L - 1), (L - 1, 0), tuple(map(int, rng.integers(L, size=2)))]
        for row, column in places:
            holds(energy_change, "four bonds change by 2 each, up or down: -8, -4, 0, 4 or 8",
                  lambda change: change in (-8, -4, 0, 4, 8), spins, row, column)
            turned = spins.copy()
            turned[row, column] *= -1
            there, back = energy_change(spins, row, column), energy_change(turned, row, column)
            if abs(there + back) > 1e-9:
                fails("to turn a spin and turn it back costs nothing, so the two changes add up to 0; but yours are "
                      f"{there:g} there and {back:g} back", (spins, row, column), there)
            law(energy_change, "to turn all the spins first makes no difference", (spins, row, column),
                (-spins, row, column))
            law(energy_change, "rows and columns count alike: the transpose has the same answer", (spins, row, column),
                (spins.T.copy(), column, row))
            agrees(energy_change, energy_difference, spins, row, column,
                   sentence="the answer is E(after) - E(before), with both energies added up in full")
        if L > 2:
            far = spins.copy()
            far[1, 1] *= -1
            law(energy_change, "a spin that is no neighbour, here the diagonal one, makes no difference", (spins, 0, 0),
                (far, 0, 0))


def energy_difference(spins, row, column):
    model = Ising2D(len(spins))
    turned = np.array(spins)
    turned[row, column] *= -1
    before, after = (model.energy(model.start(np.random.default_rng(0))._replace(spins=np.ravel(configuration)))
                     for configuration in (spins, turned))
    return after - before


def _full_energy(spins):
    return -(spins * (np.roll(spins, 1, axis=0) + np.roll(spins, 1, axis=1))).sum()


def _from_two_energies(spins, row, column):
    turned = spins.copy()
    turned[row, column] = -turned[row, column]
    return _full_energy(turned) - _full_energy(spins)


def _by_rolling(spins, row, column):
    around = sum(np.roll(spins, shift, axis) for shift in (1, -1) for axis in (0, 1))
    return (2 * spins * around)[row, column]


def _by_counting(spins, row, column):
    L, agree = len(spins), 0
    for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        agree += spins[(row + down) % L, (column + right) % L] == spins[row, column]
    return 2 * (int(agree) - (4 - int(agree)))


def _no_wrap(spins, row, column):
    L, h = len(spins), 0
    for i, j in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
        if 0 <= i < L and 0 <= j < L:
            h += spins[i, j]
    return 2 * spins[row, column] * h


def _past_the_end(spins, row, column):
    h = spins[row + 1, column] + spins[row - 1, column] + spins[row, column + 1] + spins[row, column - 1]
    return 2 * spins[row, column] * h


def _diagonals(spins, row, column):
    L = len(spins)
    return 2 * spins[row, column] * sum(spins[(row + i) % L, (column + j) % L] for i in (1, -1) for j in (1, -1))


def _each_neighbour_once(spins, row, column):
    L = len(spins)
    places = {((row + 1) % L, column), ((row - 1) % L, column), (row, (column + 1) % L), (row, (column - 1) % L)}
    return 2 * spins[row, column] * sum(spins[i, j] for i, j in places)


def _two_neighbours(spins, row, column):
    L = len(spins)
    return 2 * spins[row, column] * (spins[(row + 1) % L, column] + spins[row, (column + 1) % L])


def _bonds_of_row_twice(spins, row, column):
    L = len(spins)
    return 4 * spins[row, column] * (spins[row, (column + 1) % L] + spins[row, (column - 1) % L])


RIGHT = (_from_two_energies, _by_rolling, _by_counting)
WRONG = {
    "has the sign turned round: to break bonds costs energy, so the change must be positive":
        lambda spins, row, column: -energy_change(spins, row, column),
    "forgets the factor 2: the bonds go from -s h to +s h, not from 0":
        lambda spins, row, column: energy_change(spins, row, column) // 2,
    "counts every bond from both its ends: it is twice too large":
        lambda spins, row, column: 2 * energy_change(spins, row, column),
    "leaves out neighbours beyond the edge: the grid does not wrap": _no_wrap,
    "runs past the last row or column: an index such as row + 1 needs % L": _past_the_end,
    "takes row for column": lambda spins, row, column: energy_change(spins.T, row, column),
    "leaves out the spin itself, as if it were always +1":
        lambda spins, row, column: energy_change(spins, row, column) * spins[row, column],
    "adds the spin itself to its neighbours":
        lambda spins, row, column: energy_change(spins, row, column) + 2,
    "takes the diagonal neighbours": _diagonals,
    "counts a neighbour once for L = 2, where the pair has two bonds": _each_neighbour_once,
    "takes two of the four neighbours, as one does to count each bond once in the whole energy": _two_neighbours,
    "takes the neighbours in the row twice, and those in the column not at all": _bonds_of_row_twice,
}
