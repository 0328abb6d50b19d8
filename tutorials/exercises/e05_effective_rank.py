"""Exercise 5: the effective rank (lesson 1, about 5 minutes).

S answers "how many modes?" on a logarithmic scale; exp S answers it as a number. The purity gives another count, 1/P,
which some papers call the effective rank as well. The study that this project reproduces gives an "effective rank" of
2.7 to 3.0 for a layer with S = 1.19 and P = 0.37. Once you have written exp S, try it: can it be what they mean?
"""

import numpy as np


def effective_rank(p):
    """Return exp S, a number, of a spectrum p, shape (d,): S = -sum_i p_i ln p_i, in nats.

    The p_i add up to 1 and none is below 0. Some may be exactly 0: 0 ln 0 counts as 0.
    """
    raise NotImplementedError  # TODO: replace this line
