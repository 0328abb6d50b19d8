"""Tables of bench_training.py in which minigrok's training stands beside itself: growth, recording, cores, start.

An epoch of the grokking net takes three products of N p d multiplications each, and N = p^2 / 2 for half the pairs:

    time = constant * p^3 d,    which log-log slopes of 3 in p, 1 in d, 1 in N and 1 in the number of epochs would show.
"""

import os

if __name__ != "__main__":                               # as a worker of `cores` its environment is set already
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"

import json
import math
import subprocess
import sys
import tempfile
import time

import numpy as np

from minigrok import MLP, SGD, AdamW, TrainingRun, tasks, train, train_many

PRIMES, WIDTHS = (31, 47, 67, 97, 139, 199), (64, 100, 128, 192, 256, 384, 512)
FRACTIONS, LENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9), (10, 20, 40, 80, 160)
SHORT, LONG = 2, 12            # epochs; their difference leaves out what a call costs and what is recorded
RECORDED_EPOCHS = 101          # the first state and the last are always recorded: with k = 10 ten records more
MOST_FOR_RECORDING, LEAST_FOR_TWO = 0.08, 1.7
FIRST_CALL, ALL_COMPILATION = 0.5, 20.0                  # seconds allowed
COLD_STARTS = 2                # at most; each compiles everything

FIRST_CALLS = {
    "2-6-2, batches of 32": "train(MLP([2, 6, 2]), tasks.moons(n=200), SGD(0.1), 1, batch_size=32)",
    "194-100-97, full batch": "train(MLP([194, 100, 97], bias=False, dtype='float32'), tasks.modular(97), "
                              "AdamW(1e-3), 2)",
}
FIRST_CALL_SCRIPT = """
import json, time
from minigrok import MLP, SGD, AdamW, tasks, train
times = [time.process_time()]
for _ in range(2):
    {call}
    times.append(time.process_time())
print(json.dumps(times))
"""
EVERYTHING_SCRIPT = """
import json, time, warnings
from dataclasses import replace
from minigrok.study import classifier, grokking, grokking_settings, landscape, loss_landscape
warnings.simplefilter("ignore")                          # so short walks converge poorly
for setting in classifier.SETTINGS:
    classifier.run(replace(setting, epochs=2, n=200), 0)
for setting in grokking_settings.BASES:
    grokking.run(replace(setting, epochs=2), 0)
for job in landscape.plan(0, 1, 10_000) + loss_landscape.plan(0, 1, 10_000):
    job.function(job.setting, job.seed)
print(json.dumps([time.process_time()]))
"""


def grokking_run(p=97, d=100, train_fraction=0.5, seed=0):
    """A call of `train` on a fresh net, given epochs and the distance of the records."""
    task = tasks.modular(p, train_fraction=train_fraction, seed=0)
    optimizer = AdamW(1e-3, betas=(0.9, 0.98), weight_decay=1.0)

    def run(epochs, record_every=10**9):
        net = MLP([2 * p, d, p], bias=False, dtype=np.float32, seed=seed)
        train(net, task, optimizer, epochs, record_every=record_every)

    return run


def least(works, rounds):
    """Least CPU seconds of each, in turn, after one round that is not counted."""
    best = [math.inf] * len(works)
    for number in range(rounds + 1):
        for i, work in enumerate(works):
            start = time.process_time()
            work()
            if number:
                best[i] = min(best[i], time.process_time() - start)
    return np.array(best)


def epoch_seconds(runs, rounds):
    """CPU seconds an epoch of each run."""
    works = [lambda run=run, epochs=epochs: run(epochs) for run in runs for epochs in (SHORT, LONG)]
    return np.diff(least(works, rounds).reshape(-1, 2), axis=1)[:, 0] / (LONG - SHORT)


def verdict(value, goal, at_most=True):
    """`met` or `MISSED`."""
    return "met" if (value <= goal if at_most else value >= goal) else "MISSED"


def slope(what, sizes, seconds, theory):
    """Print the times and the slope of ln time by ln size, with its standard error."""
    (exponent, _), covariance = np.polyfit(np.log(sizes), np.log(seconds), 1, cov=True)
    print(f"  {what:12} " + "  ".join(f"{size}: {second * 1e3:.4g}" for size, second in zip(sizes, seconds)))
    print(f"  {'':12} slope {exponent:.3f} +- {covariance[0, 0] ** 0.5:.3f}, theory {theory}")


def growth(rounds):
    """Table 4."""
    print("\ngrowth of an epoch's CPU time, ms, float32, without records; p = 97, d = 100, half the pairs if not said")
    slope("p", PRIMES, epoch_seconds([grokking_run(p=p) for p in PRIMES], rounds), 3)
    slope("d", WIDTHS, epoch_seconds([grokking_run(d=d) for d in WIDTHS], rounds), 1)
    sizes = [len(tasks.modular(97, train_fraction=f, seed=0).y_train) for f in FRACTIONS]
    slope("N", sizes, epoch_seconds([grokking_run(train_fraction=f) for f in FRACTIONS], rounds), 1)
    run = grokking_run()
    slope("epochs, with", LENGTHS, least([lambda n=n: run(n, 10) for n in LENGTHS], rounds), 1)
    print("  records      (the whole run, ms)")


def recording(rounds):
    """Table 5."""
    run = grokking_run()
    every_ten, hardly_ever = least([lambda: run(RECORDED_EPOCHS, 10), lambda: run(RECORDED_EPOCHS)], rounds)
    cost = every_ten / hardly_ever - 1
    print(f"\nrecording every 10 epochs, p = 97, d = 100, float32: {every_ten / RECORDED_EPOCHS * 1e3:.3f} ms an epoch "
          f"beside {hardly_ever / RECORDED_EPOCHS * 1e3:.3f}, {cost:.1%} more\n"
          f"  goal: at most {MOST_FOR_RECORDING:.0%}  {verdict(cost, MOST_FOR_RECORDING)}")


def small_runs():
    """64 small nets, as in the table of the small classifier."""
    task = tasks.moons(n=2000, seed=0)
    return [TrainingRun(MLP([2, 6, 2], seed=seed), task, SGD(0.1), seed) for seed in range(64)]


def grokking_runs():
    """Four grokking nets."""
    task, optimizer = tasks.modular(97, seed=0), AdamW(1e-3, betas=(0.9, 0.98), weight_decay=1.0)
    return [TrainingRun(MLP([194, 100, 97], bias=False, dtype=np.float32, seed=seed), task, optimizer, seed)
            for seed in range(4)]


# what `cores` runs, given the number of workers
CORES_WORK = {
    "one grokking net, 100 epochs": lambda _: grokking_run()(100, 10),
    "train_many, 64 small nets, 100 epochs": lambda workers: train_many(
        small_runs(), 100, workers=workers, batch_size=32, record_every=100),
    "train_many, 4 grokking nets, 30 epochs": lambda workers: train_many(
        grokking_runs(), 30, workers=workers, record_every=10),
}


def work_for_cores():
    """A process of `cores`: each line names a work and a number of workers; the answer is its time by the clock."""
    for line in sys.stdin:
        what, workers = json.loads(line)
        start = time.perf_counter()
        CORES_WORK[what](workers)
        print(time.perf_counter() - start, flush=True)


def start_for_cores(threads):
    """Such a process, with OMP_NUM_THREADS set and nothing else that speaks of threads."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    return subprocess.Popen([sys.executable, __file__], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            env=environment | {"OMP_NUM_THREADS": str(threads)})


def cores(rounds):
    """Table 6."""
    print(f"\ntwo cores beside one, seconds by the clock; {os.cpu_count()} cores, load before "
          f"{' '.join(f'{load:.2f}' for load in os.getloadavg())}")
    processes = {threads: start_for_cores(threads) for threads in (1, 2)}
    for what in CORES_WORK:
        alone = what.startswith("one")                   # threads: by OMP_NUM_THREADS; workers: an argument
        best = {1: math.inf, 2: math.inf}
        for number in range(rounds + 1):
            for count in best:
                process = processes[count if alone else 1]
                print(json.dumps([what, count]), file=process.stdin, flush=True)
                seconds = float(process.stdout.readline())
                if number:
                    best[count] = min(best[count], seconds)
        gain = best[1] / best[2]
        print(f"  {what:40} {best[1]:8.3f} with one {'thread' if alone else 'worker'}, {best[2]:8.3f} with two: "
              f"{gain:.2f} x  goal: at least {LEAST_FOR_TWO}  {verdict(gain, LEAST_FOR_TWO, False)}")
    for process in processes.values():
        process.stdin.close()
        process.wait()
    print(f"  load after {' '.join(f'{load:.2f}' for load in os.getloadavg())} (of the last 1, 5 and 15 minutes)")


def times_of(script, environment=None):
    """The CPU seconds that a script in a fresh process prints."""
    found = subprocess.run([sys.executable, "-c", script], text=True, stdout=subprocess.PIPE, check=True,
                           env=os.environ | (environment or {}))
    return np.array(json.loads(found.stdout.splitlines()[-1]))


def start(rounds):
    """Table 7."""
    print("\nthe first call of train in a fresh process, CPU seconds; compiled code from the cache")
    for what, call in FIRST_CALLS.items():
        script = FIRST_CALL_SCRIPT.format(call=call)
        times_of(script)                                 # fills the cache
        imported, first, second = np.min([np.diff(times_of(script), prepend=0) for _ in range(rounds)], axis=0)
        print(f"  {what:24} Python and import {imported:.3f}, first call {first:.3f}, second {second:.3f}   "
              f"goal: first call at most {FIRST_CALL}  {verdict(first, FIRST_CALL)}")
    cold, warm = [], []
    for _ in range(min(rounds, COLD_STARTS)):
        with tempfile.TemporaryDirectory() as folder:
            for times in (cold, warm):
                times.append(times_of(EVERYTHING_SCRIPT, {"NUMBA_CACHE_DIR": folder})[0])
    compilation = min(cold) - min(warm)
    print(f"  a short run of every setting that `minigrok reproduce` has: {min(cold):.1f} with an empty cache, "
          f"{min(warm):.1f} with a full one\n  {'all compilation':24} {compilation:.1f}   "
          f"goal: at most {ALL_COMPILATION:.0f}  {verdict(compilation, ALL_COMPILATION)}")


if __name__ == "__main__":
    work_for_cores()
