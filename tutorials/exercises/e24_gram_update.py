"""Exercise 24: one move of the walk (lesson 6, about 25 minutes).

A walk over networks changes one weight of one neuron at a time, so neuron j alone gets new activations: column j of A
(n, d). The entropy needs the Gram matrix G = A^T A. To compute it anew takes n d^2 products; but only the elements in
row j and column j have changed, and they take n d.

It is tempting to add the change, new minus old, to the old elements. In exact arithmetic that is right. On a computer
each addition rounds, the error stays for ever, and after a visit to large activations nothing small is left. So
recompute the changed elements from the activations: then nothing can drift, however long the walk.
"""

import numpy as np


def gram_update(gram, A, j, column):
    """Return (new gram, new A) after the activations of neuron j have become `column`.

    gram (d, d) is A^T A before the move, A (n, d), column (n,), j from 0 to d - 1. The new A is A with `column` in
    place of its column j. In the new gram the elements [j, k] and [k, j] are the sum over inputs i of
    column[i] * (new A)[i, k], for every k, so also for k = j. All other elements are handed on from `gram` as they
    are, whatever they are. Do not change `gram` and A themselves: return new arrays.
    """
    raise NotImplementedError  # TODO: replace this line
