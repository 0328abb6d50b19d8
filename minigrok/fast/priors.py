"""Priors of a unit's weights, and moves that a walk over them proposes.

    box       each weight uniform in [-scale, scale]
    gauss     each normal with standard deviation scale
    sphere    the unit's weights, its bias among them, uniform on the sphere of radius scale
"""

import math
from typing import Any

import numpy as np

from minigrok.checks import FloatArray
from minigrok.jit import jit

PRIORS = {"box": 0, "gauss": 1, "sphere": 2}
BOX, SPHERE = PRIORS["box"], PRIORS["sphere"]


def draw(rng: np.random.Generator, prior: str, scale: float, shape: tuple[int, ...]) -> FloatArray:
    """Weights drawn from the prior; the last axis runs over the weights of one unit."""
    if prior == "box":
        return rng.uniform(-scale, scale, shape)
    weights: Any = rng.normal(0.0, scale, shape)
    if prior == "sphere":
        weights *= scale / np.linalg.norm(weights, axis=-1, keepdims=True)
    return np.asarray(weights)


@jit
def move_weight(
    weights: FloatArray, k: int, amount: float, prior: int, scale: float, candidate: FloatArray
) -> float:
    """Write a unit's weights after a move of weight k into `candidate`; return ln of the ratio of the prior.

    `amount` is in [-1, 1]. Box and gauss: weight k grows by scale * amount; beyond the box the ratio is -inf. On the
    sphere the weights k and k + 1 (cyclic) turn by the angle pi * amount, as likely as back; the length is set anew,
    so that it does not drift.
    """
    n = len(weights)
    for i in range(n):
        candidate[i] = weights[i]
    if prior == SPHERE:
        other = (k + 1) % n
        c, s = math.cos(math.pi * amount), math.sin(math.pi * amount)
        candidate[k] = c * weights[k] - s * weights[other]
        candidate[other] = s * weights[k] + c * weights[other]
        square = 0.0
        for i in range(n):
            square += candidate[i] ** 2
        for i in range(n):
            candidate[i] *= scale / math.sqrt(square)
        return 0.0
    candidate[k] = weights[k] + scale * amount
    if prior == BOX:
        return 0.0 if abs(candidate[k]) <= scale else -np.inf
    log_ratio: float = -0.5 * (candidate[k] ** 2 - weights[k] ** 2) / scale**2
    return log_ratio
