"""Exercise 19: the energy of a small magnet (lesson 5, about 10 minutes).

Spins of +1 or -1 sit on an L x L grid that wraps around: the right neighbour of the last column is the first column,
the lower neighbour of the last row is the first row. Each bond between two neighbours i and j adds -s_i s_j. A walk
over energies is only as right as this number.
"""

import numpy as np


def ising_energy(spins):
    """Return E = -(sum of s_i s_j over all bonds) for whole numbers +1 or -1, shape (L, L), L >= 2.

    There are 2 L^2 bonds: one from each spin to its right neighbour, one from each spin to its lower neighbour. So each
    bond counts once. For L = 2 the right and the left neighbour are the same spin, and such a pair has two bonds.
    """
    raise NotImplementedError  # TODO: replace this line
