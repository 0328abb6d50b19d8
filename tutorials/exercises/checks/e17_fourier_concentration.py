"""The marker's side of e17_fourier_concentration."""

import numpy as np
from scipy.special import entr

from minigrok.course.laws import agrees, holds, law

LESSON, MINUTES = 4, 15
HINTS = (
    "Five steps: transform, choose the frequencies, take the power, divide by its sum, add up the squares. Print the "
    "shape after each.",
    "np.fft.fft(w)[1 : (p + 1) // 2] holds the frequencies that count; F_k is complex, and its power is abs(F_k)**2.",
    "With power = abs(np.fft.fft(w)[1 : (p + 1) // 2])**2 it is ((power / power.sum())**2).sum(), or 0 if that sum of "
    "powers is 0.",
)


def fourier_concentration(w):
    power = abs(np.fft.rfft(w)[1:]) ** 2     # rfft of real numbers stops at (p - 1) / 2 by itself
    total = power.sum()
    return ((power / total) ** 2).sum() if total > 0 else 0.0


def check(fourier_concentration, rng):
    sentence = "sum of q_k^2, where q_k is the share of |F_k|^2 for k = 1 .. (p - 1) / 2"
    agrees(fourier_concentration, _reference, np.array([1.0, 0.0, 0.0]),
           sentence="with p = 3 there is one frequency, which has it all")
    for p in (3, 5):
        agrees(fourier_concentration, _reference, np.zeros(p), sentence="a dead neuron counts 0")
    for p in (5, 7):
        holds(fourier_concentration, f"a single spike has all frequencies alike: 1 of {(p - 1) // 2} each",
              lambda answer, p=p: abs(answer - 2 / (p - 1)) < 1e-9, np.eye(p)[0])
    for w in ([1, 2, 3, 4, 5], [0, 3, -1, 2, 0, 1, 1]):
        agrees(fourier_concentration, _reference, np.array(w, float), sentence=sentence)
        law(fourier_concentration, "small weights make the same wave: only a neuron of exact zeros is dead",
            np.array(w, float), 1e-12 * np.array(w, float))
    for p, k in ((5, 2), (7, 1), (11, 5), (23, 4)):
        wave = np.cos(2 * np.pi * k * np.arange(p) / p + rng.uniform(0, 6))
        holds(fourier_concentration, f"a pure wave, here with k = {k} and p = {p}, is as concentrated as can be: 1",
              lambda answer: abs(answer - 1) < 1e-9, wave)
    for p in (5, 7, 13, 31):
        w, m = rng.normal(size=p), (p - 1) // 2
        holds(fourier_concentration, f"between 1/{m}, all frequencies alike, and 1, one alone",
              lambda answer, m=m: 1 / m - 1e-9 <= answer <= 1 + 1e-9, w)
        law(fourier_concentration, "larger weights make no other wave: a factor drops out", w, -3 * w)
        law(fourier_concentration, "the mean of the weights is frequency 0, which does not count", w, w + 1.5)
        law(fourier_concentration, "to begin at another residue shifts the phase of each wave, not its power",
            w, np.roll(w, 2))
        law(fourier_concentration, "to go around the circle in steps of 2 renames the frequencies, and leaves their "
            "powers alone", w, w[2 * np.arange(p) % p])
        agrees(fourier_concentration, _reference, w, sentence=sentence)


_reference = fourier_concentration


def _power(w, last=None):
    return abs(np.fft.rfft(w)[1:last]) ** 2


def _shares(power):
    """The power over its sum; zeros of a dead neuron."""
    return power / power.sum() if power.sum() > 0 else 0 * power


def _by_loops(w):
    p = len(w)
    powers = []
    for k in range(1, (p - 1) // 2 + 1):
        cosine = sum(w[a] * np.cos(2 * np.pi * k * a / p) for a in range(p))
        sine = sum(w[a] * np.sin(2 * np.pi * k * a / p) for a in range(p))
        powers.append(cosine**2 + sine**2)
    total = sum(powers)
    if total == 0:
        return 0
    return sum(power**2 for power in powers) / total**2


def _by_matrix(w):
    p = len(w)
    k = np.arange(1, (p + 1) // 2)
    F = np.exp(-2j * np.pi * np.outer(k, np.arange(p)) / p) @ w
    return (_shares((F * F.conj()).real) ** 2).sum()


def _over_zero(w):
    with np.errstate(all="ignore"):
        return ((_power(w) / np.float64(_power(w).sum())) ** 2).sum()


def _participation(w):
    concentration = (_shares(_power(w)) ** 2).sum()
    return 1 / concentration if concentration > 0 else 0.0


def _squared_complex(w):
    c = np.fft.rfft(w)[1:] ** 2
    return (_shares(c) ** 2).sum() if abs(c).sum() > 0 else 0.0


RIGHT = (
    _by_loops,
    _by_matrix,
    lambda w: (_shares(abs(np.fft.fft(w)[1 : (len(w) + 1) // 2]) ** 2) ** 2).sum(),
    lambda w: 2 * (_shares(abs(np.fft.fft(w)[1:]) ** 2) ** 2).sum(),
    lambda w: (_shares(_power(w - w.mean())) ** 2).sum(),
)
WRONG = {
    "keeps frequency 0, the mean of the weights": lambda w: (_shares(abs(np.fft.rfft(w)) ** 2) ** 2).sum(),
    "takes the amplitude |F_k| where the power |F_k|^2 belongs":
        lambda w: (_shares(abs(np.fft.rfft(w)[1:])) ** 2).sum(),
    "runs over all p - 1 frequencies: k and p - k are one wave, and each has only half of its share":
        lambda w: (_shares(abs(np.fft.fft(w)[1:]) ** 2) ** 2).sum(),
    "stops one short: the last frequency, (p - 1) / 2, is missing": lambda w: (_shares(_power(w, -1)) ** 2).sum(),
    "takes the real part of F_k, the cosines alone, so that the phase matters":
        lambda w: (_shares(np.fft.rfft(w)[1:].real ** 2) ** 2).sum(),
    "returns the largest share, the `strongest` of the lesson, in place of the sum of squares":
        lambda w: _shares(_power(w)).max(),
    "adds up the shares without squaring them: that is always 1": lambda w: _shares(_power(w)).sum(),
    "returns 1 / sum q_k^2, the number of frequencies in use": _participation,
    "does not divide by the total power, so that large weights look concentrated": lambda w: (_power(w) ** 2).sum(),
    "divides by the largest power, not by the sum":
        lambda w: ((_power(w) / _power(w).max()) ** 2).sum() if w.any() else 0.0,
    "takes the mean over frequencies where the sum belongs": lambda w: (_shares(_power(w)) ** 2).mean(),
    "returns the entropy of the shares": lambda w: entr(_shares(_power(w))).sum(),
    "counts a neuron of small weights as dead, by a threshold or by a small number added to the sum of powers":
        lambda w: (_shares(_power(w)) ** 2).sum() if _power(w).sum() >= 1e-6 else 0.0,
    "divides zero by zero for a dead neuron": _over_zero,
    "squares the complex F_k: the power is |F_k|^2, a real number": _squared_complex,
    "never transforms: it looks at how few *residues* the weights sit on, not how few waves":
        lambda w: (_shares(w**2) ** 2).sum(),
}
