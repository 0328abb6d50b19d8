"""Exercise 9: a whole backward pass (lesson 2, about 30 minutes).

The network has one hidden layer of ReLU and the cross-entropy loss of exercise 7:

    Z1 = X W1 + b1        A = ReLU(Z1)        Z2 = A W2 + b2        L = mean over inputs of -ln softmax(Z2)_y

Lesson 2 derives the chain rule for a net without biases and with another loss. Do it for this one on paper first, from
the top down: dL/dZ2 is exercise 8; a bias is added to every row, so its derivative collects from all of them. Then
check your gradient yourself, against differences of the loss, before the marker does.
"""

import numpy as np


def backward(X, y, W1, b1, W2, b2):
    """Return (dW1, db1, dW2, db2): the derivatives of L by W1, b1, W2 and b2, each of the shape of what it belongs to.

    X (n, features), labels y (n,) from 0 to classes - 1, W1 (features, hidden), b1 (hidden,), W2 (hidden, classes),
    b2 (classes,). Where Z1 is exactly 0 the derivative of ReLU counts as 0. The logits Z2 may be as large as a
    thousand. You may write further functions in this file and call them.
    """
    raise NotImplementedError  # TODO: replace this line
