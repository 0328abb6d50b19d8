"""The marker's side of e23_tied_accuracy."""

import numpy as np

from minigrok.course.laws import agrees, fails, holds, law

LESSON, MINUTES = 6, 10
HINTS = (
    "First find, for every input, which outputs are the largest: an array of True and False with the shape of Z.",
    "Z == Z.max(axis=1, keepdims=True) is that array. Its sum over a row is k, and its entry at the label says whether "
    "the label is among the largest.",
    "largest[np.arange(len(y)), y] / largest.sum(axis=1) is what each input counts; the accuracy is their mean.",
)


def tied_accuracy(Z, y):
    largest = Z.max(axis=1, keepdims=True) == Z          # (n, classes)  equal outputs, to the last bit
    k = largest.sum(axis=1)                              # (n,)  how many share the first place
    return (largest[np.arange(len(y)), y] / k).mean()


def check(tied_accuracy, rng):
    rule = "an input counts 1 / k if its label is among the k largest outputs, else 0; the accuracy is the mean"
    for Z, y in _inputs(rng):
        classes = Z.shape[1]
        if classes == 2:
            both = [tied_accuracy(outputs, y) for outputs in (Z, Z[:, ::-1])]
            if abs(sum(both) - 1) > 1e-9:
                fails("with two classes, accuracy a for Z and b for Z with its columns exchanged add up to 1, so that "
                      f"the mean of all networks is 1/2; but yours are {both[0]:.6g} and {both[1]:.6g}",
                      (Z, y), both[0])
        order = rng.permutation(classes)                 # class c gets the name order[c]
        renamed = np.empty_like(Z)
        renamed[:, order] = Z
        agrees(tied_accuracy, _solution, Z, y, sentence=rule)
        law(tied_accuracy, "to rename the classes, in outputs and labels alike, leaves the accuracy alone",
            (Z, y), (renamed, order[y]))
        law(tied_accuracy, "outputs a billion times smaller leave the accuracy alone: only equal outputs tie",
            (Z, y), (Z * 2.0**-30, y))
    for label in (0, 1):
        agrees(tied_accuracy, _solution, np.array([[1.0, np.nextafter(1, 2)]]), np.array([label]), sentence=(
            "only equal outputs tie: here the second is larger than the first, though by its last bit alone, 2.2e-16"))
    equal = np.full((6, 3), 0.5)
    holds(tied_accuracy, "a network whose outputs are all equal knows nothing: its accuracy is 1 / classes",
          lambda a: abs(a - 1 / 3) < 1e-9, equal, np.array([0, 0, 0, 1, 1, 2]))


def _inputs(rng):
    for row, label in (([2.0, 1.0], 0), ([2.0, 1.0], 1), ([1.0, 1.0], 0), ([1.0, 1.0], 1), ([1.0, 1.0, 0.0], 2),
                       ([0.0, 1.0, 1.0], 2), ([0.0, 0.0, 0.0], 1), ([-1.0, -2.0], 0)):
        yield np.array([row]), np.array([label])
    yield np.eye(2), np.array([0, 1])
    for n, classes in ((3, 2), (4, 3), (8, 4)):
        yield rng.integers(-1, 2, (n, classes)).astype(float), rng.integers(0, classes, n)
    Z = rng.normal(size=(7, 3))
    Z[:3] = -abs(Z[:3, :1])                              # three rows whose outputs are equal, and negative
    yield Z, rng.integers(0, 3, 7)


_solution = tied_accuracy


def _by_loops(Z, y):
    total = 0.0
    for row, label in zip(Z, y):
        best = max(row)
        names = [c for c, z in enumerate(row) if z == best]
        if label in names:
            total += 1 / len(names)
    return total / len(y)


def _by_comparison(Z, y):
    mine = np.take_along_axis(Z, y[:, None], axis=1)     # (n, 1)
    beaten = (mine < Z).any(axis=1)
    return np.where(beaten, 0.0, 1 / (mine == Z).sum(axis=1)).mean()


def _by_probabilities(Z, y):
    p = (np.amax(Z, axis=1)[:, None] <= Z).astype(float)
    p /= p.sum(axis=1, keepdims=True)
    return float((p * np.eye(Z.shape[1])[y]).sum() / len(Z))


def _by_sorting(Z, y):
    counted = []
    for i in range(len(Z)):
        s = np.sort(Z[i])
        k = len(s) - np.searchsorted(s, s[-1])
        counted.append((Z[i, y[i]] == s[-1]) / k)
    return np.mean(counted)


def _counting(weight, largest=lambda Z: Z.max(axis=1, keepdims=True) == Z):
    """Accuracy with another weight of an input: a function of whether its label is among the k largest, k, classes."""
    def wrong(Z, y):
        among = largest(Z)
        with np.errstate(all="ignore"):
            return np.mean(weight(among[np.arange(len(y)), y], among.sum(axis=1), Z.shape[1]))
    return wrong


def _two_classes(Z, y):
    ahead = np.where(y == 0, Z[:, 0] - Z[:, 1], Z[:, 1] - Z[:, 0])
    return ((np.sign(ahead) + 1) / 2).mean()


def _all_columns(Z, y):
    largest = Z.max(axis=1, keepdims=True) == Z
    return (largest[:, y] / largest.sum(axis=1)).mean()  # (n, n)


def _without_ties(Z, y):
    largest = Z.max(axis=1, keepdims=True) == Z
    clear = largest.sum(axis=1) == 1
    with np.errstate(all="ignore"):
        return np.sum(largest[np.arange(len(y)), y] & clear) / clear.sum()


RIGHT = (_by_loops, _by_comparison, _by_probabilities, _by_sorting)
WRONG = {
    "lets np.argmax break ties, which always names the first of the largest": lambda Z, y: (
        Z.argmax(axis=1) == y).mean(),
    "names the last of the largest outputs where they tie": lambda Z, y: (
        Z.shape[1] - 1 - Z[:, ::-1].argmax(axis=1) == y).mean(),
    "counts a tie as wholly right if the label is among the largest": _counting(lambda right, k, classes: right),
    "counts every tie as wrong": _counting(lambda right, k, classes: right & (k == 1)),
    "counts every tie 1/2, also one of three outputs": _counting(
        lambda right, k, classes: np.where(k > 1, right / 2, right)),
    "counts a tie as one over the number of classes, not of those that tie": _counting(
        lambda right, k, classes: np.where(k > 1, right / classes, right)),
    "counts 1 / k for a tie even where the label is not among the largest": _counting(
        lambda right, k, classes: np.where(k > 1, 1 / k, right)),
    "leaves inputs with a tie out of the mean": _without_ties,
    "returns how many are right, not their share": lambda Z, y: _solution(Z, y) * len(y),
    "returns the error, 1 - accuracy": lambda Z, y: 1 - _solution(Z, y),
    "looks for the largest output over the inputs (axis 0), not over the classes": _counting(
        lambda right, k, classes: right / k, lambda Z: Z.max(axis=0) == Z),
    "calls nearly equal outputs a tie: np.isclose lets all that is below 1e-8 be equal": _counting(
        lambda right, k, classes: right / k, lambda Z: np.isclose(Z, Z.max(axis=1, keepdims=True))),
    "calls outputs a tie that agree to twelve digits or so: only those that are equal, ==, tie": _counting(
        lambda right, k, classes: right / k,
        lambda Z: np.isclose(Z, Z.max(axis=1, keepdims=True), rtol=1e-12, atol=0)),
    "compares outputs 0 and 1 alone: a formula for two classes": _two_classes,
    "begins its search for the largest output at 0, so that negative outputs are never the largest": _counting(
        lambda right, k, classes: right / np.maximum(k, 1),
        lambda Z: np.maximum(Z.max(axis=1, keepdims=True), 0) == Z),
    "takes the columns of all labels in every row, [:, y], where each row has a label of its own": _all_columns,
    "divides by k squared: the label is one of k, so once is enough": _counting(
        lambda right, k, classes: right / k**2),
}
