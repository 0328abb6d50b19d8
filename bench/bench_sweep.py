"""What limits a sweep: how many results a second the driver takes, and what a run costs on one core.

    python bench/bench_sweep.py                  both
    python bench/bench_sweep.py --driver         instant runs alone, on threads, processes and a Dask cluster
    python bench/bench_sweep.py --experiments    CPU seconds a run, and a million runs on 100 cores
    python bench/bench_sweep.py --profile        where the driver's time goes, on processes

The driver's limit is measured with a run that returns two numbers at once: what is left is to send the configuration,
to fetch the result and to store it in a transaction of its own. The clock runs from the first result to the last, so
that the start of the workers is not in it; CPU is the driver's, over the same time: its inverse is what the driver
reaches where workers have other cores. `store` adds rows without any worker.

An experiment's run is repeated in one worker process, which has run it once before; its CPU time is what counts, so
that others on the machine do not. From both: a million runs on 100 cores take the longer of their CPU time over 100 and
of the driver's time.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import cProfile
import platform
import pstats
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from minigrok import NetworkLandscape, WangLandau, tasks
from minigrok.runs.grid import Grid
from minigrok.runs.pools import given, processes
from minigrok.runs.store import RunStore
from minigrok.runs.sweep import sweep, train_run

RUNS, WORKERS = 5000, 2
GOAL = 1000                    # results a second
MILLION, CORES = 10**6, 100
MOONS = {"task": "moons", "epochs": 300, "hidden": [6]}
MODULAR = {"task": "modular", "modulus": 47, "epochs": 500}
LANDSCAPE_STEPS = 2_000_000
LEAST_SECONDS = 15.0           # of one experiment's repetitions
FEWEST_RUNS = 3


def instant(configuration):
    """A run that takes no time."""
    return {"entropy": configuration["seed"] / 7, "purity": 0.5}


def instant_grid():
    """A grid of RUNS, which has been tried once, for that compiles."""
    grid = Grid({"task": "moons", "n": 40, "epochs": 1, "seeds": RUNS})
    assert len(grid.configurations) == 1
    return grid


@contextmanager
def threads(workers):
    """A pool of threads."""
    with ThreadPoolExecutor(workers) as pool:
        yield given(pool)


@contextmanager
def worker_processes(workers):
    """What a sweep takes if nothing is said."""
    yield processes


@contextmanager
def dask(workers):
    """Dask's, on this machine."""
    from minigrok.runs.cluster import cluster

    with cluster("local", workers) as (pool, _):
        yield pool


class Stopwatch:
    """Wall and CPU time from the first result on."""

    def __init__(self):
        self.begun = None

    def __call__(self, swept):
        """Look at the clock as a result comes."""
        now = np.array([time.perf_counter(), time.process_time()])
        if self.begun is None:
            self.begun, self.first = now, swept.done
        self.results, (self.seconds, self.cpu) = swept.done - self.first, now - self.begun


def line(name, results, seconds, cpu):
    """One of the table."""
    return (f"{name:12}{results:9}{seconds:9.2f}{results / seconds:17.0f}{1e6 * cpu / results:21.0f}"
            f"{results / cpu:21.0f}")


def driver_table():
    """Results a second of the driver, on each kind of worker; returns that of processes."""
    grid = instant_grid()
    print(f"{'':12}  results  seconds  results a second  driver's CPU (us)  results a CPU second", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        with RunStore(Path(folder) / "alone.db", driver=True) as store:
            begun = time.perf_counter(), time.process_time()
            for configuration in grid:
                store.add(configuration, instant(configuration))
            print(line("store", RUNS, time.perf_counter() - begun[0], time.process_time() - begun[1]), flush=True)
        limits = {}
        for name, opened in (("threads", threads), ("processes", worker_processes), ("Dask", dask)):
            watch = Stopwatch()
            with opened(WORKERS) as pool:
                sweep(grid, pool, Path(folder) / f"{name}.db", WORKERS, instant, progress=watch)
            print(line(name, watch.results, watch.seconds, watch.cpu), flush=True)
            limits[name] = watch.results / watch.seconds
    best = max(limits["threads"], limits["processes"])
    print(f"\nthe goal is {GOAL} a second on processes or threads: {'reached' if best >= GOAL else 'missed'}\n")
    return limits["processes"]


def moons(seed):
    """A training run of the first experiment, ready to start."""
    return partial(train_run, next(iter(Grid({**MOONS, "seed": seed}))))


def modular(seed):
    """A training run of the grokking experiment."""
    return partial(train_run, next(iter(Grid({**MODULAR, "seed": seed}))))


def landscape(seed):
    """A walk over all 2-6-2 networks."""
    networks = NetworkLandscape(tasks.circles(n=400, seed=0))
    return partial(WangLandau(networks, networks.edges(60), seed=seed).run, steps=LANDSCAPE_STEPS)


def cpu_seconds(experiment, seed):
    """What a worker does."""
    warnings.simplefilter("ignore")                      # of walks this short
    run = experiment(seed)
    begun = time.process_time()
    run()
    return time.process_time() - begun


def cpu_seconds_a_run(experiment):
    """The mean over several seeds, its standard error, and how many."""
    with processes(1) as worker:
        worker.submit(cpu_seconds, experiment, 0).result()      # loads and compiles
        times = []
        while sum(times) < LEAST_SECONDS or len(times) < FEWEST_RUNS:
            times.append(worker.submit(cpu_seconds, experiment, len(times) + 1).result())
    return float(np.mean(times)), float(np.std(times, ddof=1) / np.sqrt(len(times))), len(times)


def experiments_table(driver):
    """CPU seconds a run of each experiment, and what a million cost."""
    print(f"{'':40}  runs  CPU s a run    runs a core-hour  a million runs, core-hours  on {CORES} cores, hours")
    for name, experiment in (("moons, 2-6-2, 300 epochs", moons),
                             ("modular, p = 47, 100 units, 500 epochs", modular),
                             (f"landscape, {LANDSCAPE_STEPS // 10**6} million steps", landscape)):
        mean, error, count = cpu_seconds_a_run(experiment)
        on_cores, of_driver = MILLION * mean / CORES, MILLION / driver
        limit = "" if on_cores > of_driver else ", the driver's"
        print(f"{name:40}{count:6}{mean:8.3f} ± {error:.3f}{3600 / mean:16.0f}{MILLION * mean / 3600:27.1f}"
              f"{max(on_cores, of_driver) / 3600:22.2f}{limit}", flush=True)
        if experiment is landscape:
            print(f"{'':46}{LANDSCAPE_STEPS / mean / 1e6:.2f} million steps a CPU second")
    print(f"\nthe driver, at {driver:.0f} results a second, takes {MILLION / driver / 3600:.2f} hours for a million: "
          f"it\nlimits {CORES} cores where a run takes less than {1000 * CORES / driver:.0f} ms")


def profile():
    """Where the driver's time goes."""
    grid = instant_grid()
    with tempfile.TemporaryDirectory() as folder, cProfile.Profile() as watched:
        sweep(grid, None, Path(folder) / "runs.db", WORKERS, instant)
    pstats.Stats(watched).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in ("driver", "experiments", "profile"):
        parser.add_argument(f"--{kind}", action="store_true")
    settings = parser.parse_args()
    if settings.profile:
        profile()
        raise SystemExit
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores, "
          f"{WORKERS} workers\n")
    limit = driver_table() if settings.driver or not settings.experiments else GOAL
    if settings.experiments or not settings.driver:
        experiments_table(limit)
