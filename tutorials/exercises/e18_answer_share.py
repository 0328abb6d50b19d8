"""Exercise 18: logits that know the answer (lesson 4, about 25 minutes).

A net that has understood a + b mod p gives two pairs of the same answer the same logits. One that knows its pairs by
heart does not. So split the variance of the logits in two: between answers, and among pairs of the same answer. The
first part, as a share of the whole, is 1 if the logits are a function of (a + b) mod p. For random logits and all
p^2 pairs it is about 1/(p + 1). Statisticians call it eta^2.
"""

import numpy as np


def answer_share(Z, pairs, p):
    """Return the share of the variance of the logits Z that is a function of (a + b) mod p, a number from 0 to 1.

    Z has shape (n, p), a row of logits z_i for each pair; pairs has shape (n, 2), whole numbers from 0 to p - 1.
    The answer to the pair (a, b) is y = (a + b) mod p. Not all pairs need be there, nor all answers, nor the same
    number of pairs for each answer. With

        z      the mean of all rows, shape (p,)
        n_y    the number of pairs with the answer y
        z_y    the mean of their rows, shape (p,)
        |v|^2  the sum of the squares of the entries of v

    the share is     sum_y n_y |z_y - z|^2  /  sum_i |z_i - z|^2 .

    You may take it that not all rows of Z are equal.
    """
    raise NotImplementedError  # TODO: replace this line
