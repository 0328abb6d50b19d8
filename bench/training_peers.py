"""One contestant of bench_training.py at work, in a process of its own.

bench_training.py starts this file once for each contestant and each problem, and asks it by lines of JSON; by hand:

    python bench/training_peers.py "JAX, gather" problem.npz         then type: check, or a number of epochs

A contestant is a function of a problem that returns two: `work(epochs)`, which is timed, and `check()`, the numbers in
which all contestants must agree. A contestant is set up, compiled and warm before any time is taken.

The problem `grokking`: train a two-layer net without biases on a + b mod p, full batch, with AdamW, from the weights of
the file, and record every so many epochs, the first state and the last among them,

    train_loss, test_loss, train_accuracy, test_accuracy, S and P of rho = A^T A / tr(A^T A), A the hidden layer.

The problem `small`: train a 2-6-2 net with biases by SGD in batches of 32, in a new order every epoch; record nothing.
"""

import os

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
for name in THREADS:
    os.environ[name] = "1"                               # before NumPy is imported

import importlib
import json
import sys
import time
import warnings
from types import SimpleNamespace

import numpy as np

ROWS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "entropy", "purity")
CHECKED_EPOCHS = 3             # of the small classifier
TEMPERATURE = 1e-15            # eigenvalues of a state below it are rounding
# name -> module, function, what it does; a module that cannot be imported is reported as missing
CONTESTANTS = {
    "grokking": {
        "minigrok": ("training_peers", "minigrok_grokking", "train(net, task, AdamW(...), epochs, record_every=10)"),
        "PyTorch, dense": ("training_torch", "dense", "two-hot rows through nn.Linear, AdamW as it comes"),
        "PyTorch, EmbeddingBag": ("training_torch", "bag", "EmbeddingBag(mode='sum'), AdamW(fused=True)"),
        "JAX, gather": ("training_jax", "gather", "W1[a] + W1[p + b], gradient by hand, 10 epochs a jitted loop"),
        "scikit-learn": ("training_peers", "sklearn_grokking", "partial_fit of dense two-hot rows"),
        "scikit-learn, sparse": ("training_peers", "sklearn_sparse", "partial_fit of a CSR matrix"),
        "NumPy, dense": ("training_numpy", "dense", "two-hot rows, buffers reused"),
        "NumPy, gather": ("training_numpy", "gather", "two-hot rows as a scipy CSR matrix, buffers reused"),
        "three products alone": ("training_numpy", "products", "H W2, dZ W2^T, H^T dZ of NumPy, nothing else"),
    },
    "small": {
        "minigrok train": ("training_peers", "minigrok_small", "train, first and last state recorded"),
        "minigrok train, records": ("training_peers", "minigrok_small_recorded", "train, record_every=10"),
        "minigrok train_many": ("training_peers", "minigrok_many", "64 seeds a call, workers=1"),
        "JAX scan": ("training_jax", "small", "jit + scan, orders drawn within"),
        "JAX scan, tuned": ("training_jax", "small_tuned", "orders drawn by NumPy; products as sums, unrolled"),
        "JAX vmap": ("training_jax", "many", "vmap over 64 seeds, orders drawn within"),
        "JAX vmap, tuned": ("training_jax", "many_tuned", "vmap over 64 seeds, orders drawn by NumPy"),
        "JAX seeds last": ("training_jax", "many_by_hand", "no vmap: 64 seeds in the last axis, gradient by hand"),
        "NumPy by hand": ("training_numpy", "small", "gradient by hand"),
        "PyTorch eager": ("training_torch", "small", "nn.Linear, cross_entropy, backward, SGD"),
        "PyTorch vmap": ("training_torch", "many", "torch.func.vmap of grad over 64 seeds"),
        "scikit-learn": ("training_peers", "sklearn_small", "fit; one logistic output, weights of its own"),
    },
}


def load(path):
    """The arrays and the settings of a problem."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return SimpleNamespace(**json.loads(str(arrays.pop("settings"))), **arrays)


def dense_rows(pairs, p, dtype):
    """Two-hot rows (n, 2 p)."""
    X = np.zeros((len(pairs), 2 * p), dtype)
    rows = np.arange(len(pairs))
    X[rows, pairs[:, 0]] = X[rows, p + pairs[:, 1]] = 1
    return X


def orders(problem, seed, epochs):
    """The order of the inputs in each epoch, (epochs, n): what minigrok draws for this seed."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(len(problem.y)) for _ in range(epochs)])


def small_loss(problem, W1, b1, W2, b2):
    """Cross-entropy of one small net on its training inputs."""
    Z = np.maximum(problem.X @ W1 + b1, 0) @ W2 + b2
    Z = Z - Z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(Z)), problem.y]))


def minigrok_grokking(problem):
    """The public calls, as a user makes them; the History has more columns than the six that are compared."""
    from minigrok import MLP, AdamW, tasks, train

    task = tasks.modular(problem.p, train_fraction=problem.train_fraction, seed=0)
    net = MLP([2 * problem.p, problem.d, problem.p], problem.activation, problem.loss, bias=False,
              dtype=problem.W1.dtype, seed=0)
    start = np.concatenate([problem.W1.ravel(), problem.W2.ravel()])
    optimizer = AdamW(problem.lr, betas=tuple(problem.betas), eps=problem.eps, weight_decay=problem.weight_decay)

    def work(epochs):
        net.theta = start
        history = train(net, task, optimizer, epochs, record_every=problem.record_every)
        return np.stack([history[name] for name in ROWS], axis=1).tolist()

    return work, lambda: work(problem.epochs)


def _minigrok_nets(problem, runs):
    from minigrok import MLP, SGD, tasks

    nets = [MLP([2, 6, 2], seed=seed) for seed in range(runs)]
    starts = [net.theta.copy() for net in nets]
    return nets, starts, tasks.moons(n=2 * len(problem.y), seed=0), SGD(problem.lr)


def minigrok_small(problem, record_every=None):
    """One run of `train`; without `record_every` it records the first state and the last, which it always does."""
    from minigrok import train

    (net,), (start,), task, optimizer = _minigrok_nets(problem, 1)

    def work(epochs):
        net.theta = start
        train(net, task, optimizer, epochs, batch_size=problem.batch_size, record_every=record_every or epochs)
        return [small_loss(problem, *(array for layer in net.layers for array in layer))]

    return work, lambda: work(CHECKED_EPOCHS)


def minigrok_small_recorded(problem):
    """The same, with the state and both losses every ten epochs."""
    return minigrok_small(problem, record_every=10)


def minigrok_many(problem):
    """All seeds in one call of `train_many`."""
    from minigrok import TrainingRun, train_many

    nets, starts, task, optimizer = _minigrok_nets(problem, problem.runs)
    runs = [TrainingRun(net, task, optimizer, seed) for seed, net in enumerate(nets)]

    def work(epochs):
        for net, start in zip(nets, starts):
            net.theta = start
        train_many(runs, epochs, workers=1, batch_size=problem.batch_size, record_every=epochs)

    def check():
        work(CHECKED_EPOCHS)
        return [small_loss(problem, *(array for layer in net.layers for array in layer)) for net in nets]

    return work, check


def sklearn_grokking(problem, rows=dense_rows):
    """One epoch a call of partial_fit; the net has biases, which begin at 0, and the decay is its own, L2 with 1e-4."""
    from sklearn.neural_network import MLPClassifier

    p, y, dtype = problem.p, problem.y_train, problem.W1.dtype
    X, X_test = rows(problem.pairs_train, p, dtype), rows(problem.pairs_test, p, dtype)
    net = MLPClassifier((problem.d,), learning_rate_init=problem.lr, beta_1=problem.betas[0], beta_2=problem.betas[1],
                        epsilon=problem.eps, batch_size=len(y), shuffle=False)
    net.partial_fit(X, y, classes=np.arange(p))                 # makes the arrays, which are then given their values

    def state():
        A = np.maximum(X @ net.coefs_[0] + net.intercepts_[0], 0)
        spectrum = np.linalg.eigvalsh(A.T @ A / (A * A).sum()).clip(TEMPERATURE)
        return -(spectrum * np.log(spectrum)).sum(), (spectrum**2).sum()

    def record():
        chances, chances_test = net.predict_proba(X), net.predict_proba(X_test)
        losses = [-np.log(q[np.arange(len(q)), labels]).mean()
                  for q, labels in ((chances, y), (chances_test, problem.y_test))]
        right = [(q.argmax(axis=1) == labels).mean()
                 for q, labels in ((chances, y), (chances_test, problem.y_test))]
        return [float(number) for number in (*losses, *right, *state())]

    def work(epochs):
        optimizer = net._optimizer
        for array, start in zip(net.coefs_ + net.intercepts_, (problem.W1, problem.W2, 0, 0)):
            array[...] = start
        for array in optimizer.ms + optimizer.vs:
            array[...] = 0
        optimizer.t, found = 0, []
        for epoch in range(epochs + 1):
            if epoch % problem.record_every == 0 or epoch == epochs:
                found.append(record())
            if epoch < epochs:
                net.partial_fit(X, y)
        return found

    return work, lambda: work(problem.epochs)


def sklearn_sparse(problem):
    """The same with compressed rows, which it takes, too."""
    from scipy.sparse import csr_matrix

    return sklearn_grokking(problem, lambda *task: csr_matrix(dense_rows(*task)))


def sklearn_small(problem):
    """`fit`; it draws its own weights, and of two classes it makes one logistic output."""
    from sklearn.neural_network import MLPClassifier

    def work(epochs):
        MLPClassifier((6,), solver="sgd", batch_size=problem.batch_size, learning_rate_init=problem.lr, momentum=0.0,
                      nesterovs_momentum=False, max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, alpha=0,
                      random_state=0).fit(problem.X, problem.y)

    return work, lambda: None


def answer(contestant, problem, line):
    """`check` gives its numbers, `epochs` the CPU seconds of so many."""
    work, check = contestant
    if line == "check":
        return {"numbers": check()}
    start = time.process_time()
    work(int(line))
    return {"seconds": time.process_time() - start}


def main(name, path):
    """Answer line by line."""
    if hasattr(os, "sched_setaffinity"):                 # one core: JAX does better there than when told to use one
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")                      # scikit-learn says that it has not converged
    problem = load(path)
    module, function, _ = CONTESTANTS[problem.kind][name]
    try:
        contestant = getattr(importlib.import_module(module), function)(problem)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(contestant, problem, line.strip())), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
