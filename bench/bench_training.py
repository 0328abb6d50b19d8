"""Times training beside PyTorch, JAX, scikit-learn and plain NumPy, and minigrok's training beside itself.

    python bench/bench_training.py                       all tables
    python bench/bench_training.py --only grokking       one of them
    python bench/bench_training.py --keep                and write the text to bench/kept/bench_training.txt

    grokking     an epoch of modular addition, p = 97: ReLU, cross-entropy, AdamW, records every 10 epochs included
    quadratic    the same with squared activations and squared error
    small        a run of the 2-6-2 classifier, 300 epochs in batches of 32, alone and 64 seeds at once
    products     the three matrix products of an epoch: our own beside BLAS's
    forms        the fused form of training beside the plain one
    growth       how an epoch's time grows with p, d and N, beside theory
    recording    what records every 10 epochs cost
    cores        two threads or workers beside one, by the clock
    start        the first call of a fresh process; all compilation that `minigrok reproduce` needs

Every contestant works in a process of its own (importing one may change how another computes), on one core with one
BLAS thread. They begin at the same weights, and before any time is taken what they record must agree. They take turns;
the figure is the least CPU time of a round. training_peers.py says what each of them does.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import contextlib
import io
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from training_alone import cores, growth, recording, start
from training_forms import forms
from training_products import products
from training_tables import grokking, quadratic, small

KEPT = Path(__file__).parent / "kept" / "bench_training.txt"
PEERS = ("minigrok", "numpy", "scipy", "numba", "torch", "jax", "jaxlib", "scikit-learn")
TABLES = {"grokking": grokking, "quadratic": quadratic, "small": small, "products": products, "forms": forms,
          "growth": growth, "recording": recording, "cores": cores, "start": start}


def describe_machine():
    """Processor, BLAS, versions."""
    cpuinfo = Path("/proc/cpuinfo")
    models = [line.partition(": ")[2] for line in cpuinfo.read_text().splitlines() if line.startswith("model name")] \
        if cpuinfo.exists() else [platform.processor()]
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(f"{models[0]}, {os.cpu_count()} cores; Python {platform.python_version()}, NumPy's BLAS: {blas['name']} "
          f"{blas['version']}{kernels()}")
    for peer in PEERS:
        try:
            print(f"  {peer} {version(peer)}")
        except PackageNotFoundError:
            print(f"  {peer}: MISSING")


def kernels():
    """Which of OpenBLAS's kernels run here, if threadpoolctl is there to say it."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ""
    return "".join(f", {found['architecture']} kernels" for found in threadpool_info()[:1] if "architecture" in found)


class Tee(io.TextIOBase):
    """Prints, and remembers."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        """To the screen at once."""
        self.text += text
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
        return len(text)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=TABLES, action="append")
    parser.add_argument("--keep", type=Path, nargs="?", const=KEPT, metavar="FILE")
    settings = parser.parse_args()
    tee = Tee()
    with contextlib.redirect_stdout(tee):
        describe_machine()
        print(f"least of {settings.rounds} rounds in turn, after one that is not counted; CPU time but for cores")
        for name in settings.only or TABLES:
            TABLES[name](settings.rounds)
    if settings.keep:
        settings.keep.write_text(tee.text, encoding="utf-8")


if __name__ == "__main__":
    main()
