"""The binary perceptron: weights w_i = +1 or -1, and E = the number of random patterns that it puts on the wrong side.

Pattern xi with label y, both random signs, is on the right side if y sum_i w_i xi_i > 0. With n odd the sum is
never 0. To turn weight i changes each such field by -2 w_i y xi_i; w and -w have energies that add up to the
number of patterns, so g(E) is symmetric.

References
----------
.. [1] E. Gardner and B. Derrida, Journal of Physics A 21, 271 (1988).
.. [2] W. Krauth and M. Mezard, Journal de Physique 50, 3057 (1989).
"""

from typing import Any, NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray, whole_number

LARGEST_ENUMERATED = 21        # 2^21 weights take 2 s with 44 patterns; each weight more doubles it


class Weights(NamedTuple):
    """A perceptron on its way, and the move that it considers."""

    weights: IntArray          # (n,) +1 or -1
    examples: IntArray         # (patterns, n) label times pattern
    fields: IntArray           # (patterns,) examples @ weights: wrong where negative
    site: IntArray             # (1,) of the weight that would be turned


def propose(state: Weights, uniforms: FloatArray) -> tuple[float, float]:
    """Turn one random weight, and count the fields that would be negative."""
    site = int(uniforms[0] * len(state.weights))
    state.site[0] = site
    wrong = 0
    for k in range(len(state.fields)):
        if state.fields[k] < 2 * state.weights[site] * state.examples[k, site]:
            wrong += 1
    return float(wrong), 0.0


def accept(state: Weights, energy: float) -> None:
    """Turn it; the fields are integers, so nothing drifts."""
    site = state.site[0]
    for k in range(len(state.fields)):
        state.fields[k] -= 2 * state.weights[site] * state.examples[k, site]
    state.weights[site] = -state.weights[site]


class BinaryPerceptron:
    """A perceptron with n weights +1 or -1 on random patterns with random labels; E is how many it misclassifies.

    Parameters
    ----------
    n : int
        Number of weights, odd.
    patterns : int
    seed : int
        Of patterns and labels.

    Raises
    ------
    ValueError
        If `n` is even, or a number is no whole number or too small.

    Examples
    --------
    >>> np.exp(BinaryPerceptron(3, patterns=4).exact_log_g()).round().astype(int)        # E = 0 .. 4, of 2^3 weights
    array([0, 2, 4, 2, 0])
    """

    uniforms = 1
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(self, n: int = 11, patterns: int = 22, seed: int = 0) -> None:
        self.n = whole_number("n", n, 1)
        if self.n % 2 == 0:
            raise ValueError(f"n is {n}, but must be odd, or w.x could be 0 and have no sign: take {n - 1} or {n + 1}")
        self.patterns = whole_number("patterns", patterns, 1)
        self.seed = whole_number("seed", seed, 0, np.inf)
        signs = np.random.default_rng(seed).choice(np.array([-1, 1]), (self.patterns, self.n + 1))
        self.examples: IntArray = signs[:, :-1] * signs[:, -1:]        # patterns, times their labels

    @property
    def levels(self) -> FloatArray:
        """0, 1, ..., patterns; not all of them need occur."""
        return np.arange(self.patterns + 1, dtype=np.float64)

    @property
    def edges(self) -> FloatArray:
        """One bin around each level."""
        return np.arange(self.patterns + 2) - 0.5

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON."""
        return {"name": "BinaryPerceptron", "n": self.n, "patterns": self.patterns, "seed": self.seed}

    def start(self, rng: np.random.Generator) -> Weights:
        """Random weights."""
        weights = rng.choice(np.array([-1, 1]), self.n)
        return Weights(weights, self.examples.copy(), self.examples @ weights, np.zeros(1, np.int64))

    def energy(self, state: Weights) -> float:
        """E, computed afresh from the weights."""
        return float((state.examples @ state.weights < 0).sum())

    def observe(self, state: Weights, rng: np.random.Generator) -> dict[str, float]:
        """Nothing beyond the energy."""
        return {}

    def exact_log_g(self) -> FloatArray:
        """ln of the number of weights at each of `levels`, of 2^n in all, by enumeration; -inf where there is none.

        Raises
        ------
        ValueError
            For more weights than can be enumerated.
        """
        if self.n > LARGEST_ENUMERATED:
            raise ValueError(
                f"n is {self.n}, but its 2^{self.n} weights can be enumerated up to n = {LARGEST_ENUMERATED}: "
                "let WangLandau(model, model.edges) estimate ln g")
        wrong = np.zeros(2**self.n, np.int64)
        for example in self.examples:
            fields = np.zeros(1, np.int64)
            for x in example:                            # of all weights so far, followed by +1 and by -1
                fields = np.concatenate([fields + x, fields - x])
            wrong += fields < 0
        with np.errstate(divide="ignore"):
            log_g: FloatArray = np.log(np.bincount(wrong, minlength=self.patterns + 1))
        return log_g
