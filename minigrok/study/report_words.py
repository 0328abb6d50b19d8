"""The prose of report.html that does not depend on what was found."""

from minigrok.study.claims import NOT_REPRODUCED_TO, REPRODUCED_FROM, RULES_VERSION, SIGNIFICANT
from minigrok.study.evidence import FEWEST_FOR_A_FIGURE, LARGEST_WEIGHT, PERMUTATIONS, RESAMPLES
from minigrok.study.report_html import Markup

QUESTION = Markup("""
<p>A study treats the activations of a small neural network's hidden layer as a quantum state and reports that learning
leaves a signature in two numbers of that state, its von Neumann entropy <i>S</i> and its purity <i>P</i>. Does it? The
study's summary leaves most settings open, so one run that agrees or disagrees proves nothing. This page holds each of
the study's claims, and those of rivals who claim otherwise, against many runs under every setting that the summary
allows, and says where each claim holds. Anyone can repeat it: a command stands beside every verdict.</p>
<div class="note"><h2 id="quantum">What is quantum here, and what is not</h2>
<p>Take the activations <i>A</i> of a layer over many inputs, one row an input and one column a neuron. The matrix
ρ = A<sup>T</sup>A / tr(A<sup>T</sup>A) is symmetric, positive and has trace 1: formally a density matrix, the object
that describes a quantum state. Only formally: <i>S</i> is the spectral entropy of the uncentred second moment,
classical linear algebra. There is no Hilbert space of outcomes, and nothing is entangled. <i>S</i> says how many
independent modes of activity a layer uses.</p></div>
""")
GLOSSARY = (
    ("S, entropy", "S = -tr(ρ ln ρ), in nats (units of the natural logarithm): 0 where all neurons do the same, ln d "
                   "where d neurons are equally active and independent."),
    ("P, purity", "P = tr(ρ²), from 1/d to 1; it falls where S rises."),
    ("grokking", "A net first memorises its training examples, and only long afterwards, without any change of the "
                 "training, answers new ones, too. The wait between is the plateau."),
    ("specification", "One choice on every axis that the study leaves open: data, learning rate, when to stop, ..."),
    ("admissible", "A specification that contradicts nothing the study states. Only these enter a verdict; each "
                   "claim names its own."),
    ("run, seed", "One training from one random start. Every specification is run with several seeds."),
    ("test", "The condition, written before the runs, that one run either meets or not."),
    ("share", "The part of admissible specifications in which the test is met, each counted by its share of runs, "
              "every level of every axis weighed the same."),
    ("axis that decides", "One that explains more of the difference between specifications than chance does."),
)
RULES = Markup(f"""
<p>The rule, version {RULES_VERSION}, was written before the runs, but for one condition: how many seeds a figure needs
was settled after a look at the first full run. A claim is <b>reproduced</b> if the 95 % interval of
its share lies at or above {REPRODUCED_FROM:.0%}, <b>not reproduced</b> if it lies at or below {NOT_REPRODUCED_TO:.0%},
and else it <b>depends</b>, on the axis that explains most, if one explains more than chance. <b>Not tested yet</b>
means that no admissible run could be tested. A claim with a figure has a second row, the value: a specification has the
figure if that lies within its printed precision of the 95 % interval of our mean over seeds,
{FEWEST_FOR_A_FIGURE} or more and half of those trained. Rivals are judged by the
same rule on the same runs.</p>
<p><b>What a verdict does not say.</b> "Not reproduced" does not say that the study saw something else than it reports:
it may have used a setting that is not among ours, and its summary does not say which. "Reproduced" does not say that
the study's explanation is right. And a share speaks of the settings that were tried, not of all there are.</p>
""")
METHODS = Markup(f"""
<p><b>Weights.</b> Specifications are weighed by raking (Deming and Stephan 1940) until each level of each axis counts
the same, so that an axis with many levels of one kind cannot decide by their number. No weight may leave the mean by
more than a factor of {LARGEST_WEIGHT:g}; where few specifications are left, levels are then not quite equal, and the
verdict says how far from it.</p>
<p><b>Intervals.</b> The interval of a share is the hull of two: a percentile bootstrap with {RESAMPLES:,} resamples of
the seeds within groups of readings of the same runs (Efron and Tibshirani 1993), and the exact binomial one (Clopper
and Pearson 1934) at the effective number of runs. The first has no width where all runs agree; the second has.</p>
<p><b>Axes.</b> What an axis explains is the share of the variance between its levels (eta squared), less what chance
gives by {PERMUTATIONS} permutations; its p is the part of the permutations, the data themselves counted, that reach it.
</p>
<p><b>Runs that cannot test a claim.</b> A net that does not learn as the claim presupposes is left out of that claim
and counted as untested. A net that never generalises within its epochs has a censored time, which tests of times use
and do not drop.</p>
<p><b>Sensitivity.</b> Other conventions of the state, stopping times and controls are reported below each claim, and
never enter its verdict. The nearest specifications to a figure of the study are found by searching all of them, and
said to be.</p>
""")
MULTIPLE = Markup(f"""
<p>An axis counts as one that decides if its p survives Holm's step-down correction (1979) at {SIGNIFICANT:.0%} for all
axes of the same row. There is no correction between rows: where no axis mattered at all, about one row in
{1 / SIGNIFICANT:.0f} would still name one. The intervals of the shares are not corrected, either: each holds for its
row alone.</p>
""")
