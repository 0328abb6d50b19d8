"""Many runs at once: the same loop as `minigrok.training`, over seeds and settings, on all cores.

Every run is what `train` alone would make of it, to the bit, whatever the number of workers and of other runs. The
workers are threads, for the fused form computes without Python's lock; each run then keeps to one of them. Runs that
only the plain form serves share that lock, and gain little.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from copy import deepcopy
from functools import partial
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from minigrok.checks import whole_number
from minigrok.fast.blas_threads import one_blas_thread
from minigrok.fast.epochs import SPLIT_FROM
from minigrok.fast.fused import WORK_AT_ONCE, FusedEpochs, on_one_thread, serves
from minigrok.history import History, from_rows
from minigrok.mlp import MLP
from minigrok.optimizers import Optimizer
from minigrok.recording import observer
from minigrok.schedules import Schedule
from minigrok.tasks import AnyTask
from minigrok.training import Run, train

RECORDS_AT_ONCE = 64           # written down in one compiled call


class TrainingRun(NamedTuple):
    """One run to be made: what differs from run to run."""

    net: MLP                   # moved in place
    task: AnyTask
    optimizer: Optimizer
    seed: int = 0              # of the order of the batches


def train_many(
    runs: Sequence[TrainingRun], epochs: int, *, workers: int | None = None,
    progress: Callable[[int, int], None] | None = None, **settings: Any,
) -> list[History]:
    """Train every net of `runs` in place, and return their histories in the same order.

    Parameters
    ----------
    runs : sequence of TrainingRun
        Each with a net of its own; tasks and optimizers may be shared.
    epochs : int
    workers : int, optional
        Threads; one a core where it is left out. The results are the same for any number.
    progress : function, optional
        Called as `progress(done, total)` as runs end.
    **settings
        Of `train`, the same for all runs: batch_size, record_every, conventions, schedule, callbacks, ...

    Returns
    -------
    list of History

    Raises
    ------
    ValueError
        As `train`; also if two runs share a net.
    TrainingDivergedError
        That of the first run, in their order, that diverged; no run that has not begun is then begun.

    Examples
    --------
    >>> from minigrok import SGD, tasks
    >>> task = tasks.moons(n=100, seed=0)
    >>> runs = [TrainingRun(MLP([2, 6, 2], seed=seed), task, SGD(0.1), seed) for seed in range(3)]
    >>> histories = train_many(runs, epochs=5, batch_size=16)
    >>> [len(history) for history in histories]
    [6, 6, 6]
    """
    if len({id(run.net) for run in runs}) < len(runs):
        raise ValueError("two runs share one net, but each moves its net in place: give every run a net of its own")
    if "checkpoint" in settings:
        raise ValueError("checkpoint is one file, but train_many makes many runs: give each to train by itself")
    workers = os.cpu_count() or 1 if workers is None else whole_number("workers", workers, 1)
    epochs = whole_number("epochs", epochs, 0)
    if settings.get("batch_size") is not None:
        settings["batch_size"] = whole_number("batch_size", settings["batch_size"], 1)
    broken, left = Event(), Event()

    def one(run: TrainingRun) -> History | None:
        if broken.is_set():
            return None
        try:
            with on_one_thread():
                if pays(run, settings):
                    return whole_run(run, epochs, left, **settings)
                watched = {**settings, "callbacks": (*settings.get("callbacks", ()), lambda moment: left.is_set())}
                return train(run.net, run.task, run.optimizer, epochs, seed=run.seed, **watched)
        except BaseException:
            broken.set()
            raise

    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, run) for run in runs]
        try:
            for done, _ in enumerate(as_completed(futures), 1):
                if progress is not None and not broken.is_set():
                    progress(done, len(runs))
        except BaseException:                            # Ctrl-C: do not begin what waits, nor end what runs
            broken.set()
            left.set()
            raise
    return [history for future in futures if (history := future.result()) is not None]


def pays(run: TrainingRun, settings: dict[str, Any]) -> bool:
    """Whether a run is small enough to make, with all that it records, in a few compiled calls.

    A callback, or a column of one's own, needs Python at each record. A batch that is the whole of a large training set
    is left to `train`, which takes gradient and record from one pass, and so is an epoch so long that it is divided.
    """
    simple = not settings.get("callbacks") and not settings.get("record")
    batch = settings.get("batch_size") or len(run.task.y_train)
    short = len(run.task.y_train) * len(run.net.theta) < WORK_AT_ONCE
    return simple and short and serves(run.net, run.task, run.optimizer) and batch < SPLIT_FROM


def whole_run(
    run: TrainingRun, epochs: int, left: Event, batch_size: int | None = None, record_every: int = 1, layer: int = -1,
    inputs: str = "train", conventions: Sequence[str] = ("trace",), schedule: Schedule | None = None,
    clip_norm: float | None = None, callbacks: tuple[()] = (), record: tuple[()] = (),
) -> History:
    """What `train` does, to the bit, but the records between two pauses are taken without leaving compiled code.

    It ends early where `left` is set, since then nobody wants its result.
    """
    net, task, optimizer = run.net, run.task, run.optimizer
    before = train(                                      # epoch 0, after a check of all settings
        net, task, optimizer, 0, batch_size, record_every, run.seed, layer=layer, inputs=inputs,
        conventions=conventions, schedule=schedule, clip_norm=clip_norm)
    rows = [{name: column[0] for name, column in before.columns.items()}]
    batch_size, conventions = min(batch_size or len(task.y_train), len(task.y_train)), tuple(conventions)
    fused, snapshot = FusedEpochs(net, task, optimizer, batch_size, clip_norm), deepcopy(net)
    look = observer(snapshot, task, {}, layer, inputs, conventions, None)
    trained = Run(net, optimizer.start(net.theta), np.random.default_rng(run.seed), 0, rows)
    recorded = Run(snapshot, None, trained.rng, 0, rows)
    while trained.epoch < epochs and not left.is_set():
        rates = fused.rates(schedule, trained.epoch, epochs, epochs)
        numbers = trained.epoch + 1 + np.arange(len(rates))
        due = (numbers % record_every == 0) | (numbers == epochs)
        count = int((np.cumsum(due) <= RECORDS_AT_ONCE).sum())
        done, trained.state, looks = fused.advance_and_look(
            rates[:count], trained.rng, trained.state, due[:count], inputs, conventions)
        for after, seen, theta in looks:
            snapshot.theta, recorded.epoch = theta, trained.epoch + after
            recorded.add_row(partial(look, seen))
        trained.epoch += done
        trained.require_finite()
    return from_rows(rows)
