"""Exercise 16: when a net has generalised (lesson 4, about 10 minutes).

"It grokked at epoch 860" means little until one says what that is. A net may touch 95 % and fall back; so a net has
*generalised* at the first record from which on its test accuracy stays at 95 % or above until the end. And where
something never happened, that is said, and no number invented.
"""

import numpy as np


def milestones(epochs, train_accuracy, test_accuracy):
    """Return (memorised, generalised), two epochs.

    All three arguments have shape (records,): the epochs at which a run was recorded, in rising order, and its
    accuracies there, 0 to 1.

    memorised      the first epoch with a train accuracy of at least 0.99
    generalised    the first epoch with a test accuracy of at least 0.95 there and at every later record

    None stands for what never happened. Each is found by itself: neither waits for the other. The last record has no
    later ones, so that it is enough if its own test accuracy is 0.95.
    """
    raise NotImplementedError  # TODO: replace this line
