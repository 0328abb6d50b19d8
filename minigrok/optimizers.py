"""From a gradient to a step downhill: theta becomes theta - lr * (a direction made of the gradients so far).

Here g is dL/dtheta at the present theta, t = 1, 2, ... counts the steps, and all is elementwise.

SGD (momentum mu, weight decay lambda); the velocity u starts at zero, so that the first u is the first g:

    g <- g + lambda theta          u <- mu u + g
    theta <- theta - lr u          or with Nesterov's look ahead:  theta <- theta - lr (g + mu u)

With mu = 0 the step is lr g and nothing need be remembered: the state keeps u = 0, as it began.

AdamW (betas b1 and b2, weight decay lambda); m and v start at zero, which the divisions make up for:

    theta <- (1 - lr lambda) theta
    m <- b1 m + (1 - b1) g         v <- b2 v + (1 - b2) g^2
    theta <- theta - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Before either, a gradient that is too long may be shortened: `clipped`.

An optimizer is nothing but its settings. What it remembers is one value, the state: `start` makes the first,
a step moves theta in place and returns the next. A checkpoint keeps `state._asdict()`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigrok.checks import FloatArray, numeric_array, real_number, short


class Optimizer(Protocol):
    """What the training loop asks of an optimizer; bring your own."""

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON, by which a checkpoint tells one run from another."""

    def start(self, theta: FloatArray) -> Any:
        """The state before the first step: a named tuple of arrays and numbers."""

    def step(self, theta: FloatArray, gradient: FloatArray, state: Any) -> Any:
        """Move `theta` in place, leave `gradient` and `state` alone, and return the next state."""


class SGDState(NamedTuple):
    """What SGD remembers from one step to the next."""

    steps: int                  # steps made
    velocity: FloatArray        # (parameters,) u, the decaying sum of the gradients; always zero without momentum


class AdamWState(NamedTuple):
    """What AdamW remembers from one step to the next."""

    steps: int                  # steps made, t
    mean: FloatArray            # (parameters,) m, the running mean of g, still to be divided by 1 - b1^t
    mean_square: FloatArray     # (parameters,) v, the running mean of g^2, still to be divided by 1 - b2^t


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum, Nesterov's momentum and weight decay; equations above.

    PyTorch's conventions [2]_: the learning rate stands outside the velocity, nothing is damped, and weight
    decay adds weight_decay * theta to the gradient, biases included. The Nesterov form is that of [1]_
    written for the parameters at which the gradient is taken, theta + mu v with v = -lr u.

    Parameters
    ----------
    lr : float
        Learning rate, 0 or more.
    momentum : float
        mu, in [0, 1).
    weight_decay : float
        lambda, 0 or more.
    nesterov : bool
        Whether to look ahead along the velocity; needs momentum.

    Raises
    ------
    ValueError
        If a setting is out of its range or NaN, or `nesterov` comes without momentum.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and
       momentum in deep learning", ICML 2013, section 2.
    .. [2] PyTorch, documentation of torch.optim.SGD.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0]), SGD(lr=0.1, momentum=0.5)
    >>> state = optimizer.start(theta)
    >>> for _ in range(2):
    ...     state = optimizer.step(theta, np.array([2.0]), state)
    >>> theta                                    # 1 - 0.1 * 2 - 0.1 * (0.5 * 2 + 2)
    array([0.5])
    """

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Check the settings; as plain floats they leave float32 parameters float32."""
        settle(self, lr=real_number("lr", self.lr, 0.0), momentum=below_one("momentum", self.momentum),
               weight_decay=real_number("weight_decay", self.weight_decay, 0.0), nesterov=bool(self.nesterov))
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov is True, but momentum is 0: give a momentum, say 0.9, or leave nesterov out")

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON."""
        return {"optimizer": "SGD", "lr": self.lr, "momentum": self.momentum,
                "weight_decay": self.weight_decay, "nesterov": self.nesterov}

    def start(self, theta: FloatArray) -> SGDState:
        """The state before the first step, for parameters like `theta`, which is only looked at."""
        return SGDState(0, np.zeros_like(theta))

    def step(self, theta: FloatArray, gradient: FloatArray, state: SGDState) -> SGDState:
        """One step: moves `theta` in place, leaves `gradient` and `state` alone, returns the next state.

        All have the shape and type that `start` saw; else ValueError.
        """
        require_alike(theta, gradient, state.velocity)
        g, u = gradient, state.velocity
        if self.weight_decay:
            g = g + self.weight_decay * theta
        if self.momentum:
            u = self.momentum * u + g
            g = g + self.momentum * u if self.nesterov else u
        theta -= self.lr * g
        return SGDState(int(state.steps) + 1, u)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay; equations above.

    The decay multiplies every parameter, biases included, by 1 - lr * weight_decay, as in PyTorch; in [1]_
    the factor of the weight decay is not the learning rate itself but its schedule. m, v and eps as in [2]_.

    Parameters
    ----------
    lr : float
        Learning rate, 0 or more: about the largest distance that a parameter moves in a step.
    betas : (float, float)
        b1 and b2, each in [0, 1).
    eps : float
        Above 0: with 0 a parameter whose gradient is zero would move by 0 / 0.
    weight_decay : float
        lambda, 0 or more.

    Raises
    ------
    ValueError
        If a setting is out of its range or NaN.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0, 1.0]), AdamW(lr=0.1)
    >>> state = optimizer.step(theta, np.array([5.0, -0.01]), optimizer.start(theta))
    >>> theta.round(6)                           # the first step is lr long, whatever the gradient's size
    array([0.9, 1.1])
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings; as plain floats they leave float32 parameters float32."""
        betas = numeric_array("betas", self.betas).ravel().tolist()
        if len(betas) != 2:
            raise ValueError(f"betas is {short(self.betas)}, but must be two numbers, say (0.9, 0.999)")
        settle(self, lr=real_number("lr", self.lr, 0.0),
               betas=(below_one("betas[0]", betas[0]), below_one("betas[1]", betas[1])),
               eps=real_number("eps", self.eps, 0.0, low_open=True),
               weight_decay=real_number("weight_decay", self.weight_decay, 0.0))

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings, fit for JSON."""
        return {"optimizer": "AdamW", "lr": self.lr, "betas": list(self.betas), "eps": self.eps,
                "weight_decay": self.weight_decay}

    def start(self, theta: FloatArray) -> AdamWState:
        """The state before the first step, for parameters like `theta`, which is only looked at."""
        return AdamWState(0, np.zeros_like(theta), np.zeros_like(theta))

    def step(self, theta: FloatArray, gradient: FloatArray, state: AdamWState) -> AdamWState:
        """One step: moves `theta` in place, leaves `gradient` and `state` alone, returns the next state.

        All have the shape and type that `start` saw; else ValueError. NumPy warns where a square overflows.
        """
        require_alike(theta, gradient, state.mean)
        b1, b2 = self.betas
        t = int(state.steps) + 1
        m = b1 * state.mean + (1 - b1) * gradient
        v = b2 * state.mean_square + (1 - b2) * gradient**2
        theta *= 1 - self.lr * self.weight_decay
        theta -= self.lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + self.eps)
        return AdamWState(t, m, v)


def clipped(gradient: FloatArray, clip_norm: float) -> FloatArray:
    """The gradient, shortened to length `clip_norm` where it is longer: g min(1, clip_norm / |g|).

    |g| is the Euclidean norm over all parameters. Its squares may overflow or vanish, so g is first divided by its
    largest entry. A gradient that is short enough comes back as it is, and so does one that is not finite, which no
    factor mends.

    Parameters
    ----------
    gradient : ndarray, shape (parameters,)
    clip_norm : float
        Above 0.

    Returns
    -------
    ndarray like `gradient`

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks",
       ICML 2013, section 3.2. (PyTorch's clip_grad_norm_ adds 1e-6 to |g|; this does not.)

    Examples
    --------
    >>> clipped(np.array([3.0, -4.0]), 1.0)
    array([ 0.6, -0.8])
    >>> clipped(np.array([3e200, -4e200]), 10.0)
    array([ 6., -8.])
    """
    largest = float(abs(gradient).max())
    if not 0 < largest < np.inf:
        return gradient
    direction = gradient / largest                       # entries in [-1, 1]
    length = clip_norm / float(np.linalg.norm(direction))          # of the clipped one's largest entry
    return direction * length if length < largest else gradient


def settle(optimizer: object, **settings: Any) -> None:
    """Put the checked settings into a frozen dataclass, which only its own construction may do."""
    for name, value in settings.items():
        object.__setattr__(optimizer, name, value)


def below_one(name: str, value: Any) -> float:
    """A share of what is remembered: a number from 0 to below 1, else ValueError."""
    number = real_number(name, value, 0.0, 1.0)
    if number == 1:
        raise ValueError(f"{name} is {short(value)}, but must be below 1: at 1 no gradient would ever be forgotten")
    return number


def require_alike(theta: FloatArray, gradient: FloatArray, memory: FloatArray) -> None:
    """Raise ValueError unless all have one shape and type: NumPy would stretch or round them in silence."""
    if any(not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray) for array in (theta, gradient)):
        raise ValueError(f"theta is {short(theta)}, gradient {short(gradient)}, but a step takes arrays, none masked")
    if not theta.shape == gradient.shape == memory.shape or not theta.dtype == gradient.dtype == memory.dtype:
        raise ValueError(
            f"theta is {theta.dtype} {theta.shape}, gradient {gradient.dtype} {gradient.shape} and the state "
            f"{memory.dtype} {memory.shape}, but they must be alike: make the state with start(theta)")
