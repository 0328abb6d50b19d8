"""Independent runs side by side: one job, one result, whatever the number of workers and wherever they are.

Every job runs in a worker process, also where there is one worker, with one BLAS thread each: the
order of a sum, and so its last bit, must not depend on how many workers there are. Few more jobs are
handed out than there are workers: so memory stays flat, and when a worker dies it is known which jobs it may
have had. Each of those is run again alone, which shows whether it was the one.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import closing
from typing import Any, NamedTuple, Protocol

from minigrok.runs.pools import Pool, processes, require_workers, worker_died

RETRIES = 3                    # of a job whose worker died
HOPELESS = 4                   # jobs so lost, and none that ended well, after which the rest is not tried
WAIT_SECONDS = 1.0             # of one wait, so that a signal is never kept waiting longer


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
    missing = [(index, job) for index, job in enumerate(jobs) if index not in outcomes]
    with closing(ended_jobs(missing, workers)) as running:
        for index, outcome, seconds in running:
            if store is not None and outcome.error is None:
                store.save(outcome.job, outcome.result)
            ended(index, outcome, seconds)
    return [outcomes[index] for index in range(len(jobs))]


def ended_jobs(
    jobs: Iterable[tuple[int, Job]], workers: int, pool: Pool = processes
) -> Generator[Ended, None, None]:
    """Run numbered jobs, taken from their iterator as workers get free, and yield each as it ends.

    Those that a dead worker may have had are run again, each alone.

    Raises
    ------
    RuntimeError
        Where no worker lives long enough to run any job.
    """
    line, well, failed = _Line(jobs), 0, 0
    while line:
        taken = line.taken
        lost = yield from _until_a_worker_dies(line, workers, pool)
        well += line.taken - taken - len(lost)
        for numbered in lost:
            for _ in range(RETRIES):
                alone = _Line([numbered])
                died = yield from _until_a_worker_dies(alone, 1, pool)
                if alone:                                # it was not taken
                    raise _no_worker_lives(failed)
                if not died:
                    well += 1
                    break
            else:
                failed += 1
                yield numbered[0], Outcome(numbered[1], None, _died(numbered[1])), None
        if line.taken == taken or (failed >= HOPELESS and not well):
            raise _no_worker_lives(failed)


def _no_worker_lives(failed: int) -> RuntimeError:
    return RuntimeError(
        f"all worker processes die, those of {failed} jobs did each time: a script that starts them has to do so "
        'under `if __name__ == "__main__":`; and an executor that broke or was shut down is of no more use')


def _died(job: Job) -> RuntimeError:
    words = f"{job.experiment}, {job.specification}, seed {job.seed}"
    return RuntimeError(f"the worker process of {words} died {1 + RETRIES} times: was it killed, or out of memory?")


class _Line:
    """Numbered jobs that wait; one that was taken can be put back."""

    def __init__(self, jobs: Iterable[tuple[int, Job]]) -> None:
        self.jobs, self.ahead, self.taken = iter(jobs), deque[tuple[int, Job]](), 0

    def __bool__(self) -> bool:
        if not self.ahead:
            self.ahead.extend(following for following in [next(self.jobs, None)] if following is not None)
        return bool(self.ahead)

    def take(self) -> tuple[int, Job]:
        """The first."""
        self.taken += 1
        return self.ahead.popleft() if self else next(self.jobs)

    def put_back(self, numbered: tuple[int, Job]) -> None:
        """In front."""
        self.taken -= 1
        self.ahead.appendleft(numbered)


def _until_a_worker_dies(line: _Line, workers: int, pool: Pool) -> Generator[Ended, None, list[tuple[int, Job]]]:
    """Run the jobs in line; return those that were under way when a worker died."""
    under_way: dict[Future[tuple[Any, float]], tuple[int, Job]] = {}
    lost: list[tuple[int, Job]] = []
    with pool(workers) as executor:
        while (line and not lost) or under_way:
            while line and not lost and len(under_way) <= workers:     # one more, for whoever is free first
                numbered = line.take()
                try:
                    under_way[executor.submit(_timed, numbered[1])] = numbered
                except (BrokenExecutor, RuntimeError):                 # broken, or shut down since
                    line.put_back(numbered)
                    return lost + list(under_way.values())
            ended = wait(under_way, WAIT_SECONDS, FIRST_COMPLETED).done
            require_workers(executor, bool(ended))
            for future in sorted(ended, key=lambda each: under_way[each][0]):
                numbered = under_way.pop(future)
                error = _error_of(future)
                if isinstance(error, BrokenExecutor):
                    return [*lost, numbered, *under_way.values()]
                if worker_died(error):                                 # of a cluster: the others go on
                    lost.append(numbered)
                    continue
                result, seconds = (None, None) if error else future.result(0)
                yield numbered[0], Outcome(numbered[1], result, error), seconds
    return lost


def _error_of(future: Future[Any]) -> BaseException | None:
    """What a job that has ended raised; the CancelledError of one whose cluster is gone, which would be raised here."""
    try:
        return future.exception(0)
    except CancelledError as cancelled:
        return cancelled


def _timed(job: Job) -> tuple[Any, float]:
    """The result of a job, and the seconds that it took. One positional argument, since Dask keeps names for itself."""
    started = time.monotonic()
    return job.function(job.setting, job.seed), time.monotonic() - started


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
