"""What is read off a grokking run, and under which choices: layer, convention of the state, window, binning.

    plateau         the window from memorised to onset
    from start      the window from epoch 0 to onset

Both are read only of runs that do what the study's did: memorise, wait at least 100 epochs, and generalise. A net of
two hidden layers has two states, so where states are read the axis depth becomes the axis layer: the only one, the
first of two, the last of two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minigrok.checks import FloatArray
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum
from minigrok.study.features import BINNINGS
from minigrok.study.grokking import CONVENTIONS, HIDDEN, GrokkingRun, Milestones, milestones

PLATEAU, FROM_START = WINDOWS = ("plateau", "from start")
LEARNERS = ("base", "multiverse")                      # roles whose runs are evidence for claims about grokking
CANNOT = ("shuffled labels", "corrupted labels", "no weight decay", "frozen first layer")     # roles of controls
NEVER = 0.5                    # test accuracy that a net which does not generalise never passes

Runs = Mapping[str, Sequence[GrokkingRun]]             # by setting, one a seed
Values = tuple[float, ...]


class Specification(NamedTuple):
    """One choice on every axis, and the runs that are read under it."""

    name: str                            # of the setting
    axes: dict[str, str]
    runs: Sequence[GrokkingRun]
    convention: str = "trace"
    suffix: str = ""                     # of the columns of its state: entropy_first_centered has "_first_centered"
    window: str = PLATEAU
    binning: str = "weight_entropy"      # a column


Measure = Callable[[GrokkingRun, Specification], Values | None]


def with_role(runs: Runs, roles: Iterable[str]) -> dict[str, Sequence[GrokkingRun]]:
    """The runs of the settings that have one of these roles."""
    return {name: results for name, results in runs.items() if results and results[0].setting.role in roles}


def of_states(
    runs: Runs, windows: Sequence[str] = (), conventions: Sequence[str] = CONVENTIONS
) -> list[Specification]:
    """Every layer of every net, in every convention that was recorded, over every window."""
    found = []
    for name, results in runs.items():
        setting = results[0].setting
        layers = {"the only one": ""} if setting.depth == 1 else {"last of two": "", "first of two": "_first"}
        for layer, infix in layers.items():
            for convention in conventions:
                suffix = infix + ("" if convention == "trace" else f"_{convention}")
                if f"entropy{suffix}" not in results[0].history.columns:
                    continue
                axes = {axis: level for axis, level in setting.axes.items() if axis != "depth"}
                axes |= {"layer": layer, "convention": convention}
                found += [
                    Specification(name, axes | ({"window": window} if windows else {}), results, convention, suffix,
                                  window) for window in windows or (PLATEAU,)]
    return found


def of_weights(runs: Runs, windows: Sequence[str] = ()) -> list[Specification]:
    """Every binning of the weight entropy, over every window."""
    return [
        Specification(name, results[0].setting.axes | {"binning": words} | ({"window": window} if windows else {}),
                      results, window=window, binning=binning)
        for name, results in runs.items() for binning, words in BINNINGS.items() for window in windows or (PLATEAU,)]


def of_nets(runs: Runs) -> list[Specification]:
    """Every setting, where nothing but the net is looked at."""
    return [Specification(name, results[0].setting.axes, results) for name, results in runs.items()]


def marks_of(run: GrokkingRun) -> Milestones:
    """The run's milestones."""
    return milestones(run.history, run.setting.modulus, run.setting.op)


def grokked(run: GrokkingRun) -> Milestones | None:
    """The milestones of a run that memorised, waited and generalised; None of any other."""
    marks = marks_of(run)
    return None if marks.plateau is None or marks.generalised is None else marks


def ends(run: GrokkingRun, window: str) -> tuple[int, int] | None:
    """First and last row of the History in a window; None unless the run grokked."""
    marks = grokked(run)
    if marks is None or marks.plateau is None:
        return None
    start, end = marks.plateau
    rows = np.searchsorted(run.history.epoch, [start if window == PLATEAU else 0, end])
    return int(rows[0]), int(rows[1])


def values_at_ends(run: GrokkingRun, column: str, window: str) -> Values | None:
    """Values of a column at the start and at the end of a window."""
    rows = ends(run, window)
    return None if rows is None else (float(run.history[column][rows[0]]), float(run.history[column][rows[1]]))


def slope(run: GrokkingRun, column: str) -> float | None:
    """Slope of the least-squares line through a column over the plateau, per epoch."""
    rows = ends(run, PLATEAU)
    if rows is None:
        return None
    part = slice(rows[0], rows[1] + 1)
    return float(np.polyfit(run.history.epoch[part], run.history[column][part], 1)[0])


def pearson(first: FloatArray, second: FloatArray) -> float:
    """Pearson correlation of two series; NaN, which counts as untested, where one of them never changes."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def weight_correlations(run: GrokkingRun, binning: str) -> tuple[float, float]:
    """Correlations of a weight entropy with S and with P over the recorded epochs."""
    history = run.history
    return pearson(history[binning], history.entropy), pearson(history[binning], history.purity)


def never_generalised(run: GrokkingRun) -> bool:
    """Whether a run memorised, and its test accuracy was at no record above 50 %."""
    return marks_of(run).memorised is not None and bool((run.history.test_accuracy <= NEVER).all())


def rise_in_control(run: GrokkingRun) -> float | None:
    """Rise of the Fourier concentration from memorised to the last epoch, of a run that never generalised."""
    memorised, track = marks_of(run).memorised, run.history.fourier_concentration
    if memorised is None or not never_generalised(run):
        return None
    return float(track[-1] - track[np.searchsorted(run.history.epoch, memorised)])


def purity_from_entropy(S: FloatArray, spectrum: FloatArray) -> FloatArray:
    """The purity that S alone gives, if spectra are p_i ~ q_i^beta for one spectrum q: one parameter, beta.

    Along this family S falls with beta, from the ln of the rank to 0, so that S fixes beta, and so P.

    >>> purity_from_entropy(np.log([1.001, 3]), np.array([0.5, 0.3, 0.2])).round(3)
    array([1.   , 0.333])
    """
    q = spectrum[spectrum > 0] / spectrum.max()
    beta = np.concatenate([[0.0], np.geomspace(1e-4, 1e3, 3000)])
    p = np.exp(beta[:, None] * np.log(q))                # (betas, rank)
    p /= p.sum(axis=1, keepdims=True)
    falling = np.asarray(entropy_of_spectrum(p)), np.asarray(purity_of_spectrum(p))
    curve: FloatArray = np.interp(S, falling[0][::-1], falling[1][::-1])
    return curve


def beyond_one_parameter(run: GrokkingRun) -> tuple[float, ...]:
    """How much of P is more than S: r of S and P, and for each of two families r of S and P(S), and their distance.

    P(S) is that of p_i ~ exp(-i beta), and of p ~ q^beta with the run's mean spectrum q. The distance is the median
    over records of |P - P(S)|, in units of the range of P.
    """
    S, P = run.history.entropy, run.history.purity
    found = [pearson(S, P)]
    for q in (np.exp(-np.arange(float(run.setting.width))), run.history.spectrum.mean(axis=0)):
        alone = purity_from_entropy(S, q)
        found += [pearson(S, alone), float(np.median(abs(P - alone)) / np.ptp(P))]
    return tuple(found)


def random_state_correlation(d: int = HIDDEN, draws: int = 400, seed: int = 0) -> float:
    """Pearson correlation of S and P over random spectra: a control for C9 in which nothing learns.

    Spectra are drawn from Dirichlet distributions whose concentration is log-uniform from 0.01 to 1,
    so that they range from nearly pure to nearly flat.
    """
    rng = np.random.default_rng(seed)
    p = np.stack([rng.dirichlet(np.full(d, 10 ** rng.uniform(-2, 0))) for _ in range(draws)])
    return pearson(np.asarray(entropy_of_spectrum(p)), np.asarray(purity_of_spectrum(p)))
