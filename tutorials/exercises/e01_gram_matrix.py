"""Exercise 1: the Gram matrix (lesson 1, about 3 minutes).

Which neurons fire together? Row i of A holds what the d neurons do on input i. Two neurons are compared by going
through all inputs, multiplying what the one does by what the other does, and adding up. Everything in this course
begins with the matrix of these sums.
"""

import numpy as np


def gram_matrix(A):
    """Return G = A^T A, shape (d, d), of the activations A, shape (n, d): n inputs, d neurons.

    Its element (j, k) is the sum over all inputs i of A[i, j] A[i, k]. Nothing is divided and no mean is taken off.
    """
    raise NotImplementedError  # TODO: replace this line
