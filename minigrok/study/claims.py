"""The claims as data, and the rule that turns their readings into a verdict.

All of it was written before the runs it judges, but for how many seeds a figure needs; see version 2 below.

A claim is a sentence with a *test*: a condition that one run either meets or not. The study leaves most settings open,
so the same test is put to every specification that `minigrok.study` trains, and a claim names those that are
*admissible*: they contradict nothing the study states, and a run in them counts only if its net learns as the claim
presupposes. All other specifications show how sensitive a claim is, and never enter its verdict.

The rule (RULES_VERSION 3):

1. The share is that of admissible specifications in which the test is met, a specification counting by the share of
   its tested runs, with every level of every axis weighed equally; `minigrok.study.evidence` has the formulas.
2. The verdict, by the share's 95 % interval:

        reproduced        its lower end is at least 0.9
        not reproduced    its upper end is at most 0.1
        depends           anything else; on the axis that explains most of the variance,
                          if it explains more than chance
        not tested yet    no admissible run could be tested

3. A claim with a figure has a second row, `value`, under the same rule: a specification has the figure if that lies
   within its printed precision of the 95 % interval of our mean over seeds, three or more, and half of those trained.
4. A rival's claim is judged by the same rule on the same runs.

Version 1, of the first releases, asked whether a claim held in 80 % of the seeds under every one of a few definitions.
Version 2 let two seeds speak of a figure. It was changed *after looking*: in its full run the study's S was "met" most
often on moons, where two nets of ten learn and the interval of their mean is wide enough for anything. That changed
figures alone: C1-value went from 8 % of specifications, undecided, to what the ledger says.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from minigrok.study.evidence import Assessment, Explained, Figure, Reading, assess

RULES_VERSION = 3
REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
DEPENDS, NOT_TESTED = "depends", "not tested yet"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, DEPENDS, NOT_TESTED)
REPRODUCED_FROM, NOT_REPRODUCED_TO = 0.9, 0.1
UNEQUAL = 0.1                  # relative deviation of levels' weights, from which on a verdict says it
SIGNIFICANT = 0.05             # of an axis, after Holm's correction for all axes of the claim


class Rule(NamedTuple):
    """How one claim is judged."""

    test: str                            # the condition that one run meets or not, in words
    admissible: str                      # which specifications and runs count, a key of ADMISSIBLE
    figures: tuple[Figure, ...] = ()     # of the study, as printed
    counted: bool = False                # nothing is drawn at random: the share has no interval


ADMISSIBLE = {
    "classifier": "6 hidden neurons, two classes, SGD with or without momentum, rho = A^T A / tr(A^T A); a run counts "
                  "if its test accuracy at the stopping epoch is at least 0.95",
    "classifier that fits": "6 hidden neurons, two classes, SGD with or without momentum; a run counts if its training "
                            "accuracy at the stopping epoch is at least 0.95",
    "landscape": "6 hidden neurons, two classes, rho = A^T A / tr(A^T A); every prior of the weights",
    "grokking": "100 hidden neurons, a task modulo p, true labels, rho = A^T A / tr(A^T A); a run counts if it "
                "memorises (99 %), waits at least 100 epochs, and generalises (95 %, held)",
    "rival grokking": "100 hidden neurons, a task modulo p, true labels, the centred state; a run counts if it "
                      "generalises (95 %, held)",
    "no grokking": "100 hidden neurons, a task modulo p, the centred state; a run counts if it memorises and its test "
                   "accuracy is never above 50 %",
    "pushed": "each of three set-ups that generalise, every push of S up or down",
    "tasks": "each task on which a net can generalise",
    "all": "everything that was run",
}
RULES = {
    "C1": Rule("S at the stopping epoch is below S at epoch 0", "classifier",
               (Figure("S at epoch 0", 1.42, 0.005), Figure("S at the end", 1.19, 0.005))),
    "C2": Rule("P at the stopping epoch is above P at epoch 0", "classifier",
               (Figure("P at epoch 0", 0.29, 0.005), Figure("P at the end", 0.37, 0.005))),
    "C3": Rule("test accuracy at the stopping epoch is at least 0.99", "classifier that fits",
               (Figure("test accuracy", 0.995, 0.0005),)),
    "C4a": Rule("the peak of g(S) lies above half of ln 6", "landscape", (Figure("S at the peak", 1.42, 0.005),)),
    "C4b": Rule("the accuracy of the networks at the peak of g(S) lies between 0.55 and 0.9", "landscape",
                (Figure("accuracy at the peak", 0.62, 0.0005),)),
    "C4c": Rule("S at the end of training is below the peak of g(S)", "landscape",
                (Figure("S at the end less S at the peak", -0.23, 0.01),)),
    "C5": Rule("S at the end of the window is above S at its start", "grokking",
               (Figure("S at the start", 1.55, 0.005), Figure("S at the end", 3.29, 0.005))),
    "C6": Rule("P at the end of the window is below P at its start", "grokking",
               (Figure("P at the start", 0.444, 0.0005), Figure("P at the end", 0.042, 0.0005))),
    "C7": Rule("the slope of S over the plateau is above 0", "grokking", (Figure("slope", 0.00097, 0.000005),)),
    "C8": Rule("the weight entropy changes by less than 20 % over the window", "grokking",
               (Figure("relative change", 0.11, 0.005),)),
    "C9": Rule("the Pearson correlation of S and P over the recorded epochs is at most -0.95", "grokking",
               (Figure("correlation", -0.99, 0.005),)),
    "C10": Rule("the Pearson correlations of weight entropy with S and with P are both below 0.3 in size", "grokking"),
    "C10b": Rule("held-out runs are predicted better with S and P beside weight entropy, norms and weight spectra than "
                 "without", "grokking"),
    "C11": Rule("the rank of the trained layer lies between 2.65 and 3.05", "classifier"),
    "C12": Rule("of a run that generalises: S at the onset is above S when it memorised", "grokking"),
    "C13": Rule("S jumps more sharply in larger systems: over a family of growing p or width, the share of all change "
                "of S that lies in the tenth of the epochs around generalisation grows", "all"),
    "C14": Rule("our runs are at least as many", "all", counted=True),
    "R1": Rule("the centred S / ln d is above 0.61 at first and below it when test accuracy reaches 95 %",
               "rival grokking"),
    "R2": Rule("a net whose S is pushed up generalises later than the median of those without a push and of those "
               "with a push of the same length that does not aim at S", "pushed"),
    "R2b": Rule("the gap between the centred S / ln d and 0.61 ranks the times left to generalisation: Spearman's "
                "correlation is above 0 within a set-up", "rival grokking"),
    "R3": Rule("the centred S at the last epoch of a net that does not generalise is below its start", "no grokking"),
    "R4": Rule("of networks with a training loss below 0.1, ln g falls by at most 1 nat on the way from the most "
               "frequent test accuracy up to 0.9", "tasks"),
    "R5": Rule("the mass of networks with a loss below ln 2 differs from that on moons by 3 standard deviations of a "
               "walker", "all"),
    "R6": Rule("the Fourier concentration of the neurons rises over the plateau, and by more than in any control",
               "grokking"),
}


@dataclass(frozen=True)
class Claim:
    """One row of claims.csv, which holds the study's figures, with the rule that we put beside it."""

    id: str
    experiment: str            # whose runs judge it
    statement: str             # what is claimed
    value: str                 # what our values are
    paper: str                 # the study's own figure, as printed
    unit: str
    rule: Rule


@dataclass(frozen=True)
class Judgement:
    """A claim with its readings and what follows from them: one row of the ledger."""

    claim: Claim
    readings: tuple[Reading, ...] = ()
    row: str = "direction"               # or "value"
    note: str = ""                       # what a reader must know beside the verdict

    @property
    def id(self) -> str:
        """Such as "C1", or "C1-value"."""
        return self.claim.id if self.row == "direction" else f"{self.claim.id}-{self.row}"

    @cached_property
    def assessment(self) -> Assessment:
        """Share, interval, axes."""
        found = assess(self.readings)
        if self.claim.rule.counted and found.share is not None:
            return found._replace(interval=(found.share, found.share))
        return found

    @property
    def verdict(self) -> str:
        """One of VERDICTS, by the rule at the head of this module."""
        return verdict_of(self.assessment.interval)

    @property
    def decided_by(self) -> str | None:
        """The axis that explains most of the variance between admissible specifications, if more than chance does."""
        significant = holm(self.assessment.axes)
        return next((axis for axis in self.assessment.axes if axis in significant), None)

    @property
    def test(self) -> str:
        """The condition that is judged, in words."""
        if self.row == "direction":
            return self.claim.rule.test
        names = " and ".join(f"{figure.name} {figure.value:g}" for figure in self.claim.rule.figures)
        return f"{names}: each within its printed precision of the 95 % interval of our mean over seeds"

    @property
    def sentence(self) -> str:
        """The verdict in one plain sentence."""
        found = self.assessment
        if found.share is None or found.interval is None:
            return "These runs do not bear on it."
        low, high = found.interval
        words = (f"The test is met in {found.share:.0%} (95 % {low:.0%} to {high:.0%}) of {found.specifications:,} "
                 f"admissible specification{'s' if found.specifications > 1 else ''}, {found.runs:,} runs")
        if found.unequal > UNEQUAL:
            words += f" (levels of an axis could be weighed equally only to within {found.unequal:.0%})"
        axis = self.decided_by
        if self.verdict == DEPENDS and not NOT_REPRODUCED_TO < found.share < REPRODUCED_FROM:
            words += ", too few to be sure of the verdict that this share would have"
        if self.verdict == DEPENDS and axis is None:
            return words + "; no axis explains more of the difference than chance does."
        if self.verdict == DEPENDS and axis is not None:
            levels = sorted(found.levels[axis].items(), key=lambda item: item[1])
            ends = f"from {levels[0][1]:.0%} ({levels[0][0]}) to {levels[-1][1]:.0%} ({levels[-1][0]})"
            return words + f"; it depends most on {axis}: {ends}."
        return words + "."


def verdict_of(interval: tuple[float, float] | None) -> str:
    """The verdict that follows from the 95 % interval of a share.

    >>> [verdict_of(interval) for interval in ((0.93, 1.0), (0.0, 0.1), (0.5, 1.0), None)]
    ['reproduced', 'not reproduced', 'depends', 'not tested yet']
    """
    if interval is None:
        return NOT_TESTED
    if interval[0] >= REPRODUCED_FROM:
        return REPRODUCED
    return NOT_REPRODUCED if interval[1] <= NOT_REPRODUCED_TO else DEPENDS


def holm(axes: Mapping[str, Explained]) -> set[str]:
    """The axes that explain more than chance: Holm's step-down procedure (S. Holm, Scand. J. Stat. 6, 65 (1979)).

    >>> sorted(holm({"a": Explained(0.3, 0.005), "b": Explained(0.1, 0.02), "c": Explained(0.0, 0.04)}))
    ['a', 'b', 'c']
    >>> holm({"a": Explained(0.3, 0.03), "b": Explained(0.1, 0.03)})
    set()
    """
    found: set[str] = set()
    for tried, (axis, (_, p)) in enumerate(sorted(axes.items(), key=lambda item: item[1].p)):
        if p > SIGNIFICANT / (len(axes) - tried):
            break
        found.add(axis)
    return found


def load_claims() -> dict[str, Claim]:
    """All claims by their id, in the order of claims.csv."""
    text = files("minigrok.study").joinpath("claims.csv").read_text(encoding="utf-8")
    claims = {}
    for row in csv.DictReader(text.splitlines()):
        change = f" ({float(row['paper_change']):+.1%})" if row["paper_change"] else ""
        arrow = f"{row['paper_from']} -> " if row["paper_from"] else ""
        paper = arrow + row["paper_to"] + change
        claims[row["id"]] = Claim(
            row["id"], row["experiment"], row["statement"], row["value"], paper.strip(), row["unit"] or "",
            RULES[row["id"]])
    return claims
