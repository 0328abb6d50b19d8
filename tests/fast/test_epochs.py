"""Epochs in machine code, held to the same lines as plain Python."""

from unittest.mock import patch

import numpy as np
import pytest
from plain_forms import with_globals

import minigrok.fast.fused as fused_module
from minigrok import MLP, SGD, AdamW, TrainingRun, tasks, train, train_many
from minigrok.fast import epochs
from minigrok.jit import JIT_ENABLED
from minigrok.training import TrainingDivergedError

pytestmark = pytest.mark.skipif(not JIT_ENABLED, reason="without numba there is no fused form")

STEP = with_globals(epochs.take_step, clip=epochs.clip.py_func, set_up_step=epochs.set_up_step.py_func)
PARTS = {"take_step": STEP, "is_finite": epochs.is_finite.py_func, "watch_net": epochs.watch_net.py_func}
PLAIN = {"run_epochs": with_globals(epochs.run_epochs, borrowed=lambda value: value, **PARTS),
         "finish": with_globals(epochs.finish, **PARTS), "prepare": epochs.prepare.py_func}
TASK = tasks.circles(n=2400, seed=0)


def trained(optimizer, batch_size, dtype=np.float64, **run):
    net = MLP([2, 5, 2], dtype=dtype, seed=3)
    history = train(net, TASK, optimizer, 4, batch_size=batch_size, record_every=2, seed=1, **run)
    return net.theta.copy(), history


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(0.01, weight_decay=0.1)], ids=["sgd", "adamw"])
@pytest.mark.parametrize("batch_size", [500, 1100, None], ids=["small", "in two parts", "all"])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_compiled_epochs_are_the_plain_ones(optimizer, batch_size, dtype, rounding):
    theta, history = trained(optimizer, batch_size, dtype)
    with patch.multiple(fused_module, **PLAIN):
        plain_theta, plain_history = trained(optimizer, batch_size, dtype)
    np.testing.assert_allclose(theta, plain_theta, rtol=rounding, atol=rounding)
    for column in ("train_loss", "test_accuracy", "entropy"):
        np.testing.assert_allclose(
            getattr(history, column), getattr(plain_history, column), rtol=10 * rounding, atol=rounding)


def records(**settings):
    """Of two nets that are trained and looked at in one compiled call."""
    runs = [TrainingRun(MLP([2, 5, 2], seed=seed), TASK, SGD(0.1), seed) for seed in range(2)]
    return [getattr(history, column) for history in train_many(runs, 4, workers=1, record_every=2, **settings)
            for column in ("train_loss", "test_accuracy", "entropy")]


@pytest.mark.parametrize("batch_size", [500, None])
def test_compiled_records_are_the_plain_ones(batch_size):
    compiled = records(batch_size=batch_size)
    with patch.multiple(fused_module, **PLAIN):
        np.testing.assert_allclose(compiled, records(batch_size=batch_size), rtol=1e-11)


def test_both_stop_where_a_parameter_is_no_number():
    words = []
    for forms in ({"run_epochs": epochs.run_epochs}, PLAIN):
        with patch.multiple(fused_module, **forms), pytest.raises(TrainingDivergedError) as error:
            trained(SGD(1e300), 500)
        words.append(str(error.value))
    assert words[0] == words[1]
