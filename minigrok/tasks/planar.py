"""Two-class problems, in the plane or a cube; coordinates of pure noise can be added to each.

    circles      radius 1 against radius 1/2
    moons        two interleaved half circles
    xor          inputs around the corners (+-1, ..., +-1) of a cube, labelled by the parity of their signs
    spirals      two arms of an Archimedean spiral, one turn and a half
    blobs        Gaussian clouds around two opposite centres
    halfspace    uniform in a cube, labelled by the side of a random plane

Each is a function of its settings and a seed; the classes are balanced (for "halfspace" exactly so, too).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrok.checks import FloatArray, IntArray, real_number, whole_number
from minigrok.tasks.base import Task, split

LOUDEST = 1e100                # noise, beyond which sums over its squares would overflow

def circles(
    n: int = 400, noise: float = 0.1, seed: int = 0, test_fraction: float = 0.5, noise_dimensions: int = 0
) -> Task:
    """Two circles around the origin: radius 1 is class 0, radius 1/2 class 1.

    Parameters
    ----------
    n : int
        Inputs, train and test together; the classes are balanced to one.
    noise : float
        Standard deviation of the Gaussian added to each coordinate.
    seed : int
    test_fraction : float
        Share of the inputs that is held out.
    noise_dimensions : int
        Further coordinates that hold nothing but standard normal noise.

    Raises
    ------
    ValueError
        For settings out of range, or so few inputs that a side of the split is empty.

    Examples
    --------
    >>> task = circles(n=100, seed=0)
    >>> task.X_train.shape, task.y_test.shape
    ((50, 2), (50,))
    """
    def draw(y: IntArray, rng: np.random.Generator) -> FloatArray:
        angle = rng.uniform(0, 2 * np.pi, len(y))
        return np.where(y == 0, 1.0, 0.5)[:, None] * _unit(angle)

    return _two_classes("circles", draw, n, noise, seed, test_fraction, noise_dimensions)


def moons(
    n: int = 400, noise: float = 0.1, seed: int = 0, test_fraction: float = 0.5, noise_dimensions: int = 0
) -> Task:
    """Two interleaved half circles of radius 1: (cos t, sin t) and (1 - cos t, 1/2 - sin t) with 0 <= t <= pi.

    Parameters, errors as for `circles`.

    Examples
    --------
    >>> moons(n=100, noise_dimensions=3).X_train.shape
    (50, 5)
    """
    def draw(y: IntArray, rng: np.random.Generator) -> FloatArray:
        upper = _unit(rng.uniform(0, np.pi, len(y)))
        return np.where(y[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)

    return _two_classes("moons", draw, n, noise, seed, test_fraction, noise_dimensions)


def spirals(
    n: int = 400, noise: float = 0.1, seed: int = 0, test_fraction: float = 0.5, noise_dimensions: int = 0
) -> Task:
    """Two arms of a spiral: radius t / (3 pi) at angle t, 0.5 <= t <= 3 pi, and the same turned by half a turn.

    Parameters, errors as for `circles`; a noise of 0.1 already mixes the arms near the centre.

    Examples
    --------
    >>> spirals(n=100, noise=0.02).n_classes
    2
    """
    def draw(y: IntArray, rng: np.random.Generator) -> FloatArray:
        t = rng.uniform(0.5, 3 * np.pi, len(y))
        return (t / (3 * np.pi))[:, None] * _unit(t + np.pi * y)

    return _two_classes("spirals", draw, n, noise, seed, test_fraction, noise_dimensions)


def xor(
    n: int = 400, noise: float = 0.3, seed: int = 0, test_fraction: float = 0.5, noise_dimensions: int = 0,
    dimension: int = 2,
) -> Task:
    """Parity: inputs around the corners of the cube (+-1, ..., +-1); class 1 where an odd number are negative.

    Parameters, errors as for `circles`, and

    dimension : int
        Of the cube; 2 is the exclusive or.

    Examples
    --------
    >>> task = xor(n=200, noise=0.0)
    >>> bool((task.y_train == (task.X_train.prod(axis=1) < 0)).all())
    True
    """
    dimension = whole_number("dimension", dimension, 2)

    def draw(y: IntArray, rng: np.random.Generator) -> FloatArray:
        corners = rng.choice([-1.0, 1.0], (len(y), dimension))
        wrong = (corners.prod(axis=1) < 0) != (y == 1)
        corners[wrong, 0] *= -1                          # turning one sign changes the parity
        return corners

    return _two_classes("xor", draw, n, noise, seed, test_fraction, noise_dimensions, dimension=dimension)


def blobs(
    n: int = 400, noise: float = 1.0, seed: int = 0, test_fraction: float = 0.5, noise_dimensions: int = 0,
    dimension: int = 2, separation: float = 4.0,
) -> Task:
    """Two Gaussian clouds around opposite centres +-c, |2 c| = separation, in a random direction.

    Parameters, errors as for `circles`, and

    dimension : int
    separation : float
        Distance of the centres, to be seen beside `noise`, the standard deviation of a coordinate. The
        best classifier has accuracy Phi(separation / (2 noise)): 97.7 % as it stands.

    Examples
    --------
    >>> blobs(n=100, dimension=10).X_test.shape
    (50, 10)
    """
    dimension, separation = whole_number("dimension", dimension, 1), real_number("separation", separation, 0)

    def draw(y: IntArray, rng: np.random.Generator) -> FloatArray:
        direction = rng.normal(size=dimension)
        centre = separation / 2 * direction / np.linalg.norm(direction)
        return np.where(y[:, None] == 0, centre, -centre)

    return _two_classes(
        "blobs", draw, n, noise, seed, test_fraction, noise_dimensions, dimension=dimension, separation=separation)


def halfspace(
    n: int = 400, dimension: int = 2, margin: float = 0.0, noise: float = 0.0, seed: int = 0,
    test_fraction: float = 0.5, noise_dimensions: int = 0,
) -> Task:
    """Uniform in the cube [-1, 1]^dimension, class 1 above a random plane through the origin: w.x > 0.

    Parameters, errors as for `circles`, and

    dimension : int
    margin : float
        Inputs are at least so far from the plane (before noise), from 0 to 0.5.

    Examples
    --------
    >>> halfspace(100, 5, margin=0.2).X_train.shape
    (50, 5)
    """
    dimension, margin = whole_number("dimension", dimension, 1), real_number("margin", margin, 0, 0.5)

    def draw(y: IntArray, rng: np.random.Generator) -> FloatArray:
        w = rng.normal(size=dimension)
        w /= np.linalg.norm(w)
        X, missing = np.empty((len(y), dimension)), np.arange(len(y))
        while missing.size:                              # draw again what lies within the margin
            X[missing] = rng.uniform(-1, 1, (missing.size, dimension))
            missing = missing[abs(X[missing] @ w) < margin]
        X[((X @ w) > 0) != (y == 1)] *= -1               # the mirror image has the other label
        return X

    return _two_classes(
        "halfspace", draw, n, noise, seed, test_fraction, noise_dimensions, dimension=dimension, margin=margin)


def _two_classes(
    name: str, draw: Callable[[IntArray, np.random.Generator], FloatArray], n: int, noise: float, seed: int,
    test_fraction: float, noise_dimensions: int, **settings: Any,
) -> Task:
    """A task of balanced labels in random order; draw(y, rng) makes the inputs (n, dimensions) for these labels.

    Then noise is added to them, dimensions of noise are put beside them, and the last of them become the test set: a
    random split, since their order is random.
    """
    n, seed = whole_number("n", n, 2), whole_number("seed", seed, 0, np.inf)
    noise, test_fraction = real_number("noise", noise, 0, LOUDEST), real_number("test_fraction", test_fraction, 0, 1)
    noise_dimensions = whole_number("noise_dimensions", noise_dimensions, 0)
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    X = draw(y, rng)
    X = X + noise * rng.normal(size=X.shape)
    X = np.concatenate([X, rng.normal(size=(n, noise_dimensions))], axis=1)
    train, test = split(np.arange(n), test_fraction)
    return Task(X[train], y[train], X[test], y[test], 2, {
        "name": name, "n": n, "noise": noise, "seed": seed, "test_fraction": test_fraction,
        "noise_dimensions": noise_dimensions, **settings})


def _unit(angle: FloatArray) -> FloatArray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
