"""How the claims about grokking, and the rivals that these runs bear on, are judged.

Evidence are the settings of the multiverse and its bases. Runs that do not grok (memorise, wait, generalise) say
nothing of C5 to C12, whichever axis kept them from it. Controls and families enter no verdict but that of R3, which is
about nets that do not generalise; they are what C9 and R6 are held against.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from minigrok.study.claims import RULES, Claim, Judgement
from minigrok.study.evidence import Figure, Reading, read, read_figures
from minigrok.study.features import BINNINGS
from minigrok.study.grokking import CONVENTIONS, GrokkingRun
from minigrok.study.grokking_measures import (
    CANNOT,
    LEARNERS,
    PLATEAU,
    WINDOWS,
    Measure,
    Runs,
    Specification,
    beyond_one_parameter,
    grokked,
    marks_of,
    never_generalised,
    of_nets,
    of_states,
    of_weights,
    pearson,
    random_state_correlation,
    rise_in_control,
    slope,
    values_at_ends,
    weight_correlations,
    with_role,
)

THRESHOLD = 0.61               # of the normalised centred entropy, rival R1
MOVING = ("shuffled labels", "corrupted labels", "no weight decay")      # controls whose S can change, in one layer too
LABELS = {"shuffled labels": "shuffled", "corrupted labels": "partly shuffled"}          # by role; else true


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """All rows of C5 to C10, C12, R1, R3 and R6."""
    learners = with_role(runs, LEARNERS)
    states, windows = of_states(learners), of_states(learners, WINDOWS)

    def rows(
        name: str, specifications: Sequence[Specification], measure: Measure, meets: Callable[[float], bool],
        note: str = "",
    ) -> list[Judgement]:
        claim = claims[name]
        direction = Judgement(claim, tuple(readings(specifications, measure, meets)), note=note)
        if not claim.rule.figures:
            return [direction]
        having = tuple(with_figures(specifications, measure, claim.rule.figures))
        return [direction, Judgement(claim, having, "value", nearest(runs) if name == "C5" else "")]

    return [
        *rows("C5", windows, at_ends("entropy"), lambda change: change > 0, milestone_note(runs)),
        *rows("C6", windows, at_ends("purity"), lambda change: change < 0),
        *rows("C7", states, rate_of_entropy, lambda rate: rate > 0),
        *rows("C8", of_weights(learners, WINDOWS), relative_change, lambda change: abs(change) < 0.2),
        *rows("C9", states, correlation, lambda value: value <= -0.95, one_parameter_note(learners)),
        *rows("C10", of_weights(learners), strongest_correlation, lambda value: value < 0.3, binning_note(learners)),
        *rows("C12", states, at_ends("entropy"), lambda change: change > 0, counterexamples(learners)),
        Judgement(claims["R1"], tuple(falls_below_threshold(learners)), note=threshold_note(learners)),
        Judgement(claims["R3"], tuple(falls_without_generalising(runs)), note="controls are among these nets"),
        concentration(claims["R6"], runs, learners),
    ]


def readings(
    specifications: Sequence[Specification], measure: Measure, meets: Callable[[float], bool]
) -> list[Reading]:
    """The direction of what is measured: its last value, less the first where there are two."""
    def value(run: GrokkingRun, specification: Specification) -> float | None:
        found = measure(run, specification)
        return None if found is None else found[-1] - (found[0] if len(found) > 1 else 0.0)

    return [
        read(s.axes, [value(run, s) for run in s.runs], meets, s.name, s.convention == "trace")
        for s in specifications]


def with_figures(
    specifications: Sequence[Specification], measure: Measure, figures: Sequence[Figure]
) -> list[Reading]:
    """Whether what is measured has the study's figures."""
    found = []
    for s in specifications:
        measured = [measure(run, s) for run in s.runs]
        columns = [[None if values is None else values[i] for values in measured] for i in range(len(figures))]
        found.append(read_figures(s.axes, columns, figures, s.name, s.convention == "trace"))
    return found


def at_ends(quantity: str) -> Measure:
    """A quantity of the state at the start and at the end of the window."""
    return lambda run, s: values_at_ends(run, quantity + s.suffix, s.window)


def rate_of_entropy(run: GrokkingRun, s: Specification) -> tuple[float] | None:
    """Slope of S over the plateau."""
    rate = slope(run, f"entropy{s.suffix}")
    return None if rate is None else (rate,)


def relative_change(run: GrokkingRun, s: Specification) -> tuple[float] | None:
    """Change of the weight entropy over the window, divided by its value at the start; None where that is 0."""
    found = values_at_ends(run, s.binning, s.window)
    return None if found is None or found[0] == 0 else (found[1] / found[0] - 1,)


def correlation(run: GrokkingRun, s: Specification) -> tuple[float] | None:
    """Pearson correlation of S and P over the recorded epochs."""
    if grokked(run) is None:
        return None
    return (pearson(run.history[f"entropy{s.suffix}"], run.history[f"purity{s.suffix}"]),)


def strongest_correlation(run: GrokkingRun, s: Specification) -> tuple[float] | None:
    """The larger size of the weight entropy's correlations with S and with P."""
    return None if grokked(run) is None else (float(np.max(np.abs(weight_correlations(run, s.binning)))),)


def falls_below_threshold(learners: Runs) -> list[Reading]:
    """R1: S / ln d when the run generalised; the test asks also that it was above 0.61 at first."""
    found = []
    for s in of_states(learners):
        values: list[float | None] = []
        meets: list[bool | None] = []
        for run in s.runs:
            pair = normalised_ends(run, s.suffix)
            values.append(None if pair is None else pair[1])
            meets.append(None if pair is None else pair[0] > THRESHOLD > pair[1])
        found.append(Reading(s.axes, tuple(values), tuple(meets), s.name, s.convention == "centered"))
    return found


def normalised_ends(run: GrokkingRun, suffix: str) -> tuple[float, float] | None:
    """S / ln d at epoch 0 and when the run generalised; None if it never did, or the layer was dead at either."""
    generalised = marks_of(run).generalised
    if generalised is None:
        return None
    S = run.history[f"entropy{suffix}"] / np.log(run.setting.width)
    first, last = float(S[0]), float(S[np.searchsorted(run.history.epoch, generalised)])
    return None if np.isnan(first + last) else (first, last)


def falls_without_generalising(runs: Runs) -> list[Reading]:
    """R3: S at the last epoch less S at epoch 0, of nets that memorise and never generalise.

    Controls are among them, but for those whose first layer is frozen, where S of one layer cannot change.
    """
    def change(run: GrokkingRun, suffix: str) -> float | None:
        track = run.history[f"entropy{suffix}"]
        return float(track[-1] - track[0]) if never_generalised(run) else None

    return [
        read(s.axes | {"labels": LABELS.get(s.runs[0].setting.role, "true")}, [change(run, s.suffix) for run in s.runs],
             lambda value: value < 0, s.name, s.convention == "centered")
        for s in of_states(with_role(runs, (*LEARNERS, *MOVING)))]


def concentration(claim: Claim, runs: Runs, learners: Runs) -> Judgement:
    """R6: rise of the Fourier concentration over the plateau; met if above 0 and above that of every control.

    A control has no plateau; its rise is counted from memorised to the last epoch, which favours it.
    """
    rises = {name: [one for run in results if (one := rise_in_control(run)) is not None]
             for name, results in with_role(runs, CANNOT).items()}
    bars = {name: max(values) for name, values in rises.items() if values}
    if not bars:
        return Judgement(claim, note="no control was run to hold it against")
    bar = max(bars.values())

    def rise(run: GrokkingRun, s: Specification) -> tuple[float, ...] | None:
        return values_at_ends(run, "fourier_concentration", PLATEAU)

    found = readings(of_nets(learners), rise, lambda value: value > max(0.0, bar))
    rising = [value > 0 for reading in found for value in reading.values if value is not None]
    note = (f"the largest rise in a control that never generalised is {bar:.3f} ({max(bars, key=lambda n: bars[n])}); "
            f"above 0 it rose in {sum(rising)} of {len(rising)} runs that grokked")
    return Judgement(claim, tuple(found), note=note)


def milestone_note(runs: Runs) -> str:
    """How many runs of each role memorised, generalised, and had a plateau."""
    parts = []
    for role in dict.fromkeys(results[0].setting.role for results in runs.values() if results):
        marks = [marks_of(run) for results in with_role(runs, (role,)).values() for run in results]
        memorised, generalised, waited = (
            sum(getattr(mark, what) is not None for mark in marks) for what in ("memorised", "generalised", "plateau"))
        parts.append(f"{role}: of {len(marks)} runs {memorised} memorised, {waited} waited, {generalised} generalised")
    grokking = [sum(grokked(run) is not None for run in results) for results in with_role(runs, LEARNERS).values()]
    return "; ".join([*parts, f"{sum(count > 0 for count in grokking)} of {len(grokking)} settings grokked in a seed"])


def counterexamples(learners: Runs) -> str:
    """How many runs generalised after a plateau on which S (convention "trace") fell: a necessary rise allows none."""
    rises = [found[1] - found[0] for results in learners.values() for run in results
             if (found := values_at_ends(run, "entropy", PLATEAU)) is not None]
    fell = sum(rise < 0 for rise in rises)
    return (f"{fell} of {len(rises)} runs that generalised after a plateau did so while S fell on it; of something "
            "necessary there is no such run")


def threshold_note(learners: Runs) -> str:
    """How many runs began above the threshold, and how many of these ended below it."""
    pairs = [pair for results in learners.values() for run in results
             if (pair := normalised_ends(run, "_centered")) is not None]
    above = [pair for pair in pairs if pair[0] > THRESHOLD]
    fell, lower = sum(last < THRESHOLD for _, last in above), sum(last < first for first, last in pairs)
    return (f"of {len(pairs)} runs that generalised {len(above)} began above 0.61 and {fell} of these ended below it; "
            f"in {lower} the centred S of the last layer fell at all")


def one_parameter_note(learners: Runs) -> str:
    """What C9 amounts to beside spectra of one parameter and states that never learnt."""
    words = f"states drawn at random have r = {random_state_correlation():.2f} without any learning"
    found = [beyond_one_parameter(run) for results in learners.values() for run in results if grokked(run) is not None]
    found = [values for values in found if np.isfinite(values).all()]
    if not found:
        return words
    ours, waves, from_waves, powers, from_powers = np.median(found, axis=0)
    return (f"{words}; medians of {len(found)} runs that grokked: r = {ours:.3f}; spectra of one parameter that have "
            f"the same S at each record have r = {waves:.3f} if p_i ~ exp(-i beta), and our P lies {from_waves:.0%} "
            f"of its range from theirs; {powers:.3f} and {from_powers:.0%} if they are powers of its mean spectrum")


def binning_note(learners: Runs) -> str:
    """The correlations of weight entropy with S, by binning."""
    parts = []
    for binning, words in BINNINGS.items():
        found = np.array([weight_correlations(run, binning)[0] for results in learners.values() for run in results
                          if grokked(run) is not None])
        found = found[np.isfinite(found)]
        if len(found):
            low, middle, high = np.quantile(found, [0, 0.5, 1])
            range_of_runs = f"({low:+.2f} to {high:+.2f}), {np.mean(found < 0):.0%} negative"
            parts.append(f"{words}: median {middle:+.2f} {range_of_runs}")
    return "correlation of weight entropy with S by binning: " + "; ".join(parts) if parts else ""


def nearest(runs: Runs, count: int = 3) -> str:
    """The specifications nearest to the study's C5 and C6, found by searching all that was run, and how many those are.

    The distance is the root mean square of ln(ours / the study's) over S and P at both ends of the window, ours being
    means over the seeds that grokked.
    """
    study = np.log([figure.value for name in ("C5", "C6") for figure in RULES[name].figures])
    found = []
    for s in of_states(with_role(runs, (*LEARNERS, *CANNOT, "family", "learnt at once")), WINDOWS, CONVENTIONS):
        ends = [(*S, *P) for run in s.runs
                if (S := values_at_ends(run, f"entropy{s.suffix}", s.window)) is not None
                and (P := values_at_ends(run, f"purity{s.suffix}", s.window)) is not None]
        if ends and np.isfinite(ends).all() and np.min(ends) > 0:
            mean = np.mean(ends, axis=0)
            found.append((float(np.sqrt(np.mean((np.log(mean) - study) ** 2))), mean, s))
    if not found:
        return ""
    found.sort(key=lambda item: item[0])
    words = [f"{s.name} ({s.axes['layer']}, {s.convention}, {s.window}): S {mean[0]:.2f} to {mean[1]:.2f}, P "
             f"{mean[2]:.3f} to {mean[3]:.3f}" for _, mean, s in found[:count]]
    return f"found by searching {len(found)} specifications that grokked, the nearest: " + "; ".join(words)
