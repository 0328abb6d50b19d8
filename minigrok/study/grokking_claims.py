"""How the claims about grokking, and the rivals that these runs bear on, are judged.

A definition is a setting, a convention of the state and a window of epochs,

    plateau         from memorised to onset
    from start      from epoch 0 to onset

(both only for runs with a plateau), and for the weight entropy its binning.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np

from minigrok.checks import FloatArray
from minigrok.history import column_name
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum
from minigrok.study.claims import Claim, Evidence, Judgement, gather
from minigrok.study.grokking import BINNINGS, HIDDEN, GrokkingRun, Milestones, milestones

WINDOWS = ("plateau", "from start")
CONVENTIONS = ("trace", "rows", "centered")
STUDY_RATE = 0.00097           # nats an epoch, claim C7
THRESHOLD = 0.61               # of the normalised centred entropy, rival R1

Runs = Mapping[str, Sequence[GrokkingRun]]             # by setting, one a seed
Measure = Callable[[GrokkingRun, Milestones], float | None]


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """The claims about grokking, and R1, R3 and R6, under every definition that these runs allow."""
    controls = [name for name in runs if runs[name][0].setting.corrupt_fraction]
    learners = [name for name in runs if name not in controls]
    windows = [(name, convention, window) for name in learners for convention in CONVENTIONS for window in WINDOWS]

    def over_windows(quantity: str, meets: Callable[[float], bool]) -> tuple[Evidence, ...]:
        return tuple(
            evidence(runs, name, f"{name}, {convention}, {window}",
                     change(column_name(quantity, convention), window), meets)
            for name, convention, window in windows)

    def over_conventions(
        names: Sequence[str], measure: Callable[[str], Measure], meets: Callable[[float], bool]
    ) -> tuple[Evidence, ...]:
        return tuple(
            evidence(runs, name, f"{name}, {convention}", measure(convention), meets)
            for name, convention in product(names, CONVENTIONS))

    return [
        Judgement(claims["C5"], over_windows("entropy", lambda value: value > 0), milestone_note(runs)),
        Judgement(claims["C6"], over_windows("purity", lambda value: value < 0)),
        Judgement(claims["C7"], over_conventions(
            learners, lambda convention: rate(column_name("entropy", convention)),
            lambda value: STUDY_RATE / 2 <= value <= STUDY_RATE * 2)),
        Judgement(claims["C8"], tuple(
            evidence(runs, name, f"{name}, {BINNINGS[binning]}, {window}", relative_change(binning, window),
                     lambda value: abs(value) < 0.2)
            for name in learners for binning in BINNINGS for window in WINDOWS)),
        Judgement(
            claims["C9"],
            over_conventions(list(runs), lambda c: correlation(column_name("entropy", c), column_name("purity", c)),
                             lambda value: value <= -0.95),
            f"states drawn at random have r = {random_state_correlation():.2f} without any learning"),
        Judgement(claims["C10"], tuple(
            evidence(runs, name, f"{name}, {BINNINGS[binning]}", strongest_correlation(binning),
                     lambda value: value < 0.3)
            for name in learners for binning in BINNINGS)),
        Judgement(claims["C12"], tuple(
            necessity(runs, learners, convention, window) for convention in CONVENTIONS for window in WINDOWS),
            counterexamples(runs, learners)),
        Judgement(
            claims["C13"],
            over_conventions(learners, lambda c: jump(column_name("entropy", c)), lambda value: value >= 0.5),
            "a jump is necessary for a transition, not sufficient: one size cannot show that it sharpens"),
        Judgement(claims["R1"], tuple(
            evidence(runs, name, name, fall_below_threshold, lambda value: value < THRESHOLD) for name in learners)),
        Judgement(claims["R3"], tuple(
            evidence(runs, name, name, overall_change("entropy_centered"), lambda value: value < 0)
            for name in controls)),
        Judgement(claims["R6"], tuple(
            concentration(runs, name, controls) for name in learners)),
    ]


def evidence(
    runs: Runs, name: str, definition: str, measure: Measure, meets: Callable[[float], bool]
) -> Evidence:
    """`measure` of every run of the setting `name`."""
    return gather(definition, [measure(run, marks_of(run)) for run in runs[name]], meets)


def marks_of(run: GrokkingRun) -> Milestones:
    """The run's milestones."""
    return milestones(run.history, run.setting.modulus)


def ends(run: GrokkingRun, marks: Milestones, window: str) -> tuple[int, int] | None:
    """First and last row of the History in a window; None without a plateau."""
    if marks.plateau is None:
        return None
    start, end = marks.plateau
    rows = np.searchsorted(run.history.epoch, [start if window == "plateau" else 0, end])
    return int(rows[0]), int(rows[1])


def change(name: str, window: str) -> Measure:
    """Value of a column at the end of the window minus its value at the start."""
    def measure(run: GrokkingRun, marks: Milestones) -> float | None:
        rows = ends(run, marks, window)
        return None if rows is None else float(run.history[name][rows[1]] - run.history[name][rows[0]])
    return measure


def relative_change(name: str, window: str) -> Measure:
    """The same, divided by the value at the start."""
    def measure(run: GrokkingRun, marks: Milestones) -> float | None:
        rows = ends(run, marks, window)
        return None if rows is None else float(run.history[name][rows[1]] / run.history[name][rows[0]] - 1)
    return measure


def rate(name: str) -> Measure:
    """Slope of the least-squares line through a column over the plateau, per epoch."""
    def measure(run: GrokkingRun, marks: Milestones) -> float | None:
        rows = ends(run, marks, "plateau")
        if rows is None:
            return None
        part = slice(rows[0], rows[1] + 1)
        return float(np.polyfit(run.history.epoch[part], run.history[name][part], 1)[0])
    return measure


def overall_change(name: str) -> Measure:
    """Value at the last record minus value at epoch 0."""
    return lambda run, marks: float(run.history[name][-1] - run.history[name][0])


def correlation(first: str, second: str) -> Measure:
    """Pearson correlation of two columns over the recorded epochs."""
    return lambda run, marks: pearson(run.history[first], run.history[second])


def strongest_correlation(name: str) -> Measure:
    """The larger size of a column's correlations with S and with P."""
    return lambda run, marks: max(
        abs(pearson(run.history[name], run.history[other])) for other in ("entropy", "purity"))


def pearson(first: FloatArray, second: FloatArray) -> float:
    """Pearson correlation of two series; NaN, which counts as untested, where one of them never changes."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def jump(name: str) -> Measure:
    """Share of a column's total variation, sum |v(t+1) - v(t)|, in the tenth of all epochs around halfway."""
    def measure(run: GrokkingRun, marks: Milestones) -> float | None:
        if marks.halfway is None:
            return None
        epoch = run.history.epoch
        middle = (epoch[1:] + epoch[:-1]) / 2
        steps = abs(np.diff(run.history[name]))
        near = abs(middle - marks.halfway) <= 0.05 * epoch[-1]
        return float(steps[near].sum() / steps.sum()) if steps.any() else None
    return measure


def fall_below_threshold(run: GrokkingRun, marks: Milestones) -> float | None:
    """Normalised centred entropy when the run generalised; untested if it never did, or began below 0.61."""
    normalised = run.history.entropy_centered / np.log(HIDDEN)
    if marks.generalised is None or normalised[0] < THRESHOLD:
        return None
    return float(normalised[np.searchsorted(run.history.epoch, marks.generalised)])


def necessity(runs: Runs, learners: Sequence[str], convention: str, window: str) -> Evidence:
    """For each seed, the smallest rise of S over the window among the set-ups that generalised.

    A condition is necessary only if it is met *whenever* a net generalises, so set-ups are no
    definitions here: one that generalises while S falls refutes it.
    """
    values: list[float | None] = []
    for seed in range(max((len(runs[name]) for name in learners), default=0)):
        rises = []
        for name in learners:
            run = runs[name][seed] if seed < len(runs[name]) else None
            if run is None or marks_of(run).generalised is None:
                continue
            rise = change(column_name("entropy", convention), window)(run, marks_of(run))
            rises += [] if rise is None else [rise]
        values.append(min(rises, default=None))
    return gather(f"{convention}, {window}", values, lambda value: value > 0)


def counterexamples(runs: Runs, learners: Sequence[str]) -> str:
    """How many runs generalised after a plateau on which S (convention "trace") fell: a necessary rise allows none."""
    generalised = [run for name in learners for run in runs[name] if marks_of(run).generalised is not None]
    rises = [rise for run in generalised if (rise := change("entropy", "plateau")(run, marks_of(run))) is not None]
    fell = sum(rise < 0 for rise in rises)
    return f"{fell} of {len(rises)} runs that generalised after a plateau did so while S fell on it"


def concentration(runs: Runs, name: str, controls: Sequence[str]) -> Evidence:
    """Rise of the Fourier concentration over the plateau; met if it is above 0 and above that of every control.

    A control has no plateau; its rise is counted from memorised to the last epoch, which favours it.
    """
    rises = []
    for control in controls:
        for run in runs[control]:
            memorised = marks_of(run).memorised
            if memorised is not None:
                track = run.history.fourier_concentration
                rises.append(float(track[-1] - track[np.searchsorted(run.history.epoch, memorised)]))
    bar = max(rises, default=np.nan)
    return evidence(runs, name, name, change("fourier_concentration", "plateau"), lambda value: value > max(0.0, bar))


def random_state_correlation(d: int = HIDDEN, draws: int = 400, seed: int = 0) -> float:
    """Pearson correlation of S and P over random spectra: a control for C9 in which nothing learns.

    Spectra are drawn from Dirichlet distributions whose concentration is log-uniform from 0.01 to 1,
    so that they range from nearly pure to nearly flat.
    """
    rng = np.random.default_rng(seed)
    p = np.stack([rng.dirichlet(np.full(d, 10 ** rng.uniform(-2, 0))) for _ in range(draws)])
    return pearson(np.asarray(entropy_of_spectrum(p)), np.asarray(purity_of_spectrum(p)))


def milestone_note(runs: Runs) -> str:
    """How many runs of each setting memorised, generalised, and had a plateau."""
    parts = []
    for name in runs:
        marks: list[Milestones] = [marks_of(run) for run in runs[name]]
        memorised, generalised, plateau = (
            sum(getattr(mark, what) is not None for mark in marks) for what in ("memorised", "generalised", "plateau"))
        parts.append(f"of {len(marks)} runs {name}: {memorised} memorised, {generalised} generalised, {plateau} waited")
    return "; ".join(parts)
