"""Exercise 2: the density matrix (lesson 1, about 5 minutes).

A Gram matrix grows with the number of inputs and with the scale of the layer, so it cannot be compared between two
layers. Divided by its trace it can: what is left is a state, which says how the layer's activity is shared out.
"""

import numpy as np


def density_matrix(A):
    """Return rho = A^T A / tr(A^T A), shape (d, d), of the activations A, shape (n, d): n inputs, d neurons.

    The trace is the sum of the diagonal. No mean is taken off, and every input counts as it is. You may take for
    granted that not all activations are zero: such a layer has no state.
    """
    raise NotImplementedError  # TODO: replace this line
