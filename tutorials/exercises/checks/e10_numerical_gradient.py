"""The marker's side of e10_numerical_gradient."""

import numpy as np

from minigrok.course.laws import Source, agrees, holds, law

LESSON, MINUTES = 2, 10
HINTS = (
    "One element of the result after the other: a loop over i, with two calls of f in it.",
    "A copy of theta, in which element i alone is moved, goes into f: theta.copy() first, or the change stays.",
    "up = theta.copy(); up[i] += h; down = theta.copy(); down[i] -= h; then gradient[i] = (f(up) - f(down)) / (2 * h).",
)
LINEAR = Source("f", "def f(x):\n    return 3 * x[0] - 2 * x[1]")
CUBE = Source("f", "def f(x):\n    return (x**3).sum()")
PRODUCT = Source("f", "def f(x):\n    return x[0] * x[1] ** 2")
BEND = Source("f", "def f(x):\n    return np.maximum(x, 0).sum()")
QUADRATIC = Source("f", "def f(x):\n    return x @ x + x[0] * x[-1] + x.sum() ** 2")
SURPRISE = Source("f", "def f(x):\n    return np.log(np.exp(x).sum()) - x[0]")


def numerical_gradient(f, theta, h):
    gradient = np.zeros(len(theta))
    for i in range(len(theta)):
        e = np.zeros(len(theta))
        e[i] = h                       # theta + e is a new array: theta stays as it is
        gradient[i] = (f(theta + e) - f(theta - e)) / (2 * h)
    return gradient


def check(numerical_gradient, rng):
    agrees(numerical_gradient, _by_rows, LINEAR, np.array([1.0, 2.0]), 0.5,
           sentence="the slopes of 3 x0 - 2 x1 are 3 and -2, whatever the step")
    agrees(numerical_gradient, _by_rows, CUBE, np.array([1.0]), 0.5,
           sentence="((1 + h)^3 - (1 - h)^3) / (2 h) = 3 + h^2, here with h = 0.5")
    agrees(numerical_gradient, _by_rows, PRODUCT, np.array([2.0, 3.0]), 0.25,
           sentence="the slopes of x0 x1^2 are x1^2 and 2 x0 x1: the other element stays where it is")
    agrees(numerical_gradient, _by_rows, BEND, np.array([0.0, 1.0, -1.0]), 0.5,
           sentence="at the kink of a ReLU the central difference is 1/2, half of either slope")
    for d in (2, 3, 5):
        theta = rng.normal(size=d).round(1)
        law(numerical_gradient, "for a quadratic function central differences are exact, so the step does not matter",
            (QUADRATIC, theta, 0.5), (QUADRATIC, theta, 0.125))
        holds(numerical_gradient, "to shift all x alike leaves ln(sum exp(x)) - x0 alone, so its slopes add up to 0 "
              "but for an error of h^2", lambda g: abs(g.sum()) < 1e-4, SURPRISE, theta, 0.01)
        for f in (CUBE, SURPRISE, QUADRATIC):
            agrees(numerical_gradient, _by_rows, f, theta, 0.125,
                   sentence="(f(theta + h e_i) - f(theta - h e_i)) / (2 h) for each i")


def _by_rows(f, theta, h):
    return np.array([(f(theta + h * e) - f(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])


def _in_place(f, theta, h):
    theta, gradient = theta.copy(), np.empty_like(theta)
    for i, before in enumerate(theta):
        theta[i] = before + h
        up = f(theta)
        theta[i] = before - h
        gradient[i] = (up - f(theta)) / (2 * h)
        theta[i] = before
    return gradient


def _two_halves(f, theta, h):          # the mean of the forward and the backward difference is the central one
    here, steps = f(theta), h * np.eye(len(theta))
    forward = np.array([f(theta + e) - here for e in steps]) / h
    backward = np.array([here - f(theta - e) for e in steps]) / h
    return (forward + backward) / 2


def _all_points_first(f, theta, h):
    above, below = ([f(point) for point in theta + step * np.eye(len(theta))] for step in (h, -h))
    return (np.array(above) - np.array(below)) / (2 * h)


def _not_put_back(f, theta, h):
    theta, gradient = theta.copy(), np.empty_like(theta)
    for i in range(len(theta)):
        theta[i] += h
        up = f(theta)
        theta[i] -= 2 * h
        gradient[i] = (up - f(theta)) / (2 * h)
    return gradient


def _second_step_short(f, theta, h):
    theta, gradient = theta.copy(), np.empty_like(theta)
    for i in range(len(theta)):
        theta[i] += h
        up = f(theta)
        theta[i] -= h
        gradient[i] = (up - f(theta)) / (2 * h)
    return gradient


def _numbers(f, theta, h):
    return np.array([(f(x + h) - f(x - h)) / (2 * h) for x in theta])


RIGHT = (
    _by_rows,
    _in_place,
    _two_halves,
    _all_points_first,
)
WRONG = {
    "takes the forward difference, which errs by h, not by h^2": lambda f, theta, h: np.array(
        [(f(theta + h * e) - f(theta)) / h for e in np.eye(len(theta))]),
    "takes the backward difference, which errs by h, not by h^2": lambda f, theta, h: np.array(
        [(f(theta) - f(theta - h * e)) / h for e in np.eye(len(theta))]),
    "divides by h, but the two points lie 2 h apart": lambda f, theta, h: 2 * _by_rows(f, theta, h),
    "does not divide by the distance of the two points": lambda f, theta, h: 2 * h * _by_rows(f, theta, h),
    "multiplies by h / 2, as / 2 * h does without brackets": lambda f, theta, h: h**2 * _by_rows(f, theta, h),
    "has the sign turned round": lambda f, theta, h: -_by_rows(f, theta, h),
    "takes a step of its own, not the h that it is given": lambda f, theta, h: _by_rows(f, theta, 1e-5),
    "moves all elements at once: that is the slope along one direction, not one for each element": (
        lambda f, theta, h: np.full(len(theta), (f(theta + h) - f(theta - h)) / (2 * h))),
    "does not put an element back before it moves the next": _not_put_back,
    "goes back to theta, not to theta - h, and still divides by 2 h": _second_step_short,
    "hands f one element, but f takes the whole vector": _numbers,
    "leaves out element 0: it is the first, and a loop from 1 never comes to it": lambda f, theta, h: (
        _by_rows(f, theta, h) * (np.arange(len(theta)) > 0)),
    "leaves out the last element: range(d) ends at d - 1 by itself": lambda f, theta, h: (
        _by_rows(f, theta, h) * (np.arange(len(theta)) < len(theta) - 1)),
    "makes the step proportional to each element": lambda f, theta, h: np.array(
        [(f(theta + h * x * e) - f(theta - h * x * e)) / (2 * h * x) if x else 0.0
         for x, e in zip(theta, np.eye(len(theta)))]),
}
