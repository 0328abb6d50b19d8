"""The marker's side of e18_answer_share."""

import numpy as np

from minigrok.course.laws import agrees, holds, law, rotation

LESSON, MINUTES = 4, 25
HINTS = (
    "Begin with the easy half: take the mean row off Z, and sum all squares. That is the denominator. Then go through "
    "the answers one by one.",
    "The rows of one answer y are Z[answers == y], where answers = (pairs[:, 0] + pairs[:, 1]) % p. Their mean row, "
    "minus the mean of all rows, counts as often as there are rows. Skip answers that do not occur.",
    "With Z already centred: between = sum over y in np.unique(answers) of len(rows) * (rows.mean(axis=0)**2).sum(), "
    "where rows = Z[answers == y]; return between / (Z**2).sum().",
)


def answer_share(Z, pairs, p):
    answers = pairs.sum(axis=1) % p
    Z = Z - Z.mean(axis=0)                           # each logit has its own mean, which says nothing of the pairs
    between = 0.0
    for y in np.unique(answers):
        rows = Z[answers == y]                       # (n_y, p)
        between += len(rows) * (rows.mean(axis=0) ** 2).sum()
    return between / (Z**2).sum()


def check(answer_share, rng):
    sentence = "sum_y n_y |z_y - z|^2 / sum_i |z_i - z|^2"
    for Z, pairs in (([[2, 0], [0, 1], [0, 1]], [[0, 0], [0, 1], [1, 0]]),
                     ([[1, 0], [0, 1], [0, 3]], [[0, 0], [0, 1], [1, 0]]),
                     ([[4, 0], [0, 1], [2, 1], [0, 3]], [[1, 1], [0, 1], [0, 0], [1, 0]])):
        agrees(answer_share, _reference, np.array(Z, float), np.array(pairs), 2, sentence=sentence)
    agrees(answer_share, _reference, np.array([[2.0, 0, 1], [0, 1, 3], [1, 3, 0]]), np.array([[0, 0], [0, 1], [1, 0]]),
           3, sentence=f"{sentence}; no pair has the answer 2 here, and it adds nothing")
    for p, n in ((3, 6), (5, 12), (7, 30)):
        pairs = np.stack(np.divmod(rng.permutation(p * p)[:n], p), axis=1)
        answers, Z = pairs.sum(axis=1) % p, rng.normal(size=(n, p)) * rng.uniform(1, 3, p) + rng.normal(size=p)
        of_answer = rng.normal(size=(p, p))[answers]
        holds(answer_share, "logits that are a function of the answer alone have the share 1",
              lambda share: abs(share - 1) < 1e-9, of_answer, pairs, p)
        holds(answer_share, "logits with the same mean for every answer have the share 0",
              lambda share: abs(share) < 1e-9, Z - _means(Z, answers), pairs, p)
        mixed = Z + of_answer
        holds(answer_share, "a share lies between 0 and 1", lambda share: -1e-9 <= share <= 1 + 1e-9, mixed, pairs, p)
        law(answer_share, "numbers added to the logits, the same in every row, change no variance",
            (mixed, pairs, p), (mixed + rng.normal(size=p), pairs, p))
        law(answer_share, "a factor drops out of a share", (mixed, pairs, p), (-2 * mixed, pairs, p))
        law(answer_share, "a + b is b + a: to swap the summands changes no answer",
            (mixed, pairs, p), (mixed, pairs[:, ::-1].copy(), p))
        order = rng.permutation(n)
        law(answer_share, "the order of the pairs does not matter", (mixed, pairs, p), (mixed[order], pairs[order], p))
        law(answer_share, "a rotation of the logits among each other keeps all distances, and the share",
            (mixed, pairs, p), (mixed @ rotation(p, rng), pairs, p))
        agrees(answer_share, _reference, mixed, pairs, p, sentence=sentence)


_reference = answer_share


def _means(Z, groups):
    """For each row of Z the mean of the rows of its group, (n, p)."""
    return np.array([Z[groups == group].mean(axis=0) for group in groups])


def _share(Z, groups):
    """Eta^2 of Z (n, p) by whatever groups (n,)."""
    return ((_means(Z, groups) - Z.mean(axis=0)) ** 2).sum() / ((Z - Z.mean(axis=0)) ** 2).sum()


def _answers(pairs, p):
    return (pairs[:, 0] + pairs[:, 1]) % p


def _by_loops(Z, pairs, p):
    n, between, within = len(Z), 0.0, 0.0
    for column in range(Z.shape[1]):
        values = {}
        for i in range(n):
            values.setdefault(int((pairs[i, 0] + pairs[i, 1]) % p), []).append(Z[i, column])
        mean = sum(Z[:, column]) / n
        for group in values.values():
            here = sum(group) / len(group)
            between += len(group) * (here - mean) ** 2
            within += sum((value - here) ** 2 for value in group)
    return between / (between + within)


def _by_projection(Z, pairs, p):
    H = np.eye(p)[_answers(pairs, p)]                # (n, p): which answer each row has
    Z = Z - Z.mean(axis=0)
    return ((H @ np.linalg.pinv(H) @ Z) ** 2).sum() / (Z**2).sum()


def _by_sums(Z, pairs, p):
    Z = Z - Z.mean(axis=0)
    sums, counts = np.zeros((p, Z.shape[1])), np.zeros(p)
    np.add.at(sums, _answers(pairs, p), Z)
    np.add.at(counts, _answers(pairs, p), 1)
    there = counts > 0
    return (sums[there] ** 2 / counts[there, None]).sum() / (Z**2).sum()


def _one_minus_the_rest(Z, pairs, p):
    return 1 - ((Z - _means(Z, _answers(pairs, p))) ** 2).sum() / (len(Z) * Z.var(axis=0).sum())


def _each_answer_once(Z, pairs, p):
    answers, mean = _answers(pairs, p), Z.mean(axis=0)
    between = np.mean([((Z[answers == y].mean(axis=0) - mean) ** 2).sum() for y in np.unique(answers)])
    return between / ((Z - mean) ** 2).sum(axis=1).mean()


def _mean_of_means(Z, pairs, p):
    answers = _answers(pairs, p)
    means = np.array([Z[answers == y].mean(axis=0) for y in np.unique(answers)])
    between = ((_means(Z, answers) - means.mean(axis=0)) ** 2).sum()
    return between / ((Z - Z.mean(axis=0)) ** 2).sum()


def _without_count(Z, pairs, p):
    answers, mean = _answers(pairs, p), Z.mean(axis=0)
    return sum(((Z[answers == y].mean(axis=0) - mean) ** 2).sum() for y in np.unique(answers)) / ((Z - mean) ** 2).sum()


def _column_by_column(Z, pairs, p):
    between = ((_means(Z, _answers(pairs, p)) - Z.mean(axis=0)) ** 2).sum(axis=0)
    return (between / ((Z - Z.mean(axis=0)) ** 2).sum(axis=0)).mean()


def _absent_too(Z, pairs, p):
    """Takes the mean of no rows at all, NaN, for an answer that does not occur."""
    H = np.eye(p)[_answers(pairs, p)]
    counts = H.sum(axis=0)
    with np.errstate(all="ignore"):
        means = H.T @ Z / counts[:, None]
    return (counts[:, None] * (means - Z.mean(axis=0)) ** 2).sum() / ((Z - Z.mean(axis=0)) ** 2).sum()


def _from_one(Z, pairs, p):
    answers, mean = _answers(pairs, p), Z.mean(axis=0)
    return sum((answers == y).sum() * ((Z[answers == y].mean(axis=0) - mean) ** 2).sum()
               for y in np.unique(answers) if y > 0) / ((Z - mean) ** 2).sum()


RIGHT = (
    _by_loops,
    _by_projection,
    _by_sums,
    _one_minus_the_rest,
    lambda Z, pairs, p: _share(Z, _answers(pairs, p)),
    lambda Z, pairs, p: _means(Z, _answers(pairs, p)).var(axis=0).sum() / Z.var(axis=0).sum(),
)
WRONG = {
    "counts each answer once, however many pairs have it: n_y is missing, and the total is a mean as well":
        _each_answer_once,
    "leaves out n_y: each answer's square must count as often as it has pairs": _without_count,
    "takes the mean of the answers' means for the mean of all rows": _mean_of_means,
    "takes one mean of all numbers where each logit has its own: use axis=0":
        lambda Z, pairs, p: (((_means(Z, _answers(pairs, p)) - Z.mean()) ** 2).sum() / ((Z - Z.mean()) ** 2).sum()),
    "does not take the mean off: squares, and no variance":
        lambda Z, pairs, p: (_means(Z, _answers(pairs, p)) ** 2).sum() / (Z**2).sum(),
    "forgets mod p, so that 0 + 1 and the pairs that go once around have different answers":
        lambda Z, pairs, p: _share(Z, pairs.sum(axis=1)),
    "groups the pairs by their first summand alone": lambda Z, pairs, p: _share(Z, pairs[:, 0]),
    "groups by a - b: that is another task": lambda Z, pairs, p: _share(Z, (pairs[:, 0] - pairs[:, 1]) % p),
    "groups by what the net answers, argmax, and not by the right answer":
        lambda Z, pairs, p: _share(Z, Z.argmax(axis=1)),
    "returns the other part: the share among pairs of the same answer":
        lambda Z, pairs, p: 1 - _share(Z, _answers(pairs, p)),
    "takes the root: eta, not eta^2": lambda Z, pairs, p: np.sqrt(_share(Z, _answers(pairs, p))),
    "divides logit by logit and takes the mean of the shares: divide once, sum by sum": _column_by_column,
    "looks at the logit of the right answer alone, not at all p of them":
        lambda Z, pairs, p: _share(Z[np.arange(len(Z)), _answers(pairs, p)][:, None], _answers(pairs, p)),
    "measures how often the net is right, the accuracy":
        lambda Z, pairs, p: (Z.argmax(axis=1) == _answers(pairs, p)).mean(),
    "divides by zero for an answer that does not occur": _absent_too,
    "leaves out the answer 0: a loop over answers begins there, not at 1": _from_one,
}
