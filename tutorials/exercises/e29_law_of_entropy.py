"""Exercise 29: a law for entropies (lesson 7, about 30 minutes).

Somebody hands you a function that is said to be the von Neumann entropy. You do not see how it computes, but you may
try it on as many states as you like. Write a law that every right entropy keeps, and every wrong one breaks somewhere.

Hypothesis (`python -m pip install hypothesis`) draws the states: you say, by a *strategy*, what they are made of, and
it looks for those on which the law fails. Zeros, ones and equal numbers come up more often than chance would have it,
for that is where code breaks. Two examples of strategies: `st.integers(1, 5)`, and `st.lists(st.floats(0, 1),
min_size=1, max_size=5)`. What they draw arrives as the arguments of the law, in their order.

The law in the stub is of no use: it asks little, of few states. What should it ask, and of which?
"""

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

QUICK = settings(               # 50 states, the same at each run; no search for the smallest one that fails
    max_examples=50, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck))


def broken(entropy):
    """Return True if `entropy` is a wrong von Neumann entropy, False if it is a right one.

    entropy(rho) takes a real density matrix rho (d, d) and should return S = -tr(rho ln rho) in nats, where 0 ln 0 = 0.
    A right one does so for every state, up to rounding: 1e-12 or less. Each wrong one fails on some states of d = 2 to
    5, where it misses S by 1e-6 or more, returns NaN, or raises an error. What it says of a matrix that is no density
    matrix counts neither way, so be sure that yours are.
    """
    raise NotImplementedError  # TODO: take this line away once strategy and law are yours

    @QUICK
    @given(st.integers(1, 5))                    # TODO: what a state is made of; `assume(...)` skips what is no good
    def the_law(d):
        rho = np.eye(d) / d                      # TODO: the state
        assume(abs(np.trace(rho) - 1) < 1e-9)
        assert entropy(rho) >= 0                 # TODO: the law

    try:
        the_law()
    except Exception:                            # the assertion's, or the entropy's own
        return True
    return False
