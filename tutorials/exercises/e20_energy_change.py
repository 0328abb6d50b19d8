"""Exercise 20: what turning a spin costs (lesson 5, about 10 minutes).

A walk turns one spin at a time, millions of times. To add up the whole energy again after each turn would waste nearly
all of its time, for only the four bonds of that spin change. Here E = -(sum of s_i s_j over the bonds) of exercise 19.
"""

import numpy as np


def energy_change(spins, row, column):
    """Return E(after) - E(before) if the spin at (row, column) is turned.

    It and its four neighbours are all that you need. Two whole energies give the same number, only far more slowly: how
    you compute it is not marked, but a walk of millions of steps would notice.

    `spins` holds whole numbers +1 or -1, shape (L, L), L >= 2, on a grid that wraps around at all four edges; `row` and
    `column` run from 0 to L - 1. For L = 2 two neighbours that are the same spin still count as two, for that pair has
    two bonds. The spins must be left as they are.
    """
    raise NotImplementedError  # TODO: replace this line
