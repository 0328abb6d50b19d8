"""Learning-rate schedules: the factor by which the learning rate is multiplied during an epoch.

    cosine        f(t) = final + (1 - final) (1 + cos(pi t / T)) / 2      a half wave from 1 down to `final`
    step decay    f(t) = factor^floor(t / every)                          a staircase
    warm-up       f(t) = (t + 1) / W for t < W, then another schedule     a ramp in front

t = 0, 1, ..., T - 1 counts the epochs done before this one, and T is the total of the run.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from minigrok.checks import real_number, short, whole_number
from minigrok.optimizers import Optimizer

AnyOptimizer = TypeVar("AnyOptimizer", bound=Optimizer)


class Schedule(Protocol):
    """What the training loop asks of a schedule; bring your own."""

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON, by which a checkpoint tells one run from another."""

    def __call__(self, epoch: int, epochs: int) -> float:
        """The factor, 0 or more, of the learning rate during the epoch before which `epoch` of `epochs` are done."""


@dataclass(frozen=True)
class Cosine:
    """Half a cosine wave from 1 down to `final`: f(t) = final + (1 - final) (1 + cos(pi t / T)) / 2.

    That is [1]_ without restarts, a learning rate from lr to lr * final, but set once an epoch, not at every batch.
    `final` itself would be reached at t = T, after the last epoch, so that with 0 no epoch is lost.

    Parameters
    ----------
    final : float
        In [0, 1], as a share of the optimizer's learning rate.

    Raises
    ------
    ValueError
        If `final` is out of its range or NaN.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, section 3.

    Examples
    --------
    >>> [round(Cosine()(epoch, 4), 3) for epoch in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the setting."""
        object.__setattr__(self, "final", real_number("final", self.final, 0.0, 1.0))

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON."""
        return {"schedule": "Cosine", "final": self.final}

    def __call__(self, epoch: int, epochs: int) -> float:
        """The factor during the epoch before which `epoch` of `epochs` are done."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * epoch / epochs)) / 2


@dataclass(frozen=True)
class StepDecay:
    """A staircase: f(t) = factor^floor(t / every), the learning rate times `factor` each time `every` epochs are done.

    Parameters
    ----------
    every : int
        Epochs on one step.
    factor : float
        In (0, 1].

    Raises
    ------
    ValueError
        If a setting is out of its range or NaN.

    Examples
    --------
    >>> [StepDecay(every=2, factor=0.5)(epoch, 6) for epoch in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    every: int
    factor: float

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "every", whole_number("every", self.every, 1))
        object.__setattr__(self, "factor", real_number("factor", self.factor, 0.0, 1.0, low_open=True))

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON."""
        return {"schedule": "StepDecay", "every": self.every, "factor": self.factor}

    def __call__(self, epoch: int, epochs: int) -> float:
        """The factor during the epoch before which `epoch` of `epochs` are done."""
        return float(self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Warmup:
    """A ramp, f(t) = (t + 1) / W for t < W, and then another schedule, f(t) = then(t - W, T - W).

    The gradual warm-up of [1]_, but with one step an epoch, not at every batch.

    Parameters
    ----------
    epochs : int
        W, the length of the ramp: from 1 / W in the first epoch to 1 in the last of these.
    then : schedule, optional
        Laid out over the epochs that remain. Left out: 1.

    Raises
    ------
    ValueError
        If `epochs` is no whole number above 0, or `then` no schedule.

    References
    ----------
    .. [1] P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", arXiv:1706.02677, 2017,
       section 2.2.

    Examples
    --------
    >>> [Warmup(2, then=StepDecay(2, 0.1))(epoch, 6) for epoch in range(6)]
    [0.5, 1.0, 1.0, 1.0, 0.1, 0.1]
    """

    epochs: int
    then: Schedule | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "epochs", whole_number("epochs", self.epochs, 1))
        require_schedule("then", self.then)

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON, those of the other schedule among them."""
        then = None if self.then is None else self.then.configuration
        return {"schedule": "Warmup", "epochs": self.epochs, "then": then}

    def __call__(self, epoch: int, epochs: int) -> float:
        """The factor during the epoch before which `epoch` of `epochs` are done."""
        if epoch < self.epochs:
            return (epoch + 1) / self.epochs
        return 1.0 if self.then is None else self.then(epoch - self.epochs, epochs - self.epochs)


def require_schedule(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a schedule or None."""
    schedule = callable(value) and isinstance(getattr(value, "configuration", None), dict)
    if value is not None and not schedule:
        raise ValueError(
            f"{name} is {short(value)}, but a schedule is a function of (epoch, epochs) with a `configuration`: "
            "take Cosine(), StepDecay(every, factor) or Warmup(epochs), or make a small class of your own")


def settings_of(schedule: Schedule | None, epochs: int) -> dict[str, Any]:
    """What a schedule adds to the configuration of a run: its own, and the epochs that it is laid out over.

    Nothing where there is none, so that checkpoints without a schedule are those of older versions. ValueError for
    what is no schedule.
    """
    require_schedule("schedule", schedule)
    return {} if schedule is None else {"schedule": schedule.configuration, "epochs": epochs}


def scheduled(optimizer: AnyOptimizer, schedule: Schedule | None, epoch: int, epochs: int) -> AnyOptimizer:
    """The optimizer of one epoch: the same one, but its lr multiplied by the schedule's factor.

    Raises
    ------
    ValueError
        If the factor is below 0 or not finite, or the optimizer is no dataclass with a field `lr`.

    Examples
    --------
    >>> from minigrok.optimizers import SGD
    >>> scheduled(SGD(0.1, momentum=0.9), Cosine(), epoch=5, epochs=10)
    SGD(lr=0.05, momentum=0.9, weight_decay=0.0, nesterov=False)
    """
    if schedule is None:
        return optimizer
    factor = real_number("the schedule's factor", schedule(epoch, epochs), 0.0)
    settings: Any = optimizer                            # of a kind that the loop need not know
    if not dataclasses.is_dataclass(optimizer) or not hasattr(optimizer, "lr"):
        raise ValueError(f"{optimizer!r} takes no schedule: an optimizer that does is a dataclass with a field `lr`")
    changed: AnyOptimizer = dataclasses.replace(settings, lr=settings.lr * factor)
    return changed
