"""A claim's section of report.html: verdicts, shares, what decides, how sensitive they are, pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from minigrok.study.claims import ADMISSIBLE, Judgement, holm
from minigrok.study.evidence import Explained, Reading, varying
from minigrok.study.figures import Drawn
from minigrok.study.ledger import command, ours
from minigrok.study.report_html import (
    Markup,
    as_sentence,
    definitions,
    details,
    in_symbols,
    markup,
    picture,
    share_bar,
    table,
    tag,
    verdict_of,
)

FEW = 12                       # specifications: as many are listed one by one
NEAREST = 3                    # specifications shown of those found by searching
ROWS = {"direction": "The direction", "value": "The value"}


def claim_section(
    judgements: Sequence[Judgement], figures: Sequence[Drawn], elsewhere: Mapping[str, str], size: str
) -> Markup:
    """All rows of one claim, with the figures that are shown here; `elsewhere` has stems of others, and where they are.

    The figures stand after the first row, whose specifications they show.
    """
    first, claim = judgements[0], judgements[0].claim
    links = [tag("p", "See also ", tag("a", f"the picture under {place}", href=f"#figure-{stem}"), ".", css="muted")
             for stem, place in elsewhere.items()]
    return tag(
        "section", tag("h3", f"{claim.id}: {claim.statement}", id=f"claim-{claim.id}"), *_row(first),
        *map(shown, figures), *links, *(part for judgement in judgements[1:] for part in _row(judgement)),
        tag("p", "To redo this claim alone: ", tag("code", command(claim.id, size))))


def shown(drawn: Drawn) -> Markup:
    """A figure with its caption, where links find it."""
    return tag("div", picture(drawn.png, drawn.caption), id=f"figure-{drawn.stem}")


def _row(judgement: Judgement) -> list[Markup]:
    """One row of the ledger: a heading where the claim has several, the verdict, and what it rests on."""
    found, claim = judgement.assessment, judgement.claim
    facts = [("Test", judgement.test), ("What counts", ADMISSIBLE[claim.rule.admissible])]
    if claim.paper:
        facts.append(("Their figure", claim.paper))
    if ours(judgement):
        value = f"{claim.value}: " if claim.value and judgement.row == "direction" else ""
        facts.append(("Ours", f"{value}{ours(judgement)}; the median of the specifications and their middle 90 %"))
    parts = [
        tag("h4", ROWS.get(judgement.row, judgement.row), id=f"row-{judgement.id}"),
        tag("p", verdict_of(judgement), ". ", judgement.sentence), share_bar(found)]
    if judgement.note:
        parts.append(tag("p", as_sentence(judgement.note), css="note"))
    parts.append(definitions((name, as_sentence(in_symbols(words))) for name, words in facts))
    return [*parts, *_axes(judgement), *_sensitivity(judgement), *_searched(judgement), *_specifications(judgement)]


def _axes(judgement: Judgement) -> list[Markup]:
    """The axes that decide in the open, all the others in what can be opened."""
    found = judgement.assessment
    if not found.axes:
        return []
    beyond = holm(found.axes)
    columns = ("axis", "variance explained", "p", "share at each level")
    rows = {axis: (axis, *_explained(what), _levels(found.levels.get(axis, {}))) for axis, what in found.axes.items()}
    parts, others = [], [row for axis, row in rows.items() if axis not in beyond]
    if beyond:
        parts.append(table(f"{judgement.id}: the axes that decide", columns, [
            row for axis, row in rows.items() if axis in beyond]))
    if others:
        parts.append(details(f"Of {len(rows)} axes: the {len(others)} that explain no more than chance", table(
            f"{judgement.id}: axes that explain no more than chance", columns, others)))
    return parts


def _sensitivity(judgement: Judgement) -> list[Markup]:
    """The same over all specifications, admissible or not."""
    found = judgement.assessment
    shares = [reading.share for reading in judgement.readings if reading.share is not None]
    if found.searched <= found.specifications:
        return []
    words = (f"Over all {found.searched:,} specifications, admissible or not, the test is met in {np.mean(shares):.0%}"
             ", each counted once. This shows how sensitive the claim is, and never enters the verdict.")
    content = [tag("p", words)]
    if found.sensitivity:
        beyond = holm(found.sensitivity)
        content.append(table(
            f"{judgement.id}: what each axis explains over all specifications",
            ("axis", "variance explained", "p", "beyond chance"),
            [(axis, *_explained(what), "yes" if axis in beyond else "no") for axis, what in found.sensitivity.items()]))
    return [details(f"Sensitivity: all {found.searched:,} specifications, admissible or not", *content)]


def _searched(judgement: Judgement) -> list[Markup]:
    """The specifications nearest to the study's figure, which the row "value" is about."""
    if judgement.row != "value" or not judgement.claim.rule.figures:
        return []
    figure = judgement.claim.rule.figures[-1]
    means = {index: float(np.mean(values)) for index, reading in enumerate(judgement.readings)
             if (values := [value for value in reading.values if value is not None])}
    if len(means) <= NEAREST:
        return []
    nearest = sorted(means, key=lambda index: abs(means[index] - figure.value))[:NEAREST]
    axes = varying(judgement.readings)
    rows = [(str(place), f"{means[index]:.3g}", "yes" if judgement.readings[index].admissible else "no",
             _choices(judgement.readings[index], axes)) for place, index in enumerate(nearest, 1)]
    return [details(
        f"Found by searching {len(means):,} specifications: the {NEAREST} nearest to the study's {figure.name}",
        tag("p", f"Chosen after the runs because they come near {figure.value:g}; so they are no evidence for it."),
        table(f"{judgement.id}: nearest to {figure.name} {figure.value:g}",
              ("place", "ours, mean over seeds", "admissible", "specification"), rows))]


def _specifications(judgement: Judgement) -> list[Markup]:
    """Every specification, where they are few."""
    readings = judgement.readings
    if not 0 < len(readings) <= FEW:
        return []
    axes = varying(readings)
    rows = [(_choices(reading, axes) or reading.group, _values(reading),
             "untested" if reading.share is None else f"{reading.share:.0%}", "yes" if reading.admissible else "no")
            for reading in readings]
    plural = "s" if len(rows) > 1 else ""
    return [details(f"{len(rows)} specification{plural} one by one", table(
        f"{judgement.id}: every specification",
        ("specification", "ours, one value a seed", "share of runs", "admissible"), rows))]


def _values(reading: Reading) -> str:
    return ", ".join(f"{value:.3g}" for value in reading.values if value is not None) or "–"


def _choices(reading: Reading, axes: Sequence[str]) -> str:
    return "; ".join(f"{axis} {reading.axes[axis]}" for axis in axes)


def _explained(what: Explained) -> tuple[str, str]:
    return f"{what.share:.0%}", f"{what.p:.3f}"


def _levels(levels: Mapping[str, float]) -> Markup:
    ordered = sorted(levels.items(), key=lambda item: -item[1])
    return markup("; ".join(f"{level}:\u00a0{share:.0%}" for level, share in ordered))
