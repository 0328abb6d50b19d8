"""Grokking runs that no net was trained for: histories with what a test plants in them, noise elsewhere."""

import numpy as np

from minigrok.history import History
from minigrok.study.announce import QUANTITIES
from minigrok.study.grokking import GrokkingRun, GrokkingSetting

COLUMNS = (*QUANTITIES.values(), "weight_spectrum_entropy")
MEMORISED = 100
CONTROLS = ("shuffled labels", "corrupted labels", "no weight decay", "frozen first layer")


def setting(name, role="base", base="", modulus=23, width=100):
    """A setting whose runs stand under `name`."""
    return GrokkingSetting(name, "add", modulus, "cross_entropy", "relu", "AdamW", 0.01, 1.0, 0.5, width=width,
                           role=role, base=base)


def made_up_run(of, seed, generalised, columns, epochs=1200, every=20):
    """A run that memorises at epoch 100 and generalises when it is said to; the accuracy rises over a fifth of that."""
    epoch = np.arange(0, epochs + 1, every)
    end = np.inf if generalised is None else generalised
    start = MEMORISED + 0.8 * (end - MEMORISED)
    test = np.zeros(len(epoch)) if generalised is None else np.interp(epoch, [start, end], [0.0, 1.0])
    history = {"epoch": epoch, "train_accuracy": (epoch >= MEMORISED) * 1.0, "test_accuracy": test}
    return GrokkingRun(of, seed, History(history | columns(epoch, end)), np.zeros(1), np.zeros(1))


def noisy_columns(rng, planted=()):
    """Columns that differ between runs for no reason, one level until memorised and one from then on.

    `planted` ones hold how soon the run generalises instead, 0 for never.
    """
    def columns(epoch, end):
        before, after = rng.normal(size=(2, len(COLUMNS)))
        noise = {name: np.where(epoch <= MEMORISED, before[i], after[i]) for i, name in enumerate(COLUMNS)}
        return noise | {name: np.full(len(epoch), 1000 / end) for name in planted}
    return columns


def made_up_runs(rng, planted=(), bases=3, multiverse=4, seeds=5):
    """Bases with four controls each, and settings of a multiverse; times to generalise are drawn, some are never."""
    runs = {}
    for i in range(bases):
        runs[f"base {i}"] = [
            made_up_run(setting(f"base {i}"), seed, float(rng.integers(500, 1100)), noisy_columns(rng, planted))
            for seed in range(seeds)]
        for role in CONTROLS:
            of = setting(f"base {i}, {role}", role, f"base {i}")
            runs[of.name] = [made_up_run(of, seed, None, noisy_columns(rng, planted)) for seed in range(seeds)]
    for i in range(multiverse):
        of = setting(f"multiverse {i}", "multiverse")
        ends = [None, *rng.integers(500, 1100, size=seeds - 1).astype(float).tolist()]
        runs[of.name] = [
            made_up_run(of, seed, end, noisy_columns(rng, planted)) for seed, end in enumerate(ends)]
    return runs
