"""Exercise 11: the gradient of the entropy (lesson 2, about 25 minutes).

If S could be pushed, in which direction would each activation have to go? Derive it on paper first. Lesson 2 does it
for the purity, and asks the three questions that lead from there to the entropy. In short: let A move by a, so that
rho moves by r with tr r = 0. Show that S moves by -tr(r ln rho); put in r in terms of a; read off what multiplies a.

What comes out is short: besides A and t it contains ln rho and one number. Here ln rho is the matrix Q diag(ln p) Q^T,
for rho = Q diag(p) Q^T as np.linalg.eigh gives p and Q. Where p_i = 0, ask what A does to the i-th column of Q.
"""

import numpy as np


def entropy_gradient(A):
    """Return dS/dA, shape (n, d), of S = -tr(rho ln rho), in nats, with rho = A^T A / t and t = tr(A^T A).

    A (n, d) are real activations, not all zero. Neurons may be dead (a column of zeros), and n may be smaller than d:
    then rho has eigenvalues 0, and the gradient is finite all the same. Rounding may turn such an eigenvalue into
    one just below 0. The formula is wanted: differences of S are good to check it, but have only some ten digits.
    """
    raise NotImplementedError  # TODO: replace this line
