"""Experiment 1 under a thousand training configurations: what the study leaves open varies, all of it at once.

Each configuration (`minigrok.study.configurations`) is trained once a seed, and read on more axes: the stopping epoch,
the convention of the state, the inputs over which it is taken, and, for the rank, whether that is 1/P or exp S. All
choices together make one specification of a specification curve (U. Simonsohn, J. P. Simmons and L. D. Nelson, Nature
Human Behaviour 4, 1208 (2020)); `minigrok.study.evidence` says what the curve amounts to.

With S(t), P(t) at epoch t, and T the stopping epoch, a run meets

    C1   S(T) < S(0)        C2   P(T) > P(0)        C3   test accuracy at T >= 0.99        C11   2.65 <= rank(T) <= 3.05
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from minigrok.checks import BoolArray, FloatArray
from minigrok.grams import CONVENTIONS
from minigrok.runs.jobs import Job
from minigrok.study.claims import RULES, Claim, Judgement
from minigrok.study.configurations import EPOCHS, PARTS, ClassifierReadings, drawn, run
from minigrok.study.evidence import LEVEL, Figure, Reading, enough_for_a_figure

EXPERIMENT = "classifier multiverse"
LEARNT = 0.95                  # least accuracy of a run that counts, as in ADMISSIBLE: test, or, for C3, training
ACCURATE = 0.99                # the test of C3
RANKS = (2.65, 3.05)           # and that of C11
TWO_RANKS = "1/P of the study's own P = 0.37 is 2.7, exp S of its S = 1.19 is 3.3"
STOPS = {"stopping epoch": tuple(f"{epoch}" for epoch in EPOCHS[1:])}
STATES = STOPS | {"convention": CONVENTIONS, "inputs": PARTS}
RANKED = STATES | {"rank": ("1/P", "exp S")}

Runs = Mapping[str, Sequence[ClassifierReadings]]      # by configuration


def plan(configurations: int, seeds: Sequence[int]) -> list[Job]:
    """One job a configuration, which trains all its seeds: the first so many of those drawn."""
    settings = [replace(configuration, seeds=tuple(seeds)) for configuration in drawn()[:configurations]]
    return [Job(EXPERIMENT, setting.name, seeds[0], run, setting) for setting in settings]


def epochs(runs: Runs) -> int:
    """Epochs of training in all runs together, up to the last that was read of each."""
    return sum(
        int(np.where(np.isfinite(result.train_accuracy), EPOCHS, 0).max(axis=1).sum())
        for results in runs.values() for result in results)


def judge(claims: Mapping[str, Claim], runs: Runs, notes: Mapping[str, str] | None = None) -> list[Judgement]:
    """Both rows of the claims about the classifier; `notes` on claims, by id, are put beside the direction."""
    notes = dict(notes or {})
    notes["C11"] = ". ".join([TWO_RANKS, *filter(None, [notes.get("C11")])])
    results = [result for found in runs.values() for result in found]

    def rows(name: str, free: Axes, columns: Columns, test: Test) -> list[Judgement]:
        figures, note = RULES[name].figures, notes.get(name, "")
        directions = tuple(
            reading for result in results for reading in _directions(result, free, columns(result), test))
        if not figures:
            return [Judgement(claims[name], directions, note=note)]
        values = tuple(reading for result in results for reading in _figures(result, free, columns(result), figures))
        return [Judgement(claims[name], directions, note=note), Judgement(claims[name], values, row="value")]

    return [
        *rows("C1", STATES, lambda result: _learnt(result, result.entropy), lambda start, end: end < start),
        *rows("C2", STATES, lambda result: _learnt(result, result.purity), lambda start, end: end > start),
        *rows("C3", STOPS, _accuracies, lambda accuracy: accuracy >= ACCURATE),
        *rows("C11", RANKED, _ranks, lambda rank: (rank >= RANKS[0]) & (rank <= RANKS[1]))]


Axes = Mapping[str, Sequence[str]]                     # the axes that are read from the same runs, and their levels
Columns = Callable[[ClassifierReadings], FloatArray]   # (columns, seeds, one axis a free one), NaN where untested
Test = Callable[..., BoolArray]                        # of one argument a column


def _learnt(result: ClassifierReadings, values: FloatArray) -> FloatArray:
    """Values before and at the end of training, (2, seeds, stops, conventions, parts); NaN where it has not learnt."""
    learnt = (result.test_accuracy[:, 1:] >= LEARNT)[..., None, None]
    start, end = np.broadcast_arrays(values[:, :1], values[:, 1:])
    tested = learnt & np.isfinite(start) & np.isfinite(end)
    return np.where(tested, np.stack([start, end]), np.nan)


def _accuracies(result: ClassifierReadings) -> FloatArray:
    """Test accuracy where the training inputs are fitted, (1, seeds, stops)."""
    return np.where(result.train_accuracy >= LEARNT, result.test_accuracy, np.nan)[None, :, 1:]


def _ranks(result: ClassifierReadings) -> FloatArray:
    """The two ranks of the trained layer, (1, seeds, stops, conventions, parts, 2)."""
    end, purity = _learnt(result, result.entropy)[1], _learnt(result, result.purity)[1]
    return np.stack([1 / purity, np.exp(end)], axis=-1)[None]


def _specifications(result: ClassifierReadings, free: Axes) -> Iterator[tuple[dict[str, str], bool]]:
    """The levels of each specification that is read from one result, and whether it is admissible."""
    for levels in product(*free.values()):
        axes = result.setting.axes | dict(zip(free, levels, strict=True))
        yield axes, result.setting.admissible and axes.get("convention", "trace") == "trace"


def _directions(result: ClassifierReadings, free: Axes, columns: FloatArray, test: Test) -> Iterator[Reading]:
    """One reading a specification: the last column less the one before, where there are two, and what the test says."""
    values = columns[-1] - columns[0] if len(columns) > 1 else columns[0]
    meets, shape = test(*columns), (len(values), -1)
    tested = np.isfinite(values).reshape(shape).T.tolist()
    for (axes, admissible), row, met, ok in zip(
            _specifications(result, free), values.reshape(shape).T.tolist(), meets.reshape(shape).T.tolist(), tested,
            strict=True):
        yield Reading(
            axes, tuple(value if one else None for value, one in zip(row, ok, strict=True)),
            tuple(meet if one else None for meet, one in zip(met, ok, strict=True)), result.setting.name, admissible)


def _figures(
    result: ClassifierReadings, free: Axes, columns: FloatArray, figures: Sequence[Figure]
) -> Iterator[Reading]:
    """What `evidence.read_figures` says of each specification, all of them at once."""
    flat = columns.reshape(*columns.shape[:2], -1)                       # (figures, seeds, specifications)
    tested: BoolArray = np.logical_and.reduce(np.isfinite(flat), axis=0)
    n = tested.sum(axis=0)
    has: BoolArray = np.ones(flat.shape[2], bool)
    with np.errstate(invalid="ignore", divide="ignore"):                 # none or one tested: has is not asked for
        for values, figure in zip(np.where(tested, flat, 0), figures, strict=True):
            mean = values.sum(axis=0) / n
            deviations = np.where(tested, values - mean, 0)
            error = np.sqrt((deviations**2).sum(axis=0) / (n - 1) / n)
            has &= abs(mean - figure.value) <= t.ppf((1 + LEVEL) / 2, n - 1) * error + figure.precision
    for (axes, admissible), row, ok, met in zip(
            _specifications(result, free), flat[-1].T.tolist(), tested.T.tolist(), has.tolist(), strict=True):
        yield Reading(
            axes, tuple(value if one else None for value, one in zip(row, ok, strict=True)),
            tuple(met if one and enough_for_a_figure(ok) else None for one in ok), result.setting.name, admissible)


class Found(NamedTuple):
    """A specification and its mean values over seeds."""

    axes: dict[str, str]
    values: dict[str, float]
    distance: float


STUDY = {figure.name: figure.value for name in ("C1", "C2", "C3") for figure in RULES[name].figures}


def nearest(runs: Runs, count: int = 5) -> tuple[list[Found], int]:
    """The admissible specifications nearest to the study's figures taken together, and how many were searched.

    The distance is the root mean square, over S and P before and after and the accuracy, of the relative deviation of
    our mean over seeds from the study's figure. Runs that have not learnt are left out, as in C1. What comes of this
    was *found by searching*: among so many some are near, whatever is true.
    """
    found: list[Found] = []
    for result in (result for results in runs.values() for result in results):
        S, P = _learnt(result, result.entropy), _learnt(result, result.purity)
        accuracy = np.broadcast_to(result.test_accuracy[:, 1:, None, None], S[0].shape)
        columns = np.stack([*S, *P, np.where(np.isfinite(S[0]), accuracy, np.nan)])
        flat = columns.reshape(*columns.shape[:2], -1)
        for (axes, admissible), values in zip(_specifications(result, STATES), np.moveaxis(flat, 2, 0), strict=True):
            tested = np.isfinite(values).all(axis=0)
            if admissible and tested.any():
                ours = values[:, tested].mean(axis=1)
                distance = np.sqrt(np.mean((ours / list(STUDY.values()) - 1) ** 2))
                found.append(Found(axes, dict(zip(STUDY, ours.tolist(), strict=True)), float(distance)))
    return sorted(found, key=lambda one: one.distance)[:count], len(found)


def nearest_in_words(runs: Runs, count: int = 5) -> str:
    """`nearest` as a sentence and one line a specification."""
    found, searched = nearest(runs, count)
    lines = [f"Found by searching {searched:,} specifications: the {len(found)} nearest to the study's figures."]
    for axes, values, distance in found:
        S0, S1, P0, P1, accuracy = values.values()
        lines.append(
            f"{', '.join(f'{axis} {level}' for axis, level in axes.items())}: S {S0:.2f} -> {S1:.2f}, "
            f"P {P0:.2f} -> {P1:.2f}, accuracy {accuracy:.1%}; distance {distance:.1%}")
    return "\n".join(lines)


class Direction(NamedTuple):
    """Where S goes, on one data set with so many inputs and one activation.

    Of admissible runs that have learnt, over training inputs.
    """

    data: str
    dimension: int
    noise: bool                # whether the further dimensions are noise
    activation: str
    runs: int                  # trained
    learnt: int                # of them, those with a test accuracy of 0.95 at the last epoch
    falling: float | None      # share of those that have learnt in which S is then below S at epoch 0
    entropy_at_start: float    # median over all runs


def direction_by_dimension(runs: Runs) -> list[Direction]:
    """One row for each data set, input dimension, kind of further dimensions and activation, in that order."""
    kinds: dict[tuple[str, int, bool, str], list[ClassifierReadings]] = {}
    for result in (result for results in runs.values() for result in results if result.setting.admissible):
        setting = result.setting
        kinds.setdefault((setting.data, setting.dimension, setting.noise, setting.activation), []).append(result)
    table = []
    for kind, results in sorted(kinds.items()):
        start, end = np.concatenate([_learnt(result, result.entropy)[:, :, -1, 0, 0] for result in results], axis=1)
        first = np.concatenate([result.entropy[:, 0, 0, 0] for result in results])
        learnt = np.isfinite(end)
        falling = float((end < start)[learnt].mean()) if learnt.any() else None
        table.append(Direction(*kind, len(first), int(learnt.sum()), falling, float(np.nanmedian(first))))
    return table
