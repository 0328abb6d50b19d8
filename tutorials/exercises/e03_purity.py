"""Exercise 3: the purity of a state (lesson 1, about 5 minutes).

How far is a state from being a single mode? The purity P = tr(rho^2) is 1 for one mode alone, and 1/d where all d
modes are used alike. It belongs to the layer, not to the names of its neurons: a rotation that mixes them leaves it
alone.
"""

import numpy as np


def purity(rho):
    """Return P = tr(rho^2) of a real symmetric rho, shape (d, d). One line of NumPy will do."""
    raise NotImplementedError  # TODO: replace this line
