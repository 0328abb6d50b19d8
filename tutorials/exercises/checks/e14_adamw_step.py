"""The marker's side of e14_adamw_step."""

import numpy as np

import minigrok
from minigrok.course.laws import Failure, agrees, fails, holds

LESSON, MINUTES = 3, 25
HINTS = (
    "Begin with the two means, one line each. What you return of them is what these lines made; corrected copies get "
    "names of their own.",
    "At t = 1 the corrections divide by 1 - b1 and 1 - b2, which gives back g and g^2: the step is lr times g / |g|, "
    "plus or minus lr. Check your lines against that.",
    "In order: m; v; theta shrunk by 1 - lr * weight_decay (a new array); then theta minus lr * m_corrected / "
    "(np.sqrt(v_corrected) + eps), with m_corrected = m / (1 - b1**t) and v_corrected alike.",
)


def adamw_step(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    m = b1 * mean + (1 - b1) * gradient                  # of g
    v = b2 * mean_square + (1 - b2) * gradient**2        # of g^2, so that the root has the unit of g
    m_corrected = m / (1 - b1**t)                        # at t = 1 it is g itself
    v_corrected = v / (1 - b2**t)
    shrunk = (1 - lr * weight_decay) * theta
    return shrunk - lr * m_corrected / (np.sqrt(v_corrected) + eps), m, v


def check(adamw_step, rng):
    zero, one = np.zeros(1), np.ones(1)
    holds(adamw_step, "without gradient and memory only the decay acts: theta becomes (1 - lr lambda) theta",
          lambda answer: abs(answer[0][0] - 1.9) < 1e-12, 2 * one, zero, zero, zero, 1, 0.1, 0.9, 0.999, 1e-8, 0.5)
    for gradient in (4 * one, np.array([1.0, -0.01])):
        _first_step_is_lr_long(adamw_step, gradient)
    _agrees(adamw_step, one, 2 * one, zero, zero, 1, 0.1, 0.5, 0.5, 1.0, 0.0)            # eps that one can see
    _agrees(adamw_step, one, 2 * one, one, one, 2, 0.1, 0.5, 0.75, 0.5, 0.5)
    for parameters in (1, 3, 6):
        theta, gradient, mean, root = rng.normal(size=(4, parameters))
        for t, eps, decay in ((1, 1e-30, 0.0), (2, 1e-8, 0.0), (3, 0.1, 0.1), (50, 1e-3, 0.5)):
            arguments = theta, gradient, mean, root**2 + 0.1, t, 0.1, 0.9, 0.99, eps, decay
            if eps == 1e-30:
                _scale_drops_out(adamw_step, *arguments)
            _agrees(adamw_step, *arguments)
    theta, mean, mean_square, hill = np.array([1.0, -1.0]), np.zeros(2), np.zeros(2), np.array([1.0, 100.0])
    for t in range(1, 5):                                # down the valley L = (x^2 + 100 y^2) / 2
        arguments = theta, hill * theta, mean, mean_square, t, 0.1, 0.9, 0.999, 1e-8, 0.01
        _agrees(adamw_step, *arguments)
        theta, mean, mean_square = adamw_step(*arguments)


def _first_step_is_lr_long(adamw_step, gradient):
    zero = np.zeros(len(gradient))
    arguments = zero, gradient, zero, zero, 1, 0.1, 0.9, 0.999, 1e-12, 0.0
    moved, expected = adamw_step(*arguments)[0], -0.1 * np.sign(gradient)
    if not np.allclose(moved, expected, rtol=0, atol=1e-9):
        fails("the first step moves each parameter by lr, downhill, however steep it is", arguments, moved, expected)


def _scale_drops_out(adamw_step, theta, gradient, mean, mean_square, *settings):
    arguments = theta, gradient, mean, mean_square, *settings
    larger = theta, 10 * gradient, 10 * mean, 100 * mean_square, *settings
    before, after = adamw_step(*arguments)[0], adamw_step(*larger)[0]
    if not np.allclose(after, before, rtol=0, atol=1e-9):
        raise Failure("a loss ten times as large makes the same step: the scale of g drops out of m / sqrt(v)",
                      arguments, {"your theta before": before, "your theta after": after}, changed=larger)


def _minigrok(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    optimizer, theta = minigrok.AdamW(lr, (b1, b2), eps, weight_decay), theta.copy()
    state = optimizer.start(theta)._replace(steps=t - 1, mean=mean, mean_square=mean_square)
    state = optimizer.step(theta, gradient, state)
    return theta, state.mean, state.mean_square


def _agrees(adamw_step, *arguments):
    agrees(adamw_step, _minigrok, *arguments,
           sentence="shrink theta, then step by lr m / (sqrt(v) + eps) with m and v corrected; return (theta, m, v)")


def _by_loop(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    moved, m, v = theta.copy(), mean.copy(), mean_square.copy()
    for i in range(len(theta)):
        m[i] = b1 * m[i] + (1 - b1) * gradient[i]
        v[i] = b2 * v[i] + (1 - b2) * gradient[i] * gradient[i]
        root = (v[i] / (1 - b2**t)) ** 0.5
        moved[i] -= lr * weight_decay * theta[i] + lr * (m[i] / (1 - b1**t)) / (root + eps)
    return moved, m, v


def _moves_the_means(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    m = mean + (1 - b1) * (gradient - mean)
    v = mean_square + (1 - b2) * (gradient * gradient - mean_square)
    direction = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps)
    return [theta - lr * (direction + weight_decay * theta), m, v]


def _corrects_the_rate(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    m, v = b1 * mean + (1 - b1) * gradient, b2 * mean_square + (1 - b2) * gradient**2
    root = np.sqrt(1 - b2**t)
    theta = theta - lr * weight_decay * theta
    return theta - lr * root / (1 - b1**t) * m / (np.sqrt(v) + eps * root), m, v


RIGHT = (_by_loop, _moves_the_means, _corrects_the_rate, _minigrok)


def _variant(
    step=lambda theta, g, m, v, m_corrected, v_corrected, lr, eps: -lr * m_corrected / (np.sqrt(v_corrected) + eps),
    corrected=lambda m, v, t, b1, b2: (m / (1 - b1**t), v / (1 - b2**t)),
    means=lambda g, m, v, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2),
    shrink=lambda lr, decay: 1 - lr * decay,
    returned=lambda theta, m, v, m_corrected, v_corrected: (theta, m, v),
):
    """AdamW with one part of it in another form."""
    def wrong(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
        with np.errstate(all="ignore"):
            m, v = means(gradient, mean, mean_square, b1, b2)
            m_corrected, v_corrected = corrected(m, v, np.float64(t), b1, b2)
            moved = shrink(lr, weight_decay) * theta + step(
                theta, gradient, m, v, m_corrected, v_corrected, lr, eps)
            return returned(moved, m, v, m_corrected, v_corrected)

    return wrong


def _coupled(theta, gradient, *rest):
    return adamw_step(theta, gradient + rest[-1] * theta, *rest[:-1], 0.0)


def _decay_of_the_step(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    moved, m, v = adamw_step(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, 0.0)
    return (1 - lr * weight_decay) * moved, m, v


def _eps_uncorrected(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay):
    eps = eps / np.sqrt(1 - b2**t)                       # m / (sqrt(v) + eps) times the two corrections
    return adamw_step(theta, gradient, mean, mean_square, t, lr, b1, b2, eps, weight_decay)


WRONG = {
    "adds the decay to the gradient, so that m and v see it: that is Adam with an L2 penalty": _coupled,
    "shrinks theta by 1 - lambda: the learning rate is missing from the decay":
        _variant(shrink=lambda lr, decay: 1 - decay),
    "shrinks theta after the step, and so a part of the step as well": _decay_of_the_step,
    "leaves out the weight decay": _variant(shrink=lambda lr, decay: 1.0),
    "lets the weights grow: the decay has the wrong sign": _variant(shrink=lambda lr, decay: 1 + lr * decay),
    "leaves out the bias corrections: the first means are far too small":
        _variant(corrected=lambda m, v, t, b1, b2: (m, v)),
    "corrects with t - 1: the first step divides by 1 - b1^0 = 0":
        _variant(corrected=lambda m, v, t, b1, b2: (m / (1 - b1 ** (t - 1)), v / (1 - b2 ** (t - 1)))),
    "corrects with t + 1: t is the number of this step already":
        _variant(corrected=lambda m, v, t, b1, b2: (m / (1 - b1 ** (t + 1)), v / (1 - b2 ** (t + 1)))),
    "corrects as at the first step for ever: b1 and b2 are not raised to the power t":
        _variant(corrected=lambda m, v, t, b1, b2: (m / (1 - b1), v / (1 - b2))),
    "corrects m, but not v": _variant(corrected=lambda m, v, t, b1, b2: (m / (1 - b1**t), v)),
    "multiplies b1 by t where it should be raised to the power t":
        _variant(corrected=lambda m, v, t, b1, b2: (m / (1 - b1 * t), v / (1 - b2 * t))),
    "corrects m with b2 and v with b1":
        _variant(corrected=lambda m, v, t, b1, b2: (m / (1 - b2**t), v / (1 - b1**t))),
    "puts eps inside the root, where it has another unit and is far larger":
        _variant(step=lambda theta, g, m, v, mc, vc, lr, eps: -lr * mc / np.sqrt(vc + eps)),
    "adds eps to the root of v before v is corrected, as TensorFlow does":
        _eps_uncorrected,
    "leaves out eps: where a gradient was never seen it divides 0 by 0":
        _variant(step=lambda theta, g, m, v, mc, vc, lr, eps: -lr * mc / np.sqrt(vc)),
    "leaves out the root: the step is 1 / g where it should be of the order of lr":
        _variant(step=lambda theta, g, m, v, mc, vc, lr, eps: -lr * mc / (vc + eps)),
    "steps along the gradient instead of its mean, as RMSprop does":
        _variant(step=lambda theta, g, m, v, mc, vc, lr, eps: -lr * g / (np.sqrt(vc) + eps)),
    "climbs: the step goes against the mean gradient":
        _variant(step=lambda theta, g, m, v, mc, vc, lr, eps: lr * mc / (np.sqrt(vc) + eps)),
    "divides all parameters by one number, the length of the whole gradient: v is one for each":
        _variant(step=lambda theta, g, m, v, mc, vc, lr, eps: -lr * mc / (np.sqrt(vc.sum()) + eps)),
    "swaps the two rates: m forgets with b2, and v with b1":
        _variant(means=lambda g, m, v, b1, b2: (b2 * m + (1 - b2) * g, b1 * v + (1 - b1) * g**2)),
    "takes b1 for b2, and b2 for b1, everywhere: b1 belongs to m, b2 to v":
        lambda theta, g, m, v, t, lr, b1, b2, eps, decay: adamw_step(theta, g, m, v, t, lr, b2, b1, eps, decay),
    "swaps the weights within the means: the old mean counts 1 - b1, where it should count b1":
        _variant(means=lambda g, m, v, b1, b2: ((1 - b1) * m + b1 * g, (1 - b2) * v + b2 * g**2)),
    "sums the gradients as momentum does, without the factors 1 - b1 and 1 - b2":
        _variant(means=lambda g, m, v, b1, b2: (b1 * m + g, b2 * v + g**2)),
    "takes the mean square of m, where it is that of the gradient":
        _variant(means=lambda g, m, v, b1, b2: (
            b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * (b1 * m + (1 - b1) * g) ** 2)),
    "returns the corrected means: at the next step they are corrected once more":
        _variant(returned=lambda theta, m, v, m_corrected, v_corrected: (theta, m_corrected, v_corrected)),
    "returns the two means in the wrong order": _variant(returned=lambda theta, m, v, *corrected: (theta, v, m)),
}
