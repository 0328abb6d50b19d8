"""Many runs at once: the same loop as `minigrok.training`, over seeds and settings, on all cores.

Every run is what `train` alone would make of it, to the bit, whatever the number of workers and of other runs. The
workers are threads, for the fused form computes without Python's lock; each run then keeps to one of them. Runs that
only the plain form serves share that lock, and gain little.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import Any, NamedTuple

from minigrok.checks import whole_number
from minigrok.fused import on_one_thread
from minigrok.history import History
from minigrok.mlp import MLP
from minigrok.optimizers import Optimizer
from minigrok.tasks import AnyTask
from minigrok.training import train


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

    broken = Event()

    def one(run: TrainingRun) -> History | None:
        if broken.is_set():
            return None
        try:
            with on_one_thread():
                return train(run.net, run.task, run.optimizer, epochs, seed=run.seed, **settings)
        except BaseException:
            broken.set()
            raise

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, run) for run in runs]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                if progress is not None and not broken.is_set():
                    progress(done, len(runs))
        except BaseException:                            # Ctrl-C: do not begin what waits
            broken.set()
            raise
    return [history for future in futures if (history := future.result()) is not None]
