from threading import Event

import numpy as np
import pytest

from minigrok import MLP, SGD, AdamW, TrainingRun, tasks, train, train_many
from minigrok.ensemble import train_many as same
from minigrok.ensemble import whole_run
from minigrok.history import TrainingDivergedError

LARGE = tasks.circles(n=2400, seed=1)                    # its records are summed in two parts
MOONS, ADDITION = tasks.moons(n=120, seed=0), tasks.modular(11, seed=0)


def new_runs():
    """Nets, tasks, optimizers and seeds of all kinds, one that only the plain form serves among them."""
    return [
        TrainingRun(MLP([2, 6, 2], seed=0), MOONS, SGD(0.1), 0),
        TrainingRun(MLP([2, 6, 2], "tanh", seed=1), MOONS, SGD(0.1, 0.9), 1),
        TrainingRun(MLP([2, 4, 4, 2], seed=2), MOONS, AdamW(0.01), 2),
        TrainingRun(MLP([22, 10, 11], "quadratic", "squared_error", dtype=np.float32), ADDITION, AdamW(0.01), 3),
        TrainingRun(MLP([2, 6, 2], seed=1), tasks.circles(n=90, seed=5), SGD(0.2), 4),
        TrainingRun(MLP([2, 3, 2]), LARGE, SGD(0.01), 5)]


@pytest.mark.parametrize("workers", [1, 2, 4, None])
def test_every_run_is_what_train_alone_makes_of_it(workers):
    alone, settings = new_runs(), {"batch_size": 16, "record_every": 2, "conventions": ("trace", "rows")}
    expected = [train(run.net, run.task, run.optimizer, 5, seed=run.seed, **settings) for run in alone]
    together = new_runs()
    for run, by_itself, history, other in zip(
            together, alone, train_many(together, 5, workers=workers, **settings), expected, strict=True):
        np.testing.assert_array_equal(run.net.theta, by_itself.net.theta)
        assert list(history.columns) == list(other.columns)
        for name in history.columns:
            np.testing.assert_array_equal(history[name], other[name])


def test_progress_counts_the_runs():
    seen = []
    train_many(new_runs(), 1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 6) for k in range(1, 7)]
    assert train_many([], 3) == []
    assert same is train_many


def test_a_run_that_diverges_is_named_and_no_other_begins():
    runs = [*new_runs()[:2], TrainingRun(MLP([2, 6, 2], "quadratic"), MOONS, SGD(1e30)), new_runs()[4]]
    untouched = runs[3].net.theta.copy()
    with pytest.raises(TrainingDivergedError, match="diverged") as caught:
        train_many(runs, 4, workers=1)
    assert len(caught.value.history) >= 1
    np.testing.assert_array_equal(runs[3].net.theta, untouched)


@pytest.mark.parametrize(("change", "words"), [
    ({"workers": 0}, "workers is 0"), ({"checkpoint": "x"}, "checkpoint is one file"),
    ({"batch_size": 0}, "batch_size"), ({"batch_size": "all"}, "batch_size"), ({"epochs": 1.5}, "epochs is 1.5"),
    ({"epochs": -1}, "epochs is -1"), ({"clip_norm": "much"}, "clip_norm")])
def test_wrong_settings_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        train_many(new_runs(), **{"epochs": 1, **change})


def test_two_runs_may_not_share_a_net():
    net = MLP([2, 3, 2])
    with pytest.raises(ValueError, match="two runs share one net"):
        train_many([TrainingRun(net, MOONS, SGD(0.1)), TrainingRun(net, MOONS, SGD(0.2))], 1)


def test_an_interrupt_ends_the_runs_that_are_under_way():
    """Each would take years; also without callbacks, where runs are made in a few compiled calls."""
    task, first = tasks.moons(n=40, seed=0), MLP([2, 4, 2], seed=0)
    runs = [TrainingRun(first, task, SGD(0.01), 0), TrainingRun(MLP([2, 4, 2], seed=1), task, SGD(0.01), 1)]

    def interrupted(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_many(runs, 10**9, workers=2, batch_size=16, record_every=500, progress=interrupted,
                   callbacks=[lambda moment: moment.net is first])
    left = Event()
    left.set()
    assert whole_run(runs[1], 10**9, left, batch_size=16, record_every=10**6).epoch.tolist() == [0]
