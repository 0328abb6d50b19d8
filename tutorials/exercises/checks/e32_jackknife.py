"""The marker's side of e32_jackknife."""

import warnings

import numpy as np

import minigrok
from minigrok.course.laws import agrees, holds, law, rotation

LESSON, MINUTES = 8, 20
HINTS = (
    "Three steps: a function for the purity of a matrix of activations; a list of its values with one row left out at "
    "a time; the formula on that list.",
    "np.delete(A, i, axis=0) is A without row i, in a new array. The deviations are taken from the mean of the list, "
    "not from the purity of all of A.",
    "With P = np.array([...]) of the n purities: np.sqrt((n - 1) / n * ((P - P.mean()) ** 2).sum()).",
)


def jackknife_error(A):
    n = len(A)
    grams = A.T @ A - A[:, :, None] * A[:, None, :]                  # (n, d, d) each without its own row's |a><a|
    traces = np.trace(grams, axis1=1, axis2=2)                       # (n,)
    P = (grams**2).sum(axis=(1, 2)) / traces**2                      # (n,) n purities for the price of one pass
    return np.sqrt((n - 1) / n * ((P - P.mean()) ** 2).sum())


def check(jackknife_error, rng):
    alike = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0]])
    holds(jackknife_error, "all inputs show the same mode (only signs differ), so to leave one out changes nothing: "
          "the error is 0", lambda error: abs(error) < 1e-12, alike)
    for A in _inputs(rng):
        law(jackknife_error, "the order of the inputs means nothing", A, A[::-1])
        law(jackknife_error, "a state knows no scale: activations three times as strong have the same P, and the same "
            "error", A, 3 * A)
        law(jackknife_error, "a rotation of the neurons leaves every purity alone, so the error, too",
            A, A @ rotation(A.shape[1], rng))
        agrees(jackknife_error, _of_minigrok, A,
               sentence="the error is sqrt((n - 1) / n * sum of (P_i - mean of P_i)^2), P_i the purity without row i")


def _inputs(rng):
    yield np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    yield np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    yield np.array([[2.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    yield np.array([[2.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])       # one input is silent
    A = rng.integers(-3, 4, (5, 2)).astype(float)
    A[:2] = [[1.0, 2.0], [-2.0, 1.0]]                    # two rows that fire: none carries all of the activations
    yield A
    for n, d in ((3, 4), (12, 3)):
        yield 1.0 + rng.normal(size=(n, d))              # and activations with a mean that is not 0


def _of_minigrok(A):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # so few inputs
        return minigrok.sampling_error(A, resamples=0)["purity"].standard_error


def _purity(A):
    with np.errstate(all="ignore"):                      # whoever makes the mistake sees NumPy's warning, not we
        rho = A.T @ A / np.trace(A.T @ A)
    return (rho**2).sum()


def _without(A):
    return np.array([_purity(np.delete(A, i, axis=0)) for i in range(len(A))])


def _variance(P):
    return (len(P) - 1) / len(P) * ((P - P.mean()) ** 2).sum()


def _wrong_trace(A):
    rho = A.T @ A / np.trace(A.T @ A)
    parts = A[:, :, None] * A[:, None, :] / np.trace(A.T @ A)
    return np.sqrt(_variance(np.array([((rho - part) ** 2).sum() for part in parts])))


def _by_loops(A):
    n, P = len(A), []
    for i in range(n):
        gram = np.zeros((A.shape[1], A.shape[1]))
        for k, row in enumerate(A):
            if k != i:
                gram += np.outer(row, row)
        P.append(sum(x**2 for x in gram.ravel()) / gram.trace() ** 2)
    mean = sum(P) / n
    return ((n - 1) / n * sum((x - mean) ** 2 for x in P)) ** 0.5


def _masked(A):
    keep = ~np.eye(len(A), dtype=bool)
    P = np.array([np.sum(np.linalg.eigvalsh(minigrok.density_matrix(A[k])) ** 2) for k in keep])
    return np.sqrt(len(A) - 1) * np.std(P)


def _of_overlaps(A):                                     # tr rho^2 from the overlaps of inputs, n x n
    G = A @ A.T
    squares, traces = (G**2).sum(), np.trace(G)
    own = np.diag(G)
    P = (squares - 2 * (G**2).sum(axis=1) + own**2) / (traces - own) ** 2
    return np.sqrt((len(A) - 1) * P.var())


RIGHT = (_by_loops, _masked, _of_overlaps, lambda A: np.sqrt(_variance(_without(A))))
WRONG = {
    "takes the standard error of a mean, the spread of the P_i over sqrt(n); but they share almost all inputs":
        lambda A: _without(A).std(ddof=1) / np.sqrt(len(A)),
    "takes the spread of the P_i as it is: it is not blown up to that of independent samples":
        lambda A: _without(A).std(),
    "takes the spread of the P_i with n - 1 in the denominator, and does not blow it up":
        lambda A: _without(A).std(ddof=1),
    "leaves out the factor (n - 1) / n": lambda A: np.sqrt(((_without(A) - _without(A).mean()) ** 2).sum()),
    "turns the factor upside down, n / (n - 1)": lambda A: np.sqrt(_variance(_without(A))) * len(A) / (len(A) - 1),
    "forgets the square root: that is the variance": lambda A: _variance(_without(A)),
    "has n - 1 in front of the sum, where (n - 1) / n belongs": lambda A: np.sqrt(len(A) * _variance(_without(A))),
    "takes the deviations from the purity of all inputs, not from the mean of the P_i":
        lambda A: np.sqrt((len(A) - 1) / len(A) * ((_without(A) - _purity(A)) ** 2).sum()),
    "gives the jackknife's estimate of the bias, (n - 1) (mean of P_i - P), not of the error":
        lambda A: (len(A) - 1) * (_without(A).mean() - _purity(A)),
    "leaves out one neuron at a time, a column, where an input is a row":
        lambda A: np.sqrt(_variance(_without(A.T))),     # A and A^T have the same non-zero spectrum
    "takes each input alone, not all the others: one row is a pure state, always P = 1":
        lambda A: np.sqrt(_variance(np.array([_purity(row[None]) for row in A]))),
    "divides by the trace of all inputs though one is left out: those matrices are no states": _wrong_trace,
    "takes each neuron's mean off first: that is the purity of another state":
        lambda A: np.sqrt(_variance(_without(A - A.mean(axis=0)))),
    "never leaves out the last input; perhaps its loop is over range(n - 1)":
        lambda A: np.sqrt((len(A) - 1) / len(A) * (len(A) - 1) * _without(A)[:-1].var()),
    "never leaves out the last input, and has one too few for n in the factor as well":
        lambda A: np.sqrt(_variance(_without(A)[:-1])),
    "forgets axis=0 in np.delete, which then flattens A to one line":
        lambda A: np.sqrt(_variance(np.array([_purity(np.delete(A, i)) for i in range(len(A))]))),
}
