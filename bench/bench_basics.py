"""Times training and metrics beside plain NumPy, and beside scikit-learn and PyTorch where they are installed.

All run in turn, in one process with one BLAS thread, several rounds; the figure is the least CPU time of a round.
Absolute times mean little on a busy machine, the ratios in one run mean more.

    python bench/bench_basics.py
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import platform
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from minigrok import MLP, SGD, AdamW, density_matrix, tasks, train, von_neumann_entropy

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


def small_classifier() -> None:
    """2-6-2, batches of 32 of 500 inputs, 20 epochs."""
    task, epochs, lr = tasks.circles(n=1000, seed=0), 20, 0.1
    contestants: dict[str, Callable[[], object]] = {
        "minigrok": lambda: train(MLP([2, 6, 2]), task, SGD(lr), epochs, batch_size=32, record_every=epochs),
        "NumPy by hand": lambda: numpy_classifier(task, epochs, lr)}
    if find_spec("sklearn"):
        from sklearn.neural_network import MLPClassifier

        contestants["scikit-learn MLPClassifier"] = lambda: MLPClassifier(
            (6,), solver="sgd", batch_size=32, learning_rate_init=lr, momentum=0.0, max_iter=epochs, tol=0,
            n_iter_no_change=epochs + 1, alpha=0).fit(task.X_train, task.y_train)
    if find_spec("torch"):
        contestants["PyTorch, eager"] = lambda: torch_classifier(task, epochs, lr)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # scikit-learn says that it has not converged
        table(f"2-6-2 classifier, {epochs} epochs of batch 32, 500 inputs", contestants)


def numpy_classifier(task: tasks.Task, epochs: int, lr: float) -> None:
    """The same training without a framework."""
    rng = np.random.default_rng(0)
    W1, b1 = rng.normal(size=(2, 6)), np.zeros(6)
    W2, b2 = rng.normal(size=(6, 2)) / np.sqrt(3), np.zeros(2)
    for _ in range(epochs):
        order = rng.permutation(len(task.y_train))
        for i in range(0, len(order), 32):
            X, y = task.X_train[order[i : i + 32]], task.y_train[order[i : i + 32]]
            A = np.maximum(X @ W1 + b1, 0)
            Z = A @ W2 + b2
            dZ = np.exp(Z - Z.max(axis=1, keepdims=True))
            dZ /= dZ.sum(axis=1, keepdims=True)
            dZ[np.arange(len(y)), y] -= 1
            dZ /= len(y)
            dA = (dZ @ W2.T) * (A > 0)
            W2 -= lr * (A.T @ dZ)
            b2 -= lr * dZ.sum(axis=0)
            W1 -= lr * (X.T @ dA)
            b1 -= lr * dA.sum(axis=0)


def torch_classifier(task: tasks.Task, epochs: int, lr: float) -> None:
    """The same training in PyTorch."""
    import torch

    torch.set_num_threads(1)
    net = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2)).double()
    optimizer, X, y = torch.optim.SGD(net.parameters(), lr), torch.tensor(task.X_train), torch.tensor(task.y_train)
    for _ in range(epochs):
        for batch in torch.randperm(len(y)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(X[batch]), y[batch]).backward()
            optimizer.step()


def modular_epochs() -> None:
    """Ten full-batch epochs of addition modulo 47 with 100 hidden neurons, float32."""
    task = tasks.modular(47)
    net = MLP([94, 100, 47], bias=False, dtype=np.float32)
    X, Y = task.X_train.astype(np.float32), np.eye(47, dtype=np.float32)[task.y_train]

    def products_alone() -> None:
        """The matrix products of ten epochs, and nothing else: no dense two-hot net can be faster."""
        W1, W2 = net.layers[0].W, net.layers[1].W
        for _ in range(10):
            A = X @ W1
            dZ = A @ W2 - Y
            _ = A.T @ dZ, X.T @ (dZ @ W2.T)

    table("10 epochs of addition mod 47, 100 hidden neurons, AdamW, float32",
          {"minigrok": lambda: train(net, task, AdamW(0.01), 10, record_every=10),
           "its matrix products alone": products_alone})


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    for peer in ("sklearn", "torch"):
        print(f"{peer}: {'found' if find_spec(peer) else 'not installed, left out'}")
    stack_of_states()
    small_classifier()
    modular_epochs()
