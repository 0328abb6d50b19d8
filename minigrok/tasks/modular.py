"""The algorithmic task: a op b mod p over all pairs (a, b), in which grokking was found.

References
----------
.. [1] A. Power et al., "Grokking: generalization beyond overfitting on small algorithmic datasets", arXiv:2201.02177.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from minigrok.checks import FloatArray, IntArray, one_of, real_number, whole_number
from minigrok.tasks.base import Task, split

OPERATIONS: dict[str, Callable[[IntArray, IntArray, int], IntArray]] = {
    "add": lambda a, b, p: (a + b) % p,
    "subtract": lambda a, b, p: (a - b) % p,
    "multiply": lambda a, b, p: (a * b) % p,
    "divide": lambda a, b, p: (a * np.array([pow(int(x), -1, p) for x in b])) % p,
}


@dataclass(frozen=True, eq=False)
class ModularTask:
    """a op b mod p: the pairs themselves, and (built only when asked for) the two-hot rows that a net takes.

    Row (a, b) of X has a 1 at a and a 1 at p + b: shape (n, 2 p).
    """

    pairs_train: IntArray      # (n_train, 2)
    y_train: IntArray
    pairs_test: IntArray       # (n_test, 2)
    y_test: IntArray
    n_classes: int             # the modulus p
    description: dict[str, Any]

    @cached_property
    def X_train(self) -> FloatArray:
        """Two-hot rows of the training pairs, (n_train, 2 p)."""
        return two_hot(self.pairs_train, self.n_classes)

    @cached_property
    def X_test(self) -> FloatArray:
        """Two-hot rows of the test pairs, (n_test, 2 p)."""
        return two_hot(self.pairs_test, self.n_classes)

    @property
    def X_first(self) -> FloatArray:
        """The first training input alone, (1, 2 p), without building the others."""
        return two_hot(self.pairs_train[:1], self.n_classes)


AnyTask = Task | ModularTask
T = TypeVar("T", Task, ModularTask)


def two_hot(pairs: IntArray, p: int) -> FloatArray:
    """Rows with a 1 at a and a 1 at p + b for each pair (a, b): shape (n, 2 p).

    Examples
    --------
    >>> two_hot(np.array([[0, 1]]), 2)
    array([[1., 0., 0., 1.]])
    """
    X = np.zeros((len(pairs), 2 * p))
    rows = np.arange(len(pairs))
    X[rows, pairs[:, 0]] = 1
    X[rows, p + pairs[:, 1]] = 1
    return X


def modular(
    p: int, op: str = "add", train_fraction: float = 0.5, seed: int = 0, corrupt_fraction: float = 0.0
) -> ModularTask:
    """a op b mod p over all pairs (a, b) with 0 <= a, b < p; for "divide" b is not 0, and p a prime.

    Parameters
    ----------
    p : int
        The modulus, 2 or more; also the number of classes.
    op : {"add", "subtract", "multiply", "divide"}
    train_fraction : float
        Share of the pairs in the training set, above 0 and below 1.
    seed : int
    corrupt_fraction : float
        Share of the training pairs whose labels are shuffled among themselves (see `shuffle_labels`);
        1 leaves nothing that generalises: the control.

    Raises
    ------
    ValueError
        For p below 2, an unknown operation, division by a number that is no prime, fractions out of range.

    Examples
    --------
    >>> task = modular(5, seed=0)
    >>> bool((task.y_train == task.pairs_train.sum(axis=1) % 5).all())
    True
    >>> modular(6, "divide")
    Traceback (most recent call last):
    ...
    ValueError: p is 6, which is no prime, but to divide every number but 0 needs an inverse: take a prime such as 7
    """
    p = whole_number("p", p, 2)
    one_of("op", op, OPERATIONS)
    if op == "divide" and not _is_prime(p):
        near = next(q for q in range(p, 2 * p) if _is_prime(q))
        raise ValueError(f"p is {p}, which is no prime, but to divide every number but 0 needs an inverse: "
                         f"take a prime such as {near}")
    a, b = np.divmod(np.arange(p * p), p)
    keep = b > 0 if op == "divide" else np.ones(p * p, bool)
    a, b = a[keep], b[keep]
    y = OPERATIONS[op](a, b, p)
    seed, train_fraction = whole_number("seed", seed, 0, np.inf), real_number("train_fraction", train_fraction, 0, 1)
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = split(order, 1 - train_fraction)
    pairs = np.stack([a, b], axis=1)
    task = ModularTask(pairs[train], y[train], pairs[test], y[test], p, {
        "name": "modular", "p": p, "op": op, "train_fraction": train_fraction, "seed": seed})
    real_number("corrupt_fraction", corrupt_fraction, 0, 1)
    return shuffle_labels(task, seed, corrupt_fraction) if corrupt_fraction else task


def shuffle_labels(task: T, seed: int = 0, fraction: float = 1.0) -> T:
    """The same task with a share of the training labels permuted among themselves; test labels stay.

    The labels keep their frequencies, but lose their relation to the inputs: what a net then learns it
    memorises. A permuted label may by chance stay right.

    Examples
    --------
    >>> task = shuffle_labels(modular(11, seed=0), seed=0)
    >>> bool((task.y_train == task.pairs_train.sum(axis=1) % 11).mean() < 0.3)
    True
    """
    fraction, seed = real_number("fraction", fraction, 0, 1), whole_number("seed", seed, 0, np.inf)
    rng = np.random.default_rng([seed, 1])               # another stream than the data's own
    chosen = rng.permutation(len(task.y_train))[: round(fraction * len(task.y_train))]
    y = task.y_train.copy()
    y[chosen] = y[rng.permutation(chosen)]
    shuffles = [*task.description.get("shuffles", []), {"fraction": fraction, "seed": seed}]      # in their order
    return replace(task, y_train=y, description=task.description | {"shuffles": shuffles})


def _is_prime(p: int) -> bool:
    return all(p % q for q in range(2, int(p**0.5) + 1))        # p > 1
