"""The pieces of HTML that report.html is made of: escaped text, tables, pictures, the bar of a share.

The page has no script: what opens and closes is <details>, and what is too wide scrolls in a region of its own.
"""

import base64
import html
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from minigrok.study.claims import DEPENDS, NOT_REPRODUCED_TO, REPRODUCED_FROM, Judgement
from minigrok.study.evidence import Assessment
from minigrok.study.report_style import CLASSES, MARKS

WIDE = 640                     # pixels: a wider picture scrolls on a phone instead of shrinking until nobody can read


class Markup(str):
    """Text that is HTML already; all other text is escaped on its way into the page."""

    __slots__ = ()


def markup(content: object) -> Markup:
    """Anything as HTML.

    >>> markup("a < b"), markup(Markup("<b>"))
    ('a &lt; b', '<b>')
    """
    return content if isinstance(content, Markup) else Markup(html.escape(str(content)))


def in_symbols(words: str) -> str:
    """Plain text with the signs that claims.csv and the rules spell out.

    >>> in_symbols("rho = A^T A, 1.42 -> 1.19")
    'ρ = AᵀA, 1.42 → 1.19'
    """
    return words.replace("A^T A", "AᵀA").replace("->", "→").replace("rho", "ρ")


def as_sentence(words: str) -> str:
    """Words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}." if words else ""


def tag(name: str, *content: object, **attributes: object) -> Markup:
    """An element; `css` stands for the attribute class, and an underscore in a name for a hyphen.

    >>> tag("p", "1 < 2", css="note")
    '<p class="note">1 &lt; 2</p>'
    """
    said = "".join(f' {"class" if key == "css" else key.replace("_", "-")}="{html.escape(str(value))}"'
                   for key, value in attributes.items())
    return Markup(f"<{name}{said}>{''.join(map(markup, content))}</{name}>")


def joined(*parts: object) -> Markup:
    """Several parts as one; `+` on Markup would give text that is no longer known to be HTML."""
    return Markup("".join(map(markup, parts)))


def definitions(pairs: Iterable[tuple[object, object]]) -> Markup:
    """A list of words with what they mean or are."""
    return tag("dl", *(joined(tag("dt", word), tag("dd", meaning)) for word, meaning in pairs))


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table whose rows begin with a header, in a region that scrolls on its own where it is too wide."""
    head = tag("tr", *(tag("th", column, scope="col") for column in columns))
    body = [tag("tr", tag("th", first, scope="row"), *(tag("td", cell) for cell in others)) for first, *others in rows]
    return scrolling(caption, tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body)))


def stacking_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table whose rows become cards on a phone; the roles say that they still are rows, which the cards hide."""
    head = tag("tr", *(tag("th", column, scope="col", role="columnheader") for column in columns), role="row")
    body = [tag("tr", tag("th", first, scope="row", role="rowheader"), *(
        tag("td", cell, role="cell", data_label=column) for column, cell in zip(columns[1:], others, strict=True)),
        role="row") for first, *others in rows]
    return tag("table", tag("caption", caption), tag("thead", head, role="rowgroup"),
               tag("tbody", *body, role="rowgroup"), role="table", css="ledger")


def scrolling(label: str, content: Markup) -> Markup:
    """A region that scrolls on its own where its content is too wide, also by the keyboard."""
    return tag("div", content, css="wide", role="region", tabindex=0, aria_label=label)


def details(summary: str, *content: object) -> Markup:
    """What a reader may open; `summary` says what is inside."""
    return tag("details", tag("summary", summary), *content)


def picture(png: Path, words: str, css: str = "") -> Markup:
    """An embedded PNG with its caption, which is its alternative text, too."""
    data = png.read_bytes()
    width, height = struct.unpack(">II", data[16:24])                # so that nothing jumps while the page is laid out
    image = Markup(f'<img alt="{html.escape(words)}" width="{width}" height="{height}" '
                   f'src="data:image/png;base64,{base64.b64encode(data).decode()}">')
    if width > WIDE:
        image = scrolling("A picture that scrolls on small screens", image)
    return tag("figure", image, tag("figcaption", words), css=css or "still")


def verdict_of(judgement: Judgement) -> Markup:
    """Mark and words, with the axis on which it depends."""
    verdict, axis = judgement.verdict, judgement.decided_by
    on = f" on {axis}" if verdict == DEPENDS and axis is not None else ""
    return tag("span", f"{MARKS[verdict]} {verdict}{on}", css=f"verdict {CLASSES[verdict]}")


def share_bar(found: Assessment, small: bool = False) -> Markup:
    """The share with its interval between 0 and 100 %; the bands are where a verdict is no longer "depends"."""
    if found.share is None or found.interval is None:
        return Markup("")
    length, top = (140, 7) if small else (300, 12)
    share, low, high, to, start = (
        f"{8 + length * value:.1f}" for value in (found.share, *found.interval, NOT_REPRODUCED_TO, REPRODUCED_FROM))
    end, bottom = length + 8, 2 * top
    drawn = (
        f'<rect class="band" x="8" y="0" width="{float(to) - 8:.1f}" height="{bottom}"/>'
        f'<rect class="band" x="{start}" y="0" width="{end - float(start):.1f}" height="{bottom}"/>'
        f'<path class="axis" d="M8 {top}H{end}"/><path class="limit" d="M{to} 0V{bottom}M{start} 0V{bottom}"/>'
        f'<path class="interval" d="M{low} {top}H{high}"/>'
        f'<circle class="share" cx="{share}" cy="{top}" r="{top / 2}"/>')
    if small:
        return Markup(f'<svg class="bar" aria-hidden="true" width="{end + 8}" height="{bottom}" '
                      f'viewBox="0 0 {end + 8} {bottom}">{drawn}</svg>')
    words = (f"Share of specifications that meet the test: {found.share:.0%}, 95% interval {found.interval[0]:.0%} to "
             f"{found.interval[1]:.0%}; reproduced from {REPRODUCED_FROM:.0%}, not reproduced up to "
             f"{NOT_REPRODUCED_TO:.0%}")
    labels = "".join(f'<text x="{x}" y="{bottom + 17}" text-anchor="middle">{limit:.0%}</text>' for x, limit in (
        (to, NOT_REPRODUCED_TO), (start, REPRODUCED_FROM)))
    return Markup(f'<svg class="bar" role="img" aria-label="{words}" width="{end + 8}" height="{bottom + 22}" '
                  f'viewBox="0 0 {end + 8} {bottom + 22}">{drawn}{labels}</svg>')
