"""Times the numbers of states beside NumPy, PyTorch, quimb, QuTiP, toqito and vendi-score, where they are installed.

Every tool works in a process of its own (importing one may change how another computes), with one BLAS thread; they
take turns, several rounds, and the figure is the least CPU time of a round. minigrok is called as a user calls
it, checks included; a peer that checks nothing is timed as it is. The table says what each one computes.

    python bench/bench_states.py                     the table
    python bench/bench_states.py --parts             what our own kernels gain over LAPACK's and BLAS's
    python bench/bench_states.py --stream            a million rows of 512 neurons, and the memory it takes
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import math
import platform
import resource
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np

ROUNDS = 7
PACKAGES = {"minigrok": "minigrok", "NumPy": "numpy", "PyTorch": "torch", "quimb": "quimb", "QuTiP": "qutip",
            "toqito": "toqito", "vendi-score": "vendi_score"}
# title, how often in a round, the goal: (peer, ratio)
TASKS = {
    "stack": ("S of a stack of 10,000 states of 6 levels", 1, [("NumPy", 2.2), ("NumPy", 4.0)]),
    "all": ("all numbers of one state of 6 levels: S, P, 1-P, exp S, 1/P, S/ln d, min-entropy, stable rank, "
            "numerical rank, gap, spectrum", 5000, [("quimb", 12.0), ("QuTiP", 40.0)]),
    "one": ("S alone of one state of 6 levels", 2000, []),
    "d100": ("S of one state of 100 levels", 50, [("quimb", 1.0), ("PyTorch", 1 / 1.4), ("PyTorch", 1.0)]),
    "d512": ("S of one state of 512 levels", 3, [("quimb", 1.0), ("PyTorch", 1 / 1.4), ("PyTorch", 1.0)]),
    "activations": ("activations 100,000 x 100, float64, to S and P", 1, [("PyTorch", 1.5)]),
}


def plain_state(rng, rows, d):
    """A state made without minigrok, so that all tools have the same."""
    A = rng.normal(size=(rows, d))
    G = A.T @ A
    return G / np.trace(G)


def inputs(task):
    rng = np.random.default_rng(0)
    if task == "stack":
        return np.stack([plain_state(rng, 20, 6) for _ in range(10_000)])
    if task == "activations":
        return rng.normal(size=(100_000, 100))
    d = {"d100": 100, "d512": 512}.get(task, 6)
    return plain_state(rng, 4 * d, d)


def of_spectrum(p):
    """What follows from ascending eigenvalues, in plain Python and NumPy, for peers without functions for it."""
    top = float(p[-1])
    return -math.log(top), 1 / top, top - float(p[-2]), int((p > 1e-10 * top).sum())


def minigrok_work(task, x):
    import minigrok

    return {
        "all": ("measure_state(rho), checked", lambda: minigrok.measure_state(x)),
        "activations": ("measure(A), all numbers, checked", lambda: minigrok.measure(x)),
    }.get(task, ("von_neumann_entropy(rho), checked", lambda: minigrok.von_neumann_entropy(x)))


def numpy_work(task, x):
    if task == "activations":
        return "A.T @ A alone", lambda: x.T @ x
    return "eigvalsh alone", lambda: np.linalg.eigvalsh(x)


def torch_work(task, x):
    import torch

    torch.set_num_threads(1)
    T = torch.tensor(x)
    if task != "activations":
        return "eigvalsh alone", lambda: torch.linalg.eigvalsh(T)

    def entropy_and_purity():
        G = T.T @ T
        p = torch.linalg.eigvalsh(G / torch.trace(G))
        return torch.special.entr(p).sum().item(), (p * p).sum().item()

    return "S and P", entropy_and_purity


def quimb_work(task, x):
    import quimb

    def numbers():
        S, P = quimb.entropy(x) * math.log(2), quimb.tr(x @ x)
        return (S, P, 1 - P, math.exp(S), 1 / P, S / math.log(6), *of_spectrum(quimb.eigvalsh(x)))

    if task == "all":
        return "entropy, tr(rho @ rho), eigvalsh; the rest from these", numbers
    return ("entropy", lambda: quimb.entropy(x)) if task not in ("stack", "activations") else None


def qutip_work(task, x):
    import qutip

    def numbers():
        rho = qutip.Qobj(x)
        S, P, L = qutip.entropy_vn(rho), rho.purity(), qutip.entropy_linear(rho)
        return (S, P, L, math.exp(S), 1 / P, S / math.log(6), *of_spectrum(rho.eigenenergies()))

    if task == "all":
        return "Qobj, entropy_vn, purity, entropy_linear, eigenenergies; the rest from these", numbers
    if task in ("stack", "activations"):
        return None
    made = qutip.Qobj(x)
    return "entropy_vn of a ready Qobj", lambda: qutip.entropy_vn(made)


def toqito_work(task, x):
    from toqito.state_props import purity, von_neumann_entropy

    if task == "all":
        return "von_neumann_entropy, purity", lambda: (von_neumann_entropy(x), purity(x))
    return ("von_neumann_entropy", lambda: von_neumann_entropy(x)) if task not in ("stack", "activations") else None


def vendi_work(task, x):
    from vendi_score import vendi

    if task == "activations":
        return "score_dual, exp S of rows", lambda: vendi.score_dual(x, normalize=True)
    K = x * len(x)                                       # a kernel of trace n
    return ("score_K, exp S", lambda: vendi.score_K(K)) if task != "stack" else None


WORK = {"minigrok": minigrok_work, "NumPy": numpy_work, "PyTorch": torch_work, "quimb": quimb_work, "QuTiP": qutip_work,
        "toqito": toqito_work, "vendi-score": vendi_work}


def worker(tool):
    """Answer each line on stdin, the name of a task, with what is computed and its CPU seconds, once it is warm."""
    ready = {}
    for line in sys.stdin:
        task = line.strip()
        if task not in ready:
            ready[task] = WORK[tool](task, inputs(task))
            if ready[task] is not None:
                ready[task][1]()
        if ready[task] is None:
            print(json.dumps(None), flush=True)
            continue
        what, work = ready[task]
        repeats = TASKS[task][1]
        start = time.process_time()
        for _ in range(repeats):
            work()
        print(json.dumps([what, (time.process_time() - start) / repeats]), flush=True)


def ask(process, task):
    process.stdin.write(task + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def compare(tasks):
    """The tables: least seconds of each tool, and how many times minigrok's that is."""
    tools = [tool for tool, package in PACKAGES.items() if find_spec(package)]
    for tool in PACKAGES:
        try:
            print(f"  {tool} {version(PACKAGES[tool].replace('_', '-'))}" if tool in tools else f"  {tool}: missing")
        except PackageNotFoundError:
            print(f"  {tool}: version unknown")
    processes = {tool: subprocess.Popen([sys.executable, __file__, "--worker", tool], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE) for tool in tools}
    for task in tasks:
        title, _, goals = TASKS[task]
        best, what = {}, {}
        for _ in range(ROUNDS):
            for tool, process in processes.items():
                answer = ask(process, task)
                if answer is not None:
                    what[tool], seconds = answer
                    best[tool] = min(best.get(tool, math.inf), seconds)
        print(f"\n{title}")
        for tool, seconds in best.items():
            print(f"  {tool:12} {seconds * 1e6:12.2f} us  {seconds / best['minigrok']:7.2f} x minigrok   {what[tool]}")
        for peer, goal in goals:
            if peer in best:
                ratio = best[peer] / best["minigrok"]
                print(f"  goal: {goal:.2f} x against {peer}: {ratio:.2f}, {'met' if ratio >= goal else 'MISSED'}")
    for process in processes.values():
        process.stdin.close()
        process.wait()


def least(*works):
    """Least CPU seconds of each, in turn."""
    best = [math.inf] * len(works)
    for _ in range(ROUNDS + 1):
        for i, work in enumerate(works):
            start = time.process_time()
            work()
            best[i] = min(best[i], time.process_time() - start)
    return best


def parts():
    """Our QL against LAPACK's dsterf on the same tridiagonal matrices, and tall_gram against A.T @ A."""
    from scipy.linalg import lapack

    from minigrok.fast.tall import serves, tall_gram
    from minigrok.kernels import tridiagonal_eigenvalues

    rng = np.random.default_rng(0)
    for d in (48, 100, 200, 512):
        _, diagonal, off, _, _ = lapack.dsytrd(plain_state(rng, 4 * d, d).T, lower=1)
        theirs, ours = least(lambda x=diagonal, e=off: [lapack.dsterf(x, e) for _ in range(20)],
                             lambda x=diagonal, e=off: [tridiagonal_eigenvalues(x.copy(), np.append(e**2, 0.0))
                                                        for _ in range(20)])
        print(f"  QL, d = {d:3}: dsterf {theirs * 5e4:8.1f} us, ours {ours * 5e4:8.1f} us, ratio {theirs / ours:.2f}")
    for d in (32, 48, 64, 100, 128, 160):
        A = rng.normal(size=(10**7 // d, d))
        if serves(A):
            theirs, ours = least(lambda A=A: A.T @ A, lambda A=A: tall_gram(A))
            print(f"  A^T A, {len(A)} x {d}: BLAS {theirs * 1e3:5.1f} ms, ours {ours * 1e3:5.1f} ms, "
                  f"ratio {theirs / ours:.2f}")
        else:
            print(f"  A^T A, {len(A)} x {d}: BLAS only, this processor has no AVX-512")


def stream(rows=1_000_000, d=512, batch=5000):
    """Peak memory of a stream through DensityAccumulator, after a tenth of it and at the end."""
    from minigrok import DensityAccumulator, effective_rank, purity, von_neumann_entropy

    rng, scale = np.random.default_rng(0), 1 / np.sqrt(np.arange(1, d + 1))
    accumulator, start = DensityAccumulator(), time.process_time()
    for i in range(rows // batch):
        accumulator.update(rng.standard_normal((batch, d), dtype=np.float32) * scale)
        if i + 1 in (1, rows // batch // 10, rows // batch):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)
            print(f"  {accumulator.n:9} rows: peak memory {peak:6.0f} MB, {time.process_time() - start:6.1f} s of CPU")
    rho = accumulator.density_matrix()
    p = scale**2 / (scale**2).sum()
    print(f"  S {von_neumann_entropy(rho):.5f} (of the population {-(p * np.log(p)).sum():.5f}), P {purity(rho):.6f} "
          f"({(p**2).sum():.6f}), exp S {effective_rank(rho):.2f}")
    print(f"  all rows at once would be {rows * d * 8 / 2**30:.1f} GB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--only", choices=TASKS, action="append")
    parser.add_argument("--worker", choices=WORK, help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if settings.worker:
        worker(settings.worker)
    else:
        print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, one thread each")
        if settings.parts:
            parts()
        elif settings.stream:
            stream()
        else:
            compare(settings.only or TASKS)
