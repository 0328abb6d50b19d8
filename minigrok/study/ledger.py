"""The ledger: every claim with its verdict, as a table for people and as JSON and CSV for programs."""

import csv
import io
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrok.study.claims import ADMISSIBLE, SIGNIFICANT, VERDICTS, Judgement, holm
from minigrok.study.evidence import Explained, Reading

WIDTH = 100                    # columns of the printed table


class Finding(NamedTuple):
    """What a reader should not miss, and how to see it again."""

    title: str
    sentence: str
    command: str


@dataclass(frozen=True)
class Ledger:
    """All judgements of one `reproduce`, with how they came about."""

    judgements: tuple[Judgement, ...]
    settings: Mapping[str, Any]                          # size, seeds, versions, times: what a reader needs to redo it
    failures: Mapping[str, str] = field(default_factory=dict)      # experiment -> what went wrong
    findings: tuple[Finding, ...] = ()
    board: tuple[Mapping[str, Any], ...] = ()            # what announces generalisation, one row a quantity

    def __getitem__(self, row: str) -> Judgement:
        for judgement in self.judgements:
            if judgement.id == row:
                return judgement
        raise KeyError(row)

    def counts(self) -> dict[str, int]:
        """How many rows have each verdict."""
        return {verdict: sum(j.verdict == verdict for j in self.judgements) for verdict in VERDICTS}

    @property
    def size(self) -> str:
        """How much was run: "quick", "default" or "full"."""
        return str(self.settings.get("size", "default"))

    def tests(self) -> dict[str, int]:
        """What was looked at: the numbers that a reader needs to judge how much was tested."""
        axes = [axes for j in self.judgements for axes in (j.assessment.axes, j.assessment.sensitivity)]
        return {
            "claims": len({j.claim.id for j in self.judgements}), "rows": len(self.judgements),
            "readings": sum(len(j.readings) for j in self.judgements),
            "axes tested": sum(map(len, axes)), "axes beyond chance": sum(len(holm(tested)) for tested in axes)}

    def __str__(self) -> str:
        """The table for a terminal."""
        lines = [f"{'claim':10}{'verdict':17}{'the study':30}ours: median of the specifications, middle 90 %"]
        for judgement in self.judgements:
            lines.append(f"{judgement.id:10}{judgement.verdict:17}{judgement.claim.paper:30}{ours(judgement)}".rstrip())
            words = f"{judgement.claim.statement}. Test: {judgement.test}. {judgement.sentence}"
            lines += textwrap.wrap(words, WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10)
        lines += ["", ", ".join(f"{count} {verdict}" for verdict, count in self.counts().items())]
        lines.append("What decides, the notes and the pictures stand in report.html and results.json.")
        lines += [f"FAILED: {experiment}: {reason}" for experiment, reason in self.failures.items()]
        return "\n".join(lines)

    def to_json(self) -> str:
        """All of it but the single readings; numbers that do not exist are null."""
        document = {
            "settings": dict(self.settings), "failures": dict(self.failures), "tests": self.tests(),
            "findings": [finding._asdict() for finding in self.findings], "board": [dict(row) for row in self.board],
            "claims": [_as_dict(judgement, self.size) for judgement in self.judgements]}
        return json.dumps(document, indent=1, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """One row a row of the ledger."""
        names = ["id", "verdict", "statement", "study", "share", "low", "high", "specifications", "runs", "searched",
                 "decided_by", "rule", "sentence"]
        text = io.StringIO()
        rows = csv.DictWriter(text, names, lineterminator="\n", extrasaction="ignore")
        rows.writeheader()
        for entry in (_as_dict(judgement, self.size) for judgement in self.judgements):
            low, high = entry["interval"] or (None, None)
            rows.writerow(entry | {"low": low, "high": high})
        return text.getvalue()


def readings_csv(readings: Sequence[Reading]) -> str:
    """One row a specification: the level of every axis, whether it is admissible, its share, the mean of its values."""
    axes = sorted({axis for reading in readings for axis in reading.axes})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*axes, "group", "admissible", "tested", "share", "mean"])
    for reading in readings:
        values = [value for value in reading.values if value is not None]
        numbers = ["" if number is None else f"{number:.6g}" for number in (
            reading.share, float(np.mean(values)) if values else None)]
        rows.writerow([*(reading.axes.get(axis, "") for axis in axes), reading.group, int(reading.admissible),
                       len(values), *numbers])
    return text.getvalue()


def ours(judgement: Judgement) -> str:
    """Our value: the median over admissible specifications of their means over seeds, and the middle 90 % of them.

    A count is no distribution: each is given.
    """
    means = [float(np.mean(values)) for reading in judgement.readings if reading.admissible
             and (values := [value for value in reading.values if value is not None])]
    if not means:
        return ""
    if judgement.claim.rule.counted:
        return ", ".join(map(_short, means))
    low, middle, high = (_short(number) for number in np.quantile(means, [0.05, 0.5, 0.95]))
    return middle if low == high else f"{middle} ({low} to {high})"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def command(claim: str, size: str = "default") -> str:
    """What redoes just this claim, with as many runs.

    >>> command("C12", "full")
    'minigrok reproduce --claim C12 --full'
    """
    return f"minigrok reproduce --claim {claim}" + (f" --{size}" if size != "default" else "")


def _as_dict(judgement: Judgement, size: str) -> dict[str, Any]:
    claim, found = judgement.claim, judgement.assessment
    return {
        "id": judgement.id, "claim": claim.id, "row": judgement.row, "experiment": claim.experiment,
        "statement": claim.statement, "study": claim.paper, "unit": claim.unit, "rule": judgement.test,
        "admissible": ADMISSIBLE[claim.rule.admissible], "verdict": judgement.verdict, "share": found.share,
        "interval": None if found.interval is None else list(found.interval),
        "specifications": found.specifications, "runs": found.runs, "searched": found.searched,
        "decided_by": judgement.decided_by, "axes": _axes(found.axes), "levels": found.levels,
        "levels_unequal_by": found.unequal,
        "sensitivity": _axes(found.sensitivity), "ours": ours(judgement) or None, "sentence": judgement.sentence,
        "note": judgement.note or None, "command": command(claim.id, size)}


def _axes(axes: Mapping[str, Explained]) -> dict[str, Any]:
    beyond = holm(axes)
    return {axis: {"explained": share, "p": p, f"beyond chance at {SIGNIFICANT:g} (Holm)": axis in beyond}
            for axis, (share, p) in axes.items()}
