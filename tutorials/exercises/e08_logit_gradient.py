"""Exercise 8: the top of the backward pass (lesson 2, about 10 minutes).

Backpropagation begins with dL/dZ, how the loss L of exercise 7 changes with each logit. Derive it on paper: for one
input, -ln softmax(z)_y = ln(sum_j exp(z_j)) - z_y. What is the derivative of each term by z_k? What the net says, minus
what is true, is all that will be left.
"""

import numpy as np


def logit_gradient(Z, y):
    """Return dL/dZ, shape (n, classes), of L = mean over inputs of -ln softmax(Z[i])[y[i]].

    It is (softmax(Z) - onehot(y)) / n, where onehot(y) has a 1 at the label of each row and 0 elsewhere.

    Z (n, classes) are the logits, finite, up to some thousands: the answer must be right for all of them. y (n,) are
    the labels, whole numbers from 0 to classes - 1.
    """
    raise NotImplementedError  # TODO: replace this line
