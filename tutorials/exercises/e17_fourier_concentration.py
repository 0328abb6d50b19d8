"""Exercise 17: how few waves a neuron uses (lesson 4, about 15 minutes).

In lesson 4 the weights of a neuron on the first summand become a wave. A number says how far they have come: the
inverse participation ratio of the power over frequencies. It is 1 where one frequency has it all, and 1/m where m
frequencies have equal shares. (The purity of lesson 1 is the same thing, with eigenvalues in place of the q_k.)
"""

import numpy as np


def fourier_concentration(w):
    """Return sum_k q_k^2 for the weights w of one neuron, shape (p,), with p odd and at least 3.

    F_k = sum_a w_a exp(-2 pi i k a / p) is the discrete Fourier transform of w, which `np.fft.fft` computes.
    Only the frequencies k = 1 .. (p - 1) / 2 count: k = 0 is the mean, and p - k is the mirror image of k.
    c_k = |F_k|^2 is the power, and q_k = c_k / (sum of all these c_k) its share.

    A dead neuron, all of whose weights are exactly 0, has no power to share out: return 0.
    """
    raise NotImplementedError  # TODO: replace this line
