"""Why a run of the prototype sometimes took twice as long: subnormal numbers, and not how its arrays lay in memory.

    python bench/subnormals.py

A softmax that is sure of itself gives the other classes exp(-87) and less, numbers that float32 holds only with fewer
digits: subnormal ones. The processor takes a detour of some hundred cycles for each vector of a product that meets one.
Whether it does depends on a mode of the thread ("flush to zero") that numerical libraries set, or do not, for the
threads that they run in; so the same code is quick in one process and slow in another. Three tables:

    the products of an epoch with a share of dL/dZ subnormal; where the arrays lie makes no such difference
    which libraries leave the calling thread in that mode when they are imported, or used
    a net that is trained on long after it has memorised: the plain form against the fused one, which flushes by itself
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import subprocess
import sys
import time
from unittest.mock import patch

import numpy as np

import minigrok.training
from minigrok import MLP, AdamW, tasks, train

ROWS, CLASSES, PAGE = 512, 97, 4096
PROBE = """
import numpy as np
def flushes():
    return bool(np.float32(1e-38) * np.float32(0.1) == 0)
"""
LIBRARIES = {
    "NumPy alone": "", "PyTorch imported": "import torch",
    "PyTorch, a product": "import torch; torch.ones(300, 300) @ torch.ones(300, 300)",
    "PyTorch, set_flush_denormal": "import torch; torch.set_flush_denormal(True)",
    "JAX imported": "import jax",
    "JAX, a product": "import jax.numpy as jnp; (jnp.ones((300, 300)) @ jnp.ones((300, 300))).sum()",
    "scikit-learn imported": "import sklearn.neural_network", "numba imported": "import numba"}


def least(work, rounds=9):
    """Least CPU milliseconds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best * 1e3


def at(shape, offset):
    """A float32 array that begins so many bytes after the beginning of a page."""
    raw = np.zeros(4 * int(np.prod(shape)) + 2 * PAGE, np.uint8)
    start = -raw.ctypes.data % PAGE + offset
    return raw[start : start + 4 * int(np.prod(shape))].view(np.float32).reshape(shape)


def products():
    """Print the first table."""
    rng = np.random.default_rng(0)
    print(f"three products of {ROWS} inputs and {CLASSES} classes, float32, milliseconds")
    print("  hidden   arrays begin   share of dZ subnormal:    0      0.1 %      1 %     10 %    100 %")
    for d in (100, 256, 264):
        for offset, place in ((0, "all at a page"), (320, "320 bytes apart")):
            H, W, dZ = at((ROWS, d), 0), at((d, CLASSES), offset), at((ROWS, CLASSES), 2 * offset)
            out = at((ROWS, CLASSES), 3 * offset), at((ROWS, d), 4 * offset), at((d, CLASSES), 5 * offset)
            H[:], W[:] = np.maximum(rng.normal(size=H.shape), 0), rng.normal(size=W.shape)
            times = []
            for share in (0, 0.001, 0.01, 0.1, 1):
                dZ[:] = rng.normal(size=dZ.shape)
                dZ[rng.random(dZ.shape) < share] = 1e-40

                def work(H=H, W=W, dZ=dZ, out=out):
                    np.matmul(H, W, out=out[0]), np.matmul(dZ, W.T, out=out[1]), np.matmul(H.T, dZ, out=out[2])

                times.append(least(work))
            print(f"  {d:6}   {place:15}" + " " * 19 + "".join(f"{t:9.2f}" for t in times))


def libraries():
    """Print the second table."""
    print("\nis a subnormal product flushed to zero in the calling thread afterwards?")
    for name, code in LIBRARIES.items():
        command = [sys.executable, "-c", f"{code}\n{PROBE}\nprint(flushes())"]
        done = subprocess.run(command, text=True, capture_output=True)
        print(f"  {name:28} {done.stdout.strip() or 'not installed'}")


def long_after():
    """Print the third table."""
    print("\naddition mod 47, 100 hidden neurons, float32, AdamW without decay, 400 epochs, milliseconds an epoch")
    task = tasks.modular(47, seed=0)
    forms = {"plain": lambda *run: False, "fused": minigrok.training.serves}
    train(MLP([94, 100, 47], bias=False, dtype=np.float32), task, AdamW(0.03), 2)      # compiles
    nets = {name: MLP([94, 100, 47], bias=False, dtype=np.float32) for name in forms}
    for block in range(6):
        row = []
        for name, serves in forms.items():
            with patch.object(minigrok.training, "serves", serves):
                start = time.process_time()
                history = train(nets[name], task, AdamW(0.03), 400, record_every=400)
                row.append(f"{name} {(time.process_time() - start) / 0.4:6.2f} (loss {history.train_loss[-1]:.0e})")
        print(f"  epochs {400 * block + 1:5} to {400 * block + 400:5}   " + "   ".join(row))


if __name__ == "__main__":
    products()
    libraries()
    long_after()
