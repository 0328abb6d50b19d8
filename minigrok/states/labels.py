"""States and labels: how much of a layer's entropy speaks of the classes.

Split the inputs by their label c. Each class has a state rho_c and a weight w_c, its share of the trace, and
the whole layer is their mixture, rho = sum_c w_c rho_c. The Holevo information

    chi = S(rho) - sum_c w_c S(rho_c)        0 .. min(S(rho), H(w))   (nats)

is the part of S that comes from the classes being different; what remains is entropy within classes.
For commuting states it is the mutual information of label and mode; no measurement is
meant here, chi is a property of second moments.

References
----------
.. [1] A. S. Holevo, Problems of Information Transmission 9, 177 (1973).
.. [2] M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum Information", 2000, section 12.1.1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from minigrok.checks import FloatArray, InexactArray, IntArray, as_double, numeric_array, real_array, short
from minigrok.density import TRACE_TOLERANCE, gram_spectrum
from minigrok.gradients import divided
from minigrok.grams import activation_array, grams_by_group
from minigrok.metrics import entropy_of_spectrum
from minigrok.states.distances import state_overlap

LABEL_LIMIT = 2**53            # from which on two labels may be one as float64


class ClassStates(NamedTuple):
    """The layer's state, cut by label."""

    labels: IntArray           # (classes,) the labels that occur, ascending
    weights: FloatArray        # (classes,) w_c, share of the trace; adds up to 1
    states: InexactArray       # (classes, d, d) rho_c; NaN for a class on which the layer is silent (w_c = 0)
    entropies: FloatArray      # (classes,) S(rho_c) in nats; 0 for a silent class
    entropy: float             # S of the whole
    holevo_information: float  # chi in nats
    share: float               # chi / S, NaN where S is 0


def class_states(A: ArrayLike, labels: ArrayLike, convention: str = "trace") -> ClassStates:
    """Class-conditional states of activations A and what follows from them.

    In a centred convention the mean over *all* inputs is taken off, once, so that the classes still
    mix to the whole.

    Parameters
    ----------
    A : array_like, shape (n, d)
    labels : array_like of int, shape (n,)
        At least two different ones.
    convention : str
        See `minigrok.density`.

    Raises
    ------
    ValueError
        As for `density_matrix`; also for labels of another length or kind, or of one class only.

    Examples
    --------
    >>> both = class_states([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    >>> both.entropies, round(both.holevo_information, 4), round(both.share, 4)
    (array([0., 0.]), 0.6931, 1.0)
    """
    array = activation_array(A)
    classes, numbers = np.unique(checked_labels(labels, array), return_inverse=True)
    grams = grams_by_group(array, convention, numbers, len(classes))
    traces = np.trace(grams, axis1=-2, axis2=-1).real
    live = traces > 0
    w = traces / traces.sum()
    states = np.full_like(grams, np.nan)
    states[live] = grams[live] / traces[live, None, None]
    entropies = np.zeros(len(classes))
    entropies[live] = entropy_of_spectrum(gram_spectrum(grams[live]))
    S = float(entropy_of_spectrum(gram_spectrum(grams.sum(axis=0))))
    chi = max(0.0, S - float(w @ entropies))
    return ClassStates(classes, w, states, entropies, S, chi, chi / S if S > 0 else float("nan"))


def holevo_information(A: ArrayLike, labels: ArrayLike, convention: str = "trace") -> float:
    """Holevo information chi = S(rho) - sum_c w_c S(rho_c) of activations A (n, d) about labels (n,), in nats.

    From 0 (all classes have the same state) to min(S, entropy of the weights w_c). Errors as for `class_states`.

    Examples
    --------
    >>> round(holevo_information([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 0, 1]), 4)    # ln 3 - (2/3) ln 2
    0.6365
    """
    return class_states(A, labels, convention).holevo_information


def class_overlaps(A: ArrayLike, labels: ArrayLike, convention: str = "trace") -> FloatArray:
    """Overlaps of the states of the classes, tr(rho_c rho_c') / sqrt(P_c P_c'), shape (classes, classes).

    1 on the diagonal; 0 for classes in orthogonal spaces. NaN in the row and column of a silent class.
    Errors as for `class_states`.

    Examples
    --------
    >>> class_overlaps([[1.0, 0.0], [1.0, 1.0]], [0, 1])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    split = class_states(A, labels, convention)
    live = np.flatnonzero(split.weights > 0)
    states = split.states[live]
    overlaps = np.full((len(split.weights),) * 2, np.nan)
    overlaps[np.ix_(live, live)] = state_overlap(states[:, None], states[None, :])
    return overlaps


def holevo_bound(weights: ArrayLike) -> float:
    """H(w) = -sum_c w_c ln w_c in nats of weights that add up to 1, else ValueError: chi is never above it."""
    w = real_array("weights", weights)
    if w.min() < 0 or w.max() > 1 + TRACE_TOLERANCE or not abs(w.sum() - 1) <= TRACE_TOLERANCE:
        raise ValueError(f"weights are {short(weights)}, but must be shares: none below 0, and 1 together")
    return float(entr(w.astype(np.float64)).sum())


def holevo_gradient(A: ArrayLike, labels: ArrayLike) -> FloatArray:
    """dchi/dA in the convention "trace".

    With t = tr A^T A, t_c = tr A_c^T A_c and w_c = t_c / t, let s(M) = -tr M ln M of an unnormalised M. Then
    S(rho) = s(A^T A) / t + ln t, and w_c S(rho_c) = (s(A_c^T A_c) + t_c ln t_c) / t. So with X_c = ln(A_c^T A_c)
    and X = ln(A^T A), d s(A^T A) = -2 tr((X + 1) A^T dA), and for the rows of class c

        dchi/dA_c = (2 / t) A_c [ X_c - X + ln t - ln t_c - chi ]  =  (2 / t) A_c [ ln rho_c - ln rho - chi ].

    A_c ln rho_c is 0 on the null space of rho_c, where A_c is; A_c lies in the support of rho, too.

    Parameters, errors as for `class_states`, for real A (n, d).

    Returns
    -------
    ndarray, shape (n, d)
        Nats per unit of activation; orthogonal to A. A silent class has gradient 0.

    Examples
    --------
    >>> holevo_gradient([[1.0, 0.0], [0.0, 1.0]], [0, 1]).round(12) + 0.0    # chi = ln 2 is a maximum
    array([[0., 0.],
           [0., 0.]])
    """
    array = real_array("A", A)
    y, scale = checked_labels(labels, array), np.float64(abs(array).max())
    split = class_states(array, y)
    rows = array.astype(np.float64) / scale              # so that squares do not overflow: dchi/dA = dchi/drows / scale
    t = float((rows**2).sum())
    mixture = sum(w * rho for w, rho in zip(split.weights, split.states, strict=True) if w > 0)
    gradient = np.zeros_like(rows)
    for c, w, rho in zip(split.labels, split.weights, split.states, strict=True):
        if w > 0:
            mine = rows[y == c]
            logarithms = _times_log(mine, rho) - _times_log(mine, mixture)
            gradient[y == c] = 2 / t * (logarithms - split.holevo_information * mine)
    return divided(gradient, scale)


def checked_labels(labels: ArrayLike, rows: InexactArray) -> IntArray:
    """Labels as whole numbers, one a row of `rows`, a matrix (n, d), of two classes at least; else ValueError."""
    y = as_double(numeric_array("labels", labels))
    if rows.ndim != 2 or y.shape != rows.shape[:1]:
        raise ValueError(f"labels have shape {y.shape}, A has shape {rows.shape}: give one label a row of one matrix")
    for index in np.argwhere((y != np.floor(y.real)) | (abs(y) >= LABEL_LIMIT))[:1].ravel():
        raise ValueError(f"labels[{index}] is {y[index]}, but labels are whole numbers below 2^53")
    if len(np.unique(y)) < 2:
        raise ValueError(f"labels hold the one class {y[0]:g}: two at least are needed to tell them apart")
    return y.real.astype(np.int64)


def _times_log(rows: FloatArray, rho: InexactArray) -> FloatArray:
    """rows ln rho. Below eps p is rounding, and the rows about sqrt(p) on its eigenvector: any ln p of that size."""
    p, Q = np.linalg.eigh(rho)
    product: FloatArray = rows @ (Q * np.log(np.maximum(p, np.finfo(np.float64).eps))) @ Q.T
    return product
