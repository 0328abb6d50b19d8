"""Do S and P show what classical analysis does not? Then held-out runs are predicted better with them than without.

A run is looked at a delay after it memorised, as `minigrok.study.announce` does. From the classical quantities alone
(weight entropy under three binnings, weight norm, entropy of the weights' spectrum), and from these with S and P, two
targets are predicted:

    whether it will generalise     logistic regression; loss -ln q of the probability q that it gave to what happened
    ln of the epochs left          linear regression, among runs that do generalise; loss (prediction - truth)^2
    gain                           loss without S and P - loss with them, of runs that were held out

Both minimise (sum of losses) + |beta|^2 / 2 over standardised quantities (ridge: Hoerl and Kennard 1970; le Cessie and
van Houwelingen 1992). Held out is a whole set-up, a base with its controls or any other setting, predicted from all
others; or one seed of a set-up, predicted from its other seeds. Means and deviations are those of the training runs,
and nothing counts as farther than 3 deviations from the mean: a net unlike all seen is taken for the nearest like it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from minigrok.checks import BoolArray, FloatArray
from minigrok.study.announce import DELAYS, look, setups
from minigrok.study.claims import Claim, Judgement
from minigrok.study.evidence import Reading, read
from minigrok.study.grokking import HIDDEN
from minigrok.study.grokking_measures import Runs

CLASSICAL = ("weight_entropy", "weight_entropy_fixed", "weight_entropy_fd", "weight_norm", "weight_spectrum_entropy")
ADDED = ("entropy", "purity")
PENALTY = 1.0                  # the prior of a coefficient is a standard normal
FARTHEST = 3.0                 # standard deviations
FEWEST_OF_A_KIND = 3           # training runs that generalise, and that do not
FEWEST_TIMES = 4               # training runs with a time left

Fit = Callable[[FloatArray, FloatArray], FloatArray]                   # X (n, 1 + k), y (n,) -> beta (1 + k,)
Loss = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]      # X, y, beta -> (n,)


class Examples(NamedTuple):
    """Runs that were looked at at one delay."""

    setup: list[str]
    seed: list[int]
    X: FloatArray              # (runs, quantities), the classical ones first
    left: FloatArray           # (runs,) epochs left, infinite for never


class Target(NamedTuple):
    """What is predicted, and how."""

    name: str
    fit: Fit
    loss: Loss
    fewest: int


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """C10b: the gains of every target, split, delay and set-up."""
    readings = gain_readings(runs)
    words = []
    for target in TARGETS:
        for split in SPLITS:
            gains = [value for reading in readings for value in reading.values
                     if (reading.axes["target"], reading.axes["split"]) == (target.name, split) and value is not None]
            if gains:
                words.append(f"{target.name}, {split}: median gain {np.median(gains):.2g}, above 0 in "
                             f"{np.mean(np.array(gains) > 0):.0%} of {len(gains)}")
    return [Judgement(claims["C10b"], readings, note="; ".join(words))]


def gain_readings(runs: Runs) -> tuple[Reading, ...]:
    """One reading a target, split, delay and set-up; its values are the gains of each seed's held-out runs."""
    grouped = setups({name: results for name, results in runs.items() if results[0].setting.width == HIDDEN})
    seeds = {name: sorted({run.seed for run in members}) for name, members in grouped.items()}
    readings = []
    for delay in DELAYS:
        examples = examples_at(runs, delay)
        for target in TARGETS:
            some, y = posed(examples, target)
            for split in SPLITS:
                gains = held_out_gains(some, y, target, split)
                for name in sorted(set(some.setup)):
                    values = [_mean_of(gains, some, name, seed) for seed in seeds[name]]
                    axes = {"target": target.name, "split": split, "set-up": name,
                            "delay": f"{delay} epochs after memorisation"}
                    readings.append(read(axes, values, lambda gain: gain > 0, name))
    return tuple(readings)


def examples_at(runs: Runs, delay: int) -> Examples:
    """All runs of 100 hidden neurons that can be looked at then, those left out that stalled between 50 and 95 %."""
    wide = {name: results for name, results in runs.items() if results[0].setting.width == HIDDEN}
    found = [
        (name, run.seed, [run.history[column][at.row] for column in (*CLASSICAL, *ADDED)], at.left)
        for name, members in setups(wide).items() for run in members
        if (at := look(run, delay)) is not None and (at.never or np.isfinite(at.left))]
    finite = [row for row in found if np.isfinite(row[2]).all()]
    X = np.array([row[2] for row in finite], float).reshape(-1, len(CLASSICAL) + len(ADDED))
    return Examples([row[0] for row in finite], [row[1] for row in finite], X, np.array([row[3] for row in finite]))


def posed(examples: Examples, target: Target) -> tuple[Examples, FloatArray]:
    """The runs that have this target, and its values."""
    known = np.isfinite(examples.left)
    if target.name == TARGETS[0].name:
        return examples, known.astype(float)
    index = np.flatnonzero(known).tolist()
    some = Examples([examples.setup[i] for i in index], [examples.seed[i] for i in index],
                    examples.X[index], examples.left[index])
    return some, np.log(some.left)


def held_out_gains(examples: Examples, y: FloatArray, target: Target, split: str) -> FloatArray:
    """The gain of every run when it was held out (runs,); NaN where too few were left to train on."""
    setup, seed = np.array(examples.setup), np.array(examples.seed)
    gains = np.full(len(y), np.nan)
    for name in np.unique(setup):
        mine = setup == name
        folds = [(~mine, mine)] if split == SPLITS[0] else [
            (mine & (seed != one), mine & (seed == one)) for one in np.unique(seed[mine])]
        for training, held_out in folds:
            if _enough(y[training], target):
                with_all, without = (
                    _loss(examples.X[:, :count], y, training, held_out, target)
                    for count in (examples.X.shape[1], len(CLASSICAL)))
                gains[held_out] = without - with_all
    return gains


def ridge(X: FloatArray, y: FloatArray) -> FloatArray:
    """The beta that minimises |y - X beta|^2 + |beta|^2 / 2, the first one, of the constant, without a penalty."""
    beta: FloatArray = np.linalg.solve(X.T @ X + np.diag(_penalties(X)) / 2, X.T @ y)
    return beta


def logistic(X: FloatArray, y: FloatArray) -> FloatArray:
    """The beta that minimises -sum ln q + |beta|^2 / 2, with q the probability of y (0 or 1) under expit(X beta)."""
    penalties = _penalties(X)

    def objective(beta: FloatArray) -> tuple[float, FloatArray]:
        gradient = X.T @ (expit(X @ beta) - y) + penalties * beta
        return float(log_loss(X, y, beta).sum() + penalties @ beta**2 / 2), gradient

    beta: FloatArray = minimize(objective, np.zeros(X.shape[1]), jac=True, method="L-BFGS-B").x
    return beta


def log_loss(X: FloatArray, y: FloatArray, beta: FloatArray) -> FloatArray:
    """-ln q of what happened."""
    loss: FloatArray = -log_expit((2 * y - 1) * (X @ beta))
    return loss


def squared_error(X: FloatArray, y: FloatArray, beta: FloatArray) -> FloatArray:
    """(prediction - truth)^2."""
    loss: FloatArray = (X @ beta - y) ** 2
    return loss


def _penalties(X: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.full(X.shape[1] - 1, PENALTY)])


def _loss(X: FloatArray, y: FloatArray, training: BoolArray, held_out: BoolArray, target: Target) -> FloatArray:
    mean, deviation = X[training].mean(axis=0), X[training].std(axis=0)
    standardised = np.clip((X - mean) / np.where(deviation > 0, deviation, 1), -FARTHEST, FARTHEST)
    with_constant = np.column_stack([np.ones(len(X)), standardised])
    return target.loss(with_constant[held_out], y[held_out], target.fit(with_constant[training], y[training]))


def _enough(y: FloatArray, target: Target) -> bool:
    counts = [len(y)] if target.fit is ridge else [int(y.sum()), int((1 - y).sum())]
    return min(counts) >= target.fewest


def _mean_of(gains: FloatArray, examples: Examples, setup: str, seed: int) -> float | None:
    chosen = [gain for gain, name, one in zip(gains, examples.setup, examples.seed, strict=True)
              if (name, one) == (setup, seed) and not np.isnan(gain)]
    return float(np.mean(chosen)) if chosen else None


TARGETS = (Target("whether it generalises", logistic, log_loss, FEWEST_OF_A_KIND),
           Target("time left", ridge, squared_error, FEWEST_TIMES))
SPLITS: Sequence[str] = ("a set-up held out", "a seed of a set-up held out")
