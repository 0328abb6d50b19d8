"""report.html: one file without scripts or outside links, from the question to the verdicts."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from minigrok.checkpoint import replace_file
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, NOT_TESTED, REPRODUCED, Evidence, Judgement, written
from minigrok.study.figures import Drawn
from minigrok.study.ledger import Ledger, ours

# A mark beside the colour, so that a verdict can be told without seeing colours
MARKS = {REPRODUCED: "✓", NOT_REPRODUCED: "✗", DEPENDS: "≈", NOT_TESTED: "–"}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem }
body { color: #222; background: #fff }
h1, h2, h3 { line-height: 1.2 } table { border-collapse: collapse; width: 100% } .wide { overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #ccc }
figure { margin: 1.5rem 0 } img { max-width: 100%; height: auto } figcaption, .small { font-size: .9rem; color: #444 }
.verdict { font-weight: 600 } .yes { color: #00573d } .no { color: #8a2c00 } .open { color: #444 }
.depends { color: #004a75 } .note { background: #f2f2f2; padding: .8rem 1rem; border-left: 4px solid #0072B2 }
@media print { .wide { overflow: visible } details { display: block } }
"""
CLASSES = {REPRODUCED: "yes", NOT_REPRODUCED: "no", DEPENDS: "depends", NOT_TESTED: "open"}
QUESTION = """
<p>A study treats the activations of a small neural network's hidden layer as a quantum state and reports that learning
leaves a signature in its von Neumann entropy <i>S</i> and purity <i>P</i>. Does it? This page holds each of the study's
claims, and those of studies that claim otherwise, against runs that anyone can repeat.</p>
<p class="note"><b>What is quantum here, and what is not.</b> Take the activations <i>A</i> of a layer over many inputs.
The matrix ρ = A<sup>T</sup>A / tr(A<sup>T</sup>A) is symmetric, positive and has trace 1: formally a density matrix.
Only formally: <i>S</i> is the spectral entropy of the uncentred second moment, classical linear algebra. There is no
Hilbert space of outcomes, and nothing is entangled. <i>S</i> says how many independent modes a layer uses.</p>
"""
METHOD = """
<p>Claims are sentences; a <i>test</i> is a condition that one run meets or not, and a <i>definition</i> is a choice
that the sentence leaves open: data set, convention of the state, window of epochs, binning. A claim <i>holds</i>
under a definition where at least 80 % of the runs meet its test, and <i>fails</i> where at most 20 % do. It is
<b>reproduced</b> if it holds under every definition that could be tested, <b>not reproduced</b> if it fails under
every one, and else <b>depends on the definition</b>. The rule was written before the runs. With fewer than six
seeds every value and their range are given; from six on the median with its 95 % interval by order statistics. A
run without a plateau of 100 epochs cannot test what a claim says of the plateau, and is left out.</p>
"""


def write_report(path: Path, ledger: Ledger, figures: Sequence[Drawn]) -> None:
    """Write the page; figures are embedded."""
    parts = [
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>minigrok: which claims hold?</title>", f"<style>{STYLE}</style>", "</head>", "<body>",
        "<h1>Does learning leave a quantum signature?</h1>", QUESTION, _failures(ledger),
        "<h2>The ledger</h2>", _ledger(ledger), "<h2>How a verdict comes about</h2>", METHOD,
        "<h2>Claim by claim</h2>", *map(_claim, ledger.judgements), "<h2>Figures</h2>", *map(_figure, figures),
        "<h2>Settings</h2>", _settings(ledger), "</body>", "</html>"]
    with replace_file(path) as temporary:
        temporary.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _escaped(text: object) -> str:
    return html.escape(str(text))


def _verdict(judgement: Judgement) -> str:
    verdict = judgement.verdict
    return f'<span class="verdict {CLASSES[verdict]}">{MARKS[verdict]} {verdict}</span>'


def _failures(ledger: Ledger) -> str:
    if not ledger.failures:
        return ""
    rows = "".join(f"<li>{_escaped(name)}: {_escaped(reason)}</li>" for name, reason in ledger.failures.items())
    return f'<p class="note"><b>Some experiments failed; the others are reported.</b></p><ul>{rows}</ul>'


def _ledger(ledger: Ledger) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="#{j.claim.id}">{j.claim.id}</a></th><td>{_verdict(j)}</td>'
        f"<td>{_escaped(j.claim.statement)}</td><td>{_escaped(j.claim.paper)}</td><td>{_escaped(ours(j))}</td></tr>"
        for j in ledger.judgements)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in ledger.counts().items())
    return (
        f"<p>{counts}. The last column is our value under the first definition of each claim.</p>"
        '<div class="wide"><table><thead><tr><th scope="col">claim</th><th scope="col">verdict</th>'
        '<th scope="col">what is claimed</th><th scope="col">the study</th><th scope="col">ours</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>")


def _claim(judgement: Judgement) -> str:
    claim = judgement.claim
    table = ""
    if judgement.evidence:
        table = (
            '<div class="wide"><table><thead><tr><th scope="col">definition</th><th scope="col">ours</th>'
            '<th scope="col">share of runs</th><th scope="col">outcome</th></tr></thead><tbody>'
            + "".join(map(_evidence, judgement.evidence)) + "</tbody></table></div>")
    value = f" Value: {_escaped(claim.value)}." if claim.value else ""
    note = f"<p>{_escaped(judgement.note)}.</p>" if judgement.note else ""
    return (
        f'<h3 id="{claim.id}">{claim.id}: {_escaped(claim.statement)}</h3>'
        f"<p>{_verdict(judgement)}. {judgement.outcomes} The study: {_escaped(claim.paper)}. "
        f"Test: {_escaped(claim.test)}.{value}</p>"
        + note + table)


def _evidence(evidence: Evidence) -> str:
    share = "" if evidence.share is None else f"{evidence.share:.0%}"
    return (
        f'<tr><th scope="row">{_escaped(evidence.definition)}</th><td>{_escaped(written(evidence.values))}</td>'
        f"<td>{share}</td><td>{evidence.outcome}</td></tr>")


def _figure(drawn: Drawn) -> str:
    image = base64.b64encode(drawn.png.read_bytes()).decode()
    caption = _escaped(drawn.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{image}"><figcaption>{caption}</figcaption></figure>')


def _settings(ledger: Ledger) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_escaped(name)}</th><td>{_escaped(value)}</td></tr>'
        for name, value in ledger.settings.items())
    return f"<table><tbody>{rows}</tbody></table>"
