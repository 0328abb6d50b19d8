"""Your own arrays as a task, after a check of every entry."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, IntArray, as_double, numeric_array, real_number, whole_number
from minigrok.tasks.base import Task, split

LABEL_LIMIT = 2**31           # a larger "label" is a mistake, and past 2^63 it would wrap around in silence


def from_arrays(
    X: ArrayLike, y: ArrayLike, X_test: ArrayLike | None = None, y_test: ArrayLike | None = None,
    test_fraction: float = 0.5, seed: int = 0,
) -> Task:
    """Your own data as a task; without test arrays a random share of X and y is held out.

    Parameters
    ----------
    X : array_like, shape (n, features)
        Real and finite; float32 stays float32 (if X_test is float32 too), everything else becomes float64.
    y : array_like, shape (n,)
        Labels: whole numbers 0, 1, ..., at least two different ones.
    X_test, y_test : array_like, optional
        Both or neither.
    test_fraction, seed
        Of the random split.

    Raises
    ------
    ValueError
        For NaN, wrong shapes, labels that are no whole numbers from 0 on, one class only, a single row.

    Examples
    --------
    >>> from_arrays([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]).n_classes
    2
    """
    if (X_test is None) != (y_test is None):
        raise ValueError("only one of X_test and y_test was given: give both, or neither for a random split")
    inputs, labels = _checked("X", X), _checked_labels("y", y)
    _require_as_many("X", inputs, "y", labels)
    description: dict[str, Any] = {"name": "from_arrays", "sha256": _hash(inputs, labels)}
    if X_test is None or y_test is None:
        seed, test_fraction = whole_number("seed", seed, 0, np.inf), real_number("test_fraction", test_fraction, 0, 1)
        order = np.random.default_rng(seed).permutation(len(labels))
        train, test = split(order, test_fraction)
        description |= {"test_fraction": test_fraction, "seed": seed}
        parts = inputs[train], labels[train], inputs[test], labels[test]
    else:
        held = _checked("X_test", X_test)
        common = np.result_type(inputs, held)            # never down: a large float64 would overflow in float32
        inputs, held = inputs.astype(common), held.astype(common)
        held_labels = _checked_labels("y_test", y_test)
        _require_as_many("X_test", held, "y_test", held_labels)
        if held.shape[1] != inputs.shape[1]:
            raise ValueError(f"X_test has {held.shape[1]} columns, but X has {inputs.shape[1]}: they must agree")
        description["sha256_test"] = _hash(held, held_labels)
        parts = inputs, labels, held, held_labels
    classes = 1 + max(int(parts[1].max()), int(parts[3].max()))
    if len(np.unique(np.concatenate([parts[1], parts[3]]))) < 2:
        raise ValueError(f"y holds the one label {parts[1][0]}, but a classifier needs two classes at least")
    return Task(*parts, classes, description)


def _checked(name: str, values: ArrayLike) -> FloatArray:
    array = numeric_array(name, values)
    if array.ndim != 2 or array.dtype.kind == "c":
        raise ValueError(f"{name} has shape {array.shape} and dtype {array.dtype}, but must be real (inputs, features)")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _checked_labels(name: str, values: ArrayLike) -> IntArray:
    array = as_double(numeric_array(name, values))
    if array.ndim != 1 or array.dtype.kind == "c":
        raise ValueError(f"{name} has shape {array.shape}, but labels are one whole number an input: shape (n,)")
    for index in np.argwhere((array < 0) | (array != np.floor(array)) | (array >= LABEL_LIMIT))[:1].ravel():
        raise ValueError(
            f"{name}[{index}] is {array[index]}, but labels are whole numbers from 0 on, one for each class: "
            "np.unique(y, return_inverse=True)[1] numbers classes of any kind")
    return array.astype(np.int64)


def _require_as_many(name: str, X: FloatArray, label_name: str, y: IntArray) -> None:
    if len(X) != len(y):
        raise ValueError(f"{name} has {len(X)} rows, but {label_name} has {len(y)} labels: one each")


def _hash(*arrays: FloatArray | IntArray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
