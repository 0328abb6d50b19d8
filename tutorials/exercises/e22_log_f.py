"""Exercise 22: how ln f shrinks (lesson 5, about 15 minutes).

With a fixed ln f the estimate of ln g stays rough. If ln f is halved for ever, it freezes with an error in it. The 1/t
schedule halves it while it is large, and then lets it fall as (number of bins) / (number of steps) and no faster.
"""

import numpy as np


def next_log_f(log_f, histogram, steps):
    """Return the new ln f after a look at the histogram, while ln f is still being halved.

    log_f      the present ln f, above 0 and at most 1
    histogram  visits since ln f last changed, of the bins seen so far, shape (bins,); a bin that was seen earlier, but
               not since then, has 0 and is a bin like the others
    steps      how many steps the walk has made since it began, at least 1

    The rule. (1) If every bin has at least 1 / sqrt(log_f) visits, ln f is halved. (2) It is never below bins / steps:
    where it would be smaller than that, halved or not, it is bins / steps. (From then on the walk itself sets ln f to
    bins / steps at each step, and asks no more.) (3) Where bins / steps is above 1, take 1 for it.
    """
    raise NotImplementedError  # TODO: replace this line
