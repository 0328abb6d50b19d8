"""What the tests of this folder let workers do; apart from the tests, so that a worker loads little."""

import os
import time
from pathlib import Path

import numpy as np

A = np.random.default_rng(0).normal(size=(97, 4)) + 1    # activations that are split into shards
RAISES, DEADLY = 5, 7          # seeds


def rows_of(shard):
    """Two batches of a shard that is a pair: rows from .. to of A."""
    first, last = shard
    middle = (first + last) // 2
    yield from (rows for rows in (A[first:middle], A[middle:last]) if len(rows))


def numbers_of(configuration):
    """The numbers of a run that takes some milliseconds."""
    time.sleep(0.003)
    rng = np.random.default_rng(configuration["seed"])
    return {"entropy": rng.random() * configuration["lr"], "purity": rng.random(), "epoch": 1.0}


def slow_at_last(configuration):
    """As `numbers_of`, but the last of 200 runs takes a minute."""
    if (configuration["seed"], configuration["lr"]) == (99, 0.03):
        time.sleep(60)
    return numbers_of(configuration)


class Marked:
    """As `numbers_of`, and leaves a mark in a folder for each time that it is called; some seeds are bad."""

    def __init__(self, folder, deadly=True):
        self.folder, self.deadly = str(folder), deadly

    def __call__(self, configuration):
        seed = configuration["seed"]
        (Path(self.folder) / f"{seed}-{time.monotonic_ns()}-{os.getpid()}").touch()
        if seed == RAISES:
            raise ValueError("made up")
        if self.deadly and seed == DEADLY:
            os._exit(1)
        return numbers_of(configuration)

    def times(self):
        """How often each seed was run."""
        seeds = [int(path.name.split("-")[0]) for path in Path(self.folder).iterdir()]
        return {seed: seeds.count(seed) for seed in sorted(seeds)}
