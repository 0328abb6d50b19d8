"""Independent runs on several processes: one job, one result, whatever the number of workers.

Every job runs in a worker process, also where there is one worker, with one BLAS thread each: the
order of a sum, and so its last bit, must not depend on how many workers there are. Few more jobs are
handed out than there are workers: so memory stays flat, and when a worker dies it is known which jobs it may
have had. Each of those is run again alone, which shows whether it was the one.
"""

import os
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import Any, NamedTuple, Protocol

# Workers inherit these. One BLAS thread each; and glibc keeps the memory of the arrays that every epoch makes and
# drops, instead of handing it back and fetching it zeroed anew, which takes a quarter of a grokking run.
WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}
RETRIES = 3                    # of a job whose worker died
HOPELESS = 4                   # jobs so lost, and none that ended well, after which the rest is not tried


class Job(NamedTuple):
    """One run: `function(setting, seed)`, a function at the top level of a module so that workers find it."""

    experiment: str
    specification: str
    seed: int
    function: Callable[[Any, int], Any]
    setting: Any


class Outcome(NamedTuple):
    """What became of a job: its result, or the error that ended it."""

    job: Job
    result: Any
    error: BaseException | None


class Results(Protocol):
    """Where results are kept; `minigrok.study.store.Store` is one such place."""

    def load(self, job: Job) -> Outcome | None:
        """The outcome of a job, if it is there."""

    def save(self, job: Job, result: Any) -> None:
        """Keep the result of a job."""


Progress = Callable[[Outcome, int, int, float | None], None]       # (outcome, done, total, seconds left if known)
Ended = tuple[int, Outcome, float | None]              # index of a job, what became of it, the seconds that it took


def run_jobs(
    jobs: Sequence[Job], workers: int, progress: Progress | None = None, store: Results | None = None
) -> list[Outcome]:
    """Run all jobs and return their outcomes in the order of the jobs.

    A job that fails does not stop the others. One whose worker process dies is run again, at most 3 times, and then
    has failed with a RuntimeError.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int
        Processes. The results do not depend on it.
    progress : function of (outcome, done, total, seconds_left), optional
        Called as each job ends; the seconds are an estimate from the jobs so far, None while none has been timed.
    store : Store, optional
        Jobs whose results it has are not run; the others' results are saved as they come, errors are not.

    Raises
    ------
    RuntimeError
        Where no worker process lives long enough to run any job.
    """
    outcomes: dict[int, Outcome] = {}
    time_left = _TimeLeft(jobs, workers)

    def ended(index: int, outcome: Outcome, seconds: float | None) -> None:
        outcomes[index] = outcome
        time_left.count(outcome.job, seconds)
        if progress is not None:
            progress(outcome, len(outcomes), len(jobs), time_left.seconds())

    for index, job in enumerate(jobs):
        stored = None if store is None else store.load(job)
        if stored is not None:
            ended(index, stored, None)
    missing = deque(index for index in range(len(jobs)) if index not in outcomes)
    with _environment_of_workers(), closing(_run(jobs, missing, workers)) as running:
        for index, outcome, seconds in running:
            if store is not None and outcome.error is None:
                store.save(outcome.job, outcome.result)
            ended(index, outcome, seconds)
    return [outcomes[index] for index in range(len(jobs))]


def _run(jobs: Sequence[Job], waiting: deque[int], workers: int) -> Generator[Ended, None, None]:
    """Run the waiting jobs; those that a dead worker may have had are run again, each alone."""
    well, failed = 0, 0
    while waiting:
        before = len(waiting)
        lost = yield from _until_a_worker_dies(jobs, waiting, workers)
        well += before - len(waiting) - len(lost)
        for index in lost:
            for _ in range(RETRIES):
                if not (yield from _until_a_worker_dies(jobs, deque([index]), 1)):
                    well += 1
                    break
            else:
                failed += 1
                job = jobs[index]
                words = f"{job.experiment}, {job.specification}, seed {job.seed}"
                yield index, Outcome(job, None, RuntimeError(
                    f"the worker process of {words} died {1 + RETRIES} times: was it killed, or out of memory?")), None
            if failed >= HOPELESS and not well:
                raise RuntimeError(
                    f"all worker processes die, those of {failed} jobs did each time: a script that starts them has to "
                    'do so under `if __name__ == "__main__":`')


def _until_a_worker_dies(
    jobs: Sequence[Job], waiting: deque[int], workers: int
) -> Generator[Ended, None, list[int]]:
    """Run the waiting jobs, taking them off the line; return those that were under way when a worker died."""
    others = set(active_children())
    pool = ProcessPoolExecutor(min(workers, len(waiting)), get_context("spawn"), _end_with_parent)
    under_way: dict[Future[tuple[Any, float]], int] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) <= workers:               # one more, for whoever is free first
                job = jobs[waiting[0]]
                try:
                    future = pool.submit(_timed, job.function, job.setting, job.seed)
                except BrokenProcessPool:
                    return list(under_way.values())
                under_way[future] = waiting.popleft()
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    return list(under_way.values())
                index = under_way.pop(future)
                result, seconds = (None, None) if error else future.result()
                yield index, Outcome(jobs[index], result, error), seconds
        return []
    except BaseException:                                # Ctrl-C: what the workers are at would not be kept
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let a worker die as soon as the process that started it is gone; by itself it would wait for work for ever."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _timed(function: Callable[[Any, int], Any], setting: Any, seed: int) -> tuple[Any, float]:
    """The result of a job, and the seconds that it took."""
    started = time.monotonic()
    return function(setting, seed), time.monotonic() - started


class _TimeLeft:
    """How long the other jobs will take: as long as those of their specification did, or else of their experiment."""

    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self.workers = workers
        self.left = Counter((job.experiment, job.specification) for job in jobs)
        self.times: defaultdict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0, 0])      # sum, how many

    def count(self, job: Job, seconds: float | None) -> None:
        """A job has ended, and took so long."""
        self.left[job.experiment, job.specification] -= 1
        for kind in _kinds(job.experiment, job.specification) if seconds is not None else ():
            self.times[kind][0] += seconds or 0.0
            self.times[kind][1] += 1

    def seconds(self) -> float | None:
        """The estimate; None while no job has been timed."""
        jobs = self.left.total()
        if jobs and not self.times:
            return None
        work = sum(count * self._mean(*names) for names, count in self.left.items() if count)
        return work / max(1, min(jobs, self.workers))

    def _mean(self, experiment: str, specification: str) -> float:
        known = next(kind for kind in _kinds(experiment, specification) if kind in self.times)
        total, count = self.times[known]
        return total / count


def _kinds(experiment: str, specification: str) -> tuple[tuple[str, ...], ...]:
    """Kinds of jobs that one belongs to, the narrowest first."""
    return (experiment, specification), (experiment,), ()


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
