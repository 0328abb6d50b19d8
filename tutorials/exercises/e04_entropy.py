"""Exercise 4: the von Neumann entropy (lesson 1, about 10 minutes).

How many modes does a layer use? Its state has eigenvalues p_1 ... p_d that add up to 1, like probabilities, and their
Shannon entropy is the state's entropy, S = -sum_i p_i ln p_i. It is 0 for a single mode, and ln d where all d modes are
used alike. Entropies in the literature come in nats (ln), bits (log2) and other units. Ours are in nats.
"""

import numpy as np


def von_neumann_entropy(rho):
    """Return S = -tr(rho ln rho), a number in nats, of a real symmetric density matrix rho, shape (d, d).

    The logarithm is that of a matrix: with the eigenvalues p_i of rho, S = -sum_i p_i ln p_i, where 0 ln 0 counts
    as 0. Many states have eigenvalues that are zero, and rounding may turn such a zero into -1e-17.
    """
    raise NotImplementedError  # TODO: replace this line
