"""Is S a handle? Nets trained on loss + lambda Q, in three set-ups that generalise late, against two controls.

If a build-up of S is needed for generalisation (C12), or a collapse of the centred S (rivals R1 and R2), then a net
that is kept from it generalises later, or never. So Q is S, P or the centred S, lambda has both signs and four
magnitudes over three decades, and every dose is held against no push and against a push of the same length that does
not aim at S (`minigrok.study.pushes`). A run goes on until it has generalised, or to about three times the median epoch
at which nets do without a push, where it is censored (`minigrok.study.dose_response`).

**Set-ups** were chosen by their milestones alone, S was not printed: of 15 settings tried for the ReLU net, 14 for the
quadratic net with SGD, about 70 for the two tanh layers. No tanh net with cross-entropy reached 95 % within 1500
epochs, so it has the squared error; with that it leaves chance tens of epochs after it memorises, not a hundred, but
generalises hundreds later. **Doses** were chosen on one seed, none of the study's: the weakest lambda hardly moved the
epoch at which it generalised, and under a thousand times that, for one sign of S at least, it never did. The gradient
of P is five to fifteen times shorter than that of S, so its lambda is ten times as large.
"""

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
from matplotlib.figure import Figure

from minigrok.checks import one_of
from minigrok.runs.jobs import Job
from minigrok.study.claims import SIGNIFICANT, Claim, Judgement
from minigrok.study.dose_response import (
    ByPush,
    Dose,
    Fate,
    Runs,
    by_push,
    control_of,
    dose_table,
    draw,
    entropy_at,
    times,
)
from minigrok.study.evidence import Reading, read
from minigrok.study.grokking import GrokkingSetting
from minigrok.study.pushes import PERMUTED, SLOPES, SYMBOLS, Push, run

EXPERIMENT = "interventions"
SETUPS = (
    GrokkingSetting("cross-entropy, relu, AdamW", "add", 29, "cross_entropy", "relu", "AdamW", 1e-2, 1.0, 0.75,
                    epochs=2100, role="pushed", record_every=10),
    GrokkingSetting("squared error, quadratic, SGD", "add", 23, "squared_error", "quadratic", "SGD", 3.0, 1e-4, 0.6,
                    epochs=1800, role="pushed", record_every=10),
    GrokkingSetting("squared error, two tanh layers, AdamW", "add", 31, "squared_error", "tanh", "AdamW", 2e-3, 1.2,
                    0.7, depth=2, epochs=2100, role="pushed", record_every=10),
)
WEAKEST = (1e-4, 1e-4, 1e-5)             # lambda of S in each of them
FACTORS = (1, 10, 100, 1000)             # the doses: so many times the weakest
FEW = (10,)                              # of a short study: moves S, and lets nets learn
RAISED = ("entropy", "entropy_centered")           # what R2 says must fall
MILESTONES = {"generalised": "95 %, held", "halfway": "50 %"}
WINDOWS = {"plateau": "memorised to onset", "run": "epoch 0 to generalised"}


def plan(seeds: Sequence[int], doses: str = "all") -> list[Job]:
    """The jobs: `doses` is "all", 33 a set-up and seed, or "few", 7: one magnitude, without P."""
    return [Job(EXPERIMENT, push.name, seed, run, push) for push in pushes(doses) for seed in seeds]


def pushes(doses: str = "all") -> list[Push]:
    """No push and every push of every set-up."""
    few = one_of("doses", doses, ("all", "few")) == "few"
    found = []
    for setup, weakest in zip(SETUPS, WEAKEST, strict=True):
        found.append(Push(setup))
        for target in (*SLOPES, PERMUTED):
            if few and target == "purity":
                continue
            for factor in FEW if few else FACTORS:
                strength = weakest_of(target, weakest) * factor
                found += [Push(setup, target, float(f"{sign * strength:.3g}")) for sign in (1, -1)]
    return found


def weakest_of(target: str, weakest: float) -> float:
    """The weakest lambda of a target, from that of S."""
    return 10 * weakest if target == "purity" else weakest


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """R2: whether a net whose S is pushed up generalises later."""
    table = dose_table(by_push(runs))
    up = [dose for dose in table if dose.push.target in RAISED and dose.push.strength < 0]
    shifts = _shifted(up, table)
    tests = sum(not np.isnan(dose.p) for dose in table)
    note = (f"log-rank tests against no push, Holm over {tests} doses: of {len(up)} that push S or the centred S up, "
            f"nets never generalise under {shifts['never']}, later under {shifts['later']}, sooner under "
            f"{shifts['sooner']}; under {sum(dose.p_control < SIGNIFICANT for dose in up)} they "
            f"differ (p < {SIGNIFICANT}, each by itself) from the push of that lambda that does not aim at S")
    return [Judgement(claims["R2"], delay_readings(runs), note=note)]


def delay_readings(runs: Runs) -> tuple[Reading, ...]:
    """By how many epochs each net with S pushed up is later than the larger median, of no push and of the control.

    Where that median is the cap, a net that never generalised cannot be told to be later, and says nothing.
    """
    pushed, readings = by_push(runs), []
    for push, fates in pushed.items():
        base, control = pushed.get(Push(push.setup), ()), control_of(pushed, push)
        if push.target not in RAISED or push.strength >= 0 or not base or not control:
            continue
        for milestone, words in MILESTONES.items():
            bar = max(np.median(times(others, milestone)[0]) for others in (base, control))
            epochs, never = times(fates, milestone)
            delays = [None if gone and bar >= epoch else float(epoch - bar)
                      for epoch, gone in zip(epochs, never, strict=True)]
            axes = {"set-up": push.setup.name, "target": SYMBOLS[push.target], "strength": strength_in_words(push),
                    "generalised at": words}
            readings.append(read(axes, delays, lambda delay: delay > 0, push.name, milestone == "generalised"))
    return tuple(readings)


def strength_in_words(push: Push) -> str:
    """The dose as a multiple of the weakest of its set-up and target: a level that all set-ups have."""
    weakest = WEAKEST[SETUPS.index(push.setup)]
    return f"{abs(push.strength) / weakest_of(push.target, weakest):.0f} times the weakest"


def necessity_readings(runs: Runs) -> tuple[Reading, ...]:
    """C12: by how much S rose in each pushed net that generalised; None for a net that did not, or did not wait."""
    readings = []
    for push, fates in by_push(runs).items():
        for window, words in WINDOWS.items() if push.strength else ():
            axes = {"set-up": push.setup.name, "push": push.words, "window": words}
            rises = [_rise(fate, window) for fate in fates]
            readings.append(read(axes, rises, lambda rise: rise > 0, push.name, admissible=False))
    return tuple(readings)


def findings(runs: Runs) -> str:
    """What the pushes did, in sentences."""
    pushed = by_push(runs)
    return _in_words(dose_table(pushed), pushed)


def sketches(runs: Runs) -> list[tuple[str, str, Figure]]:
    """One picture for C12, R1 and R2."""
    pushed = by_push(runs)
    doses = dose_table(pushed)
    caption = ("Nets trained on loss + lambda Q: epoch of generalisation (above; 95 % intervals over seeds), S / ln d "
               f"at that epoch (middle) and its centred form (beneath) against lambda. {_in_words(doses, pushed)}.")
    return [("interventions-dose-response", caption, draw(doses))]


def _in_words(doses: Sequence[Dose], pushed: ByPush) -> str:
    setups = dict.fromkeys(dose.push.setup for dose in doses)
    parts = [_of_setup([dose for dose in doses if dose.push.setup == setup]) for setup in setups]
    fates = [fate for push, of_push in pushed.items() if push.strength for fate in of_push]
    rises, plateaus = ([rise for rise in (_rise(fate, window) for fate in fates) if rise is not None]
                       for window in ("run", "plateau"))
    parts.append(f"Of {len(rises)} pushed nets that generalised, S was then below its value at epoch 0 in "
                 f"{sum(rise < 0 for rise in rises)}; of {len(plateaus)} that waited, S fell from memorised to onset "
                 f"in {sum(rise < 0 for rise in plateaus)}")
    tests, runs = sum(not np.isnan(dose.p) for dose in doses), max(dose.runs for dose in doses)
    if 2 / comb(2 * runs, runs) > SIGNIFICANT / max(tests, 1):
        parts.append(f"With {runs} runs a dose no shift can be significant after Holm's correction for {tests} doses")
    return ". ".join(parts)


def _rise(fate: Fate, window: str) -> float | None:
    """S at the end of a window less S at its start, nats; None unless the net generalised and has that window."""
    run, marks = fate
    span = marks.plateau if window == "plateau" else (0, marks.generalised)
    if marks.generalised is None or span is None:
        return None
    first, last = (entropy_at(run, epoch) for epoch in span)
    return None if first is None or last is None else (last - first) * float(np.log(run.setting.setup.width))


def free_range(doses: Sequence[Dose], target: str = "entropy") -> list[Dose]:
    """The doses of a target around no push, itself among them, up to the first shift on either side; by lambda."""
    mine = sorted((dose for dose in doses if dose.push.target == target or dose.push.strength == 0),
                  key=lambda dose: dose.push.strength)
    shifts = [dose.push.strength for dose in mine if dose.shifted]
    low = max((strength for strength in shifts if strength < 0), default=-np.inf)
    high = min((strength for strength in shifts if strength > 0), default=np.inf)
    return [dose for dose in mine if low < dose.push.strength < high]


def _of_setup(doses: Sequence[Dose]) -> str:
    """What pushes of S, and the others, do in one set-up."""
    base, free = next(dose for dose in doses if dose.push.strength == 0), free_range(doses)
    low, high = free[0].push.strength, free[-1].push.strength
    levels = [dose.entropy_generalised for dose in free if dose.entropy_generalised is not None] or [np.nan]
    shifts = [f"{dose.push.words} {_effect(dose, base)}" for dose in doses
              if dose.shifted and dose.push.target == "entropy"]
    others = [dose for dose in doses if dose.push.target != "entropy"]
    return (
        f"{base.push.setup.name}: without a push {base.generalised} of {base.runs} generalise, at {base.mean:.0f} on "
        f"average; no significant shift by pushes of S with lambda from {low:g} to {high:g}, under which S / ln d at "
        f"generalisation lies between {min(levels):.2f} and {max(levels):.2f}; shifted by "
        f"{', '.join(shifts) or 'no dose of S'}, and by {sum(dose.shifted for dose in others)} of {len(others)} others")


def _effect(dose: Dose, base: Dose) -> str:
    if dose.generalised == 0:
        return "never" if dose.memorised else "never, for it does not even memorise"
    return "later" if dose.mean > base.mean else "sooner"


def _shifted(doses: Sequence[Dose], table: Sequence[Dose]) -> dict[str, int]:
    """How many doses generalise significantly later, sooner or never."""
    bases = {dose.push.setup: dose for dose in table if dose.push.strength == 0}
    effects = [_effect(dose, bases[dose.push.setup]) for dose in doses if dose.shifted]
    return {word: sum(effect.startswith(word) for effect in effects) for word in ("never", "later", "sooner")}
