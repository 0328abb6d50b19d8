"""What may announce generalisation on a modular task: indices of a net, each one number a record.

    answer_share            eta^2 of the logits: the share of their variance between pairs of different answer
    fourier_concentration   how few frequencies the first layer's neurons use
    holevo                  chi = S(rho) - sum_c w_c S(rho_c) of the last hidden layer and the labels it is trained on
    weight_spectrum_entropy S of W^T W / tr(W^T W) of the first layer: what a classical look at the spectrum sees
    weight_entropy_...      the Shannon entropy of all weights under other binnings than 30 over their own range

The first two follow what N. Nanda et al., arXiv:2301.05217, and A. Gromov, arXiv:2301.02679, report of trained nets
(logits that depend on a + b alone, neurons that are waves); the indices are ours.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from minigrok.checks import FloatArray, IntArray, numeric_array, one_of, real_array, whole_number
from minigrok.history import History
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum, weight_entropy
from minigrok.mlp import MLP, forward
from minigrok.recording import spectrum_or_nan, weights_of
from minigrok.tasks import AnyTask
from minigrok.tasks.modular import OPERATIONS

FIXED_EDGES = np.concatenate([[-np.inf], np.linspace(-2, 2, 81), [np.inf]])       # bins 0.05 wide
BINNINGS = {"weight_entropy": "30 bins over the weights' own range", "weight_entropy_fixed": "fixed bins of width 0.05",
            "weight_entropy_fd": "Freedman-Diaconis bins"}
MOST_BINS = 10_000             # where most weights have decayed to 0, Freedman and Diaconis ask for any number
ONE_LAYER = ("weight_entropy_fixed", "weight_entropy_fd", "holevo", "fourier_concentration", "answer_share",
             "weight_spectrum_entropy")
FIRST_OF_TWO = ("entropy_first", "purity_first", "entropy_first_centered", "purity_first_centered")
RECORDED = "features"          # the column in which they come out of the training loop, (records, features)


def names(net: MLP) -> tuple[str, ...]:
    """What `features` measures of this net, in its order; of a deeper one the first hidden layer as well."""
    return ONE_LAYER + (FIRST_OF_TWO if len(net.sizes) > 3 else ())


def features(net: MLP, task: AnyTask) -> FloatArray:
    """All of `names` at this moment, a recorder for `minigrok.train` on a modular task: {RECORDED: features}."""
    op, p, n = task.description["op"], task.n_classes, len(task.y_train)
    pairs: IntArray = np.concatenate([task.pairs_train, task.pairs_test])        # type: ignore[union-attr]
    X = np.concatenate([task.X_train, task.X_test]).astype(net.theta.dtype)      # (pairs, 2 p)
    Zs, As = forward(net, X)
    weights, W = weights_of(net), net.layers[0].W
    values: list[Any] = [
        weight_entropy(weights, FIXED_EDGES), freedman_diaconis_entropy(weights),
        holevo(As[-1][:n], task.y_train), fourier_concentration(W, p, op),
        answer_share(Zs[-1], OPERATIONS[op](pairs[:, 0], pairs[:, 1], p)),
        entropy_of_spectrum(spectrum_or_nan(W, "trace"))]
    for convention in ("trace", "centered") if len(net.sizes) > 3 else ():
        spectrum = spectrum_or_nan(As[1][:n], convention)
        values += [entropy_of_spectrum(spectrum), purity_of_spectrum(spectrum)]
    return np.array(values, float)


def as_columns(history: History, net: MLP) -> History:
    """The History with one column for each feature in place of the one that holds them all."""
    columns = dict(history.columns)
    recorded = columns.pop(RECORDED)
    return History(columns | dict(zip(names(net), recorded.T.copy(), strict=True)))


def answer_share(logits: ArrayLike, answers: ArrayLike) -> float:
    """Share of the logits' variance over all pairs that is a function of the answer: eta^2.

    With the mean z of all rows, the mean z_y of the n_y rows of answer y, and rows z_i,

        sum_y n_y |z_y - z|^2 / sum_i |z_i - z|^2        0 .. 1

    1 if the logits depend on the answer alone; for random ones (p - 1) / (p^2 - 1) = 1 / (p + 1) on the average. NaN
    where they never differ.

    Parameters
    ----------
    logits : array_like, shape (pairs, p)
        Of all pairs, those of the training set too.
    answers : array_like of int, shape (pairs,)
        The right answers, whatever the net was taught.

    Raises
    ------
    ValueError
        If `logits` are no finite real matrix, or `answers` not one for each row.

    References
    ----------
    .. [1] N. Nanda et al., arXiv:2301.05217, section 4.2, which projects the logits on functions of a + b; the index
       is ours, and the ratio is K. Pearson's correlation ratio (1905), squared.

    Examples
    --------
    >>> answer_share([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0, 0, 1, 1])
    1.0
    """
    Z = real_array("logits", logits).astype(np.float64)
    answers = numeric_array("answers", answers)
    if Z.ndim != 2 or answers.shape != Z.shape[:1]:
        raise ValueError(f"logits have shape {Z.shape}, answers {answers.shape}: give a row of logits for each answer")
    _, group, count = np.unique(answers, return_inverse=True, return_counts=True)
    Z = Z * power_below(abs(Z).max())                    # so that no square overflows
    Z = Z - Z.mean(axis=0)                               # (pairs, p)
    order = np.argsort(group, kind="stable")
    sums = np.add.reduceat(Z[order], np.concatenate([[0], np.cumsum(count)[:-1]]), axis=0)       # (answers, p)
    total = float((Z**2).sum())
    return float((sums**2 / count[:, None]).sum()) / total if total > 0 else float("nan")


def holevo(A: FloatArray, labels: IntArray) -> float:
    """Holevo information of activations A (n, d) about labels (n,), in nats; NaN of a dead layer.

    The same as `minigrok.holevo_information`, and about ten times as fast where classes have fewer inputs than
    the layer has neurons: A_c^T A_c and A_c A_c^T have the same eigenvalues but for zeros, so that of each class the
    smaller matrix is taken, all of one size at once (rows of zeros change no eigenvalue but add zeros).
    """
    _, group, count = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    within = np.arange(len(group)) - np.repeat(np.cumsum(count) - count, count)
    rows = np.zeros((len(count), int(count.max()), A.shape[1]))
    rows[group[order], within] = A[order]                # (classes, most inputs of a class, d)
    turned = rows.transpose(0, 2, 1)
    small = rows @ turned if rows.shape[1] <= rows.shape[2] else turned @ rows
    p = np.linalg.eigvalsh(small).clip(0)
    t = p.sum(axis=1)                                    # (classes,) tr A_c^T A_c
    if not t.sum() > 0:
        return float("nan")
    p, w = p[t > 0] / t[t > 0, None], t[t > 0] / t.sum()
    S = float(entropy_of_spectrum(spectrum_or_nan(A, "trace")))
    return max(0.0, S - float(w @ entr(p).sum(axis=1)))


def freedman_diaconis_entropy(weights: FloatArray) -> float:
    """Weight entropy under bins of width 2 IQR / n^(1/3) (Freedman and Diaconis 1981), 10,000 bins at the most."""
    low, high = np.quantile(weights, [0.25, 0.75])
    width, span = 2 * (high - low) / len(weights) ** (1 / 3), float(np.ptp(weights))
    if not width > 0:
        return float(weight_entropy(weights, MOST_BINS if span > 0 else 1))
    return float(weight_entropy(weights, int(min(MOST_BINS, max(1, np.ceil(span / width))))))


def fourier_concentration(W: FloatArray, p: int, op: str = "add") -> float:
    """Mean over neurons of the inverse participation ratio of their weights' Fourier power.

    A neuron's weights on the first summand, w_a with a = 0 .. p-1, have the power c_k = |sum_a w_a
    exp(-2 pi i k a / p)|^2 at frequencies k = 1 .. floor(p / 2); with q = c / sum c it is sum_k q_k^2:
    1 for a pure wave, near 2 / floor(p / 2) for random weights. Both summands are averaged.

    For "multiply" and "divide" the waves are those of the multiplicative group: a runs over g^0, g^1, ..., g^(p-2) for
    the least primitive root g of the prime p, and the weight on 0 stays out.

    A neuron whose weights on a summand are all alike, dead or not, is no wave: it counts 0. Waves within rounding of
    nothing are taken for nothing.

    Parameters
    ----------
    W : ndarray, shape (2 p, neurons)
        First-layer weights on the two-hot input.
    p : int
        The modulus.
    op : {"add", "subtract", "multiply", "divide"}

    Raises
    ------
    ValueError
        If W is not finite, real, of 2 p rows, or p is no prime where `op` is "multiply" or "divide".

    References
    ----------
    .. [1] N. Nanda et al., arXiv:2301.05217, section 4; A. Gromov, arXiv:2301.02679, section 3 (which report
       such concentration in trained nets; this index of it is ours).

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 3 * np.arange(11) / 11)
    >>> round(fourier_concentration(np.concatenate([wave, wave])[:, None], 11), 6)
    1.0
    """
    p, array = whole_number("p", p, 2), real_array("W", W).astype(np.float64)
    one_of("op", op, OPERATIONS)
    if array.ndim != 2 or len(array) != 2 * p:
        raise ValueError(f"W has shape {array.shape}, but p is {p}: its rows are the weights on {2 * p} inputs")
    w = (array * power_below(abs(array).max())).reshape(2, p, -1)        # so that no square overflows
    if op in ("multiply", "divide"):
        w = w[:, powers_of_root(p)]
    waves = abs(np.fft.rfft(w, axis=1))[:, 1:]           # (2, frequencies, neurons)
    rounding = w.shape[1] * np.finfo(np.float64).eps * abs(w).max(axis=1, keepdims=True)
    power = np.where(waves > rounding, waves, 0.0) ** 2
    total = power.sum(axis=1, keepdims=True)
    q = np.divide(power, total, out=np.zeros_like(power), where=total > 0)
    return float((q**2).sum(axis=1).mean())


def power_below(largest: float) -> float:
    """A power of two that brings `largest` to about 1, and rounds nothing; as near as float64 comes to that.

    >>> power_below(6.0), power_below(0.0)
    (0.125, 1.0)
    """
    return float(np.ldexp(1.0, min(1000, -int(np.frexp(largest)[1]))))


def powers_of_root(p: int) -> IntArray:
    """g^0, g^1, ..., g^(p-2) modulo a prime p: all residues but 0, for its least primitive root g.

    >>> powers_of_root(7)
    array([1, 3, 2, 6, 4, 5])
    """
    for g in range(1, p):
        powers = [1]
        while (following := powers[-1] * g % p) > 1:
            powers.append(following)
        if len(powers) == p - 1:
            return np.array(powers)
    raise ValueError(f"p is {p}, but only the residues of a prime but 0 are a group with a primitive root")
