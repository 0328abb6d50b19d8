"""The training loop: theta moves by the optimizer's step on dL/dtheta, batch by batch, epoch by epoch.

One epoch passes every training input once, in batches of a fresh random order (or all at once, where
`batch_size` is None); a schedule may change the learning rate from epoch to epoch. Before the first epoch
(epoch 0), every `record_every` epochs and after the last one the loop looks at the network and records

    train_loss, test_loss, train_accuracy, test_accuracy
    entropy, purity, effective_rank, participation_ratio, spectrum     of the hidden layer's state
    weight_entropy, weight_norm                                        the classical control

The state is rho = A^T A / tr(A^T A) of the activations A of hidden layer `layer` over `inputs`; columns
of another convention carry its name, as entropy_centered. A dead layer has no state: NaN stands in its columns.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from minigrok.checks import real_number, short, whole_number
from minigrok.fast.fused import FusedEpochs, serves
from minigrok.history import History, Moment, TrainingDivergedError, from_rows
from minigrok.keeping import RunState, kept
from minigrok.mlp import MLP, loss_and_gradient
from minigrok.optimizers import Optimizer, clipped
from minigrok.recording import Recorder, observer
from minigrok.schedules import Schedule, scheduled, settings_of
from minigrok.tasks import AnyTask

CHECKPOINT_SECONDS = 10.0      # at most so much work is lost to a kill


def train(
    net: MLP, task: AnyTask, optimizer: Optimizer, epochs: int, batch_size: int | None = None, record_every: int = 1,
    seed: int = 0, callbacks: Sequence[Callable[[Moment], bool | None]] = (),
    checkpoint: str | PathLike[str] | None = None, record: Mapping[str, Recorder] | tuple[()] = (), layer: int = -1,
    inputs: str = "train", conventions: Sequence[str] = ("trace",), schedule: Schedule | None = None,
    clip_norm: float | None = None,
) -> History:
    """Train `net` on `task`, in place, and return what was recorded.

    Parameters
    ----------
    net : MLP
        Its `theta` is moved in place.
    task : Task
    optimizer : SGD or AdamW
    epochs : int
        In all: a run that goes on from a checkpoint counts the epochs done before.
    batch_size : int, optional
        Inputs a step; the last batch of an epoch may be smaller. Left out: all at once.
    record_every : int
        Record each time so many epochs are done; the first and the last state are always recorded.
    seed : int
        Of the order of the batches.
    callbacks : sequence of functions
        Each is called with a `Moment` at every recorded epoch: the epoch and the total, the net and the task as
        they are, `row`, what was just recorded, and `rows`, all of it so far. One that returns True ends the run,
        once all have been called; see `stop_when` and `patience`. A checkpoint does not hold them: given that of a
        run that had ended, they are first of all called with its last moment again, and may end it there once more.
    checkpoint : path, optional
        Written as the run goes, and gone on from if it is there: to the same bits as without a break.
    record : mapping from name to function of (net, task), optional
        More columns: a number or an array of a fixed shape each.
    layer : int
        Which hidden layer is the state; -1 is the last.
    inputs : {"train", "test", "all"}
        Over which inputs the state is taken.
    conventions : sequence of names
        Conventions of the state, see `minigrok.density`.
    schedule : Cosine, StepDecay, Warmup or your own, optional
        `schedule(epoch, epochs)` multiplies the optimizer's learning rate during the epoch before which `epoch` are
        done, and AdamW's decay with it. With one, a checkpoint belongs to its `epochs` too: it is laid out over them.
    clip_norm : float, optional
        Above 0: a longer dL/dtheta is shortened to this length before the optimizer sees it; see `clipped`.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        For settings out of range, or a task that does not fit the net (CheckpointError, which is one,
        for a checkpoint of another configuration).
    TrainingDivergedError
        A FloatingPointError that names the epoch and the parameter, and carries the history.

    Examples
    --------
    >>> from minigrok import MLP, SGD, tasks
    >>> net = MLP([2, 6, 2], seed=0)
    >>> history = train(net, tasks.moons(n=200, seed=0), SGD(0.1), epochs=20, batch_size=32, record_every=10)
    >>> history.epoch
    array([ 0, 10, 20])
    >>> bool(history.train_loss[-1] < history.train_loss[0])
    True
    """
    epochs, record_every = whole_number("epochs", epochs, 0), whole_number("record_every", record_every, 1)
    if not all(map(callable, callbacks)):
        raise ValueError(f"callbacks is {short(callbacks)}, but must hold functions of a Moment alone")
    n = len(task.y_train)
    batch_size = n if batch_size is None else min(n, whole_number("batch_size", batch_size, 1))
    configuration = {
        "net": net.configuration, "task": task.description, "optimizer": optimizer.configuration,
        "batch_size": batch_size, "record_every": record_every, "seed": whole_number("seed", seed, 0, np.inf),
        "record": list(dict(record)), "layer": layer, "inputs": inputs, "conventions": list(conventions),
    }
    configuration |= settings_of(schedule, epochs)
    if clip_norm is not None:
        clip_norm = configuration["clip_norm"] = real_number("clip_norm", clip_norm, 0.0, low_open=True)
    fused = FusedEpochs(net, task, optimizer, batch_size, clip_norm) if serves(net, task, optimizer) else None
    look = observer(net, task, dict(record), layer, inputs, tuple(conventions), fused)
    run, stop = Run(net, optimizer.start(net.theta), np.random.default_rng(seed)), False
    with kept(run, checkpoint, configuration, CHECKPOINT_SECONDS) as mark:
        while not stop:
            due = run.passed == 0 and (run.epoch % record_every == 0 or run.epoch >= epochs)
            if due and (not run.rows or run.rows[-1]["epoch"] < run.epoch):
                run.add_row(look)
            if run.passed == 0 and run.rows[-1]["epoch"] == run.epoch:         # also at a checkpoint: it may be the end
                moment = Moment(run.epoch, epochs, net, task, run.rows[-1], run.rows)
                stop = any([callback(moment) for callback in callbacks])       # noqa: C419  (each sees the moment)
            stop = stop or (run.passed == 0 and run.epoch >= epochs)
            if fused is not None and not stop:
                run.fused_epochs(fused, fused.rates(schedule, run.epoch, record_every, epochs))
            elif not stop:
                run.one_epoch(task, scheduled(optimizer, schedule, run.epoch, epochs), batch_size, clip_norm, mark)
            mark(stop)
    return from_rows(run.rows)


class Run(RunState):
    """A run and what moves it."""

    @np.errstate(over="ignore", invalid="ignore")        # require_finite says it better
    def one_epoch(
        self, task: AnyTask, optimizer: Optimizer, batch_size: int, clip_norm: float | None,
        mark: Callable[[bool], None] = lambda last: None,
    ) -> None:
        """Pass every training input once, or those that are left of an epoch; theta moves in place."""
        X, y, n = task.X_train.astype(self.net.theta.dtype, copy=False), task.y_train, len(task.y_train)
        if batch_size < n and self.passed == 0:
            self.order = self.rng.permutation(n)
        for start in range(self.passed, n, batch_size):
            self.passed = start
            if start > 0:
                mark(False)
            batch = self.order[start : start + batch_size] if batch_size < n else slice(None)
            _, gradient = loss_and_gradient(self.net, X[batch], y[batch])
            if clip_norm is not None:
                gradient = clipped(gradient, clip_norm)
            self.state = optimizer.step(self.net.theta, gradient, self.state)
        self.epoch, self.passed = self.epoch + 1, 0
        self.require_finite()

    def fused_epochs(self, fused: FusedEpochs, rates: list[float]) -> None:
        """The same for as many epochs as there are learning rates, or for a part of one that is long."""
        done, self.state, self.order, self.passed = fused.advance(rates, self.rng, self.state, self.order, self.passed)
        self.epoch += done
        if self.passed == 0:
            self.require_finite()

    def require_finite(self) -> None:
        """Raise TrainingDivergedError where a parameter is NaN or infinite."""
        broken = ~np.isfinite(self.net.theta)
        if broken.any():
            raise TrainingDivergedError(
                f"training diverged in epoch {self.epoch}: {_name_of(self.net, int(np.argmax(broken)))} is not finite; "
                "use a smaller learning rate", from_rows(self.rows))

    def add_row(self, look: Callable[[], dict[str, Any]]) -> None:
        """Look at the net and record a row; outputs that overflow end the run, as parameters that do."""
        try:
            self.rows.append({"epoch": self.epoch, **look()})
        except FloatingPointError as error:
            largest = _name_of(self.net, int(np.argmax(abs(self.net.theta))))
            raise TrainingDivergedError(
                f"training diverged by epoch {self.epoch}: {error}; the largest parameter is {largest}",
                from_rows(self.rows)) from error


def _name_of(net: MLP, index: int) -> str:
    """The parameter at an index of theta, say "layer 0's W[3, 1]"."""
    for number, layer in enumerate(net.layers):
        for name, array in (("W", layer.W), ("b", layer.b)):
            if array is not None and index < array.size:
                position = ", ".join(str(i) for i in np.unravel_index(index, array.shape))
                return f"layer {number}'s {name}[{position}]"
            index -= 0 if array is None else array.size
    raise IndexError(index)
