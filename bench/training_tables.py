"""Tables of bench_training.py in which minigrok stands beside its peers, each in a process of its own.

The workers are started once a table, set up and warm, must agree in what they compute, and then work in turn.
"""

import contextlib
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from training_peers import CONTESTANTS, ROWS

from minigrok import MLP, tasks

HERE = Path(__file__).parent
EPOCHS, RECORD_EVERY = 30, 10
LONGEST_UNIT = 5.0             # CPU seconds of one contestant in one round; who takes longer runs fewer epochs
SMALL_EPOCHS, SEEDS = 300, 64
# largest relative difference of train_loss from NumPy's, and of the other numbers; AdamW divides rounding errors
# of the gradient by its size, so that float32 differs more than it rounds
TOLERANCES = {"float32": (1e-5, 1e-4), "float64": (1e-12, 1e-11)}
AGREED = 1e-9                  # relative, losses of the small nets, float64
CONFIDENT = 12                 # times the weights
OWN_NETS = ("scikit-learn", "scikit-learn, sparse")      # with biases and decay of their own: only epoch 0 can agree
# reference, how many times its speed is wanted; the last row: how many times its time is allowed
GROKKING_GOALS = (("PyTorch, dense", 2.4), ("PyTorch, EmbeddingBag", 1.5), ("JAX, gather", 1.2), ("scikit-learn", 3.0),
                 ("scikit-learn, sparse", 3.0))
PRODUCTS, ALLOWED, STRETCH = "three products alone", 1.35, 1.2
QUADRATIC_GOALS = (("NumPy, gather", 1.8), ("PyTorch, dense", 1.0))
SMALL_GOALS = (("minigrok train", "JAX scan", 4), ("minigrok train", "JAX scan, tuned", 4),
               ("minigrok train", "NumPy by hand", 40), ("minigrok train", "PyTorch eager", 200),
               ("minigrok train_many", "JAX vmap", 2), ("minigrok train_many", "JAX vmap, tuned", 2),
               ("minigrok train_many", "JAX seeds last", 2),
               ("minigrok train_many", "NumPy by hand", 40), ("minigrok train_many", "PyTorch eager", 200))
QUADRATIC_CONTESTANTS = ("minigrok", "PyTorch, dense", "PyTorch, EmbeddingBag", "JAX, gather", "NumPy, dense",
                         "NumPy, gather", PRODUCTS)


class Worker:
    """A contestant's process: one question, one answer, a line of JSON each."""

    def __init__(self, name, problem):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "training_peers.py"), name, str(problem)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.missing = self.answer().get("missing")

    def answer(self):
        """The next line."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a contestant broke down: {' '.join(self.process.args[2:])}")
        return json.loads(line)

    def ask(self, question):
        """The answer to `check` or a number of epochs."""
        print(question, file=self.process.stdin, flush=True)
        return self.answer()

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def workers_on(kind, names, settings, **arrays):
    """One worker a name, all on one problem; those that are missing too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(path, settings=json.dumps({"kind": kind, **settings}), **arrays)
        workers = {}
        try:
            for name in names:
                workers[name] = Worker(name, path)
            yield workers
        finally:
            for worker in workers.values():
                worker.close()


def least_seconds(workers, epochs, rounds, longest=math.inf):
    """Least CPU seconds an epoch of each, in turn, warm; and the epochs of a unit."""
    units, few = dict.fromkeys(workers, epochs), max(1, epochs // 10)
    for name, worker in workers.items():
        if longest < math.inf:
            worker.ask(few)                              # compiles
            seconds = worker.ask(few)["seconds"]
            units[name] = epochs if seconds * epochs / few <= longest else few
        worker.ask(units[name])
    best = dict.fromkeys(workers, math.inf)
    for _ in range(rounds):
        for name, worker in workers.items():
            best[name] = min(best[name], worker.ask(units[name])["seconds"] / units[name])
    return best, units


def ratio_line(goal, ratio, what, at_least=True):
    """A goal, and whether it was met."""
    met = ratio >= goal if at_least else ratio <= goal
    bound, verdict = "least" if at_least else "most ", "met" if met else "MISSED"
    return f"  goal: at {bound} {goal:6.2f} x {what:46} {ratio:7.2f}  {verdict}"


def say_missing(workers):
    """Name those that could not be imported, and return the others."""
    for name, worker in workers.items():
        if worker.missing:
            print(f"  {name:24} MISSING: {worker.missing}")
    return {name: worker for name, worker in workers.items() if not worker.missing}


def grokking_problem(d, dtype, activation="relu", loss="cross_entropy", scale=1):
    """Settings and arrays of one problem; `scale` multiplies the weights at the start."""
    p, train_fraction = 97, 0.5
    task = tasks.modular(p, train_fraction=train_fraction, seed=0)
    net = MLP([2 * p, d, p], activation, loss, bias=False, dtype=dtype, seed=0)
    net.theta = net.theta * scale
    settings = {"p": p, "d": d, "train_fraction": train_fraction, "activation": activation, "loss": loss,
                "epochs": EPOCHS, "record_every": RECORD_EVERY, "lr": 1e-3, "betas": (0.9, 0.98), "eps": 1e-8,
                "weight_decay": 1.0}
    return settings, {"pairs_train": task.pairs_train, "y_train": task.y_train, "pairs_test": task.pairs_test,
                      "y_test": task.y_test, "W1": net.layers[0].W, "W2": net.layers[1].W}


def differences(workers, dtype):
    """How far each is from NumPy: relative, of train_loss and of the rest; an error where it is too far."""
    reference = np.array(workers["NumPy, dense"].ask("check")["numbers"])       # (records, 6)
    found = {}
    for name, worker in workers.items():
        if name == PRODUCTS:
            continue
        numbers = np.array(worker.ask("check")["numbers"])
        rows = slice(0, 1) if name in OWN_NETS else slice(None)
        difference = abs(numbers - reference)[rows] / abs(reference).clip(1e-3)[rows]
        found[name] = difference[:, 0].max(), difference[:, 1:].max()
        for value, tolerance in zip(found[name], TOLERANCES[dtype]):
            if not value <= tolerance:
                raise SystemExit(f"{name} computes something else: {dict(zip(ROWS, difference.max(axis=0)))}")
    return found


def grokking_table(problem, names, goals, rounds):
    """One table: CPU ms an epoch, and the goals."""
    settings, arrays = problem
    d, dtype = settings["d"], arrays["W1"].dtype.name
    print(f"\nan epoch of addition mod {settings['p']}, {len(arrays['y_train'])} pairs, d = {d}, {dtype}, "
          f"{settings['activation']}, {settings['loss']}; units of {EPOCHS} epochs with {EPOCHS // RECORD_EVERY + 1} "
          "records\n  agreed before: training losses to {:.0e}, the rest to {:.0e}".format(*TOLERANCES[dtype]))
    with workers_on("grokking", names, settings, **arrays) as all_workers:
        workers = say_missing(all_workers)
        off = differences(workers, dtype)
        best, _ = least_seconds(workers, EPOCHS, rounds)
    print(f"  {'':24} {'CPU ms':>9} {'x minigrok':>11}  {'loss off by':>11} {'rest by':>8}")
    for name, seconds in best.items():
        by = "{:11.1e} {:8.1e}".format(*off[name]) if name in off else f"{'':20}"
        star = "*" if name in OWN_NETS else " "
        what = CONTESTANTS["grokking"][name][2]
        print(f"  {name:24} {seconds * 1e3:9.3f} {seconds / best['minigrok']:11.2f}  {by}{star} {what}")
    operations = 6 * len(arrays["y_train"]) * d * settings["p"]
    print(f"  the products run at {operations / best[PRODUCTS] / 1e9:.0f} GF/s")
    for name, goal in goals:
        if name in best:
            print(ratio_line(goal, best[name] / best["minigrok"], f"the speed of {name}"))
    if settings["activation"] == "relu":
        for goal in (ALLOWED, STRETCH):
            print(ratio_line(goal, best["minigrok"] / best[PRODUCTS], f"the time of the {PRODUCTS}", False))


def grokking(rounds):
    """Table 1, and one in which softmax underflows."""
    print("\n* its net has biases and its L2 decay of its own: only the first record, at the same weights, is compared")
    for d in (100, 256):
        for dtype in ("float32", "float64"):
            grokking_table(grokking_problem(d, dtype), CONTESTANTS["grokking"], GROKKING_GOALS, rounds)
    print(f"\nthe next from weights {CONFIDENT} times as large, as nets without much decay become: 7 % of dL/dZ are "
          "denormal numbers,\nwith which processors are slow unless told to take them for 0")
    names = [name for name in CONTESTANTS["grokking"] if name not in OWN_NETS]
    grokking_table(grokking_problem(100, "float32", scale=CONFIDENT), names, GROKKING_GOALS, rounds)


def quadratic(rounds):
    """Table 2."""
    for dtype in ("float32", "float64"):
        problem = grokking_problem(100, dtype, "quadratic", "squared_error")
        grokking_table(problem, QUADRATIC_CONTESTANTS, QUADRATIC_GOALS, rounds)


def small_problem():
    """Settings and arrays of the small classifier, the weights of all seeds stacked."""
    task, nets = tasks.moons(n=2000, seed=0), [MLP([2, 6, 2], seed=seed) for seed in range(SEEDS)]
    weights = {f"{letter}{number + 1}": np.stack([getattr(net.layers[number], letter) for net in nets])
               for number in (0, 1) for letter in "Wb"}
    return {"lr": 0.1, "batch_size": 32, "runs": SEEDS}, {"X": task.X_train, "y": task.y_train, **weights}


def check_small(workers):
    """The losses of a few epochs in the same order of batches, of one seed or of all."""
    numbers = {name: worker.ask("check")["numbers"] for name, worker in workers.items()}
    reference = next(losses for losses in numbers.values() if losses is not None and len(losses) == SEEDS)
    for name, losses in numbers.items():
        if losses is not None:
            off = max(abs(loss / right - 1) for loss, right in zip(losses, reference))
            if not off <= AGREED:
                raise SystemExit(f"{name} computes something else: losses {off:.1e} off")


def small(rounds):
    """Table 3."""
    settings, arrays = small_problem()
    print(f"\na run of the small classifier: 2-6-2 ReLU, 1000 inputs of moons, {SMALL_EPOCHS} epochs of batch 32, SGD, "
          f"float64\n  losses after 3 epochs of the same batches agree to {AGREED:.0e}; scikit-learn draws its own")
    with workers_on("small", CONTESTANTS["small"], settings, **arrays) as all_workers:
        workers = say_missing(all_workers)
        check_small(workers)
        best, units = least_seconds(workers, SMALL_EPOCHS, rounds, LONGEST_UNIT)
    many = {name for name in best if "many" in name or "vmap" in name or "seeds" in name}
    ms = {name: seconds * SMALL_EPOCHS * 1e3 / (SEEDS if name in many else 1) for name, seconds in best.items()}
    print(f"  {'':24} {'CPU ms a run':>12} {'x train':>8} {'x train_many':>12}")
    for name in ms:
        scaled = f"; {units[name]} epochs, scaled" if units[name] < SMALL_EPOCHS else ""
        print(f"  {name:24} {ms[name]:12.3f} {ms[name] / ms['minigrok train']:8.2f} "
              f"{ms[name] / ms['minigrok train_many']:12.2f}   {CONTESTANTS['small'][name][2]}{scaled}")
    for ours, peer, goal in SMALL_GOALS:
        if peer in ms:
            line = ratio_line(goal, ms[peer] / ms[ours], f"{ours} beside {peer}")
            print(line + (f", stretch {2 * goal} " + ("met" if ms[peer] / ms[ours] >= 2 * goal else "MISSED")))


