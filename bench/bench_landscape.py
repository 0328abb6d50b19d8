"""Nanoseconds a step of the walk over 2-6-2 networks with 200 inputs, by activation, prior and coordinate.

Beside it the same numbers from plain NumPy, computed anew for each network: what a step would cost without the
increments. Least CPU time of several rounds, one thread; a step counts whether it is accepted, refused or meets a wall.

    python bench/bench_landscape.py
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import platform
import time

import numpy as np

from minigrok import NetworkLandscape, tasks

ROUNDS, STEPS, PLAIN_STEPS = 10, 50_000, 500


def walking(landscape):
    """A function that walks STEPS steps in the 1/t phase, after a stretch of build-up."""
    from minigrok.walk import BUILD_UP, ONE_OVER_T, Walk, loops_for

    rng = np.random.default_rng(0)
    state, edges = landscape.start(rng), landscape.edges(60)
    loop, _ = loops_for(landscape, state)
    energy = np.array([landscape.energy(state)])
    here = np.searchsorted(edges, energy, side="right") - 1
    walk = Walk(np.zeros(len(edges) - 1), np.zeros(len(edges) - 1, np.int64), np.arange(len(edges) - 1) == here, energy,
                here, np.zeros(5, np.int64))
    for _ in range(4):
        loop(state, walk, edges, rng.random((STEPS, 3)), 0.1, BUILD_UP)
    return lambda: loop(state, walk, edges, rng.random((STEPS, 3)), 0.0, ONE_OVER_T)


def plain_entropies(task):
    """S of PLAIN_STEPS ReLU networks, each one weight from the last, from NumPy's products and eigenvalues."""
    rng, X = np.random.default_rng(0), np.column_stack([task.X_train, np.ones(len(task.X_train))])
    W = rng.uniform(-1, 1, (3, 6))
    for _ in range(PLAIN_STEPS):
        W[rng.integers(3), rng.integers(6)] = rng.uniform(-1, 1)
        A = np.maximum(X @ W, 0)
        p = np.linalg.eigvalsh(A.T @ A / (A**2).sum())
        p = p[p > 0]
        yield -(p * np.log(p)).sum()


def nanoseconds(work, steps):
    """Least CPU time of a step."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e9 * min(times) / steps


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, one thread\n")
    task = tasks.circles(n=400, seed=0)
    plain = nanoseconds(lambda: list(plain_entropies(task)), PLAIN_STEPS)
    print(f"{'activation':12}{'prior':8}{'coordinate':12}{'ns a step':>10}{'NumPy / ours':>14}")
    for activation, prior, coordinate in (
            ("relu", "box", "entropy"), ("tanh", "box", "entropy"), ("sigmoid", "box", "entropy"),
            ("relu", "gauss", "entropy"), ("relu", "sphere", "entropy"), ("relu", "box", "purity"),
            ("relu", "box", "loss"), ("tanh", "box", "loss")):
        landscape = NetworkLandscape(task, activation=activation, prior=prior, coordinate=coordinate)
        ns = nanoseconds(walking(landscape), STEPS)
        ratio = f"{plain / ns:14.1f}" if (activation, coordinate) == ("relu", "entropy") else ""
        print(f"{activation:12}{prior:8}{coordinate:12}{ns:10.0f}{ratio}", flush=True)
