"""Numerical truth of training: the same runs in float32 and float64."""

import numpy as np

import minigrok as mg

SEEDS = 10
NOTES = """
The first weights are the same but for rounding; float32 rounds the data and every step, too. The roundings grow with
the steps, as any small change of the weights does (second rows: float64 twice, once from weights moved by 6e-8 of
themselves). So where a run is chaotic, as the long one on addition is, single runs of the two types end apart, by about
as much as two of float64 do that began 6e-8 apart."""
RUNS = {
    "moons, 2-6-2 relu, SGD 0.1, batch 32, 300 epochs": (
        lambda seed: mg.tasks.moons(n=400, seed=seed), [2, 6, 2], True, lambda: mg.SGD(0.1), 300, 32),
    "moons, 2-6-2 relu, SGD 0.1, batch 32, 10 epochs": (
        lambda seed: mg.tasks.moons(n=400, seed=seed), [2, 6, 2], True, lambda: mg.SGD(0.1), 10, 32),
    "a + b mod 23, 100 hidden, AdamW 0.01 decay 1, 2000 epochs": (
        lambda seed: mg.tasks.modular(23, train_fraction=0.7, seed=seed), [46, 100, 23], False,
        lambda: mg.AdamW(0.01, betas=(0.9, 0.98), weight_decay=1.0), 2000, None),
    "a + b mod 23, 100 hidden, AdamW 0.01 decay 1, 50 epochs": (
        lambda seed: mg.tasks.modular(23, train_fraction=0.7, seed=seed), [46, 100, 23], False,
        lambda: mg.AdamW(0.01, betas=(0.9, 0.98), weight_decay=1.0), 50, None),
}


def histories(name, dtype, moved=False):
    """The History of each seed."""
    task_of, sizes, bias, optimizer, epochs, batch = RUNS[name]
    for seed in range(SEEDS):
        net = mg.MLP(sizes, bias=bias, dtype=dtype, seed=seed)
        if moved:
            net.theta = net.theta * (1 + 6e-8 * np.random.default_rng(seed).choice([-1, 1], net.theta.shape))
        yield mg.train(net, task_of(seed), optimizer(), epochs, batch, record_every=10, seed=seed)


def compared(name, say):
    """Two rows: float32 beside float64, and float64 beside float64 from weights that are moved a little."""
    whole = list(histories(name, "float64"))
    say(f"\n{name}\n")
    say(f"{'':32}{'median |dS|':>12}{'largest':>9}{'median |dP|':>13}{'largest':>9}{'accuracies':>15}{'largest':>9}"
        f"{'medians of S':>18}")
    others = (("float32 beside float64", histories(name, "float32")),
              ("moved by 6e-8 beside float64", histories(name, "float64", True)))
    for words, runs in others:
        runs = list(runs)
        S, P, a = (np.array([[getattr(h, column)[-1] for h in each] for each in (runs, whole)])
                   for column in ("entropy", "purity", "test_accuracy"))
        dS, dP, da = (abs(values[0] - values[1]) for values in (S, P, a))
        accuracies = f"{np.median(a[0]):.3f}, {np.median(a[1]):.3f}"
        entropies = f"{np.median(S[0]):.4f}, {np.median(S[1]):.4f}"
        say(f"{words:32}{np.median(dS):12.1e}{dS.max():9.1e}{np.median(dP):13.1e}{dP.max():9.1e}{accuracies:>15}"
            f"{da.max():9.3f}{entropies:>18}")


def tables(say):
    """All of them."""
    say(f"\n4. FLOAT32 TRAINING beside float64, {SEEDS} seeds each: S and P of the hidden layer and test accuracy, "
        "at the end")
    for name in RUNS:
        compared(name, say)
    say(NOTES)
