"""Which grokking runs are trained: three base settings, a multiverse drawn around them, controls, and families.

**Bases** memorise, wait and generalise. About thirty settings were tried for the first two, and fifty for the one of
two tanh layers: optimizer, loss, learning rate, weight decay, fraction of the pairs, modulus. They were chosen by
their milestones alone: S and P were printed beside for the first two, and for the third only once it was chosen.

**The multiverse** is a Latin hypercube over operation x modulus x loss x activation x optimizer x weight decay x
fraction x depth: on every axis each level occurs equally often, in an order of its own (M. D. McKay, R. J. Beckman and
W. J. Conover, Technometrics 21, 239 (1979)), the first such draw without a setting twice. The learning rate follows
from optimizer, loss and activation; it was taken from three by how one seed of nets of one and two hidden layers learnt
a + b mod 31, and waited before. After a sample of 27 settings, in which few learnt, the decays of `DECAYS` were raised
once (but those of SGD with squared error, and AdamW's strong one); S at the ends of these runs was printed beside. Of
72 settings with fractions 0.4, 0.55, 0.7 and a third without decay, 11 memorised, waited and generalised with one seed:
too few for a verdict. So no decay was left to the controls, and the fractions were raised: of 96, with a seed that is
not used below, 15.
Where a level keeps nets from generalising, that is left as it is: such runs say nothing of claims about the plateau,
and are counted.

**Controls** of a base change one thing. **Families** vary the modulus or the width alone, modulus 97 among them. Runs
**past the end** go on to five times the epoch of generalisation.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrok.checks import one_of
from minigrok.runs.jobs import Job
from minigrok.study.grokking import DECAYS, HIDDEN, GrokkingSetting, run

BASES = (
    GrokkingSetting("relu, cross-entropy", "add", 47, "cross_entropy", "relu", "AdamW", 1e-2, 1.0, 0.55, epochs=3000,
                    role="base"),
    GrokkingSetting("quadratic, squared error", "add", 31, "squared_error", "quadratic", "AdamW", 5e-3, 1.0, 0.4,
                    epochs=3000, role="base"),
    GrokkingSetting("two tanh layers, squared error", "add", 31, "squared_error", "tanh", "AdamW", 5e-3, 1.0, 0.58,
                    depth=2, epochs=4000, role="base"),
)
LEVELS: dict[str, tuple[Any, ...]] = {
    "op": ("add", "subtract", "multiply"), "modulus": (23, 31, 47, 59), "loss": ("cross_entropy", "squared_error"),
    "activation": ("relu", "quadratic", "tanh"), "optimizer": ("AdamW", "SGD"), "decay": ("weak", "strong"),
    "train_fraction": (0.5, 0.6, 0.75), "depth": (1, 2)}
DRAWN, DRAW_SEED = 96, 0       # 96 is a multiple of the number of levels of every axis
REDUCED = 12                   # of them in a short run: the first that were drawn
EPOCHS = {1: 2500, 2: 1800}    # at most, by depth
SLOW_EPOCHS = {47: 1500, 59: 1000}       # of two hidden layers, by modulus: an epoch takes 4 and 7 ms
CONTROL_EPOCHS = 1500
LEARNING_RATES = {             # by optimizer, loss and activation
    ("AdamW", "cross_entropy", "relu"): 3e-2, ("AdamW", "cross_entropy", "quadratic"): 1e-2,
    ("AdamW", "cross_entropy", "tanh"): 3e-2, ("AdamW", "squared_error", "relu"): 3e-3,
    ("AdamW", "squared_error", "quadratic"): 3e-3, ("AdamW", "squared_error", "tanh"): 1e-2,
    ("SGD", "cross_entropy", "relu"): 1.0, ("SGD", "cross_entropy", "quadratic"): 0.3,
    ("SGD", "cross_entropy", "tanh"): 1.0, ("SGD", "squared_error", "relu"): 10.0,
    ("SGD", "squared_error", "quadratic"): 3.0, ("SGD", "squared_error", "tanh"): 10.0}
MULTIVERSE_SEEDS, LARGE_SEEDS, CONTROL_SEEDS, PAST_SEEDS = 5, 5, 10, 5   # of those given, at most, in a full run
LARGE = 97
MODULI, WIDTHS = (23, 31, 47, 59), (50, HIDDEN, 200)
CORRUPTED, AT_ONCE = 0.3, 0.9  # share of the labels that is shuffled; of the pairs, with which none has to wait
PAST_THE_END = 15_000          # epochs at most
SHORT = 3                      # seeds of what a default run reduces


def plan(size: str, seeds: Sequence[int]) -> list[Job]:
    """The jobs of a size, the long ones first.

    quick: the first two bases and the shuffled labels of the first. default: the bases; of 3 seeds 12 settings of the
    multiverse, all controls of the first base, and three of the second. full: everything.
    """
    one_of("size", size, ("quick", "default", "full"))
    chosen: list[tuple[GrokkingSetting, Sequence[int]]] = []
    if size == "quick":
        chosen = [(setting, seeds) for setting in (*BASES[:2], controls(BASES[0])[0])]
    elif size == "default":
        chosen = [(setting, seeds) for setting in BASES]
        some = (*multiverse(REDUCED), *controls(BASES[0]), *controls(BASES[1])[:3])
        chosen += [(setting, seeds[:SHORT]) for setting in some]
    else:
        chosen = [(setting, seeds) for setting in BASES]
        chosen += [(setting, seeds[:MULTIVERSE_SEEDS]) for setting in multiverse()] + [(large(), seeds[:LARGE_SEEDS])]
        for base in BASES:
            chosen += [(setting, seeds[:CONTROL_SEEDS]) for setting in (*controls(base), *families(base))]
            chosen.append((past_the_end(base), seeds[:PAST_SEEDS]))
    chosen.sort(key=lambda item: -work(item[0]))
    return [Job("grokking", setting.name, seed, run, setting) for setting, some in chosen for seed in some]


def multiverse(count: int = DRAWN) -> tuple[GrokkingSetting, ...]:
    """The first `count` settings of the Latin hypercube."""
    rng, rows = np.random.default_rng(DRAW_SEED), np.zeros((0, len(LEVELS)), int)
    while len(np.unique(rows, axis=0)) < DRAWN:          # a setting twice: draw all anew
        rows = np.stack([rng.permutation(np.resize(range(len(levels)), DRAWN)) for levels in LEVELS.values()], axis=1)
    return tuple(
        _drawn({axis: levels[i] for (axis, levels), i in zip(LEVELS.items(), row, strict=True)})
        for row in rows[:count].tolist())


def controls(base: GrokkingSetting) -> tuple[GrokkingSetting, ...]:
    """What a base is held against, shuffled labels first; each differs from it in one thing.

    But the net of two tanh layers does not fit more pairs under its weight decay: to learn at once, it has less of it.
    """
    changes: dict[str, dict[str, Any]] = {
        "shuffled labels": {"corrupt_fraction": 1.0}, "corrupted labels": {"corrupt_fraction": CORRUPTED},
        "no weight decay": {"weight_decay": 0.0}, "frozen first layer": {"frozen_first": True},
        "learnt at once": {"train_fraction": AT_ONCE} | ({"weight_decay": 0.3} if base.depth > 1 else {})}
    return tuple(_like(base, role, role, epochs=CONTROL_EPOCHS, **change) for role, change in changes.items())


def families(base: GrokkingSetting) -> tuple[GrokkingSetting, ...]:
    """A base of one hidden layer at other moduli, and at other widths; it belongs to both families itself."""
    if base.depth > 1:
        return ()
    moduli = [_like(base, "family", f"modulo {p}", modulus=p) for p in MODULI if p != base.modulus]
    return (*moduli, *(_like(base, "family", f"width {width}", width=width) for width in WIDTHS if width != base.width))


def past_the_end(base: GrokkingSetting) -> GrokkingSetting:
    """The base, trained on to five times the epoch of generalisation."""
    return _like(base, "past the end", "past the end", epochs=PAST_THE_END, record_every=25)


def large() -> GrokkingSetting:
    """The first base modulo 97."""
    return _like(BASES[0], "family", f"modulo {LARGE}", modulus=LARGE, epochs=1500, record_every=25)


def work(setting: GrokkingSetting) -> float:
    """What a run costs, up to a factor: products of numbers in all epochs; the plain form takes thrice as long."""
    p, width, plain = setting.modulus, setting.width, setting.depth > 1 or setting.frozen_first
    weights = 3 * p * width + (setting.depth - 1) * width**2
    return setting.epochs * setting.train_fraction * p**2 * weights * (3 if plain else 1)


def _drawn(levels: dict[str, Any]) -> GrokkingSetting:
    """The setting of one row of the hypercube; its name says all of it."""
    decay, optimizer, loss, depth = levels.pop("decay"), levels["optimizer"], levels["loss"], levels["depth"]
    weak, strong = DECAYS[optimizer, loss]
    epochs = EPOCHS[depth] if depth == 1 else min(EPOCHS[depth], SLOW_EPOCHS.get(levels["modulus"], EPOCHS[depth]))
    name = (f"{levels['op']} mod {levels['modulus']}, {levels['activation']}, {loss.replace('_', ' ')}, {optimizer}, "
            f"{decay} decay, {levels['train_fraction']:.0%} of pairs, depth {depth}")
    return GrokkingSetting(
        name, lr=LEARNING_RATES[optimizer, loss, levels["activation"]], epochs=epochs,
        weight_decay={"weak": weak, "strong": strong}[decay], **levels)


def _like(base: GrokkingSetting, role: str, word: str, **changes: Any) -> GrokkingSetting:
    return replace(base, name=f"{base.name}, {word}", role=role, base=base.name, **changes)
