"""The marker's side of e22_log_f."""

import numpy as np

from minigrok.course.laws import agrees, holds, law

LESSON, MINUTES = 5, 15
HINTS = (
    "Two questions, one after the other: is it to be halved? And is the result below bins / steps?",
    "The bin that decides is the one with the fewest visits: histogram.min(). The second question is a maximum.",
    "floor = min(1, len(histogram) / steps); halve log_f if histogram.min() >= 1 / np.sqrt(log_f); return "
    "max(log_f, floor).",
)


def next_log_f(log_f, histogram, steps):
    if histogram.min() >= 1 / np.sqrt(log_f):            # so many visits make ln g as good as this ln f allows
        log_f = log_f / 2
    return max(log_f, min(1.0, len(histogram) / steps))  # faster than bins / steps it would freeze with its error


def check(next_log_f, rng):
    for log_f, histogram, steps, sentence in (
        (1.0, [1, 1], 1000, "every bin has 1 = 1 / sqrt(1) visits: halved"),
        (0.25, [2, 2], 1000, "at least 1 / sqrt(0.25) = 2 visits in every bin, and 2 is enough: halved"),
        (0.25, [1, 9], 1000, "a bin with 1 visit, and 1 / sqrt(0.25) = 2 are needed: not yet halved"),
        (0.25, [1, 1, 1, 2], 1000, "one bin has the 2 visits that are needed, three have not: not yet halved"),
        (0.25, [0, 9, 9], 1000, "a bin without a visit since ln f last changed: not yet halved"),
        (0.0625, [7, 9, 40], 1000, "at least 1 / sqrt(0.0625) = 4 visits in every bin, though not evenly: halved"),
        (0.0625, [3, 3, 3], 1000, "an even histogram, but with 3 visits where 4 are needed: not yet halved"),
        (0.0625, [9, 9], 40, "half of 0.0625 would be below bins / steps = 0.05, so it is 0.05"),
        (0.0625, [0, 9], 8, "not to be halved, but 0.0625 is below bins / steps = 0.25: so it is 0.25"),
        (0.0625, [0, 0, 9, 9], 40, "all four bins count, also those not visited since: bins / steps = 0.1"),
        (0.5, [1, 0, 1], 2, "the limit bins / steps = 1.5 is above 1, and ln f never is"),
        (0.25, [30, 30], 20_000, "visited more than often enough, and bins / steps is far below: halved once"),
    ):
        agrees(next_log_f, _reference, log_f, np.array(histogram), steps, sentence=sentence)
    for bins in (2, 4, 15):
        for k in (0, 3, 8, 14):
            log_f = 2.0**-k
            histogram = rng.integers(1, int(3 * 2 ** (k / 2)) + 2, size=bins)
            steps = int(bins * 2 ** rng.uniform(0, 16))
            law(next_log_f, "the order of the bins does not matter", (log_f, histogram, steps),
                (log_f, rng.permutation(histogram), steps))
            holds(next_log_f, "the new ln f is never below bins / steps, and never above 1",
                  lambda value, low=bins / steps: min(1, low) * (1 - 1e-9) <= value <= 1, log_f, histogram, steps)
            agrees(next_log_f, _reference, log_f, histogram, steps,
                   sentence="halved if every bin has 1 / sqrt(ln f) visits; in any case at least bins / steps")


def _reference(log_f, histogram, steps):
    """What minigrok's walker does at a look, in its order."""
    if histogram.min() >= log_f**-0.5:
        log_f /= 2
    if log_f <= len(histogram) / steps:
        log_f = min(1.0, len(histogram) / steps)
    return log_f


def _floor(histogram, steps):
    return min(1.0, len(histogram) / steps)


def _by_squares(log_f, histogram, steps):
    enough = all(visits * visits * log_f >= 1 for visits in histogram.tolist())
    halved = 0.5 * log_f if enough else log_f
    floor = len(histogram) / steps
    return halved if halved > floor else min(floor, 1)


def _by_where(log_f, histogram, steps):
    candidates = log_f * np.array([0.5, 1.0])
    return np.maximum(candidates, np.minimum(1, histogram.size / steps))[int((histogram < log_f**-0.5).any())]


def _with(enough=lambda histogram, log_f: histogram.min() >= 1 / np.sqrt(log_f), floor=_floor, halve=lambda x: x / 2):
    """The rule with something changed."""
    return lambda log_f, histogram, steps: max(
        halve(log_f) if enough(histogram, log_f) else log_f, floor(histogram, steps))


def _over_steps(bins):
    return lambda histogram, steps: min(1.0, bins(histogram) / steps)


def _floor_when_halved(log_f, histogram, steps):
    if histogram.min() >= 1 / np.sqrt(log_f):
        return max(log_f / 2, _floor(histogram, steps))
    return log_f


def _smaller(log_f, histogram, steps):
    return min(log_f / 2 if histogram.min() >= 1 / np.sqrt(log_f) else log_f, _floor(histogram, steps))


def _never_below_before_halving(log_f, histogram, steps):
    log_f = max(log_f, _floor(histogram, steps))
    return log_f / 2 if histogram.min() >= 1 / np.sqrt(log_f) else log_f


RIGHT = (_by_squares, _by_where, _reference)
WRONG = {
    "halves when the mean of the visits is enough: it is the least visited bin that must be":
        _with(lambda histogram, log_f: histogram.mean() >= 1 / np.sqrt(log_f)),
    "halves when any bin has enough visits: all of them must":
        _with(lambda histogram, log_f: histogram.max() >= 1 / np.sqrt(log_f)),
    "takes > for >=: exactly 1 / sqrt(ln f) visits are enough":
        _with(lambda histogram, log_f: histogram.min() > 1 / np.sqrt(log_f)),
    "wants 1 / ln f visits, without the root": _with(lambda histogram, log_f: histogram.min() >= 1 / log_f),
    "compares with sqrt(ln f), which one visit always reaches, not with 1 / sqrt(ln f)":
        _with(lambda histogram, log_f: histogram.min() >= np.sqrt(log_f)),
    "takes the classic flatness, 80 % of the mean, for the rule":
        _with(lambda histogram, log_f: histogram.min() >= 0.8 * histogram.mean()),
    "leaves bins without a visit out when it looks for the least visited one":
        _with(lambda histogram, log_f: histogram[histogram > 0].min() >= 1 / np.sqrt(log_f)),
    "halves without a lower limit: ln f dies out and the error freezes, as with flatness":
        _with(floor=lambda histogram, steps: 0.0),
    "takes 1 / steps, not bins / steps, for the limit: each bin is visited only every (number of bins) steps":
        _with(floor=_over_steps(lambda histogram: 1)),
    "counts only bins that were visited since ln f last changed in bins / steps":
        _with(floor=_over_steps(lambda histogram: (histogram > 0).sum())),
    "divides the bins by the visits in the histogram: steps are all steps since the walk began":
        _with(floor=lambda histogram, steps: min(1.0, len(histogram) / histogram.sum())),
    "lets ln f rise above 1 when there are fewer steps than bins":
        _with(floor=lambda histogram, steps: len(histogram) / steps),
    "halves f, which takes ln 2 from ln f: it is ln f that is halved": _with(halve=lambda log_f: log_f - np.log(2)),
    "takes bins / steps from the start, and never waits for the visits":
        lambda log_f, histogram, steps: _floor(histogram, steps),
    "looks at bins / steps only when it halves": _floor_when_halved,
    "takes the smaller of the two: bins / steps is a lower limit, so the larger one holds": _smaller,
    "lifts ln f to bins / steps before it halves, so that half of it can lie below": _never_below_before_halving,
}
