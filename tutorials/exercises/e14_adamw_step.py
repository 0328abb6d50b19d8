"""Exercise 14: one step of AdamW (lesson 3, about 25 minutes).

One learning rate suits steep directions or flat ones, seldom both. AdamW remembers, for each parameter by itself, a
running mean m of its gradient g and a running mean v of g^2, and steps by m / sqrt(v). Scale the loss by 1000, and
(but for eps, below) the step stays the same.

Both means start at zero, so the first ones are too small: after t steps with a constant g, m is (1 - b1^t) g. Dividing
m by 1 - b1^t, and v by 1 - b2^t, makes up for that. Where v is zero, a small eps keeps the division finite.

Weight decay is *decoupled* (the W in the name): it shrinks theta itself by the factor 1 - lr * lambda, before the step,
and m and v never see it. With g = dL/dtheta, all of it elementwise:

    m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2        theta <- (1 - lr lambda) theta

and then theta moves by -lr times the corrected m over (the root of the corrected v, plus eps). On paper, before you
write: how long is the first step if eps and lambda are negligible?
"""

import numpy as np


def adamw_step(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    """Return (new theta, new mean, new mean_square) after step number t.

    theta, gradient (dL/dtheta at theta), mean (m before this step) and mean_square (v before this step) are arrays of
    shape (parameters,), and must stay as they are. t is the number of this step: 1 for the first, when m and v come in
    as zeros. lr, b1, b2, eps and weight_decay (lambda) are numbers, b1 and b2 in [0, 1). The means are returned as they
    are remembered, *not* corrected. eps stands outside the root.
    """
    raise NotImplementedError  # TODO: replace this line
