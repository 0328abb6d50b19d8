"""A control: an optimizer that leaves the first layer as it is, so that the state of a hidden layer cannot move."""

from dataclasses import dataclass
from typing import Any

from minigrok.checks import FloatArray
from minigrok.optimizers import Optimizer


@dataclass(frozen=True)
class FrozenFirst:
    """An optimizer that leaves the first `count` parameters, those of the first layer, as they are."""

    optimizer: Optimizer
    count: int

    @property
    def configuration(self) -> dict[str, Any]:
        """That of the optimizer, and what is frozen."""
        return self.optimizer.configuration | {"frozen": self.count}

    def start(self, theta: FloatArray) -> Any:
        """The optimizer's first state."""
        return self.optimizer.start(theta)

    def step(self, theta: FloatArray, gradient: FloatArray, state: Any) -> Any:
        """The optimizer's step, weight decay included, taken back where it is frozen."""
        before = theta[: self.count].copy()
        state = self.optimizer.step(theta, gradient, state)
        theta[: self.count] = before
        return state
