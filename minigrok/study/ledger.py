"""The ledger: every claim with its verdict, as a table for people and as JSON and CSV for programs."""

import csv
import io
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minigrok.study.claims import VERDICTS, Judgement, summary, written

WIDTH = 100                    # columns of the printed table


@dataclass(frozen=True)
class Ledger:
    """All judgements of one `reproduce`, with how they came about."""

    judgements: tuple[Judgement, ...]
    settings: Mapping[str, Any]                          # size, seeds, versions, times: what a reader needs to redo it
    failures: Mapping[str, str] = field(default_factory=dict)      # experiment -> what went wrong

    def __getitem__(self, claim: str) -> Judgement:
        for judgement in self.judgements:
            if judgement.claim.id == claim:
                return judgement
        raise KeyError(claim)

    def counts(self) -> dict[str, int]:
        """How many claims have each verdict."""
        return {verdict: sum(j.verdict == verdict for j in self.judgements) for verdict in VERDICTS}

    def __str__(self) -> str:
        """The table for a terminal."""
        lines = [f"{'claim':6}{'verdict':27}{'the study':24}ours, base definition"]
        for judgement in self.judgements:
            claim = judgement.claim
            lines.append(f"{claim.id:6}{judgement.verdict:27}{claim.paper:24}{ours(judgement)}".rstrip())
            words = f"{claim.statement}. Test: {claim.test}.{_value(claim.value)} {judgement.outcomes}"
            lines += textwrap.wrap(words, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
        lines.append("")
        lines.append(", ".join(f"{count} {verdict}" for verdict, count in self.counts().items()))
        lines.append("Which definitions those are, and the notes, stand in report.html and results.json.")
        lines += [f"FAILED: {experiment}: {reason}" for experiment, reason in self.failures.items()]
        return "\n".join(lines)

    def to_json(self) -> str:
        """All of it; numbers that do not exist are null."""
        document = {
            "settings": dict(self.settings), "failures": dict(self.failures),
            "claims": [_as_dict(judgement) for judgement in self.judgements]}
        return json.dumps(document, indent=1, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """One row a claim and definition; a claim without evidence has one row."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["claim", "statement", "study", "verdict", "definition", "outcome", "share", "values"])
        for judgement in self.judgements:
            claim = judgement.claim
            head = [claim.id, claim.statement, claim.paper, judgement.verdict]
            for e in judgement.evidence:
                values = " ".join("" if value is None else f"{value:.6g}" for value in e.values)
                rows.writerow([*head, e.definition, e.outcome, "" if e.share is None else f"{e.share:.3f}", values])
            if not judgement.evidence:
                rows.writerow([*head, "", "untested", "", ""])
        return text.getvalue()


def ours(judgement: Judgement) -> str:
    """Our value under the base definition, which is the first, and whether the study's figure lies within."""
    if not judgement.evidence:
        return ""
    figure = {"within": "; the study's lies within", "outside": "; the study's lies outside", "": ""}
    return written(judgement.evidence[0].values) + figure[judgement.figure]


def _value(words: str) -> str:
    return f" Value: {words}." if words else ""


def _as_dict(judgement: Judgement) -> dict[str, Any]:
    claim = judgement.claim
    return {
        "id": claim.id, "experiment": claim.experiment, "statement": claim.statement, "study": claim.paper,
        "unit": claim.unit, "rule": claim.test, "value": claim.value,
        "verdict": judgement.verdict, "why": judgement.why, "figure": judgement.figure or None,
        "definitions": [
            {"definition": e.definition, "outcome": e.outcome, "share": e.share, "values": list(e.values),
             "summary": _summary(e.values)} for e in judgement.evidence],
    }


def _summary(values: Sequence[float | None]) -> dict[str, Any] | None:
    tested = [value for value in values if value is not None]
    if not tested:
        return None
    median, low, high = summary(tested)
    return {"median": median, "low": low, "high": high, "kind": "95 % interval" if len(tested) >= 6 else "range"}
