"""Exercise 15: two-hot rows (lesson 4, about 5 minutes).

A net that adds modulo p must not be told that 3 lies between 2 and 4. So a pair (a, b) comes in as names: a row of 2 p
numbers, with a 1 at place a for the first summand, a 1 at place p + b for the second, and 0 elsewhere. Times the
weights of the first layer such a row picks two rows of W, W[a] + W[p + b].
"""

import numpy as np


def two_hot(pairs, p):
    """Return the rows, shape (n, 2 p), of `pairs`, shape (n, 2), whole numbers from 0 to p - 1; n is at least 1.

    Row i has a 1 at place a and a 1 at place p + b, where (a, b) is row i of `pairs`. Places count from 0.
    """
    raise NotImplementedError  # TODO: replace this line
