"""Exercise 13: one step of SGD (lesson 3, about 10 minutes).

A ball that rolls down a valley does not stop and look at every step. It keeps a velocity u: a sum of the gradients so
far, each older one counting less by the factor mu, the momentum. Weight decay pulls every parameter towards zero; it
acts as if the loss had a further term (lambda / 2) |theta|^2. With g = dL/dtheta, one step is

    g <- g + lambda theta        u <- mu u + g        theta <- theta - lr u

Books differ in where lr stands and in the sign of u. This is the convention of PyTorch, and of minigrok.
"""

import numpy as np


def sgd_step(theta, gradient, velocity, lr, momentum, weight_decay):
    """Return (new theta, new velocity) after one step.

    theta, gradient (dL/dtheta at theta) and velocity (u before this step; zero before the first) are arrays of shape
    (parameters,), and must stay as they are. lr, momentum (mu) and weight_decay (lambda) are numbers, 0 allowed: with
    mu = 0, too, the new velocity is the new u.
    """
    raise NotImplementedError  # TODO: replace this line
