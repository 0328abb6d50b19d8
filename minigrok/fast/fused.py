"""The fused form of training: which nets, tasks and optimizers it serves, and the way from them to its kernels.

It computes what the plain form does (`minigrok.mlp.loss_and_gradient`, the optimizer's `step`, the row of a History),
to rounding, in the compiled epochs of `minigrok.fast.epochs`. It serves

    a net of one hidden layer, any activation, loss and type, with biases or without;
    SGD and AdamW themselves, with every setting, schedule and clipping;
    any batch size; tasks of arrays, and modular ones, whose two-hot rows are never built.

Everything else is trained by the plain form: deeper nets, and optimizers of your own. So is all without numba.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from minigrok.checks import BoolArray, FloatArray, IntArray
from minigrok.density import spectrum
from minigrok.fast.blas_threads import one_blas_thread
from minigrok.fast.epochs import Stepper, Watched, finish, parts, prepare, run_epochs
from minigrok.fast.one_hidden import (
    GRAM,
    GRAM_OF_ROWS,
    LOSSES_ALONE,
    NOTHING,
    Data,
    new_sums,
    new_weights,
    one_pass,
    shape_of,
)
from minigrok.fast.steps import ADAMW_CODE, FAINT, FAINT_32, FAINT_ROOT, FAINT_ROOT_32, SETTINGS, SGD_CODE
from minigrok.jit import JIT_ENABLED
from minigrok.mlp import MLP
from minigrok.optimizers import SGD, AdamW, Optimizer
from minigrok.schedules import Schedule, scheduled
from minigrok.tasks import AnyTask, ModularTask

WORK_AT_ONCE = 2e9             # inputs times parameters in one call, about a second, if a batch is not longer than that
FROM_GRAM = {"trace": GRAM, "centered": GRAM, "rows": GRAM_OF_ROWS}
# A Gram matrix gives the plain form's digits where the squares of the activations neither overflow nor vanish, and
# where taking the mean off leaves a share of it that is not small
SMALLEST_TRACE, LARGEST_TRACE = 1e-100, 1e100
SMALLEST_SHARE = {8: 1e-3, 4: 0.1}       # by the bytes of a number


class Look(NamedTuple):
    """What a pass over training and test inputs has seen."""

    losses: dict[str, float]             # by part, "train" and "test"
    accuracies: dict[str, float]
    spectra: dict[str, FloatArray]       # by convention, where they could be had without loss of digits


_one_thread = ContextVar("one_thread", default=False)


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let the runs that are begun in here keep to the thread that they are begun in."""
    token = _one_thread.set(True)
    try:
        yield
    finally:
        _one_thread.reset(token)


def thread_count() -> int:
    """Threads that a run may use: OMP_NUM_THREADS where that is a number, else one a core."""
    if _one_thread.get():
        return 1
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return max(1, int(wanted)) if wanted.isdecimal() else os.cpu_count() or 1


def serves(net: MLP, task: AnyTask, optimizer: Optimizer) -> bool:
    """Whether the fused form takes this run; what it would have to refuse, the plain form explains better."""
    if not JIT_ENABLED or len(net.sizes) != 3 or type(net) is not MLP or type(optimizer) not in (SGD, AdamW):
        return False
    for y in (task.y_train, task.y_test):
        if len(y) == 0 or y.min() < 0 or y.max() >= net.sizes[-1]:
            return False
    if isinstance(task, ModularTask):                    # compiled code checks no bounds
        pairs = (task.pairs_train, task.pairs_test)
        inside = all(values.min() >= 0 and values.max() < task.n_classes for values in pairs)
        return net.sizes[0] == 2 * task.n_classes and inside
    return all(
        X.ndim == 2 and X.shape[1] == net.sizes[0] and bool(np.isfinite(X.astype(net.theta.dtype)).all())
        for X in (task.X_train, task.X_test))


class FusedEpochs:
    """Epochs of one run. It keeps nothing that a result depends on but `net` and the state that it is handed."""

    def __init__(self, net: MLP, task: AnyTask, optimizer: Any, batch_size: int, clip_norm: float | None) -> None:
        dtype = net.theta.dtype
        pairs = isinstance(task, ModularTask)
        self.optimizer: SGD | AdamW = optimizer
        self.batch_size = batch_size
        self.epochs_at_once = max(1, int(WORK_AT_ONCE / (len(task.y_train) * len(net.theta))))
        self.inputs_at_once = batch_size * max(1, int(WORK_AT_ONCE / (batch_size * len(net.theta))))   # of one epoch
        self.data = {part: _data(task, part, dtype) for part in ("train", "test")}
        self.rows = {part: np.arange(len(data.y)) for part, data in self.data.items()}
        features, hidden, classes = net.sizes
        self.shape = shape_of((features, hidden, classes), net.activation, net.loss, net.bias, pairs, dtype)
        self.weights = new_weights(self.shape, dtype)
        self.sums = [new_sums(self.shape, dtype) for _ in parts(len(self.rows["train"]))]
        is_adamw = isinstance(optimizer, AdamW)
        settings = (
            (*optimizer.betas, optimizer.eps, optimizer.weight_decay) if is_adamw
            else (optimizer.momentum, optimizer.weight_decay, optimizer.nesterov, 0))
        faint = (FAINT, FAINT_ROOT) if dtype == np.float64 else (FAINT_32, FAINT_ROOT_32)
        self.stepper = Stepper(
            ADAMW_CODE if is_adamw else SGD_CODE, np.array(settings, float), clip_norm or np.inf, net.theta,
            np.zeros_like(net.theta), np.zeros_like(net.theta), np.zeros_like(net.theta), np.zeros(SETTINGS, dtype),
            np.array(faint, dtype))
        self.ends = False                                           # whether no epoch will need a gradient any more
        self.gradient_of = np.full_like(net.theta, np.nan)          # the theta whose gradient is there
        threads = min(thread_count(), len(self.sums))
        self.pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def rates(self, schedule: Schedule | None, epoch: int, record_every: int, epochs: int) -> list[float]:
        """The learning rates of the epochs after `epoch`, up to the next record, but not for long without a pause."""
        next_record = (epoch // record_every + 1) * record_every
        ahead = range(epoch, max(epoch + 1, min(next_record, epochs, epoch + self.epochs_at_once)))
        self.ends = ahead.stop == epochs
        return [scheduled(self.optimizer, schedule, e, epochs).lr for e in ahead]

    def advance(
        self, rates: list[float], rng: np.random.Generator, state: Any, order: IntArray, passed: int
    ) -> tuple[int, Any, IntArray, int]:
        """One epoch for each learning rate, or a part of one: moves the net's theta.

        Where `passed` inputs of an epoch in this order are done, the next of it are passed. Returns epochs done, the
        optimizer's next state, and again an order and how much of it is passed, 0 if no epoch is half done. Fewer
        epochs are done where theta is no longer finite. Orders are drawn from `rng` as the plain form draws them.
        """
        n, watched = len(self.rows["train"]), self._watched(np.zeros(len(rates), bool), "train", ())
        orders = order[None] if passed > 0 else self._orders(len(rates), rng)
        if passed == 0 and (len(rates) > 1 or self.inputs_at_once >= n):
            return *self._advance(rates, orders, state, watched), orders[0], 0
        piece = orders[:1, passed : passed + self.inputs_at_once]
        passed += piece.shape[1]
        _, state = self._advance(rates[:1], piece, state, watched)
        return int(passed >= n), state, orders[0], passed % n

    def advance_and_look(
        self, rates: list[float], rng: np.random.Generator, state: Any, due: BoolArray, inputs: str,
        conventions: tuple[str, ...],
    ) -> tuple[int, Any, list[tuple[int, Look, FloatArray]]]:
        """`advance`, and `look` after each epoch that is due, in one compiled call.

        The list has, for each look, how many of the epochs were done, the look, and theta. Where a loss is no longer
        finite, that look is the last.
        """
        watched = self._watched(due, inputs, conventions)
        done, state = self._advance(rates, self._orders(len(rates), rng), state, watched)
        n_train, n_test = len(self.rows["train"]), len(self.rows["test"])
        n = {"train": n_train, "test": n_test, "all": n_train + n_test}[inputs]
        looks = []
        for record, epoch in enumerate(np.flatnonzero(due[:done])):
            loss, right = watched.losses[record], watched.right[record]
            spectra = self._spectra(watched.grams[record], watched.column_sums[record], n, conventions)
            looks.append((int(epoch) + 1, Look(
                {"train": loss[0] / n_train, "test": loss[1] / n_test},
                {"train": right[0] / n_train, "test": right[1] / n_test}, spectra), watched.thetas[record]))
        return done, state, looks

    def _orders(self, epochs: int, rng: np.random.Generator) -> IntArray:
        """Of the inputs in each epoch; one for all of them where a batch holds all."""
        rows = self.rows["train"]
        full = self.batch_size == len(rows)
        return rows[None] if full else np.array([rng.permutation(len(rows)) for _ in range(epochs)])

    def _watched(self, due: BoolArray, inputs: str, conventions: tuple[str, ...]) -> Watched:
        """Room for what is seen at the epochs that are due."""
        records, rows, sums = int(due.sum()), self.rows, self.sums[0]
        codes = [_watch_code(part, inputs, conventions) for part in ("train", "test")]
        middles = [self._parts(part)[0][1] for part in ("train", "test")]
        return Watched(
            due, np.array(codes), rows["train"], rows["test"], np.array(middles),
            np.zeros((records, len(self.stepper.theta)), self.stepper.theta.dtype), np.zeros((records, 2)),
            np.zeros((records, 2), np.int64), np.zeros((records, *sums.grams.shape)),
            np.zeros((records, *sums.column_sums.shape)))

    def _parts(self, part: str) -> list[tuple[int, int]]:
        """The bounds of the parts in which sums over training or test inputs are taken."""
        n = len(self.rows[part])
        return parts(n) if len(self.sums) > 1 else [(0, n)]

    def _advance(
        self, rates: list[float], orders: IntArray, state: Any, watched: Watched
    ) -> tuple[int, Any]:
        full, stepper = self.batch_size == len(self.rows["train"]), self.stepper
        memories = (stepper.memory, stepper.memory_of_squares)[: len(state) - 1]
        for memory, values in zip(memories, state[1:], strict=True):
            memory[:] = values
        has_gradient = full and np.array_equal(self.gradient_of, stepper.theta)
        if full and self.pool is not None and not watched.due.any():
            done, steps = self._threaded(rates, int(state.steps), has_gradient)
        else:
            done, steps = run_epochs(
                self.data["train"], self.data["test"], orders, self.batch_size, np.array(rates, float),
                int(state.steps), self.shape, self.weights, self.sums[0], stepper, has_gradient, watched)
        return done, type(state)(steps, *(memory.copy() for memory in memories))

    def look(self, inputs: str, conventions: tuple[str, ...]) -> Look:
        """Losses, accuracies and the hidden layer's spectra over `inputs`, of the net as it is.

        Where a batch is the whole training set, the gradient comes out of it as well, for the next epoch to use.
        """
        prepare(self.stepper, self.shape, self.weights)
        losses, accuracies, count = {}, {}, 0
        grams, column_sums = np.zeros_like(self.sums[0].grams), np.zeros_like(self.sums[0].column_sums)
        for part in ("train", "test"):
            n = len(self.rows[part])
            learn = part == "train" and self.batch_size == n and not self.ends
            seen = self._pass(part, learn, _watch_code(part, inputs, conventions))
            losses[part] = sum(loss for loss, _ in seen) / n
            accuracies[part] = sum(right for _, right in seen) / n
            if inputs in (part, "all"):
                count += n
                for sums in self.sums[: len(seen)]:
                    grams, column_sums = grams + sums.grams, column_sums + sums.column_sums
            if learn:
                finish(self.sums[0], self.sums[-1], len(seen), self.shape, self.stepper, 0.0, 0)
                self.gradient_of[:] = self.stepper.theta
        return Look(losses, accuracies, self._spectra(grams, column_sums, count, conventions))

    def _pass(self, part: str, learn: bool, watch: int) -> list[tuple[float, int]]:
        """Loss and right answers of each part of the inputs, over which the sums are taken, on as many threads."""
        n = len(self.rows[part])
        scale: Any = self.stepper.theta.dtype.type(1 / n)

        def one(bounds: tuple[int, int], sums: Any) -> tuple[float, int]:
            rows = self.rows[part][slice(*bounds)]
            return one_pass(self.data[part], rows, self.shape, self.weights, sums, scale, learn, watch)

        pieces = self._parts(part)
        work = list(zip(pieces, self.sums[: len(pieces)], strict=True))
        later = [self.pool.submit(one, *piece) for piece in work[1:]] if self.pool else []
        first = one(*work[0])
        return [first, *(future.result() for future in later)] if later else [first, *(one(*w) for w in work[1:])]

    def _threaded(self, rates: list[float], steps: int, has_gradient: bool) -> tuple[int, int]:
        """`run_epochs` of whole batches with the parts of the gradient on two threads."""
        for epoch, rate in enumerate(rates, 1):
            count = 0
            if not has_gradient:
                prepare(self.stepper, self.shape, self.weights)
                count = len(self._pass("train", True, NOTHING))
            has_gradient = False
            if not finish(self.sums[0], self.sums[-1], count, self.shape, self.stepper, rate, steps + epoch):
                return epoch, steps + epoch
        return len(rates), steps + len(rates)

    def _spectra(
        self, grams: FloatArray, column_sums: FloatArray, n: int, conventions: tuple[str, ...]
    ) -> dict[str, FloatArray]:
        """The spectra that follow from the Gram matrices of n rows of activations without loss of digits."""
        d, spectra = self.shape.hidden, {}
        wanted = set(conventions) & set(FROM_GRAM)
        if n < d or not wanted:
            return {}
        upper = grams.reshape(2, -1, self.shape.hidden_width)[:, :d, :d]
        total = np.trace(upper[0])
        if not SMALLEST_TRACE < total < LARGEST_TRACE:
            return {}
        share = SMALLEST_SHARE[self.stepper.theta.itemsize] if "centered" in wanted else 0.0
        enough = {"trace": 0.0, "rows": n - 0.5, "centered": share * total}      # rows: each has a direction
        for convention in wanted:
            gram = upper[int(convention == "rows")]
            if convention == "centered":
                gram = gram - np.outer(column_sums[:d], column_sums[:d]) / n
            trace = np.trace(gram)
            if trace > enough[convention]:
                rho = np.triu(gram) / trace
                with one_blas_thread(), suppress(ValueError):        # rounding below zero: left to the plain form
                    spectra[convention] = spectrum(rho + np.triu(rho, 1).T)
        return spectra


def _watch_code(part: str, inputs: str, conventions: tuple[str, ...]) -> int:
    """What a pass over the training or test inputs has to watch."""
    if inputs not in (part, "all"):
        return LOSSES_ALONE
    return max((FROM_GRAM.get(convention, LOSSES_ALONE) for convention in conventions), default=LOSSES_ALONE)


def _data(task: AnyTask, part: str, dtype: Any) -> Data:
    y = np.ascontiguousarray(getattr(task, f"y_{part}"), np.int64)
    if isinstance(task, ModularTask):
        pairs = np.ascontiguousarray(getattr(task, f"pairs_{part}"), np.int64)
        return Data(np.zeros((0, 0), dtype), pairs, y)
    return Data(np.ascontiguousarray(getattr(task, f"X_{part}"), dtype), np.zeros((0, 2), np.int64), y)
