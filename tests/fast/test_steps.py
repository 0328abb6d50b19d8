"""The fused steps against those of `minigrok.optimizers`, and what becomes of numbers too small for their type."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import seeds

from minigrok.fast.steps import (
    ADAMW_CODE,
    FAINT,
    FAINT_32,
    FAINT_ROOT,
    FAINT_ROOT_32,
    SETTINGS,
    SGD_CODE,
    adamw_step,
    clip,
    set_up_step,
    sgd_step,
)
from minigrok.optimizers import SGD, AdamW, clipped

FAINTS = {np.float32: (FAINT_32, FAINT_ROOT_32), np.float64: (FAINT, FAINT_ROOT)}
both_types = pytest.mark.parametrize("dtype", FAINTS)
both_forms = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
SGD_SETTINGS = [(momentum, decay, nesterov) for momentum, decay, nesterov in itertools.product(
    (0.0, 0.9), (0.0, 0.1), (False, True)) if momentum or not nesterov]
ADAMW_SETTINGS = [
    ((0.9, 0.999), 1e-8, 0.0), ((0.9, 0.98), 1e-3, 1.0), ((0.0, 0.0), 1e-8, 0.1), ((0.5, 0.9999), 1.0, 0.0)]


def form_of(kernel, compiled):
    return kernel if compiled else kernel.py_func


def stepped(optimizer, theta, gradients, compiled, memories=None):
    """Copies of theta and the memories after each step of the kernel along the gradients."""
    dtype = theta.dtype.type
    theta, faint, c = theta.copy(), np.array(FAINTS[dtype], dtype), np.full(SETTINGS, np.nan, dtype)
    memories = memories or [np.zeros_like(theta) for _ in range(2)]
    set_up, history = form_of(set_up_step, compiled), []
    for steps, gradient in enumerate(gradients, 1):
        before = gradient.copy()
        if isinstance(optimizer, SGD):
            numbers = np.array([optimizer.momentum, optimizer.weight_decay, optimizer.nesterov, 0])
            set_up(SGD_CODE, numbers, optimizer.lr, steps, c)
            form_of(sgd_step, compiled)(theta, gradient, memories[0], c, faint)
        else:
            numbers = np.array([*optimizer.betas, optimizer.eps, optimizer.weight_decay])
            set_up(ADAMW_CODE, numbers, optimizer.lr, steps, c)
            form_of(adamw_step, compiled)(theta, gradient, *memories, c, faint)
        np.testing.assert_array_equal(gradient, before)
        history.append([array.copy() for array in (theta, *memories)])
    return history


def plainly_stepped(optimizer, theta, gradients):
    """The same by the optimizer itself, whose memories follow theta."""
    theta, state, history = theta.copy(), optimizer.start(theta), []
    for gradient in gradients:
        state = optimizer.step(theta, gradient, state)
        history.append([theta.copy(), *(memory.copy() for memory in state[1:])])
    return history


def drawn(dtype, seed, steps=6, n=7):
    """theta and gradients of sizes from 1e-3 to 1e3, some of them zero."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-3, 3, size=n) * (rng.random(n) < 0.9)
    return rng.normal(size=n).astype(dtype), (sizes * rng.normal(size=(steps, n))).astype(dtype), sizes


def bound(dtype, steps, sizes):
    """Each step rounds four times or fewer, at most eps / 2 of a size that a few gradients make up."""
    return 4 * steps * np.finfo(dtype).eps * sizes


@both_forms
@both_types
@pytest.mark.parametrize(("momentum", "decay", "nesterov"), SGD_SETTINGS)
@settings(max_examples=15)
@given(seed=seeds)
def test_sgd_steps_as_the_optimizer_does(compiled, dtype, momentum, decay, nesterov, seed):
    theta, gradients, sizes = drawn(dtype, seed)
    optimizer = SGD(0.01, momentum, decay, nesterov)
    history, expected = stepped(optimizer, theta, gradients, compiled), plainly_stepped(optimizer, theta, gradients)
    largest = 1 + abs(theta) + len(gradients) * 4 * sizes
    for steps, (ours, plain) in enumerate(zip(history, expected, strict=True), 1):
        assert (abs(ours[0] - plain[0]) <= bound(dtype, steps, largest)).all()
        assert (abs(ours[1] - plain[1]) <= bound(dtype, steps, largest)).all()
        np.testing.assert_array_equal(ours[2], 0)


@both_forms
@both_types
@pytest.mark.parametrize(("betas", "eps", "decay"), ADAMW_SETTINGS)
@settings(max_examples=15)
@given(seed=seeds)
def test_adamw_steps_as_the_optimizer_does(compiled, dtype, betas, eps, decay, seed):
    theta, gradients, sizes = drawn(dtype, seed)
    optimizer = AdamW(0.01, betas, eps, decay)
    history, expected = stepped(optimizer, theta, gradients, compiled), plainly_stepped(optimizer, theta, gradients)
    for steps, (ours, plain) in enumerate(zip(history, expected, strict=True), 1):
        assert (abs(ours[0] - plain[0]) <= bound(dtype, steps, 1 + abs(theta))).all()
        assert (abs(ours[1] - plain[1]) <= bound(dtype, steps, 4 * sizes)).all()
        assert (abs(ours[2] - plain[2]) <= bound(dtype, steps, 16 * sizes**2)).all()


@both_types
@pytest.mark.parametrize("optimizer", [SGD(0.01), SGD(0.01, 0.9, 0.1, True), AdamW(0.01, weight_decay=0.1)])
def test_both_forms_give_the_same_to_rounding_and_a_second_time_the_same_bits(optimizer, dtype):
    theta, gradients, _ = drawn(dtype, 0)
    first, again, plain = (stepped(optimizer, theta, gradients, compiled) for compiled in (True, True, False))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, plain, rtol=100 * np.finfo(dtype).eps)


OPTIMIZERS = [SGD(1.0, momentum=0.5), SGD(1.0, weight_decay=0.5),
              SGD(1.0, momentum=0.5, weight_decay=0.5, nesterov=True), AdamW(0.5, betas=(0.5, 0.25), weight_decay=1.0)]


@both_forms
@both_types
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_memories_and_weights_that_die_away_become_zero_and_are_never_subnormal(compiled, dtype, optimizer):
    tiny, start = np.finfo(dtype).tiny, float(FAINTS[dtype][0]) * 2.0**20
    small = np.array([start, -start, 0, 3 * start], dtype)
    history = np.array(stepped(optimizer, small, np.zeros((60, 4), dtype), compiled, [small.copy(), abs(small)]))
    assert ((history == 0) | (abs(history) >= tiny)).all()
    assert (abs(history[10]).max(axis=1) > 0)[:2].all()  # not at once
    memories = slice(1, 2) if isinstance(optimizer, SGD) else slice(1, 3)
    if not isinstance(optimizer, SGD) or optimizer.momentum:
        np.testing.assert_array_equal(history[-5:, memories], 0)
    if optimizer.weight_decay:                           # else theta stays where it was left
        np.testing.assert_array_equal(history[-5:, 0], 0)


@both_forms
@both_types
def test_a_gradient_whose_square_is_too_small_leaves_no_subnormal_behind(compiled, dtype):
    tiny = np.finfo(dtype).tiny
    gradients = np.geomspace(tiny, 1, 300).astype(dtype)[None].repeat(3, axis=0)
    theta = np.ones(300, dtype)
    for optimizer in (AdamW(0.1), AdamW(0.1, betas=(0.9, 0.99)), SGD(0.1, momentum=0.9)):
        history = np.array(stepped(optimizer, theta, gradients, compiled))
        assert ((history == 0) | (abs(history) >= tiny)).all()
        plain = plainly_stepped(optimizer, theta, gradients)
        np.testing.assert_allclose(history[:, 0], [step[0] for step in plain], rtol=20 * np.finfo(dtype).eps)


@both_forms
@both_types
def test_only_a_gradient_that_is_too_small_leaves_no_square(compiled, dtype):
    root = FAINTS[dtype][1]
    gradient = np.geomspace(root / 1e3, root * 1e3, 100).astype(dtype)
    for b2 in (0.0, 0.9, 0.999):
        (_, _, mean_square), = stepped(AdamW(0.1, betas=(0.9, b2)), np.ones_like(gradient), gradient[None], compiled)
        np.testing.assert_array_equal(mean_square == 0, gradient < dtype(root))


@both_types
def test_what_counts_as_nothing_is_normal_and_so_is_its_square_times_what_adamw_takes_of_it(dtype):
    faint, root = FAINTS[dtype]
    assert faint > np.finfo(dtype).tiny
    assert root**2 * (1 - 0.9999) > np.finfo(dtype).tiny
    assert faint < 1e8 * np.finfo(dtype).tiny            # and of no consequence


@both_forms
@both_types
@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9), AdamW(0.1)])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(compiled, dtype, optimizer, bad):
    gradients = np.zeros((2, 3), dtype)
    gradients[0, 1] = bad
    with np.errstate(invalid="ignore"):
        theta, *_ = stepped(optimizer, np.ones(3, dtype), gradients, compiled)[-1]
    assert not np.isfinite(theta[1])
    assert np.isfinite(theta[::2]).all()


# ---------------------------------------------------------------- clipping

@st.composite
def gradients(draw, **elements):
    """Of either type, of a scale at which squares overflow or vanish."""
    dtype = draw(st.sampled_from(list(FAINTS)))
    top = 30 if dtype == np.float32 else 200
    values = draw(arrays(np.float64, st.integers(1, 8), elements=st.floats(-1, 1, **elements)))
    return (values * 10.0 ** draw(st.integers(-3, 3) | st.sampled_from([-top, top]))).astype(dtype)


def clipped_by(compiled, gradient, clip_norm):
    shortened = gradient.copy()
    form_of(clip, compiled)(shortened, clip_norm)
    return shortened


@both_forms
@given(gradient=gradients(), share=st.floats(1e-3, 1e3))
def test_clip_is_that_of_the_optimizers(compiled, gradient, share):
    """|g| and three operations more; digits are lost where an entry, or its share of the largest, is subnormal."""
    clip_norm = share * max(float(abs(gradient).max()), 1e-30)
    info = np.finfo(gradient.dtype)
    np.testing.assert_allclose(
        clipped_by(compiled, gradient, clip_norm), clipped(gradient, clip_norm),
        rtol=(3 + len(gradient)) * info.eps, atol=2 * float(info.smallest_subnormal) * max(clip_norm, 1))


@both_forms
@given(gradient=gradients())
def test_what_is_short_enough_or_not_to_be_clipped_stays_to_the_bit(compiled, gradient):
    length = float(abs(gradient).max()) * np.sqrt(len(gradient)) * (1 + 1e-6)
    for clip_norm in (max(length, 1e-300), np.inf):
        assert clipped_by(compiled, gradient, clip_norm).tobytes() == gradient.tobytes()


@both_forms
@both_types
def test_a_gradient_that_is_zero_or_not_finite_stays_to_the_bit(compiled, dtype):
    nan, inf = np.nan, np.inf
    values = [nan, 5], [5, nan], [inf, 5], [5, -inf], [nan, inf], [inf, nan, 5], [0, 0], [0, -0.0]
    for gradient in (np.array(value, dtype) for value in values):
        assert clipped_by(compiled, gradient, 1.0).tobytes() == gradient.tobytes()
        assert clipped(gradient, 1.0) is gradient


@both_forms
@both_types
def test_a_long_gradient_keeps_its_direction_and_gets_the_length_asked_for(compiled, dtype):
    gradient = np.array([3, -4], dtype) * dtype(1e30 if dtype == np.float32 else 1e200)
    np.testing.assert_allclose(clipped_by(compiled, gradient, 10.0), [6, -8], rtol=2 * np.finfo(dtype).eps)
