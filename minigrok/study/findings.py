"""What a reader should not miss beside the verdicts: sentences made from the runs, with the commands that redo them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrok.study import grokking_claims, interventions, multiverse, transition
from minigrok.study.announce import Announcement
from minigrok.study.ledger import Finding, command

Runs = Mapping[str, Mapping[str, Sequence[Any]]]


def of_all(runs: Runs, board: Sequence[Announcement], size: str) -> tuple[Finding, ...]:
    """One finding a question; none where its runs are missing, or have nothing to say."""
    found = [*_classifier(runs.get(multiverse.EXPERIMENT, {})), *_grokking(runs.get("grokking", {}), board)]
    pushed = runs.get("interventions", {})
    if pushed:
        found.append(("Is S a cause, a symptom or a bystander?", interventions.findings(pushed), "R2"))
    return tuple(Finding(title, f"{sentence[0].upper()}{sentence[1:]}.", command(claim, size))
                 for title, sentence, claim in found if sentence)


def _classifier(runs: Mapping[str, Sequence[Any]]) -> list[tuple[str, str, str]]:
    if not runs:
        return []
    searched, *nearest = multiverse.nearest_in_words(runs, 3).splitlines()
    words = f"{searched.rstrip('.')}: {'; '.join(nearest)}"
    return [("What decides where S goes in the classifier?", _directions(runs), "C1"),
            ("The specifications nearest to the study's figures", words, "C1")]


def _directions(runs: Mapping[str, Sequence[Any]]) -> str:
    """Share of learnt runs with falling S, and S at the start, by activation and input dimension."""
    table = multiverse.direction_by_dimension(runs)
    sentences = []
    for activation in dict.fromkeys(row.activation for row in table):
        parts = []
        for dimension in sorted({row.dimension for row in table}):
            rows = [row for row in table if (row.activation, row.dimension) == (activation, dimension)]
            learnt = sum(row.learnt for row in rows)
            falling = sum(row.falling * row.learnt for row in rows if row.falling is not None)
            if learnt:
                parts.append(f"with {dimension} inputs in {falling / learnt:.0%} of {learnt} (S at the start "
                             f"{np.median([row.entropy_at_start for row in rows]):.2f})")
        if parts:
            sentences.append(f"{activation}: {', '.join(parts)}")
    return f"S is lower after 1000 epochs than before, of runs that learnt, {'; '.join(sentences)}" if sentences else ""


def _grokking(runs: Mapping[str, Sequence[Any]], board: Sequence[Announcement]) -> list[tuple[str, str, str]]:
    if not runs:
        return []
    return [("What announces generalisation?", announced(board), "R6"),
            ("Does anything turn again long after generalisation?", transition.past_the_end(runs), "C13"),
            ("The grokking runs nearest to the study's figures", grokking_claims.nearest(runs), "C5")]


def announced(board: Sequence[Announcement]) -> str:
    """The best of the leader board, and where S and P stand on it."""
    ranked = [row for row in board if row.auc is not None and row.auc_interval is not None]
    if not ranked:
        return ""
    places = {row.name: place for place, row in enumerate(ranked, 1)}
    shown = [*ranked[:3], *(row for row in ranked[3:] if row.name in ("S", "P", "change of S", "change of P"))]
    words = [f"{row.name} (place {places[row.name]}) {row.auc:.2f} ({row.auc_interval[0]:.2f} to "
             f"{row.auc_interval[1]:.2f})" for row in shown if row.auc_interval is not None]
    return (f"area under the curve that tells runs that will generalise from controls during the plateau, of "
            f"{len(ranked)} quantities: {'; '.join(words)}")
