"""Exercise 12: the batches of an epoch (lesson 3, about 5 minutes).

SGD steps after each batch of inputs. In one epoch every input is to be passed exactly once, in a fresh random order.
Somebody else shuffles; here the order comes in, and you cut it up.
"""

import numpy as np


def batches(order, batch_size):
    """Return the batches of one epoch, as a list of integer arrays.

    `order`, shape (n,), n of 1 or more, holds the indices of the inputs in the order in which they are to be passed.
    Every batch holds the next batch_size of them; where batch_size does not divide n, the last batch is smaller.
    batch_size is a whole number, 1 or more, and may be larger than n. There are no empty batches.
    """
    raise NotImplementedError  # TODO: replace this line
