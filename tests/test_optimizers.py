"""Laws of the optimizers: a step is the published recurrence, and the state is all that they remember."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrok.optimizers import SGD, AdamW

OPTIMIZERS = [
    SGD(0.1), SGD(0.1, momentum=0.9), SGD(0.1, weight_decay=0.01), SGD(0.05, 0.5, 0.1, nesterov=True),
    AdamW(0.01), AdamW(0.1, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.5), AdamW(0.1, betas=(0, 0)),
]
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
numbers = st.floats(-10, 10, allow_subnormal=False)
rates, decays, fractions = st.floats(1e-4, 1), st.floats(0, 1), st.floats(0, 0.99)
gradient_series = st.lists(numbers, min_size=1, max_size=12)


def walk(optimizer, theta, gradients):
    """Where theta is after these gradients."""
    theta = np.array(theta, float, ndmin=1)
    state = optimizer.start(theta)
    for gradient in gradients:
        state = optimizer.step(theta, np.array(gradient, float, ndmin=1), state)
    return theta


@given(numbers, gradient_series, rates, fractions, decays, st.booleans())
def test_sgd_is_its_recurrence(theta, gradients, lr, momentum, weight_decay, nesterov):
    nesterov = nesterov and momentum > 0
    found = walk(SGD(lr, momentum, weight_decay, nesterov), theta, gradients)
    u = None
    for g in gradients:
        g = g + weight_decay * theta
        u = g if u is None else momentum * u + g             # PyTorch: the buffer starts as the first gradient
        theta = theta - lr * (g + momentum * u if nesterov else u)
    assert found[0] == pytest.approx(theta, rel=1e-12, abs=1e-12)


@given(numbers, gradient_series, rates, fractions, fractions, st.floats(1e-10, 1), decays)
def test_adamw_is_its_recurrence(theta, gradients, lr, b1, b2, eps, weight_decay):
    found = walk(AdamW(lr, (b1, b2), eps, weight_decay), theta, gradients)
    for t in range(1, len(gradients) + 1):
        past = gradients[:t]                                 # the means in closed form, without a recurrence
        m = sum((1 - b1) * b1 ** (t - s) * g for s, g in enumerate(past, 1)) / (1 - b1**t)
        v = sum((1 - b2) * b2 ** (t - s) * g * g for s, g in enumerate(past, 1)) / (1 - b2**t)
        theta = theta - lr * weight_decay * theta - lr * m / (math.sqrt(v) + eps)
    assert found[0] == pytest.approx(theta, rel=1e-9, abs=1e-9)


@given(rates, fractions.filter(bool), numbers)
def test_nesterov_is_sutskevers_gradient_at_the_place_ahead(lr, mu, start):
    """v' = mu v - lr g(theta + mu v), theta' = theta + v': ours walks along theta + mu v; here L = theta^2 / 2."""
    ahead, optimizer = np.array([start]), SGD(lr, mu, nesterov=True)
    state, theta, v = optimizer.start(ahead), start, 0.0
    for _ in range(8):
        v = mu * v - lr * (theta + mu * v)
        theta = theta + v
        state = optimizer.step(ahead, ahead.copy(), state)
        assert ahead[0] == pytest.approx(theta + mu * v, rel=1e-9, abs=1e-12)


@given(numbers.filter(lambda g: abs(g) > 1e-3), st.floats(0, 0.9))
def test_a_steady_gradient_brings_sgd_to_its_final_speed(g, momentum):
    theta, optimizer = np.zeros(1), SGD(0.1, momentum)
    state = optimizer.start(theta)
    for _ in range(300):
        state = optimizer.step(theta, np.array([g]), state)
    assert state.velocity[0] == pytest.approx(g / (1 - momentum) if momentum else 0.0, rel=1e-9)


@given(st.lists(numbers.filter(lambda g: abs(g) > 1e-3), min_size=1, max_size=8), rates, st.floats(1e-3, 1e3))
def test_adamw_does_not_see_the_scale_of_the_gradients(gradients, lr, scale):
    optimizer = AdamW(lr, eps=1e-300)
    scaled = [scale * g for g in gradients]
    assert walk(optimizer, 1, scaled) == pytest.approx(walk(optimizer, 1, gradients), rel=1e-9, abs=1e-9 * lr)
    assert walk(optimizer, 0, scaled[:1])[0] == pytest.approx(-lr * np.sign(gradients[0]))


@given(numbers, rates, decays, st.integers(1, 10))
def test_without_gradients_only_the_decay_is_left(theta, lr, weight_decay, steps):
    expected = theta * (1 - lr * weight_decay) ** steps
    for optimizer in (AdamW(lr, weight_decay=weight_decay), SGD(lr, weight_decay=weight_decay)):
        assert walk(optimizer, theta, [0.0] * steps)[0] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_decay_of_adamw_is_decoupled_and_that_of_sgd_is_not():
    """Loshchilov and Hutter's point: a coupled decay of 1e6 would vanish in Adam's normalisation."""
    theta, gradient, lr = 2.0, 5.0, 0.1
    assert walk(AdamW(lr, weight_decay=0.5), theta, [gradient])[0] == pytest.approx(theta * 0.95 - lr)
    assert walk(SGD(lr, weight_decay=0.5), theta, [gradient])[0] == pytest.approx(theta - lr * (gradient + 0.5 * theta))


@each_optimizer
@given(arrays(float, (6, 3), elements=numbers))
def test_parameters_do_not_see_each_other(optimizer, gradients):
    together = walk(optimizer, [1.0, -2.0, 0.0], gradients)
    alone = [walk(optimizer, start, column)[0] for start, column in zip([1.0, -2.0, 0.0], gradients.T, strict=True)]
    assert together == pytest.approx(np.array(alone), rel=1e-13, abs=1e-13)   # vector and scalar loops may round apart


@each_optimizer
def test_a_step_moves_theta_in_place_and_nothing_else(optimizer):
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    first = optimizer.start(theta)
    assert theta.tolist() == [1, 2]
    second = optimizer.step(theta, gradient, first)
    moved, remembered = theta.copy(), [np.copy(field) for field in second]
    assert optimizer.step(theta, gradient, second).steps == 2
    assert not np.array_equal(theta, moved)
    assert gradient.tolist() == [0.5, -1]
    assert all(not np.any(field) for field in first)
    assert all(np.array_equal(a, b) for a, b in zip(second, remembered, strict=True))
    assert not any(np.shares_memory(field, array) for field in second for array in (theta, gradient))


@each_optimizer
def test_a_saved_state_goes_on_to_the_bit(optimizer):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(10, 3))
    straight = walk(optimizer, [1.0, 2.0, 3.0], gradients)
    theta = np.array([1.0, 2.0, 3.0])
    state = optimizer.start(theta)
    for number, gradient in enumerate(gradients):
        if number == 4:                                      # what a checkpoint keeps: arrays by name, not writable
            saved = {name: np.array(field) for name, field in state._asdict().items()}
            for field in saved.values():
                field.flags.writeable = False
            state = type(state)(**saved)
        state = optimizer.step(theta, gradient, state)
    assert np.array_equal(theta, straight)
    assert state.steps == len(gradients)


@each_optimizer
def test_float32_stays_float32(optimizer):
    settings = {field.name: getattr(optimizer, field.name) for field in dataclasses.fields(optimizer)}
    settings = {name: np.float64(value) if isinstance(value, float) else value for name, value in settings.items()}
    theta = np.ones(3, np.float32)
    state = type(optimizer)(**settings).start(theta)
    for _ in range(2):
        state = type(optimizer)(**settings).step(theta, np.full(3, 0.3, np.float32), state)
    assert all(field.dtype == np.float32 for field in (theta, *state[1:]))
    assert theta == pytest.approx(walk(optimizer, np.ones(3), np.full((2, 3), 0.3)), rel=1e-6)


@each_optimizer
def test_the_configuration_is_all_settings_and_fits_into_json(optimizer):
    configuration = json.loads(json.dumps(optimizer.configuration))
    assert configuration == optimizer.configuration
    assert configuration.pop("optimizer") == type(optimizer).__name__
    assert type(optimizer)(**configuration) == optimizer


@each_optimizer
def test_settings_are_frozen(optimizer):
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.lr = 1.0


BAD_SETTINGS = [
    (SGD, {"lr": -0.1}, r"lr is -0.1"), (SGD, {"lr": math.nan}, "lr is nan"), (SGD, {"lr": math.inf}, "lr is inf"),
    (SGD, {"lr": "fast"}, "lr is 'fast'"), (SGD, {"momentum": -0.1}, "momentum is -0.1"),
    (SGD, {"momentum": 1.5}, r"momentum is 1\.5, but must be a number in \[0, 1\]"),
    (SGD, {"momentum": 1}, "momentum is 1, but must be below 1"), (SGD, {"momentum": math.nan}, "momentum is nan"),
    (SGD, {"weight_decay": -1}, "weight_decay is -1"), (SGD, {"weight_decay": math.nan}, "weight_decay is nan"),
    (SGD, {"nesterov": True}, "give a momentum"), (AdamW, {"lr": -1}, "lr is -1"),
    (AdamW, {"betas": (0.9, 1.0)}, r"betas\[1\] is 1.0"), (AdamW, {"betas": (-0.1, 0.9)}, r"betas\[0\] is -0.1"),
    (AdamW, {"betas": (math.nan, 0.9)}, r"betas\[0\] is nan"), (AdamW, {"betas": 0.9}, "must be two numbers"),
    (AdamW, {"betas": (0.9, 0.99, 0.999)}, "must be two numbers"), (AdamW, {"eps": 0}, "eps is 0"),
    (AdamW, {"eps": math.nan}, "eps is nan"), (AdamW, {"weight_decay": -1}, "weight_decay is -1"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), BAD_SETTINGS)
def test_a_bad_setting_is_named(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**{"lr": 0.1} | settings)


@each_optimizer
@pytest.mark.parametrize("gradient", [np.ones(1), np.ones((2, 1)), np.ones(2, np.float32), np.ones(3)])
def test_a_gradient_that_is_not_like_theta_is_refused(optimizer, gradient):
    theta = np.ones(2)
    with pytest.raises(ValueError, match="they must be alike: make the state with start"):
        optimizer.step(theta, gradient, optimizer.start(theta))
    assert theta.tolist() == [1, 1]


@each_optimizer
def test_pytorch_agrees_where_it_is_installed(optimizer):
    torch = pytest.importorskip("torch")
    gradients = np.random.default_rng(0).normal(size=(20, 3))
    settings = {key: value for key, value in optimizer.configuration.items() if key != "optimizer"}
    theta = torch.ones(3, dtype=torch.float64, requires_grad=True)
    peer = getattr(torch.optim, type(optimizer).__name__)([theta], **settings)
    for gradient in gradients:
        theta.grad = torch.tensor(gradient)
        peer.step()
    assert walk(optimizer, np.ones(3), gradients) == pytest.approx(theta.detach().numpy(), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(0.1)])
@pytest.mark.parametrize(("theta", "gradient"), [
    (np.ones(3), np.ones(2)), (np.ones(2), np.ones(3)), (np.ones((1, 3)), np.ones(3)), (np.ones(3), np.ones((1, 3))),
    (np.ones(3), np.ones(3, np.float32)), (np.ones(3, np.float32), np.ones(3)), (np.ones(3), [1.0, 1.0, 1.0]),
    (np.ones(3), np.ma.masked_array(np.ones(3)))])
def test_a_step_takes_arrays_that_are_alike(optimizer, theta, gradient):
    before = theta.copy()
    with pytest.raises(ValueError, match=r"must be alike|takes arrays"):
        optimizer.step(theta, gradient, optimizer.start(theta))
    with pytest.raises(ValueError, match=r"must be alike|takes arrays"):
        optimizer.step(theta, theta, optimizer.start(np.ones(4)))
    np.testing.assert_array_equal(theta, before)



@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(0.1)])
@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize(("one", "other"), [
    (np.ones(3), np.ones(2)), (np.ones(2), np.ones(3)), (np.ones(3, np.float32), np.ones(3)),
    (np.ones(3), np.ones(3, np.float32))])
def test_each_of_three_that_is_unlike_the_other_two_is_refused(optimizer, odd, one, other):
    theta, gradient, memory = (other.copy() if place == odd else one.copy() for place in range(3))
    with pytest.raises(ValueError, match="must be alike: make the state with start"):
        optimizer.step(theta, gradient, optimizer.start(memory))
    assert (theta == 1).all()
