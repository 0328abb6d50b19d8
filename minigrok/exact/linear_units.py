"""The landscape of two linear hidden units on two features, in closed form: how often S has which value.

X (N, 2) are the inputs, W (2, 2) normal weights, A = X W, and S is the entropy of A^T A / tr(A^T A), whose eigenvalues
are p and 1 - p. It rises with y = 4 p (1 - p) = 4 det(A^T A) / tr(A^T A)^2, from 0 at y = 0 to ln 2 at y = 1.

In the eigenbasis of X^T X, with eigenvalues c_1 and c_2, A^T A = c_1 v v^T + c_2 w w^T, with v and w standard normal in
the plane. Read them as complex numbers, and let

    a = sqrt(c_1) v + i sqrt(c_2) w,    b = sqrt(c_1) v - i sqrt(c_2) w.

Then |a|^2 + |b|^2 = 2 tr(A^T A) and (|a|^2 - |b|^2)^2 = 16 det(A^T A), so y = t^2 with t = (|a|^2 - |b|^2) /
(|a|^2 + |b|^2): the coordinate z of the state (a, b) on the Bloch sphere. This state is complex normal, a and b having
the same variance and the correlation kappa = (c_1 - c_2) / (c_1 + c_2), so that its density on the sphere is
(1 - kappa^2) / (4 pi (1 - kappa x)^2). The mean over the angle about the axis z, where x = sqrt(1 - t^2) cos(angle), is

    f(t) = (1 - kappa^2) / (2 (1 - kappa^2 (1 - t^2))^(3/2)),    -1 < t < 1    [1],

and with q = 1 - kappa^2 = 4 c_1 c_2 / (c_1 + c_2)^2, the y of the inputs themselves, its integral is

    P(4 p (1 - p) <= y) = sqrt(y / (y + q (1 - y))).

The scale of the weights drops out. White inputs, q = 1, have P = sqrt(y).

References
----------
.. [1] E. Colin and R. Ossikovski, arXiv:2503.08808 (2025), on |X - Y| / (X + Y) for correlated exponentials X, Y.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import entr, xlog1py

from minigrok.checks import FloatArray, increasing_edges, numeric_array

SMALLEST_ROOT = 1e-300         # below it the root of S(y) = S is not looked for more closely


def two_linear_units_log_g(X: ArrayLike, edges: ArrayLike) -> FloatArray:
    """ln P(edges[i] < S <= edges[i + 1]) for two linear hidden units with normal weights; -inf below 0 and above ln 2.

    P(S <= s) = sqrt(y / (y + q (1 - y))), with y = 4 p (1 - p) at the p with -p ln p - (1 - p) ln(1 - p) = s, and
    q = 4 det(X^T X) / tr(X^T X)^2. Exact up to rounding. The answer for
    `NetworkLandscape(X, hidden=2, activation="identity", bias=False, prior="gauss")`.

    Parameters
    ----------
    X : array_like, shape (N, 2)
        Inputs, real.
    edges : array_like, shape (bins + 1,)
        Increasing limits of S in nats.

    Returns
    -------
    ndarray, shape (bins,)
        Natural logarithms of masses that add up to 1 if the bins cover [0, ln 2].

    Raises
    ------
    ValueError
        If `X` is no real matrix with two columns, or has rank 1 or 0, or `edges` do not increase.

    References
    ----------
    .. [1] The derivation stands at the top of this module.

    Examples
    --------
    White inputs, in every other case: p = 1/4 has y = 3/4, and P = sqrt(3) / 2.

    >>> S = 0.25 * np.log(4) + 0.75 * np.log(4 / 3)
    >>> np.exp(two_linear_units_log_g(np.eye(2), [0, S, np.log(2)])).round(4)
    array([0.866, 0.134])
    """
    inputs = numeric_array("X", X)
    if inputs.ndim != 2 or inputs.shape[1] != 2 or inputs.dtype.kind == "c":
        raise ValueError(f"X has shape {inputs.shape} and dtype {inputs.dtype}, but must be a real matrix (N, 2)")
    inputs = inputs.astype(np.float64) / max(abs(inputs).max(), SMALLEST_ROOT)   # a scale drops out
    widths = np.linalg.svd(inputs, compute_uv=False)     # the roots of c_1 and c_2
    if len(widths) < 2 or widths[1] <= widths[0] * max(inputs.shape) * np.finfo(float).eps:
        raise ValueError(
            f"X of shape {inputs.shape} has rank 1 at most, so S is 0 whatever the weights: "
            "give inputs that do not lie on one line through 0")
    ratio = widths[1] / widths[0]
    q = (2 * ratio / (1 + ratio**2)) ** 2
    y = np.array([_y_at(entropy) for entropy in increasing_edges("edges", edges).tolist()])
    slack = y + q * (1 - y)
    P = np.sqrt(y / slack)
    # P_b - P_a = (P_b^2 - P_a^2) / (P_b + P_a), where the numerator has been worked out: nothing cancels
    mass = q * np.diff(y) / (slack[1:] * slack[:-1] * (P[1:] + P[:-1] + (y[1:] == 0)))
    with np.errstate(divide="ignore"):
        log_g: FloatArray = np.log(mass)
    return log_g


def _y_at(entropy: float) -> float:
    """4 p (1 - p) where p and 1 - p have this entropy; 0 below 0, 1 above ln 2."""
    if entropy <= 0:
        return 0.0
    if entropy >= _entropy_at(1.0):                      # ln 2
        return 1.0
    return float(brentq(lambda y: _entropy_at(y) - entropy, 0, 1, xtol=SMALLEST_ROOT, rtol=4 * np.finfo(float).eps,
                        maxiter=2000))


def _entropy_at(y: float) -> float:
    """S in nats, with p = (1 - sqrt(1 - y)) / 2 written so that nothing cancels."""
    p = y / (2 * (1 + math.sqrt(1 - y)))
    return float(entr(p) - xlog1py(1 - p, -p))
