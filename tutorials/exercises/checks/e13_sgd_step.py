"""The marker's side of e13_sgd_step."""

import numpy as np

import minigrok
from minigrok.course.laws import Failure, agrees, holds

LESSON, MINUTES = 3, 10
HINTS = (
    "Three lines, in the order of the three formulas; each uses what the line before it has made.",
    "g = gradient + weight_decay * theta makes a new array. What would `gradient += ...` do to the caller's?",
    "The second line is u = momentum * velocity + g. The step then uses the new u, and lr appears nowhere else.",
)


def sgd_step(theta, gradient, velocity, lr, momentum, weight_decay):
    g = gradient + weight_decay * theta
    u = momentum * velocity + g
    return theta - lr * u, u   # the learning rate stands outside u: change it, and the memory stays what it was


def check(sgd_step, rng):
    one, zero = np.array([1.0]), np.array([0.0])
    _agrees(sgd_step, one, np.array([2.0]), zero, 0.1, 0.0, 0.0,
            sentence="without momentum and decay it is gradient descent, theta - lr g, and u is g")
    holds(sgd_step, "where there is no gradient, no velocity and no decay, theta stays",
          lambda answer: np.array_equal(answer[0], [2.0]), np.array([2.0]), zero, zero, 0.1, 0.9, 0.0)
    _agrees(sgd_step, one, zero, np.array([2.0]), 0.1, 0.5, 0.0,
            sentence="without a gradient the ball rolls on, slower by the factor mu: u becomes mu u")
    _agrees(sgd_step, np.array([2.0]), zero, zero, 0.1, 0.0, 0.5,
            sentence="decay alone shrinks theta by the factor 1 - lr lambda, and u is lambda theta")
    for parameters in (1, 2, 5):
        theta, gradient, velocity = rng.normal(size=(3, parameters))
        for momentum, decay in ((0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.9, 0.1)):
            small, large = ((theta, gradient, velocity, lr, momentum, decay) for lr in (0.1, 0.2))
            slow, fast = sgd_step(*small), sgd_step(*large)
            if not np.allclose(fast[1], slow[1], rtol=0, atol=1e-12):
                raise Failure("the velocity does not know the learning rate: twice lr, the same u", small,
                              {"your u before": slow[1], "your u after": fast[1]}, changed=large)
            if not np.allclose(fast[0] - theta, 2 * (slow[0] - theta), rtol=0, atol=1e-12):
                raise Failure("twice the learning rate moves theta twice as far", small, {
                    "twice your step before": 2 * (slow[0] - theta), "your step after": fast[0] - theta}, changed=large)
            _agrees(sgd_step, *large)
    theta, velocity, hill = np.array([1.0, -1.0]), np.zeros(2), np.array([1.0, 10.0])
    for _ in range(4):                                   # down the valley L = (x^2 + 10 y^2) / 2
        arguments = theta, hill * theta, velocity, 0.05, 0.9, 0.01
        _agrees(sgd_step, *arguments)
        theta, velocity = sgd_step(*arguments)


def _minigrok(theta, gradient, velocity, lr, momentum, weight_decay):
    optimizer, before, theta = minigrok.SGD(lr, momentum, weight_decay), theta, theta.copy()
    state = optimizer.step(theta, gradient, optimizer.start(theta)._replace(velocity=velocity))
    # minigrok keeps no velocity where mu is 0, for nothing would ever read it; the formula says u = g
    return theta, state.velocity if momentum else (before - theta) / lr


def _agrees(sgd_step, *arguments, sentence="g = gradient + lambda theta, u = mu u + g, theta - lr u; u is returned"):
    agrees(sgd_step, _minigrok, *arguments, sentence=sentence)


def _by_loop(theta, gradient, velocity, lr, momentum, weight_decay):
    moved, remembered = [], []
    for x, g, u in zip(theta, gradient, velocity):
        u = momentum * u + g + weight_decay * x
        moved.append(x - lr * u)
        remembered.append(u)
    return np.array(moved), np.array(remembered)


def _on_copies(theta, gradient, velocity, lr, momentum, weight_decay):
    theta, velocity = theta.copy(), velocity.copy()
    velocity *= momentum
    velocity += gradient
    velocity += weight_decay * theta
    theta -= lr * velocity
    return theta, velocity


def _written_out(theta, gradient, velocity, lr, momentum, weight_decay):
    moved = (1 - lr * weight_decay) * theta - lr * gradient - lr * momentum * velocity
    return [moved, (theta - moved) / lr]


RIGHT = (_by_loop, _on_copies, _written_out, _minigrok)


_step = sgd_step


def _decoupled(theta, gradient, velocity, lr, momentum, weight_decay):
    u = momentum * velocity + gradient
    return theta * (1 - lr * weight_decay) - lr * u, u


def _lr_inside(theta, gradient, velocity, lr, momentum, weight_decay):
    u = momentum * velocity + lr * (gradient + weight_decay * theta)
    return theta - u, u


def _displacement(theta, gradient, velocity, lr, momentum, weight_decay):
    u = momentum * velocity - lr * (gradient + weight_decay * theta)
    return theta + u, u


def _damped(theta, gradient, velocity, lr, momentum, weight_decay):
    u = momentum * velocity + (1 - momentum) * (gradient + weight_decay * theta)
    return theta - lr * u, u


def _old_velocity(theta, gradient, velocity, lr, momentum, weight_decay):
    return theta - lr * velocity, momentum * velocity + gradient + weight_decay * theta


def _nesterov(theta, gradient, velocity, lr, momentum, weight_decay):
    g = gradient + weight_decay * theta
    u = momentum * velocity + g
    return theta - lr * (g + momentum * u), u


def _forgets_velocity(theta, gradient, velocity, lr, momentum, weight_decay):
    return _step(theta, gradient, velocity, lr, momentum, weight_decay)[0], velocity


def _gradient_step(theta, gradient, velocity, lr, momentum, weight_decay):
    g = gradient + weight_decay * theta
    return theta - lr * g, momentum * velocity + g


def _uphill(theta, gradient, velocity, lr, momentum, weight_decay):
    u = momentum * velocity + gradient + weight_decay * theta
    return theta + lr * u, u


WRONG = {
    "leaves out the weight decay": lambda theta, g, u, lr, mu, decay: _step(theta, g, u, lr, mu, 0.0),
    "shrinks theta apart from the gradient, as AdamW does: SGD's decay goes through the velocity": _decoupled,
    "subtracts the decay from the gradient: the weights are pushed away from zero":
        lambda theta, g, u, lr, mu, decay: _step(theta, g, u, lr, mu, -decay),
    "multiplies the decay by lr twice: once is done by the step itself":
        lambda theta, g, u, lr, mu, decay: _step(theta, g, u, lr, mu, lr * decay),
    "puts lr inside the velocity: when lr changes, old gradients keep the old one": _lr_inside,
    "keeps the velocity as a displacement, -lr u, which is the convention of Sutskever and of Keras": _displacement,
    "damps the gradient by 1 - mu: a running mean, where the velocity is a sum": _damped,
    "steps along the old velocity: the present gradient comes one step late": _old_velocity,
    "looks ahead along the velocity, as Nesterov's momentum does": _nesterov,
    "steps along the new velocity, but returns the old one: nothing is ever remembered": _forgets_velocity,
    "steps along the gradient alone: the velocity is kept up and never used": _gradient_step,
    "leaves out the old velocity: it steps as if mu were 0":
        lambda theta, g, u, lr, mu, decay: _step(theta, g, u, lr, 0.0, decay),
    "climbs: the step goes against the gradient, theta - lr u": _uphill,
    "returns the velocity first: it must be (theta, velocity)":
        lambda *arguments: _step(*arguments)[::-1],
}
