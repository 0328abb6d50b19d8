"""Exact answers, by mpmath at 60 digits: states of activations, their numbers, a net's loss, any gradient.

The float64 numbers of A are taken as the fractions that they are, so that A^T A has no rounding at all; then come the
eigenvalues of mpmath, and the formulas as they stand in the docstrings of minigrok. A gradient is a central difference
with a step of 1e-22 of the largest number, which is off by about 1e-38.
"""

import mpmath
import numpy as np
from mpmath import mpf

DIGITS = 60
STEP = mpf(10) ** -22
NOTHING = mpf(10) ** -45       # an exact eigenvalue below it is 0: the powers of ten between are 60 digits' roundings
PHI = {"relu": lambda z: max(z, mpf(0)), "tanh": mpmath.tanh, "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
       "quadratic": lambda z: z * z, "identity": lambda z: z}


def whole_numbers(A):
    """A / 2^e as an array of Python's whole numbers, for an e that suits all entries."""
    mantissa, exponent = np.frexp(np.asarray(A, np.float64))
    lowest = exponent[mantissa != 0].min()
    shifts = np.where(mantissa != 0, exponent - lowest, 0)
    return np.array([int(m) << int(s) for m, s in zip(np.ldexp(mantissa, 53).flat, shifts.flat, strict=True)],
                    dtype=object).reshape(np.shape(A))


def exact_numbers_array(A):
    """A as an object array of mpf."""
    return np.array([mpf(float(a)) for a in np.ravel(A)], dtype=object).reshape(np.shape(A))


def exact_gram(A, convention="trace"):
    """The Gram matrix (d, d) of the rows as the convention prepares them, up to a factor: exact, or of 60 digits.

    A may be an array of floats, which are taken as they are, or of mpf.
    """
    rows = A if A.dtype == object else whole_numbers(A)
    if convention.startswith("centered"):
        rows = rows * len(rows) - rows.sum(axis=0)
    if not convention.endswith("rows"):
        return rows.T @ rows
    lengths = [mpf(squares) for squares in (rows * rows).sum(axis=1)]
    shares = np.array([1 / squares if squares else mpf(0) for squares in lengths], dtype=object)
    return (rows * shares[:, None]).T @ rows


def spectrum_of_gram(gram):
    """The eigenvalues of gram / tr gram, ascending, as mpf."""
    trace = mpf(np.trace(gram))
    scaled = mpmath.matrix([[mpf(value) / trace for value in row] for row in gram])
    return sorted(mpmath.eigsy(scaled, eigvals_only=True))


def exact_spectrum(A, convention="trace"):
    """The spectrum of the state of A."""
    return spectrum_of_gram(exact_gram(A, convention))


def entropy(p):
    """S = -sum p ln p."""
    return -sum(x * mpmath.log(x) for x in p if x > NOTHING)


def purity(p):
    """P = sum p^2."""
    return sum(x * x for x in p)


def renyi_half(p):
    """The Renyi entropy of order 1/2, which small eigenvalues weigh most in: 2 ln sum sqrt p."""
    return 2 * mpmath.log(sum(mpmath.sqrt(x) for x in p if x > NOTHING))


def holevo(A, labels):
    """chi = S(rho) - sum over classes of w S(rho_c) of an array of mpf."""
    parts = [A[labels == c].T @ A[labels == c] for c in np.unique(labels)]
    whole = sum(parts)
    return entropy(spectrum_of_gram(whole)) - sum(
        np.trace(part) / np.trace(whole) * entropy(spectrum_of_gram(part)) for part in parts)


def loss_of_net(theta, net, X, y):
    """The loss of a net with these parameters (mpf), like `net` otherwise, at X and labels y."""
    A, start = X, 0
    for layer, (n, m) in enumerate(zip(net.sizes[:-1], net.sizes[1:], strict=True)):
        W, start = theta[start : start + n * m].reshape(n, m), start + n * m
        b, start = (theta[start : start + m], start + m) if net.bias else (0, start)
        A = A @ W + b
        if layer < len(net.sizes) - 2:
            phi = PHI[net.activation]
            A = np.array([phi(z) for z in A.flat], dtype=object).reshape(A.shape)
    if net.loss == "squared_error":
        targets = np.eye(net.sizes[-1], dtype=int).astype(object)[y]
        return ((A - targets) ** 2).sum() / A.size
    terms = [mpmath.log(sum(mpmath.exp(z) for z in row)) - row[label] for row, label in zip(A, y, strict=True)]
    return sum(terms) / len(terms)


def central_differences(function, point):
    """The gradient of a function of an array of mpf at a point of such."""
    gradient = np.empty(point.shape, dtype=object)
    step = STEP * max(abs(value) for value in point.flat)
    for index in np.ndindex(point.shape):
        up, down = point.copy(), point.copy()
        up[index], down[index] = point[index] + step, point[index] - step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient
