"""Exercise 27: telling two kinds apart (lesson 7, about 10 minutes).

Some runs learn, others are controls, and each has a score, say by how much its entropy changed. The area under the
curve, AUC, says how well the score tells them apart, without any threshold: it is the probability that a random run of
the first kind has a higher score than a random one of the second. 1 and 0 separate perfectly, 1/2 is a coin.
"""

import numpy as np


def auc(positives, negatives):
    """Return the share of all pairs (one of `positives`, one of `negatives`) in which the positive's score is higher.

    Both are arrays of one dimension, not empty, and may differ in length. A pair with equal scores counts 1/2. The
    answer is a number from 0 to 1.
    """
    raise NotImplementedError  # TODO: replace this line
