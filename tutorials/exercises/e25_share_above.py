"""Exercise 25: the share above a level (lesson 6, about 10 minutes).

A Wang-Landau walk yields ln g up to a constant, and the constant may be anything: an ln g of 2000 is usual, though
exp(2000) is no number that a computer can hold. How large a share of all networks has an entropy at or above some
level? The constant must drop out of the answer, and a share of e^-50 must come out as that, not as 0.
"""

import numpy as np


def share_above(log_g, edges, level):
    """Return the share of the mass in the bins from `level` up, a number from 0 to 1.

    log_g (bins,) is the natural logarithm of the mass in each bin, up to a constant that all bins share; -inf where a
    bin is empty, which at least one is not. Bin i goes from edges[i] to edges[i + 1]; edges (bins + 1,) increase, not
    always in equal steps, and log_g is that of the mass of the whole bin, whatever its width. `level` is exactly one of
    the edges: at the first the share is 1, at the last 0. With log_g of 2000 or -2000 no intermediate value may spoil
    the answer, and a small share must be right to nine digits of its own.
    """
    raise NotImplementedError  # TODO: replace this line
