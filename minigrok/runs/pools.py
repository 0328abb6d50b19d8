"""Where jobs are run: anything with the interface of `concurrent.futures.Executor`, opened anew when it broke.

A *pool* is a function of a number of workers that gives a context manager, which yields an executor and ends it:
without waiting for what is under way, if an exception ends it, since that would not be kept.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing import active_children, get_context, parent_process, resource_tracker
from typing import Any

Pool = Callable[[int], AbstractContextManager[Executor]]

# Workers inherit these. One BLAS thread each; and glibc keeps the memory of the arrays that every epoch makes and
# drops, instead of handing it back and fetching it zeroed anew, which takes a quarter of a grokking run.
WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Worker processes of this machine, which end with the one that started them."""
    others = set(active_children())
    with _environment_of_workers():
        pool = _Processes(workers, get_context("spawn"), _end_with_parent)
        try:
            yield pool
        except BaseException:                            # Ctrl-C: what the workers are at would not be kept
            for worker in set(active_children()) - others:
                worker.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def given(executor: Executor) -> Pool:
    """An executor that the caller opened and will close; once it is broken, it stays so."""
    return lambda workers: nullcontext(executor)


def require_workers(executor: Executor, busy: bool) -> None:
    """Raise OSError where an executor says that nobody is there to work any more; most say nothing."""
    look = getattr(executor, "require_workers", None)
    if look is not None:
        look(busy)


def worker_died(error: BaseException | None) -> bool:
    """Whether a job's error says that its worker died (or, on a cluster, took it along), and nothing of the job."""
    return isinstance(error, BrokenExecutor | CancelledError) or type(error).__name__ == "KilledWorker"     # Dask's


class _Processes(ProcessPoolExecutor):
    """Starts its workers in `submit`, without an ear for Ctrl-C."""

    def submit(self, function: Callable[..., Any], /, *words: Any, **named: Any) -> Future[Any]:
        with without_interrupts():
            return super().submit(function, *words, **named)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Let processes that are started here be deaf to Ctrl-C, which goes to all of a terminal's processes: it is for the
    one that started them to end them, and they would each print a traceback. Where the system has no such mask, they
    hear it while they start.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()                    # which, started later, would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])       # processes inherit it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Let a worker die as soon as the process that started it is gone; by itself it would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _environment_of_workers() -> Iterator[None]:
    """Set what workers inherit while they are started; libraries read it when they are loaded."""
    before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
    os.environ.update(WORKER_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
