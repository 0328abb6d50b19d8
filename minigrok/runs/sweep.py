"""A sweep: all runs of a grid that the store has not got, on any executor, stored as they end.

What is to be done is the grid minus what is done; nothing says "running", so there is nothing to mend after a kill.
Only the driver writes. A run whose worker dies is tried again, at most 3 times, and then stored as failed with its
error, as is one that raises; the rest goes on. Every run is a function of its configuration alone, so the rows are the
same for any number of workers, wherever they are, and however often the sweep was broken off.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing
from os import PathLike, cpu_count
from pathlib import Path
from typing import Any, NamedTuple

from minigrok.checks import whole_number
from minigrok.runs.grid import Configuration, Grid
from minigrok.runs.jobs import Job, ended_jobs
from minigrok.runs.pools import Pool, given, processes
from minigrok.runs.store import DONE, FAILED, RunStore
from minigrok.runs.train_setup import criteria_of, loop_of, run_of
from minigrok.training import train

Numbers = dict[str, float]
RunFunction = Callable[[Configuration], Numbers]


class Swept(NamedTuple):
    """What a sweep did."""

    runs: int                  # of the grid
    before: int                # that were there already
    done: int                  # now
    failed: int                # now


Progress = Callable[[Swept], None]


def train_run(configuration: Configuration) -> Numbers:
    """One training run: each column of its history at the end, by its name, and at the start, as NAME_start."""
    run = run_of(configuration, configuration["seed"])
    history = train(run.net, run.task, run.optimizer, configuration["epochs"], seed=run.seed,
                    callbacks=tuple(criteria_of(configuration).values()), **loop_of(configuration))
    columns = {name: column for name, column in history.columns.items() if column.ndim == 1}
    ends = {name: float(column[-1]) for name, column in columns.items()}
    return ends | {f"{name}_start": float(column[0]) for name, column in columns.items() if name != "epoch"}


def sweep(
    grid: Grid | Mapping[str, Any] | str | PathLike[str], executor: Executor | Pool | None = None,
    db: str | PathLike[str] = "sweep.db", workers: int | None = None, function: RunFunction = train_run,
    retry_failed: bool = False, progress: Progress | None = None,
) -> Swept:
    """Run what is missing of a grid.

    Parameters
    ----------
    grid : Grid, mapping or path
        See `minigrok.runs.grid`.
    executor : concurrent.futures.Executor, optional
        Where runs are made, with one BLAS thread each if the numbers are to be the same everywhere; or a function that
        opens one (see `minigrok.runs.pools`), anew if it breaks. Left out: processes of this machine.
    db : path
        The store; made if it is not there. See `minigrok.runs.store`.
    workers : int, optional
        Runs at a time; as many as there are cores, if left out.
    function : function of a configuration that returns numbers by name
        At the top level of a module, so that workers find it.
    retry_failed : bool
        Whether to run again what has failed before.
    progress : function of a Swept, optional
        Called as each run ends.

    Returns
    -------
    Swept

    Raises
    ------
    ValueError, OSError
        As `Grid` and `RunStore`; what was stored until then is kept.
    RuntimeError
        Where no worker lives long enough to run anything.

    Examples
    --------
    >>> import tempfile
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> path = Path(tempfile.mkdtemp()) / "runs.db"
    >>> grid = {"task": "moons", "n": 40, "epochs": 2, "seeds": 2, "grid": {"lr": [0.1, 0.03]}}
    >>> with ThreadPoolExecutor(2) as threads:
    ...     sweep(grid, threads, path)
    Swept(runs=4, before=0, done=4, failed=0)
    >>> sweep(grid, db=path)
    Swept(runs=4, before=4, done=0, failed=0)
    """
    if workers is not None:
        workers = whole_number("workers", workers, 1)
    grid = grid if isinstance(grid, Grid) else Grid(grid if isinstance(grid, Mapping) else Path(grid))
    pool: Pool = processes if executor is None else given(executor) if isinstance(executor, Executor) else executor
    done, failed, before = 0, 0, 0
    with RunStore(db, driver=True) as store:
        store.check()

        def missing() -> Iterator[tuple[int, Job]]:
            nonlocal before
            for index, configuration in enumerate(grid):
                status = store.status(configuration)
                if status == DONE or (status == FAILED and not retry_failed):
                    before += 1
                else:
                    yield index, Job("sweep", f"run {index}", configuration["seed"], _run, (function, configuration))

        with closing(ended_jobs(missing(), workers or cpu_count() or 1, pool)) as running:
            for _, (job, numbers, error), _ in running:
                words = f"{type(error).__name__}: {error}" if error else ""
                store.add(job.setting[1], None if error else numbers, words)
                done, failed = done + (error is None), failed + (error is not None)
                if progress is not None:
                    progress(Swept(len(grid), before, done, failed))
    return Swept(len(grid), before, done, failed)


def _run(setting: tuple[RunFunction, Configuration], seed: int) -> Numbers:
    """What a worker does; the seed stands in the configuration."""
    function, configuration = setting
    return function(configuration)
