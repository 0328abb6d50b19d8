"""Workers on a Dask cluster: of this machine, or wherever a scheduler has them.

Dask is the extra `cluster`: python -m pip install 'minigrok[cluster]'. It is a `concurrent.futures` executor to us, so
nothing else knows of it. A run whose worker is lost ends with KilledWorker, and `minigrok.runs.jobs` tries it 3 times
more, alone. The scheduler of another machine, unless it is set otherwise, tries it on 4 workers before it says so.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from minigrok.runs.pools import WORKER_ENVIRONMENT, Pool, without_interrupts

LOCAL = "local"                # instead of an address
CONNECT_SECONDS = 30
LOST_SECONDS = 120             # without any worker, after which a sweep ends
LOCAL_SETTINGS = {             # of Dask, for a cluster that it starts here
    "distributed.scheduler.allowed-failures": 0,         # a lost run is tried again by minigrok.runs.jobs alone
    # A worker that is missing after so long is given up. Of 15 s, the default, one that dies and starts again and again
    # may be caught on its way up; once all are given up, a sweep waits for ever.
    "distributed.deploy.lost-worker-timeout": "1 day"}


@contextmanager
def cluster(address: str, workers: int) -> Iterator[tuple[Pool, int]]:
    """Yield a pool on the cluster, and how many runs it makes at a time.

    Parameters
    ----------
    address : str
        Of a scheduler, say tcp://10.0.0.1:8786, or "local" for one on this machine, which ends with the block.
    workers : int
        Of a local cluster, one process with one thread each; a scheduler's are as many as it has.

    Raises
    ------
    ValueError
        If Dask is not installed, or the address is none.
    OSError
        If no scheduler answers at the address, or it has no worker.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ValueError(
            f"a cluster needs Dask, which cannot be imported ({error}): python -m pip install 'minigrok[cluster]'"
        ) from error
    with import_module("dask").config.set(LOCAL_SETTINGS if address == LOCAL else {}):
        local = _local_cluster(distributed, workers) if address == LOCAL else None
        try:
            with _client(distributed, local or address) as client:
                count = sum(client.nthreads().values())
                if count == 0:
                    raise OSError(f"the scheduler at {address} has no worker: start some with `dask worker {address}`")
                yield partial(_executor, client), count
        finally:
            if local is not None:
                local.close()


def _local_cluster(distributed: Any, workers: int) -> Any:
    with without_interrupts():
        return distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, env=WORKER_ENVIRONMENT,
            dashboard_address="127.0.0.1:0")             # any port that is free: there may be a second sweep


def _client(distributed: Any, address: Any) -> Any:
    """A client, once the scheduler has answered."""
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS)
    except ValueError as error:
        raise ValueError(f"{address!r} is no address of a scheduler ({error}): say tcp://10.0.0.1:8786, or local"
                         ) from error
    except OSError as error:
        raise OSError(f"no scheduler answers at {address} ({error}): start one with `dask scheduler`, or give local"
                      ) from error


class _ClusterExecutor(Executor):
    """Dask's executor, which says so when the scheduler is gone, or no worker has been there for LOST_SECONDS."""

    def __init__(self, client: Any) -> None:
        self.client, self.executor = client, client.get_executor(pure=False)
        self.address, self.seen = client.scheduler.address, time.monotonic()

    def submit(self, function: Callable[..., Any], /, *words: Any, **named: Any) -> Future[Any]:
        """As any executor."""
        self.require_scheduler()
        future: Future[Any] = self.executor.submit(function, *words, **named)
        return future

    def require_scheduler(self) -> None:
        """Raise OSError if it does not answer any more."""
        if self.client.status != "running":
            raise OSError(f"the scheduler at {self.address} is gone; what had ended before is kept")

    def require_workers(self, busy: bool) -> None:
        """Raise OSError if nobody is there; `busy` says that a run has just come back."""
        self.require_scheduler()
        now = time.monotonic()
        if busy or self.client.nthreads():
            self.seen = now
        if now - self.seen > LOST_SECONDS:
            raise OSError(f"the scheduler at {self.address} has had no worker for {LOST_SECONDS} s; what had ended "
                          "before is kept")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As any executor."""
        if self.client.status == "running":
            self.executor.shutdown(wait=wait)


@contextmanager
def _executor(client: Any, workers: int) -> Iterator[Executor]:
    """What a pool is; what is under way is let go when a block ends by an exception."""
    executor = _ClusterExecutor(client)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False)
        raise
    executor.shutdown()
