"""Exercise 7: the cross-entropy loss (lesson 2, about 10 minutes).

A classifier's outputs are logits z, one for each class; softmax(z)_k = exp(z_k) / sum_j exp(z_j) makes probabilities of
them. The loss is the mean surprise, in nats, at the true labels. exp(710) is more than double precision can
hold, and trained networks do reach such logits: softmax does not change if all logits of an input are shifted alike.
"""

import numpy as np


def cross_entropy(Z, y):
    """Return the mean over inputs of -ln softmax(Z[i])[y[i]]: a number.

    Z (n, classes) are the logits, any finite numbers up to some thousands; y (n,) the labels, whole numbers from 0 to
    classes - 1. The result must be right for all of them: neither infinite nor NaN, and not cut off.
    """
    raise NotImplementedError  # TODO: replace this line
