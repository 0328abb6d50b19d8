"""Exercise 23: accuracy where outputs tie (lesson 6, about 10 minutes).

A random network often has equal outputs: without biases, an input that no hidden neuron sees gives 0 for every class.
Which class does it then name? Lesson 6 needs an accuracy that treats all classes alike, or the mean over all networks
would not be what symmetry says. So a tie is shared: where k outputs are the largest together, each is named with
probability 1 / k.
"""

import numpy as np


def tied_accuracy(Z, y):
    """Return the accuracy, a number from 0 to 1, of outputs Z (n, classes) for labels y (n,), 0 to classes - 1.

    An input counts 1 / k if its label is among the k largest outputs of its row, and 0 if it is not. k is 1 where one
    output alone is the largest. Outputs tie if they are exactly equal, to the last bit. The accuracy is the mean over
    all n inputs.
    """
    raise NotImplementedError  # TODO: replace this line
