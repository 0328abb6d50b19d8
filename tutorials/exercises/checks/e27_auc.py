"""The marker's side of e27_auc."""

import numpy as np

from minigrok.course.laws import agrees, fails, holds, law

LESSON, MINUTES = 7, 10
HINTS = (
    "There are len(positives) * len(negatives) pairs. A double loop that counts is a good beginning.",
    "positives[:, None] > negatives compares all pairs at once, and has shape (positives, negatives).",
    "The mean of (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives).",
)


def auc(positives, negatives):
    higher = positives[:, None] > negatives              # (positives, negatives): every pair once
    equal = positives[:, None] == negatives
    return (higher + 0.5 * equal).mean()


def check(auc, rng):
    for positives, negatives in _inputs(rng):
        there, back = auc(positives, negatives), auc(negatives, positives)
        if abs(there + back - 1) > 1e-9:
            fails("in each pair one is higher or the two share it, so auc(positives, negatives) + auc(negatives, "
                  f"positives) is 1; but yours are {there:.6g} and {back:.6g}", (positives, negatives), there)
        law(auc, "only the order counts: all scores cubed separate as well as before",
            (positives, negatives), (positives**3, negatives**3))
        law(auc, "the order in which the runs are listed does not matter",
            (positives, negatives), (positives[::-1].copy(), negatives[::-1].copy()))
        holds(auc, "a group against itself is a coin: 1/2", lambda area: abs(area - 0.5) < 1e-9, positives, positives)
        agrees(auc, _by_loops, positives, negatives, sentence="a share of pairs: higher counts 1, equal 1/2, lower 0")


def _inputs(rng):
    yield np.array([2.0]), np.array([1.0])
    yield np.array([1.0]), np.array([2.0])
    yield np.array([1.0, 3.0]), np.array([2.0])
    yield np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0])
    for m, n in ((3, 5), (6, 4)):
        yield rng.integers(-3, 4, m).astype(float), rng.integers(-3, 4, n).astype(float)
        yield rng.normal(size=m) + 0.5, rng.normal(size=n)


def _by_loops(positives, negatives):
    won = 0.0
    for positive in positives:
        for negative in negatives:
            if positive > negative:
                won += 1
            elif positive == negative:
                won += 0.5
    return won / (len(positives) * len(negatives))


def _by_ranks(positives, negatives):
    scores = np.concatenate([positives, negatives])
    ranks = np.array([(scores < score).sum() + ((scores == score).sum() + 1) / 2 for score in scores])
    m, n = len(positives), len(negatives)
    return (ranks[:m].sum() - m * (m + 1) / 2) / (m * n)


def _by_search(positives, negatives):
    ordered = np.sort(negatives)
    below, not_above = np.searchsorted(ordered, positives, "left"), np.searchsorted(ordered, positives, "right")
    return (below + not_above).mean() / (2 * len(negatives))


def _difference_of_means(positives, negatives):
    both = np.concatenate([positives, negatives])
    return 0.5 + (positives.mean() - negatives.mean()) / (2 * (np.ptp(both) or 1.0))


RIGHT = (
    _by_loops, _by_ranks, _by_search,
    lambda positives, negatives: (1 + np.sign(positives[:, None] - negatives).mean()) / 2,
)
WRONG = {
    "counts a tie as lost": lambda positives, negatives: (positives[:, None] > negatives).mean(),
    "counts a tie as won": lambda positives, negatives: (positives[:, None] >= negatives).mean(),
    "leaves tied pairs out of the count, so that the rest weighs more":
        lambda positives, negatives: ((positives[:, None] > negatives).sum()
                                      / max(1, (positives[:, None] != negatives).sum())),
    "has the two groups the wrong way round: it counts where the negative is higher":
        lambda positives, negatives: 1 - _by_loops(positives, negatives),
    "turns every area to the better side, max(AUC, 1 - AUC): so it cannot say that a score points the wrong way":
        lambda positives, negatives: max(_by_loops(positives, negatives), 1 - _by_loops(positives, negatives)),
    "compares the runs one by one, zip, where every positive meets every negative":
        lambda positives, negatives: float(np.mean([_by_loops([a], [b]) for a, b in zip(positives, negatives)])),
    "compares with the mean of the other group: a threshold, whose place outliers decide":
        lambda positives, negatives: _by_loops(positives, [negatives.mean()]),
    "counts the pairs, and does not divide by how many there are":
        lambda positives, negatives: _by_loops(positives, negatives) * len(positives) * len(negatives),
    "uses the difference of the means: scores have no unit that the AUC could know": _difference_of_means,
}
