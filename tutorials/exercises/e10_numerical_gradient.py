"""Exercise 10: a gradient from values alone (lesson 2, about 10 minutes).

Whoever derives a gradient by hand wants a second opinion that knows no algebra. The central difference asks the
function itself: by how much does it change if one element of theta goes up by h, and down by h?
"""

import numpy as np


def numerical_gradient(f, theta, h):
    """Return the central differences (f(theta + h e_i) - f(theta - h e_i)) / (2 h), an array (d,).

    f takes an array (d,) and returns a number; theta (d,) holds floats and must be left as it is; h > 0 is the step.
    e_i is the unit vector along element i: all other elements of theta stay where they are.
    """
    raise NotImplementedError  # TODO: replace this line
