"""Exercise 21: one step of Wang and Landau (lesson 5, about 25 minutes).

All of Wang-Landau sampling is in this step. The walk stands in one bin of the energy, a move to another configuration
is proposed, and the step decides. Then, whatever it decided, the bin in which the walk now stands is raised: so a place
that was visited often becomes less attractive, and ln g is learnt.
"""

import numpy as np


def wang_landau_step(log_g, histogram, here, new, log_f, uniform):
    """Return (log_g, histogram, here) after one step; the arrays are new ones, those handed in stay as they are.

    log_g      ln g of each bin as known so far, shape (bins,); it may be in the thousands, where exp overflows
    histogram  visits of each bin, whole numbers, shape (bins,)
    here       the bin of the present configuration
    new        the bin of the proposed configuration, or -1 if it lies outside of all bins: that is a wall, and the move
               is refused
    log_f      what ln g of a bin grows by at a visit
    uniform    a random number u, 0 <= u < 1

    The move is accepted with probability min(1, g(here) / g(new)). Use 1 - u, which is above 0 so that its logarithm is
    safe: accept where ln(1 - u) < ln of that ratio. Then the bin where the walk stands is raised, also after a refusal
    and at a wall: its ln g grows by log_f and its histogram by 1. Return that bin as the third value.
    """
    raise NotImplementedError  # TODO: replace this line
