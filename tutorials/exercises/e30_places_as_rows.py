"""Exercise 30: the places of a convolution (lesson 8, about 5 minutes).

A convolution looks at every place of a picture with the same filters. So its neurons are the channels, and each place
of each picture is one input. Before such a layer can be measured it must become a matrix: a row for each place, a
column for each channel. There is a way to do it that has the right shape and the wrong contents.
"""

import numpy as np


def places_as_rows(A):
    """Return the activations A, shape (n, channels, h, w), as a matrix of shape (n * h * w, channels).

    A row holds what all channels say at one place of one picture. The rows go picture by picture; within a picture
    line by line, from the top; within a line from left to right. (h is the number of lines, w of places in a line.)
    """
    raise NotImplementedError  # TODO: replace this line
