"""Exercise 28: how sure is a share? (lesson 7, about 10 minutes).

Of n runs so many met the test of a claim. What may the share of all possible runs be? The simplest answer, the share
plus or minus its standard error, says after one run that agrees: 100 %, without any doubt. Wilson's score interval asks
the other way round: which shares q would not be surprised by what we saw?
"""

import numpy as np

Z = 1.959963984540054          # a normal variable lies within Z standard deviations of its mean with probability 95 %


def share_interval(successes, n):
    """Return (low, high), Wilson's 95 % interval of the share of which `successes` of n runs are a sample.

    With p = successes / n, it holds all q from 0 to 1 from which p is at most Z standard deviations away. These are
    the standard deviations that p would have if q were the true share, not those computed from p:

        abs(p - q) <= Z sqrt(q (1 - q) / n)

    Squared, that is a quadratic inequality in q, and the ends are its two roots. n is 1 or more, and
    0 <= successes <= n; both ends lie between 0 and 1.
    """
    raise NotImplementedError  # TODO: replace this line
