"""Laws of the schedules: a factor that starts at 1 and falls, or climbs to 1, whatever the length of the run."""

import dataclasses
import itertools
import json
import math
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok import MLP, SGD, AdamW, Cosine, StepDecay, Warmup, tasks, train
from minigrok.schedules import scheduled, settings_of

SCHEDULES = [
    Cosine(), Cosine(0.25), StepDecay(3, 0.5), StepDecay(1, 1), Warmup(1), Warmup(4), Warmup(4, Cosine(0.25)),
    Warmup(3, Cosine()), Warmup(3, StepDecay(3, 0.5)), Warmup(2, Warmup(3, StepDecay(2, 0.1))),
]
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
shares, lengths = st.floats(0, 1), st.integers(1, 200)
decays = st.floats(0.01, 1)


def factors(schedule, epochs):
    return [schedule(epoch, epochs) for epoch in range(epochs)]


@given(shares, lengths)
def test_cosine_is_the_square_of_half_the_angle(final, epochs):
    """(1 + cos x) / 2 = cos^2(x / 2)."""
    expected = [final + (1 - final) * math.cos(math.pi * epoch / epochs / 2) ** 2 for epoch in range(epochs)]
    assert factors(Cosine(final), epochs) == pytest.approx(expected, abs=1e-15)


@given(shares, lengths)
def test_cosine_falls_from_exactly_1_towards_final(final, epochs):
    found = [*factors(Cosine(final), epochs), Cosine(final)(epochs, epochs)]
    assert found[0] == 1
    assert all(later <= earlier for earlier, later in itertools.pairwise(found))
    assert found[-1] == pytest.approx(final, abs=1e-15)


@given(st.integers(1, 20), decays, lengths)
def test_step_decay_is_a_staircase(every, factor, epochs):
    found = factors(StepDecay(every, factor), epochs)
    assert found[:every] == [1.0] * min(every, epochs)
    assert found[every:] == pytest.approx([factor * f for f in found[:-every]], rel=1e-12)


@given(st.integers(1, 20), st.sampled_from([None, *SCHEDULES]), lengths)
def test_warm_up_climbs_in_equal_steps_to_exactly_1_and_hands_over(ramp, then, epochs):
    found = factors(Warmup(ramp, then), epochs)
    assert found[:ramp] == pytest.approx([step / ramp for step in range(1, ramp + 1)][:epochs])
    assert found[ramp - 1 : ramp] in ([1.0], [])
    rest = max(0, epochs - ramp)
    assert found[ramp:] == ([1.0] * rest if then is None else factors(then, rest))


@each_schedule
@given(lengths)
def test_a_factor_is_a_plain_float_from_0_to_1(schedule, epochs):
    found = factors(schedule, epochs)
    assert all(type(factor) is float and 0 <= factor <= 1 for factor in found)


@pytest.mark.parametrize(("ours", "theirs", "settings"), [
    (Cosine(0.25), "CosineAnnealingLR", {"T_max": 12, "eta_min": 0.25 * 0.3}),
    (StepDecay(3, 0.4), "StepLR", {"step_size": 3, "gamma": 0.4}),
    (Warmup(5), "LinearLR", {"start_factor": 1 / 5, "total_iters": 4}),
])
def test_pytorch_agrees_where_it_is_installed(ours, theirs, settings):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, theirs)(optimizer, **settings)
    rates = []
    for _ in range(12):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert [0.3 * factor for factor in factors(ours, 12)] == pytest.approx(rates, rel=1e-12)


def test_configurations_fit_into_json_and_tell_schedules_apart():
    texts = [json.dumps(schedule.configuration) for schedule in SCHEDULES]
    assert len(set(texts)) == len(SCHEDULES)
    assert [json.loads(text) for text in texts] == [schedule.configuration for schedule in SCHEDULES]
    assert Warmup(4, Cosine(0.25)).configuration == {
        "schedule": "Warmup", "epochs": 4, "then": {"schedule": "Cosine", "final": 0.25}}


@each_schedule
def test_a_configuration_names_the_class_and_all_settings(schedule):
    configuration = schedule.configuration
    assert configuration.pop("schedule") == type(schedule).__name__
    assert configuration.keys() == {field.name for field in dataclasses.fields(schedule)}


@each_schedule
def test_settings_are_frozen(schedule):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(schedule, dataclasses.fields(schedule)[0].name, 1)


@given(st.sampled_from(SCHEDULES), st.floats(0, 10), st.integers(1, 30), st.data())
def test_the_optimizer_of_an_epoch_has_another_rate_and_nothing_else(schedule, lr, epochs, data):
    epoch = data.draw(st.integers(0, epochs - 1))
    for optimizer in (SGD(lr, 0.9, 0.1, nesterov=True), AdamW(lr, (0.5, 0.9), 1e-4, 0.1)):
        changed = scheduled(optimizer, schedule, epoch, epochs)
        assert changed.lr == lr * schedule(epoch, epochs)
        assert dataclasses.replace(changed, lr=lr) == optimizer
        assert type(changed) is type(optimizer)
        assert optimizer.lr == lr
        assert scheduled(optimizer, None, epoch, epochs) is optimizer


class Given:
    """A schedule of one's own: the factor that it is given."""

    configuration = {"schedule": "Given"}                # noqa: RUF012

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, epoch, epochs):
        return self.factor


@pytest.mark.parametrize("factor", [-0.1, math.nan, math.inf, None, "half"])
def test_a_factor_that_is_no_rate_is_refused(factor):
    with pytest.raises(ValueError, match=r"the schedule's factor is .*\[0, inf\)"):
        scheduled(SGD(0.1), Given(factor), 0, 1)


class Resting(NamedTuple):
    """What an optimizer remembers that does nothing."""


class Still:
    """An optimizer of one's own that moves nothing."""

    configuration = {"optimizer": "Still"}               # noqa: RUF012

    def start(self, theta):
        return Resting()

    def step(self, theta, gradient, state):
        return state


class Rated(Still):
    """With a rate, but no dataclass."""

    lr = 0.1


@dataclasses.dataclass(frozen=True)
class Rateless(Still):
    """A dataclass, but without a rate."""


@pytest.mark.parametrize("optimizer", [Still(), Rated(), Rateless()], ids=lambda optimizer: type(optimizer).__name__)
def test_an_optimizer_that_is_not_made_for_it_takes_no_schedule(optimizer):
    train(MLP([2, 3, 2]), tasks.moons(20), optimizer, 1)
    with pytest.raises(ValueError, match="a dataclass with a field `lr`"):
        train(MLP([2, 3, 2]), tasks.moons(20), optimizer, 1, schedule=Cosine())


def test_what_a_checkpoint_keeps_of_a_schedule():
    assert settings_of(None, 5) == {}
    assert settings_of(Cosine(0.5), 5) == {"schedule": {"schedule": "Cosine", "final": 0.5}, "epochs": 5}


BAD_SETTINGS = [
    (Cosine, {"final": -0.1}, "final is -0.1"), (Cosine, {"final": 1.1}, "final is 1.1"),
    (Cosine, {"final": math.nan}, "final is nan"), (Cosine, {"final": "low"}, "final is 'low'"),
    (StepDecay, {"every": 0, "factor": 0.1}, "every is 0"), (StepDecay, {"every": 1.5, "factor": 0.1}, "every is 1.5"),
    (StepDecay, {"every": 3, "factor": 0}, "factor is 0"), (StepDecay, {"every": 3, "factor": 1.5}, "factor is 1.5"),
    (StepDecay, {"every": 3, "factor": math.nan}, "factor is nan"),
    (Warmup, {"epochs": 0}, "epochs is 0"), (Warmup, {"epochs": 2.5}, "epochs is 2.5"),
    (Warmup, {"epochs": True}, "epochs is True"), (Warmup, {"epochs": 3, "then": Cosine}, "then is <class"),
    (Warmup, {"epochs": 3, "then": "cosine"}, "then is 'cosine'"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), BAD_SETTINGS)
def test_a_bad_setting_is_named(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)


@pytest.mark.parametrize("schedule", [Cosine, "cosine", 0.5, lambda epoch, epochs: 1.0, SGD(0.1)], ids=str)
def test_what_is_no_schedule_is_refused_before_training(schedule):
    seen = []
    with pytest.raises(ValueError, match=r"schedule is .* but a schedule is a function of \(epoch, epochs\)"):
        train(MLP([2, 3, 2]), tasks.moons(20), SGD(0.1), 1, schedule=schedule, callbacks=[seen.append])
    assert not seen
