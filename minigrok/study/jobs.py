"""Independent runs on several processes: one job, one result, whatever the number of workers.

Every job runs in a worker process, also where there is one worker, with one BLAS thread each: the
order of a sum, and so its last bit, must not depend on how many workers there are.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, NamedTuple

# Workers inherit these. One BLAS thread each; and glibc keeps the memory of the arrays that every epoch makes and
# drops, instead of handing it back and fetching it zeroed anew, which takes a quarter of a grokking run.
WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}


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


def run_jobs(
    jobs: Sequence[Job], workers: int, progress: Callable[[Outcome, int, int], None] | None = None
) -> list[Outcome]:
    """Run all jobs and return their outcomes in the order of the jobs.

    A job that fails does not stop the others. `progress(outcome, done, total)` is called as each ends.
    """
    outcomes: dict[int, Outcome] = {}
    with _environment_of_workers(), ProcessPoolExecutor(min(workers, max(1, len(jobs))), get_context("spawn")) as pool:
        futures: dict[Future[Any], int] = {
            pool.submit(job.function, job.setting, job.seed): index for index, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                index = futures[future]
                error = future.exception()
                outcomes[index] = Outcome(jobs[index], None if error else future.result(), error)
                if progress is not None:
                    progress(outcomes[index], len(outcomes), len(jobs))
        except BaseException:                            # Ctrl-C: do not first finish what waits
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [outcomes[index] for index in range(len(jobs))]


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
