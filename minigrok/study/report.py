"""report.html: one page without scripts or outside links, from the question to the verdicts, for any reader."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minigrok.checkpoint import replace_file
from minigrok.study.animation import DrawnFilm
from minigrok.study.claims import Judgement
from minigrok.study.figures import Drawn
from minigrok.study.ledger import Ledger, ours
from minigrok.study.report_html import (
    Markup,
    as_sentence,
    definitions,
    details,
    in_symbols,
    joined,
    markup,
    picture,
    share_bar,
    stacking_table,
    table,
    tag,
    verdict_of,
)
from minigrok.study.report_parts import claim_section, shown
from minigrok.study.report_style import CLASSES, MARKS, STYLE
from minigrok.study.report_words import GLOSSARY, METHODS, MULTIPLE, QUESTION, RULES

TITLE = "Does learning leave a quantum signature?"


def write_report(path: Path, ledger: Ledger, figures: Sequence[Drawn], animation: DrawnFilm | None = None) -> None:
    """Write the page; figures are embedded, each where it is first needed."""
    claims: dict[str, list[Judgement]] = {}
    for judgement in ledger.judgements:
        claims.setdefault(judgement.claim.id, []).append(judgement)
    sections = [
        ("ledger", "The ledger", _ledger(ledger)), ("found", "What we found", _findings(ledger)),
        ("film", "One run, moment by moment", _film(animation)),
        ("claims", "Claim by claim", _claims(claims, figures, ledger.size)),
        ("board", "What announces generalisation", _board(ledger.board)),
        ("runs", "The runs themselves", [shown(drawn) for drawn in figures if not _places(drawn, claims)]),
        ("rules", "How a verdict comes about", [RULES]), ("tests", "How much was looked at", _tests(ledger)),
        ("methods", "Methods", [METHODS]), ("settings", "Settings, seeds, versions", _settings(ledger))]
    filled = [(name, title, content) for name, title, content in sections if content]
    main = [part for name, title, content in filled
            for part in (tag("h2", title, id=name, css="claims" if name == "claims" else "part"), *content)]
    page = tag("html", tag("head", *_head()), tag("body", *_beginning(ledger), _contents(filled, claims),
                                                  tag("main", *main)), lang="en")
    with replace_file(path) as temporary:
        temporary.write_text(f"<!doctype html>\n{page}\n", encoding="utf-8")


def _head() -> list[Markup]:
    return [Markup('<meta charset="utf-8">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", f"minigrok: {TITLE[0].lower()}{TITLE[1:]}"), Markup(f"<style>{STYLE}</style>")]


def _beginning(ledger: Ledger) -> list[Markup]:
    parts = [tag("a", "Skip to the ledger", href="#ledger", css="skip"), tag("h1", TITLE), QUESTION]
    if ledger.failures:
        failed = (tag("li", f"{name}: {reason}") for name, reason in ledger.failures.items())
        parts.append(tag("div", tag("b", "Some experiments failed; the others are reported."), tag("ul", *failed),
                         css="note"))
    return [*parts, details("Words used on this page", definitions(GLOSSARY))]


def _contents(filled: Iterable[tuple[str, str, Any]], claims: Mapping[str, Sequence[Judgement]]) -> Markup:
    lists = [tag("ul", *(tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in filled))]
    for title, ids in _sides(claims).items():
        entries = (tag("li", tag("a", name, href=f"#claim-{name}"), " ", _mark(claims[name][0])) for name in ids)
        lists.append(tag("ul", tag("li", f"{title}:", css="muted"), *entries))
    return tag("nav", *lists, aria_label="On this page")


def _mark(judgement: Judgement) -> Markup:
    verdict = judgement.verdict
    return tag("span", MARKS[verdict], css=f"verdict {CLASSES[verdict]}", role="img", aria_label=verdict)


def _sides(claims: Iterable[str]) -> dict[str, list[str]]:
    """The ids of the study's claims and of its rivals', where there are any."""
    ids = list(claims)
    sides = {"The study's claims": [name for name in ids if not name.startswith("R")],
             "Its rivals' claims": [name for name in ids if name.startswith("R")]}
    return {title: names for title, names in sides.items() if names}


def _ledger(ledger: Ledger) -> list[Markup]:
    counts = ", ".join(f"{MARKS[verdict]} {count} {verdict}" for verdict, count in ledger.counts().items())
    parts = [tag(
        "p", f"Of {len(ledger.judgements)} rows: {counts}. The bar shows the share of admissible specifications that "
        "meet the test, from 0 to 100 %, with its 95 % interval; a claim counts as not reproduced in the grey at the "
        "left, and as reproduced in that at the right: ", tag("a", "how a verdict comes about", href="#rules"), ".")]
    for title, ids in _sides(dict.fromkeys(judgement.claim.id for judgement in ledger.judgements)).items():
        rows = [_ledger_row(judgement) for judgement in ledger.judgements if judgement.claim.id in ids]
        parts.append(stacking_table(title, ("claim", "verdict", "in words", "their figure", "ours"), rows))
    return parts


def _ledger_row(judgement: Judgement) -> tuple[Markup, ...]:
    claim = judgement.claim
    name = claim.id if judgement.row == "direction" else f"{claim.id} {judgement.row}"
    figures = ", ".join(f"{figure.name} {figure.value:g}" for figure in claim.rule.figures)
    said = claim.statement if judgement.row == "direction" else f"The study's figures: {figures}"
    return (
        tag("a", name, href=f"#row-{judgement.id}"),
        joined(verdict_of(judgement), share_bar(judgement.assessment, small=True)),
        joined(tag("b", as_sentence(said)), " ", judgement.sentence), markup(in_symbols(claim.paper) or "–"),
        markup(ours(judgement) or "–"))


def _findings(ledger: Ledger) -> list[Markup]:
    return [tag("section", tag("h3", title), tag("p", sentence), tag("p", "See it again: ", tag("code", command)))
            for title, sentence, command in ledger.findings]


def _film(animation: DrawnFilm | None) -> list[Markup]:
    """What moves can be put away, and is not there for those who asked for no motion, nor on paper."""
    if animation is None:
        return []
    moving = tag("details", tag("summary", "The film (close it to stop it)"),
                 picture(animation.animation, f"Film. {animation.caption}"), css="moving", open="")
    return [moving, picture(animation.strip, f"The same, standing still where something happened. {animation.caption}")]


def _claims(claims: Mapping[str, Sequence[Judgement]], figures: Sequence[Drawn], size: str) -> list[Markup]:
    parts = []
    for name, judgements in claims.items():
        mine = [drawn for drawn in figures if name in drawn.claims]
        first = {drawn.stem: _places(drawn, claims)[0] for drawn in mine}
        here = [drawn for drawn in mine if first[drawn.stem] == name]
        parts.append(claim_section(judgements, here, {
            stem: place for stem, place in first.items() if place != name}, size))
    return parts


def _places(drawn: Drawn, claims: Mapping[str, Any]) -> list[str]:
    """The claims on this page that a figure belongs to, in the order of the page."""
    return [name for name in claims if name in drawn.claims]


def _board(board: Sequence[Mapping[str, Any]]) -> list[Markup]:
    if not board:
        return []
    columns = list(board[0])
    return [tag("p", "How well each quantity tells, on the plateau and without hindsight about its end, runs that will "
                     "generalise from controls, and how well it ranks the time that is left."),
            table("Leader board", columns, [[_cell(row.get(name)) for name in columns] for row in board])]


def _tests(ledger: Ledger) -> list[Markup]:
    rows = [(name, f"{count:,}") for name, count in ledger.tests().items()]
    return [MULTIPLE, table("What was looked at", ("what", "how many"), rows)]


def _settings(ledger: Ledger) -> list[Markup]:
    """All settings; a mapping among them becomes one row for each of its entries."""
    rows = []
    for name, value in ledger.settings.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {key}".replace("_", " "), _cell(entry)) for key, entry in value.items()]
        else:
            rows.append((str(name).replace("_", " "), _cell(value)))
    size = ledger.settings.get("size")
    reduced = [] if size in (None, "full") else [tag(
        "p", f"This is the size \"{size}\": a reduced multiverse, with fewer specifications, seeds and steps than ",
        tag("code", "minigrok reproduce --full"), " runs. Intervals are wider for it.")]
    return [*reduced, table("All settings of this run", ("setting", "value"), rows),
            tag("p", "How long it took stands in times.json, every reading in the folder readings, beside this page.")]


def _cell(value: Any) -> str:
    """A value as a table says it.

    >>> _cell([0, 1]), _cell(0.12345), _cell(None), _cell(True), _cell(12345)
    ('0, 1', '0.123', '–', 'yes', '12,345')
    """
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
    if isinstance(value, list | tuple | range):
        return ", ".join(map(_cell, value)) or "none"
    return str(value)
