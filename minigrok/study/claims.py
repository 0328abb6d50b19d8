"""The claims as data, and the one rule that turns measured values into a verdict.

A claim is a sentence with a *test*: a condition that one run (one seed) either meets or not. Sentences
are vague where numbers are not: which data set, which convention of the state, which window of epochs,
which binning? Each such choice is a *definition*, and the same runs are judged under each of them.

The rule, written before any run:

1. Under one definition, the share is (runs that meet the test) / (runs that could be tested).
   A run that cannot be tested, such as one without a plateau, counts in neither.
2. The claim *holds* under a definition where the share is at least 0.8, *fails* where it is at most 0.2,
   and is *mixed* between.
3. reproduced                   it holds under every definition that could be tested
   not reproduced               it fails under every one
   depends on the definition    anything else; the reason names where it holds and where it fails
   not tested yet               no definition could be tested by these runs

A figure of the study that our values miss is no failure of a claim about direction, so it stands in a
column of its own, `figure`: "within" if the study's figure lies inside our interval under the first
(base) definition, else "outside".
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from scipy.stats import binom

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
DEPENDS, NOT_TESTED = "depends on the definition", "not tested yet"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, DEPENDS, NOT_TESTED)
HOLDS_FROM, FAILS_TO = 0.8, 0.2
SEEDS_FOR_INTERVAL = 6         # below six values no two order statistics enclose the median with 95 %


@dataclass(frozen=True)
class Evidence:
    """The values of all seeds under one definition, and which of them meet the claim's test.

    `values` holds None for a run that could not be tested; `value` is what the ledger shows.
    """

    definition: str
    values: tuple[float | None, ...]
    meets: tuple[bool | None, ...]

    @property
    def tested(self) -> list[bool]:
        return [meet for meet in self.meets if meet is not None]

    @property
    def share(self) -> float | None:
        """Share of the tested runs that meet the claim's test; None where none could be tested."""
        return sum(self.tested) / len(self.tested) if self.tested else None

    @property
    def outcome(self) -> str:
        """One of "holds", "fails", "mixed", "untested"."""
        if self.share is None:
            return "untested"
        return "holds" if self.share >= HOLDS_FROM else "fails" if self.share <= FAILS_TO else "mixed"


def gather(definition: str, values: Iterable[float | None], meets: Callable[[float], bool]) -> Evidence:
    """Evidence from one value a run; None, and NaN from a dead layer, count as untested."""
    tested = tuple(None if value is None or np.isnan(value) else float(value) for value in values)
    return Evidence(definition, tested, tuple(None if value is None else bool(meets(value)) for value in tested))


@dataclass(frozen=True)
class Claim:
    """One row of claims.csv, which holds the study's figures, with the test that we put beside it."""

    id: str
    experiment: str            # whose runs judge it
    statement: str             # what is claimed
    value: str                 # what our values are
    paper: str                 # the study's own figure, as printed
    unit: str
    test: str                  # the condition that one run meets or not, in words
    figure: float | None       # the study's figure in the unit of our values, where it has one


@dataclass(frozen=True)
class Judgement:
    """A claim with its evidence and what follows from it: one row of the ledger."""

    claim: Claim
    evidence: tuple[Evidence, ...] = ()
    note: str = ""             # what a reader must know beside the verdict

    @property
    def verdict(self) -> str:
        """One of VERDICTS, by the rule at the head of this module."""
        outcomes = {evidence.outcome for evidence in self.evidence} - {"untested"}
        if not outcomes:
            return NOT_TESTED
        if outcomes == {"holds"}:
            return REPRODUCED
        return NOT_REPRODUCED if outcomes == {"fails"} else DEPENDS

    @property
    def why(self) -> str:
        """The verdict's reason in one line: under how many definitions the test is met, and which those are."""
        parts = []
        for outcome in ("holds", "mixed", "fails"):
            names = [evidence.definition for evidence in self.evidence if evidence.outcome == outcome]
            if names:
                parts.append(f"{outcome} under {len(names)}: {'; '.join(names)}")
        untested = sum(evidence.outcome == "untested" for evidence in self.evidence)
        if untested:
            parts.append(f"no testable run under {untested}")
        return ". ".join([*parts, self.note] if self.note else parts) or "these runs do not bear on it"

    @property
    def outcomes(self) -> str:
        """The reason in short: how many definitions have each outcome."""
        counts = {outcome: sum(e.outcome == outcome for e in self.evidence) for outcome in ("holds", "mixed", "fails")}
        words = ", ".join(f"{outcome} under {count}" for outcome, count in counts.items() if count)
        return f"It {words} of {sum(counts.values())} definitions." if words else "These runs do not bear on it."

    @property
    def figure(self) -> str:
        """ "within" if the study's figure lies in our interval under the base definition, "outside", or ""."""
        values = [] if not self.evidence else [value for value in self.evidence[0].values if value is not None]
        if self.claim.figure is None or not values:
            return ""
        low, high = summary(values)[1:]
        return "within" if low <= self.claim.figure <= high else "outside"


def summary(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, with the low and high end of its 95 % interval; below six values the ends are their range.

    The interval is that of order statistics: with n values from any continuous distribution the k-th
    smallest and the k-th largest enclose the median with probability 1 - 2 P(Binomial(n, 1/2) < k), and
    k is the largest for which this is at least 0.95 (H. A. David and H. N. Nagaraja, "Order Statistics",
    Wiley, 2003, section 7.1).

    Raises
    ------
    ValueError
        For no values, or one that is not finite.

    Examples
    --------
    >>> summary([3.0, 1.0, 2.0])
    (2.0, 1.0, 3.0)
    >>> summary(range(1, 21))                            # 20 values: the 6th and the 15th
    (10.5, 6.0, 15.0)
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if n == 0 or not np.isfinite(ordered).all():
        raise ValueError(
            f"values are {list(values)}, but a summary needs at least one, all finite: leave out untested runs")
    k = 1
    while n >= SEEDS_FOR_INTERVAL and 1 - 2 * binom.cdf(k, n, 0.5) >= 0.95:
        k += 1
    return float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k])


def written(values: Sequence[float | None], digits: int = 3) -> str:
    """Values as the ledger prints them: each of them below six, from six on the median and its interval."""
    tested = [value for value in values if value is not None]
    if not tested:
        return "no plateau" if values else ""
    median, low, high = summary(tested)
    short = [f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}" for value in (*tested, median, low, high)]
    *each, middle, first, last = short
    if len(tested) == 1:
        return middle
    if len(tested) < SEEDS_FOR_INTERVAL:
        return f"{', '.join(each)} (range {first} to {last})"
    return f"{middle} (95 % {first} to {last})"


TESTS = {
    "C1": "S at the last epoch is below S at epoch 0",
    "C2": "P at the last epoch is above P at epoch 0",
    "C3": "test accuracy at the last epoch is at least 0.99",
    "C4a": "the peak of g(S) lies within 0.05 nats of 1.42",
    "C4b": "accuracy at the peak of g(S) is within 0.02 of 0.62",
    "C4c": "S at the last epoch is below the peak of g(S)",
    "C5": "S at the end of the window is above S at its start",
    "C6": "P at the end of the window is below P at its start",
    "C7": "the slope of S over the plateau is within a factor of 2 of 0.00097",
    "C8": "the weight entropy changes by less than 20 % over the window",
    "C9": "Pearson correlation of S and P over the recorded epochs is at most -0.95",
    "C10": "the Pearson correlations of weight entropy with S and with P are both below 0.3 in size",
    "C10b": "S and P predict held-out runs better than weight entropy, norms and weight spectra alone",
    "C11": "the rank of the trained layer lies between 2.65 and 3.05",
    "C12": "in every set-up whose run with this seed generalises, S rose over the window",
    "C13": "at least half of all the change of S lies in the tenth of the epochs around generalisation (50 %)",
    "C14": "our runs are at least as many",
    "R1": "centred S / ln d is above 0.61 at first and below it when test accuracy reaches 95 %",
    "R2": "pushing S up or down by an intervention shifts the epoch of generalisation",
    "R3": "centred S at the last epoch of a net that does not generalise is below its start",
    "R4": "of networks with a training loss below 0.1, ln g falls by at most 1 nat on the way from the most frequent "
          "test accuracy up to 0.9",
    "R5": "the mass of networks with a loss below ln 2 differs from that on moons by 3 standard deviations of a walker",
    "R6": "the Fourier concentration of neurons rises over the plateau, and in no control by as much",
}
# The study's figure in the unit of our values, for the claims whose values can be compared with it.
FIGURES = {
    "C1": 1.19 - 1.42, "C2": 0.37 - 0.29, "C3": 0.995, "C4a": 1.42, "C4b": 0.62, "C4c": -0.23,
    "C5": 3.29 - 1.55, "C6": 0.042 - 0.444, "C7": 0.00097, "C8": 0.11, "C9": -0.99,
}


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
            TESTS[row["id"]], FIGURES.get(row["id"]))
    return claims
