"""How report.html looks.

Contrast follows WCAG 2.2 (W3C 2023): (L1 + 0.05) / (L2 + 0.05) of the relative luminances is at least 4.5 for every
colour of text on every background, and at least 3 for lines that mean something; a test computes it. Nothing is told
by colour alone.
"""

from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, NOT_TESTED, REPRODUCED

BACKGROUNDS = {"paper": "#ffffff", "shade": "#f1f4f7", "band": "#e3e8ee"}
TEXT = {"ink": "#1b1b1b", "muted": "#454545", "link": "#00468b", "yes": "#00573d", "no": "#8a2c00", "on": "#004a75"}
LINES = {"edge": "#5f6973", "bar": "#0067a3"}          # borders and marks that mean something
ORNAMENTS = {"line": "#c9ced4"}                        # rulers between rows
# A mark beside the colour, so that a verdict can be told without seeing colours
MARKS = {REPRODUCED: "✓", NOT_REPRODUCED: "✗", DEPENDS: "≈", NOT_TESTED: "–"}
CLASSES = {REPRODUCED: "yes", NOT_REPRODUCED: "no", DEPENDS: "on", NOT_TESTED: "open"}
_COLOURS = "; ".join(f"--{name}: {hue}" for name, hue in (BACKGROUNDS | TEXT | LINES | ORNAMENTS).items())
STYLE = f":root {{ {_COLOURS} }}" + """
* { box-sizing: border-box }
html { font: 100%/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { max-width: 64rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word }
p, ul, dl, summary, figcaption { max-width: 46rem }
h1, h2, h3, h4 { line-height: 1.25; margin: 2rem 0 .6rem; text-wrap: balance }
h1 { font-size: 2rem; margin-top: 1rem } h2 { font-size: 1.5rem; border-top: 2px solid var(--edge); padding-top: 1rem }
h3 { font-size: 1.2rem; margin-top: 2.5rem } h4 { font-size: 1rem; margin-top: 1.5rem }
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.skip { position: absolute; left: -99rem } .skip:focus { position: static }
nav ul { padding: 0; margin: .3rem 0; list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem }
nav ul { align-items: baseline }
nav a { display: inline-block; padding: .25rem 0; white-space: nowrap }
.note { background: var(--shade); padding: .8rem 1rem; border-left: 4px solid var(--bar); max-width: 47rem }
.note { margin: 1rem 0 }
.note h2 { border: 0; padding: 0; margin: 0 0 .5rem; font-size: 1.2rem } .note p { margin: 0 }
.verdict { font-weight: 650 } .yes { color: var(--yes) } .no { color: var(--no) } .on { color: var(--on) }
.open, figcaption, caption, .muted { color: var(--muted) }
.wide { overflow-x: auto; margin: .8rem 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { text-align: left; padding: .3rem 0 }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line) }
thead th { border-bottom: 2px solid var(--edge); vertical-align: bottom } tbody th { font-weight: 600 }
td:last-child, th:last-child { padding-right: 0 }
.ledger { width: 100%; margin: 0 0 1.5rem } .ledger th:first-child { white-space: nowrap }
.ledger td:nth-child(2) { min-width: 9.5rem } .ledger td:nth-child(3) { min-width: 16rem }
.ledger td:nth-child(n+4) { min-width: 6.5rem }
.bar { display: block; max-width: 100%; height: auto; margin: .3rem 0 }
.bar text { font-size: 16px; fill: var(--muted) } .band { fill: var(--band) }
.limit { stroke: var(--edge); stroke-dasharray: 3 2 }
.axis { stroke: var(--edge) } .interval { stroke: var(--bar); stroke-width: 4 } .share { fill: var(--bar) }
figure { margin: 1.2rem 0 } img { max-width: 100%; height: auto; display: block }
details { margin: .6rem 0; border-left: 3px solid var(--line); padding-left: .8rem }
summary { cursor: pointer; padding: .3rem 0; color: var(--link) }
code { display: inline-block; overflow-wrap: anywhere }
code { font: 1rem ui-monospace, monospace; background: var(--shade); padding: .1rem .3rem }
dt { font-weight: 600 } dd { margin: 0 0 .5rem }
@media (max-width: 44rem) {
  .wide th, .wide td { padding-right: .5rem }
  .wide > img { max-width: none; width: 40rem }
  .ledger thead { position: absolute; left: -99rem }
  .ledger, .ledger tbody, .ledger tr, .ledger td, .ledger tbody th { display: block; border: 0; padding: .1rem 0 }
  .ledger caption { display: block }
  .ledger tr { border-top: 2px solid var(--edge); padding: .6rem 0 }
  .ledger td:nth-child(n) { min-width: 0 }
  .ledger td[data-label]::before { content: attr(data-label) ": "; color: var(--muted) }
}
@media (prefers-reduced-motion: reduce) { .moving { display: none } }
@page { size: A4; margin: 15mm }
@media print {
  html { font-size: 10pt } body { max-width: none; padding: 0 } nav, .skip, .moving { display: none }
  .wide { overflow: visible } a { color: var(--ink); text-decoration: none } table { max-width: 100% }
  h2, h3, h4, summary, caption, thead { break-after: avoid } figure, tr, .bar, .note { break-inside: avoid }
  thead { display: table-header-group } img { max-height: 220mm; max-width: 100%; width: auto }
  details::details-content { content-visibility: visible; display: block; block-size: auto }
  .claims { break-before: page } .ledger td:nth-child(n) { min-width: 0 }
}
"""
