"""The marker's side of e31_merge_shards."""

import numpy as np

import minigrok
from minigrok.course.laws import agrees, holds, law

LESSON, MINUTES = 8, 10
HINTS = (
    "A^T A is a sum over rows: what is it for rows that lie in two arrays?",
    "Add up the Gram matrices of the shards, as they are. What must be divided out is divided out once, at the end.",
    "gram = sum of shard.T @ shard over all shards; then gram / np.trace(gram).",
)


def state_of_shards(shards):
    d = shards[0].shape[1]
    gram = np.zeros((d, d))
    for shard in shards:
        gram += shard.T @ shard        # a sum over rows does not care where the rows lie
    return gram / np.trace(gram)       # once, at the end: then strong and weak shards keep their weights


def check(state_of_shards, rng):
    for shards in _inputs(rng):
        law(state_of_shards, "the order of the shards means nothing", shards, shards[::-1])
        holds(state_of_shards, "a density matrix has trace 1", lambda rho: abs(np.trace(rho) - 1) < 1e-9, shards)
        cut = [part for shard in shards for part in (shard[:1], shard[1:]) if len(part)]
        law(state_of_shards, "to cut a shard in two moves no row, so the state is the same", shards, cut)
        agrees(state_of_shards, _stacked, shards, sentence="the state is that of all rows: the sum of A_i^T A_i over "
               "all shards, over its trace")


def _inputs(rng):
    yield [np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])]
    yield [np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 1.0]])]
    yield [np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 0.0]])]
    for n, d in (((2, 3), 2), ((1, 4, 2), 3), ((3, 3, 5), 2)):
        yield [rng.integers(-3, 4, (k, d)) + 0.5 for k in n]
    yield [np.zeros((2, 2)), np.array([[1.0, 1.0], [0.0, 1.0]]), np.zeros((0, 2))]             # silent, and empty
    yield [size * rng.normal(size=(k, 4)) for k, size in ((6, 1.0), (3, 10.0), (9, 0.1))]


def _stacked(shards):
    return minigrok.density_matrix(np.concatenate(shards))


def _states(shards):
    with np.errstate(all="ignore"):    # whoever makes the mistake sees NumPy's warning, not we
        return [shard.T @ shard / np.trace(shard.T @ shard) for shard in shards]


def _mean_squares(shards):
    with np.errstate(all="ignore"):
        grams = [shard.T @ shard / np.float64(len(shard)) for shard in shards]
        return sum(grams) / np.trace(sum(grams))


def _centred(shards):
    with np.errstate(all="ignore"):
        return _over_trace(sum(_gram(shard - shard.sum(axis=0) / np.float64(len(shard))) for shard in shards))


def _rows(shards):
    with np.errstate(all="ignore"):
        return _over_trace(sum(_gram(shard / np.linalg.norm(shard, axis=1, keepdims=True)) for shard in shards))


def _gram(A):
    return A.T @ A


def _over_trace(gram):
    with np.errstate(all="ignore"):
        return gram / np.trace(gram)


def _row_by_row(shards):
    gram = sum(np.outer(row, row) for shard in shards for row in shard)
    return gram / gram.trace()


def _weighted_states(shards):
    weights = [(shard**2).sum() for shard in shards]
    total = sum(weights)
    rho = 0.0
    for shard, weight in zip(shards, weights):
        if weight > 0:
            rho = rho + weight / total * (shard.T @ shard / weight)
    return rho


def _accumulated(shards):
    accumulator = minigrok.DensityAccumulator()
    for shard in shards:
        if len(shard):                 # it refuses an empty batch
            accumulator.update(shard)
    return accumulator.density_matrix()


def _two_sums(shards):
    gram, trace = 0, 0
    for shard in shards:
        gram, trace = gram + np.einsum("ij,ik->jk", shard, shard), trace + np.sum(shard**2)
    return gram / trace


RIGHT = (_row_by_row, _weighted_states, _two_sums, _stacked, _accumulated)
WRONG = {
    "averages the shards' density matrices: a short or weak shard then counts as much as a long or strong one":
        lambda shards: sum(_states(shards)) / len(shards),
    "weighs each shard's density matrix by its number of rows, but what counts is how strongly they fire, the trace":
        lambda shards: sum(len(A) * rho for A, rho in zip(shards, _states(shards))) / sum(map(len, shards)),
    "adds up each shard's mean square, so that a short shard counts as much as a long one": _mean_squares,
    "adds up density matrices without weights: the trace is the number of shards": lambda shards: sum(_states(shards)),
    "keeps the last shard only: it sets the Gram matrix where it should add to it":
        lambda shards: _over_trace(_gram(shards[-1])),
    "forgets the first shard; perhaps its loop begins at 1, shards[1:]":
        lambda shards: _over_trace(sum(map(_gram, shards[1:]), np.zeros((shards[0].shape[1],) * 2))),
    "uses the first shard only; perhaps it returns inside the loop": lambda shards: _over_trace(_gram(shards[0])),
    "forgets to divide by the trace": lambda shards: sum(map(_gram, shards)),
    "divides by the number of rows, where the trace belongs":
        lambda shards: sum(map(_gram, shards)) / sum(map(len, shards)),
    "takes each shard's own mean off: that is no longer the state of the activations as they are": _centred,
    "makes every row as long as every other first: that is the convention \"rows\", and 0 / 0 for a silent row": _rows,
    "adds up the activations of the shards before it multiplies: that needs equal lengths, and is no sum over rows":
        lambda shards: _over_trace(_gram(sum(shards))),
}
