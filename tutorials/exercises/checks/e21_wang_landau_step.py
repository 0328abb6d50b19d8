"""The marker's side of e21_wang_landau_step."""

import math

import numpy as np

from minigrok.course.laws import agrees, fails, holds

LESSON, MINUTES = 5, 25
HINTS = (
    "Three parts, in this order: is it a wall or is the move refused, where does the walk stand now, raise that bin.",
    "Where new is no wall, accept if np.log(1 - uniform) < log_g[here] - log_g[new]; never take exp of a log_g.",
    "On copies of both arrays: if accepted, here = new. After the if, for all cases: log_g[here] += log_f, "
    "histogram[here] += 1.",
)


def wang_landau_step(log_g, histogram, here, new, log_f, uniform):
    if new != -1 and np.log(1 - uniform) < log_g[here] - log_g[new]:
        here = new
    stands_here = np.arange(len(log_g)) == here          # also after a refusal: the walk stands where it stood
    return log_g + log_f * stands_here, histogram + stands_here, here


def check(wang_landau_step, rng):
    log_g, histogram = np.array([0.0, 2.0, 1.5]), np.array([3, 4, 5])
    for here, new, uniform, sentence in (
        (1, 0, 0.5, "a move to a bin with a smaller g is always accepted"),
        (1, 2, 0.05, "a move to a bin with a smaller g, by ever so little, is always accepted"),
        (0, 1, 0.5, "the difference ln g(here) - ln g(new) is -2, and ln(1 - u) = ln 0.5 is above that: refused, and "
                    "the bin where the walk stands is raised once more"),
        (0, 1, 0.95, "the difference ln g(here) - ln g(new) is -2, and ln(1 - u) = ln 0.05 is below that: accepted"),
        (0, 1, 0.8, "the natural logarithm counts: ln(1 - u) = ln 0.2 = -1.61 is above -2, so it is refused"),
        (0, 1, 0.05, "with u = 0.05, ln(1 - u) = ln 0.95 is above -2: refused. It is 1 - u that counts, not u"),
        (0, -1, 0.5, "at a wall, new = -1, the walk stays, and that counts as a visit"),
        (2, -1, 0.95, "at a wall, new = -1, the walk stays, whatever the random number is"),
        (1, -1, 0.05, "at a wall, new = -1, the walk stays, although in Python log_g[-1] is the last bin"),
        (2, 2, 0.3, "a move within a bin is always accepted; one visit more"),
        (0, 2, 0.0, "with u = 0, ln(1 - u) = 0 is not below -1.5: refused"),
    ):
        agrees(wang_landau_step, _reference, log_g, histogram, here, new, 0.25, uniform, sentence=sentence)
    for new, difference in ((1, -0.1), (2, -0.35)):
        agrees(wang_landau_step, _reference, np.array([5.0, 5.1, 5.35]), histogram, 0, new, 0.25, 0.5,
               sentence=f"the difference ln g(here) - ln g(new) is {difference}, and ln(1 - u) = ln 0.5 = -0.69 is "
                        "below that: accepted, though g(new) is larger")
    agrees(wang_landau_step, _reference, np.array([2000.0, 2001.0]), np.array([7, 8]), 0, 1, 0.25, 0.9,
           sentence="the logarithm ln(1 - u) = ln 0.1 is below 2000 - 2001 = -1: accepted, however large g is")
    for bins in (2, 3, 5):
        for level in (0.0, 2000.0):
            log_g = rng.normal(size=bins) + level
            histogram = rng.integers(50, size=bins)
            here, new = (int(bin_of) for bin_of in rng.integers(bins, size=2))
            for proposed, uniform in ((new, rng.random()), (new, rng.random()), (-1, rng.random())):
                arguments = log_g, histogram, here, proposed, 2.0 ** -int(rng.integers(6)), float(uniform)
                _laws(wang_landau_step, arguments)
                agrees(wang_landau_step, _reference, *arguments,
                       sentence="accept where ln(1 - u) < ln g(here) - ln g(new); raise the bin where the walk then is")


def _laws(wang_landau_step, arguments):
    log_g, histogram, here, new, log_f, _ = arguments
    holds(wang_landau_step, "each step is one visit, refused or not: the histogram grows by 1 in all",
          lambda answer: answer[1].sum() == histogram.sum() + 1, *arguments)
    holds(wang_landau_step, "each step raises ln g of one bin by ln f, and leaves the others alone",
          lambda answer: abs(np.sort(answer[0] - log_g) - np.append(np.zeros(len(log_g) - 1), log_f)).max() < 1e-9,
          *arguments)
    holds(wang_landau_step, "the walk stays where it was or goes to the bin that was proposed",
          lambda answer: answer[2] == here or answer[2] == new != -1, *arguments)
    lifted = log_g - 700.0, *arguments[1:]
    before, after = wang_landau_step(*arguments), wang_landau_step(*lifted)
    if before[2] != after[2]:
        fails("only differences of ln g matter: with 700 less in all bins the walk must do the same; but yours ends in "
              f"bin {before[2]} without, and in bin {after[2]} with them", lifted, after)


def _reference(log_g, histogram, here, new, log_f, uniform):
    """The lines of minigrok's own loop."""
    log_g, histogram = np.array(log_g), np.array(histogram)
    if new != -1 and math.log(1.0 - uniform) < log_g[here] - log_g[new]:
        here = new
    log_g[here] += log_f
    histogram[here] += 1
    return log_g, histogram, here


def _variant(accept=None, raised="stands", walls_count=True, refusals_count=True,
             grow=lambda value, log_f: value + log_f, visit=1):
    """A step with something changed: what is accepted, which bin is raised and by what."""
    accept = accept or _accepted

    def step(log_g, histogram, here, new, log_f, uniform):
        log_g, histogram, stood, wall = np.array(log_g), np.array(histogram, dtype=float), here, new == -1
        with np.errstate(all="ignore"):
            moved = bool(accept(log_g, here, new, uniform))
        here = new if moved else here
        if (walls_count or not wall) and (refusals_count or moved or wall):
            where = {"stands": here, "came from": stood, "proposed": stood if wall else new}[raised]
            log_g[where] = grow(log_g[where], log_f)
            histogram[where] += visit
        return log_g, histogram, here
    return step


def _accepted(log_g, here, new, uniform):
    return new != -1 and math.log(1 - uniform) < log_g[here] - log_g[new]


def _visits_without_refusals(log_g, histogram, here, new, log_f, uniform):
    after_g, after_histogram, stands = wang_landau_step(log_g, histogram, here, new, log_f, uniform)
    return after_g, after_histogram if _accepted(log_g, here, new, uniform) else histogram, stands


def _by_ratio(log_g, histogram, here, new, log_f, uniform):
    after_g, after_histogram = log_g.copy(), histogram.copy()
    if new >= 0 and 1 - uniform < np.exp(min(0.0, log_g[here] - log_g[new])):
        here = new
    after_g[here] += log_f
    after_histogram[here] += 1
    return after_g, after_histogram, here


def _by_lists(log_g, histogram, here, new, log_f, uniform):
    log_g, histogram = list(log_g), list(histogram)
    refused = new == -1 or np.log1p(-uniform) >= log_g[here] - log_g[new]
    bin_of_walk = here if refused else new
    log_g[bin_of_walk] = log_g[bin_of_walk] + log_f
    histogram[bin_of_walk] = histogram[bin_of_walk] + 1
    return np.array(log_g), np.array(histogram), bin_of_walk


RIGHT = (_by_ratio, _by_lists, _variant())
WRONG = {
    "does not count a refused step again where the walk stands: holes of ln g are then never filled":
        _variant(refusals_count=False, walls_count=False),
    "counts refused steps, but not those that end at a wall": _variant(walls_count=False),
    "counts steps that end at a wall, but not those that were refused otherwise": _variant(refusals_count=False),
    "raises the bin that was proposed, although the walk did not go there": _variant(raised="proposed"),
    "raises the bin from which the walk came, also after it went on": _variant(raised="came from"),
    "takes new = -1 for a bin: as an index -1 is the last one, and there the walk goes":
        _variant(lambda log_g, here, new, u: math.log(1 - u) < log_g[here] - log_g[new]),
    "turns the ratio round: it seeks the crowded bins, where g is large":
        _variant(lambda log_g, here, new, u: new != -1 and math.log(1 - u) < log_g[new] - log_g[here]),
    "compares ln u where ln(1 - u) belongs":
        _variant(lambda log_g, here, new, u: new != -1 and np.log(u) < log_g[here] - log_g[new]),
    "takes log2(1 - u), the logarithm to base 2, where ln(1 - u) belongs":
        _variant(lambda log_g, here, new, u: new != -1 and np.log2(1 - u) < log_g[here] - log_g[new]),
    "takes log10(1 - u), the logarithm to base 10, where ln(1 - u) belongs":
        _variant(lambda log_g, here, new, u: new != -1 and np.log10(1 - u) < log_g[here] - log_g[new]),
    "compares -ln(1 + u), perhaps -log1p(u) for log1p(-u), where ln(1 - u) belongs":
        _variant(lambda log_g, here, new, u: new != -1 and -np.log1p(u) < log_g[here] - log_g[new]),
    "asks for new > 0, so that bin 0 is a wall as well":
        _variant(lambda log_g, here, new, u: new > 0 and math.log(1 - u) < log_g[here] - log_g[new]),
    "takes exp of ln g itself, which overflows when ln g is in the thousands":
        _variant(lambda log_g, here, new, u: new != -1 and 1 - u < np.exp(log_g[here]) / np.exp(log_g[new])),
    "divides ln g by ln g: the logarithm of the ratio is the difference of the two":
        _variant(lambda log_g, here, new, u: new != -1 and 1 - u < log_g[here] / log_g[new]),
    "compares 1 - u, not its logarithm, with the difference of ln g":
        _variant(lambda log_g, here, new, u: new != -1 and 1 - u < log_g[here] - log_g[new]),
    "accepts every move that is no wall; perhaps it compares ln(1 - u) with the ratio, not with the ratio's logarithm":
        _variant(lambda log_g, here, new, u: new != -1),
    "accepts only moves to bins with a smaller g, and never goes uphill":
        _variant(lambda log_g, here, new, u: new != -1 and log_g[new] <= log_g[here]),
    "adds f = exp(ln f) to ln g, where ln f belongs": _variant(grow=lambda value, log_f: value + math.exp(log_f)),
    "multiplies ln g by ln f: g grows by the factor f, so ln g grows by the summand ln f":
        _variant(grow=lambda value, log_f: value * log_f),
    "lets ln g grow after a refusal, but not the histogram": _visits_without_refusals,
    "lets the histogram grow by ln f: it counts visits": lambda log_g, histogram, here, new, log_f, uniform:
        _variant(visit=log_f)(log_g, histogram, here, new, log_f, uniform),
}
