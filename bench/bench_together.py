"""One state from many shards: GB/s a core, and the memory of driver and workers, which does not grow with the shards.

    python bench/bench_together.py                            1, 5 and 50 GB, made on the fly and read from files
    python bench/bench_together.py --gigabytes 1 --workers 1

Activations are float32, (n, 256), in shards of half a GB, convention "trace". `made`: a function that the workers call
draws a block of 16 MB and scales it anew for each part of its shard, so that nothing is on the disk. `read`: each shard
is an .npy file of half a GB, a hole but for its first 16 MB, that is mapped into memory and read from end to end; there
are ten such files, each linked to under as many names as there are shards.

GB/s a core is the data over the CPU time that workers spent on shards; to make or read the data is part of it. Memory
is the peak of resident pages (ru_maxrss) of a process; each row of the table is a driver of its own, which in `read`
makes the files too.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from minigrok.runs.pools import processes
from minigrok.runs.together import BlocksOfFile, accumulate_together

WIDTH, SHARD_BYTES, BLOCK_BYTES = 256, 2**29, 2**24
ROWS_OF_A_BLOCK = BLOCK_BYTES // (4 * WIDTH)
FILES = 10
GIGABYTES = (1, 5, 50)
MEGA, GIGA = 2**20, 2**30


def made(shard):
    """A shard's blocks, from its number."""
    rng = np.random.default_rng(shard)
    block = rng.standard_normal((ROWS_OF_A_BLOCK, WIDTH), np.float32)
    for scale in rng.uniform(0.5, 2, SHARD_BYTES // BLOCK_BYTES):
        yield block * np.float32(scale)


class Watched:
    """Blocks, and for each shard a line about the worker that had it, in a file of its own."""

    def __init__(self, blocks, folder):
        self.blocks, self.folder = blocks, folder

    def __call__(self, shard):
        """Yield the blocks."""
        begun = time.process_time()
        yield from self.blocks(shard)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        with (Path(self.folder) / str(os.getpid())).open("a") as file:
            file.write(json.dumps([time.process_time() - begun, peak]) + "\n")


def files_with_holes(folder, count):
    """So many names of FILES files, each with a block of random numbers and a hole behind it."""
    names = []
    for k in range(count):
        name = folder / f"shard-{k}.npy"
        if k < FILES:
            array = np.lib.format.open_memmap(name, "w+", np.float32, (SHARD_BYTES // (4 * WIDTH), WIDTH))
            array[:ROWS_OF_A_BLOCK] = next(made(k))
            array.flush()
        else:
            name.hardlink_to(folder / f"shard-{k % FILES}.npy")
        names.append(str(name))
    return names


def one_run(kind, gigabytes, workers):
    """A line of the table."""
    count = gigabytes * GIGA // SHARD_BYTES
    with tempfile.TemporaryDirectory() as name:
        folder, watched = Path(name), Path(name) / "watched"
        watched.mkdir()
        shards = range(count) if kind == "made" else files_with_holes(folder, count)
        blocks = Watched(made if kind == "made" else BlocksOfFile(), str(watched))
        begun = time.perf_counter()
        found = accumulate_together(shards, ("trace",), blocks, processes, workers)["trace"]
        seconds = time.perf_counter() - begun
        lines = [json.loads(line) for path in watched.iterdir() for line in path.read_text().splitlines()]
    assert (found.n, len(lines)) == (count * SHARD_BYTES // (4 * WIDTH), count)
    driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    cpu, peak = sum(line[0] for line in lines), max(line[1] for line in lines)
    return (f"{kind:4}{gigabytes:6} GB{count:8}{workers:9}{seconds:9.1f}{gigabytes / seconds:8.2f}"
            f"{gigabytes / cpu:13.2f}{driver / MEGA:13.0f}{peak / MEGA:21.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=int, nargs="+", default=GIGABYTES)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--kind", choices=("made", "read"))
    settings = parser.parse_args()
    if settings.kind:
        print(one_run(settings.kind, settings.gigabytes[0], settings.workers), flush=True)
        sys.exit()
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}; {WIDTH} neurons, "
          "float32, one BLAS thread a worker\n")
    print("         data  shards  workers  seconds    GB/s  GB/s a core  driver (MB)  largest worker (MB)", flush=True)
    for kind in ("made", "read"):
        for gigabytes in settings.gigabytes:
            subprocess.run([sys.executable, __file__, "--kind", kind, "--gigabytes", str(gigabytes), "--workers",
                            str(settings.workers)], check=True)
