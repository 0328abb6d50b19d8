"""Exercise 26: the centred state (lesson 7, about 5 minutes).

Neurons with a large mean activation fill most of the state of the convention "trace": its first mode is then little
else. The convention "centered" takes the mean of each neuron over the inputs off first, and is blind to it. What is
left is the covariance of the neurons, scaled to unit trace.
"""

import numpy as np


def centered_density_matrix(A):
    """Return B^T B / tr(B^T B), shape (d, d), where B is A with the mean of each neuron over all inputs taken off.

    A (n, d) holds one row an input, one column a neuron. At least two of its rows differ, so that the trace is not 0.
    """
    raise NotImplementedError  # TODO: replace this line
