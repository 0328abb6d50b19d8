"""Times the entropy of a stack of states beside plain NumPy; bench_states.py does more, bench_training.py the training.

Both run in turn, in one process with one BLAS thread, several rounds; the figure is the least CPU time of a round.
Absolute times mean little on a busy machine, the ratios in one run mean more.

    python bench/bench_basics.py
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import platform
import time
from collections.abc import Callable

import numpy as np

from minigrok import density_matrix, von_neumann_entropy

ROUNDS = 5


def least_seconds(contestants: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Least CPU seconds of each, run in turn, after one round that is not counted."""
    best = dict.fromkeys(contestants, float("inf"))
    for round_number in range(ROUNDS + 1):
        for name, work in contestants.items():
            start = time.process_time()
            work()
            if round_number:
                best[name] = min(best[name], time.process_time() - start)
    return best


def table(title: str, contestants: dict[str, Callable[[], object]]) -> None:
    """Print one row a contestant, with its ratio to minigrok."""
    best = least_seconds(contestants)
    print(f"\n{title}")
    for name, seconds in best.items():
        print(f"  {name:32} {seconds * 1e3:10.3f} ms   {seconds / best['minigrok']:7.2f} x minigrok")


def stack_of_states() -> None:
    """Entropy of 10,000 states of 6 levels."""
    A = np.random.default_rng(0).normal(size=(10_000, 20, 6))
    states = density_matrix(A)

    def plain() -> object:
        p = np.linalg.eigvalsh(states)
        return -(p * np.log(p)).sum(axis=-1)

    table("entropy of a stack of 10,000 states of 6 levels (minigrok checks its input)",
          {"minigrok": lambda: von_neumann_entropy(states), "NumPy, eigvalsh unchecked": plain})


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    stack_of_states()
