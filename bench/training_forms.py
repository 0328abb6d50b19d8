"""The fused form of training beside the plain one, for some nets; a table of bench_training.py."""

import time
from unittest.mock import patch

import numpy as np

import minigrok.training
from minigrok import MLP, SGD, AdamW, tasks, train

MODULAR, MOONS = tasks.modular(47, seed=0), tasks.moons(n=2000, seed=0)
WIDE = tasks.blobs(n=2000, dimension=20, seed=0)
# name, net, task, optimizer, epochs, batch size
RUNS = (
    ("2-6-2 ReLU, batches of 32", lambda: MLP([2, 6, 2]), MOONS, SGD(0.1), 20, 32),
    ("2-6-2 tanh, all 1000 at once", lambda: MLP([2, 6, 2], "tanh"), MOONS, SGD(0.1, 0.9), 100, None),
    ("20-64-2 ReLU, batches of 32", lambda: MLP([20, 64, 2]), WIDE, AdamW(0.01), 20, 32),
    ("94-100-47 ReLU, float32", lambda: MLP([94, 100, 47], bias=False, dtype=np.float32), MODULAR, AdamW(0.01),
     50, None),
    ("94-100-47 quadratic, squared error", lambda: MLP([94, 100, 47], "quadratic", "squared_error"), MODULAR, SGD(0.1),
     50, None),
    ("94-100-47 sigmoid, batches of 128", lambda: MLP([94, 100, 47], "sigmoid"), MODULAR, AdamW(0.01), 10, 128),
)


def forms(rounds):
    """Print the least CPU time of each form, in turn."""
    print("\nthe plain form beside the fused one, CPU ms an epoch, a record at the beginning and the end")
    choices = {"fused": minigrok.training.serves, "plain": lambda *run: False}
    for name, make_net, task, optimizer, epochs, batch_size in RUNS:
        best = dict.fromkeys(choices, float("inf"))
        for round_number in range(rounds + 1):
            for form, serves in choices.items():
                net = make_net()
                with patch.object(minigrok.training, "serves", serves):
                    start = time.process_time()
                    train(net, task, optimizer, epochs, batch_size, record_every=epochs)
                if round_number:
                    best[form] = min(best[form], time.process_time() - start)
        fused, plain = (1e3 * best[form] / epochs for form in ("fused", "plain"))
        print(f"  {name:38} fused {fused:8.3f}   plain {plain:8.3f}   {plain / fused:6.1f} x")
