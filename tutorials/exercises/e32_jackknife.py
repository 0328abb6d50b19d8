"""Exercise 32: an error bar by jackknife (lesson 8, about 20 minutes).

You have measured the purity on n inputs. How different would it be on n others, when there are no others? The
jackknife leaves out one input at a time and sees how much the answer moves. With P_i the purity of all inputs but
input i, and P_mean the mean of P_1 .. P_n, the standard error of the purity is

    sqrt( (n - 1) / n  *  sum over i of (P_i - P_mean)^2 )

The factor is large (for the standard error of a mean it would be 1 / (n (n - 1))), because two samples that share n - 2
of their n - 1 inputs hardly differ: the small spread of the P_i must be blown up to that of samples that share none.
"""

import numpy as np


def jackknife_error(A):
    """Return the jackknife standard error of the purity P = tr(rho^2) of rho = A^T A / tr(A^T A), as a number.

    A has shape (n, d): n inputs (rows), d neurons; n is 3 or more. One input at a time is left out, a whole row; rho
    without it is made of the other n - 1 rows, and has trace 1 again. No row carries all of the activations, so none
    of these rho is 0 / 0. Leave A as it is.
    """
    raise NotImplementedError  # TODO: replace this line
