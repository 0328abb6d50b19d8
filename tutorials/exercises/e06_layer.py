"""Exercise 6: one layer of a network (lesson 2, about 5 minutes).

A neuron adds up its inputs with its weights and a bias, and fires by how much the sum exceeds zero. A layer does that
for all inputs and all neurons at once; its activations A are what lesson 1 turned into a state.
"""

import numpy as np


def layer(X, W, b):
    """Return the activations A = ReLU(X W + b), shape (n, width), where ReLU(z) is z above 0 and 0 elsewhere.

    X (n, features) holds an input in each row, W (features, width) the weights of a neuron in each column, b (width,)
    the bias of each neuron.
    """
    raise NotImplementedError  # TODO: replace this line
