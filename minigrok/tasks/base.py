"""What a task is: inputs X (n, features) with whole-number labels y (n,), split into train and test."""

from dataclasses import dataclass
from typing import Any

from minigrok.checks import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Task:
    """Inputs and labels, split into train and test."""

    X_train: FloatArray        # (n_train, features)
    y_train: IntArray          # (n_train,) labels 0 .. n_classes - 1
    X_test: FloatArray
    y_test: IntArray
    n_classes: int
    description: dict[str, Any]            # how it was made, fit for JSON: tells one task from another

    @property
    def X_first(self) -> FloatArray:
        """The first training input alone, (1, features)."""
        return self.X_train[:1]


def split(order: IntArray, test_fraction: float) -> tuple[IntArray, IntArray]:
    """An order of inputs cut into train and test; ValueError where one of them would be empty."""
    n_test = round(test_fraction * len(order))
    if not 0 < n_test < len(order):
        raise ValueError(f"of {len(order)} inputs the test set would get {n_test}, which leaves "
                         f"{'it' if n_test == 0 else 'the training set'} empty: change the fraction, or take more")
    return order[: len(order) - n_test], order[len(order) - n_test :]
