"""What `minigrok landscape` walks over, from its options: the data, the networks, the bins."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrok import tasks
from minigrok.checks import FloatArray, one_of
from minigrok.states.readers import read_arrays
from minigrok.systems import NetworkLandscape
from minigrok.systems.network import ATOM, ROUNDING

TASKS: dict[str, Callable[..., tasks.Task]] = {
    "circles": tasks.circles, "moons": tasks.moons, "xor": tasks.xor, "spirals": tasks.spirals, "blobs": tasks.blobs}
WITH_DIMENSION = ("xor", "blobs")
INPUTS = 200                   # for training, unless --inputs says otherwise
RANGE, CHECK = 1, 2            # what random networks are drawn for, each time with numbers of its own
DRAWS = {RANGE: 20_000, CHECK: 200_000}        # at most
LEAST_DRAWS, OPERATIONS = 1000, {RANGE: 1e10, CHECK: 2e9}      # multiplications: about 5 seconds and 1 second
Options = Mapping[str, Any]


def task_of(options: Options) -> tasks.Task:
    """The data: a task with as many test as training inputs, or a file, whose rows are split at random."""
    if options["data"] is not None:
        return _from_file(Path(options["data"]), options)
    name = one_of("task", options["task"], TASKS)
    inputs = INPUTS if options["inputs"] is None else options["inputs"]
    settings = {} if options["dimension"] is None else {"dimension": options["dimension"]}
    if settings and name not in WITH_DIMENSION:
        raise ValueError(f"--dimension is for {' and '.join(WITH_DIMENSION)}; {name} lies in the plane: leave it out")
    return TASKS[name](n=2 * inputs, seed=options["seed"], **settings)


def _from_file(path: Path, options: Options) -> tasks.Task:
    if options["dimension"] is not None:
        raise ValueError("--dimension is for tasks; --data has as many as its file has columns: leave it out")
    kind = one_of("type of --data file", path.suffix.lower(), (".npz", ".csv"))
    arrays = read_arrays(path)
    if kind == ".csv":
        table = arrays[path.stem]
        if table.shape[1] < 2:
            raise ValueError(f"{path} has one column, but needs one or more of inputs and a last one of labels")
        arrays = {"X": table[:, :-1], "y": table[:, -1]}
    for name in ("X", "y"):
        if name not in arrays:
            raise ValueError(f"{path} holds {', '.join(arrays) or 'nothing'}, but needs X (n, features) and y (n,)")
    rows = len(arrays["y"].reshape(-1))
    inputs = min(INPUTS, rows // 2) if options["inputs"] is None else options["inputs"]
    if not 0 < inputs < rows:
        raise ValueError(f"{path} has {rows} rows: {inputs} training inputs leave none for the test; take fewer")
    try:
        return tasks.from_arrays(arrays["X"], arrays["y"], test_fraction=1 - inputs / rows, seed=options["seed"])
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from problem


def system_of(options: Options) -> NetworkLandscape:
    """All networks of one hidden layer on these data."""
    names = ("hidden", "activation", "bias", "prior", "scale", "coordinate")
    return NetworkLandscape(task_of(options), **{name: options[name] for name in names})


def random_networks(system: NetworkLandscape, seed: int, purpose: int) -> FloatArray:
    """Energies (n,) of n random networks, NaN for dead ones; fewer where each takes long."""
    N, features = system.X.shape
    multiplications = N * system.hidden * (features + 1 + system.hidden)
    n = int(np.clip(OPERATIONS[purpose] / multiplications, LEAST_DRAWS, DRAWS[purpose])) // 1000 * 1000
    return system.direct_sample(n, int(np.random.SeedSequence([seed, purpose]).generate_state(1)[0]))


def edges_of(system: NetworkLandscape, options: Options) -> FloatArray:
    """`bins` equal bins over the range that was asked for, or over that of random networks; and the atom's own.

    The atom (S = 0 or P = 1: one mode alone) gets a bin of its own where random networks are found in it and the
    range comes as near as the width of a bin: then the equal bins begin (or end, for P) where the atom's ends.
    Else the atom is left outside, for nothing leads to it in steps that a walk would learn.
    """
    if options["range"] is not None and not -np.inf < options["range"][0] < options["range"][1] < np.inf:
        raise ValueError("--range {:g} {:g}: give two finite numbers, LOW below HIGH".format(*options["range"]))
    energies = random_networks(system, options["seed"], RANGE)
    in_atom = at_atom(system, energies)
    rest = energies[np.isfinite(energies) & ~in_atom]
    if len(rest) == 0 or rest.min() == rest.max():
        found = f"the {system.coordinate} {rest[0]:g}" if len(rest) else "no state but that of one mode, or none"
        raise ValueError(f"all of {len(energies):,} random networks have {found}: there is nothing to walk over")
    low, high = (float(rest.min()), float(rest.max())) if options["range"] is None else options["range"]
    bins, width = options["bins"], (high - low) / options["bins"]
    if system.coordinate == "entropy" and in_atom.any() and low <= width < high:
        return np.append(0.0, np.linspace(ATOM, high, bins + 1))
    if system.coordinate == "purity" and in_atom.any() and low < 1 - ATOM and high >= 1 - width:
        return np.append(np.linspace(low, 1 - ATOM, bins + 1), 1.0 + ROUNDING)
    return np.linspace(low, high, bins + 1)


def at_atom(system: NetworkLandscape, energies: FloatArray) -> Any:
    """(n,) whether a network's state is one mode alone, S = 0 or P = 1; the loss has no such value."""
    if system.coordinate == "loss":
        return np.zeros(len(energies), bool)
    return energies <= ATOM if system.coordinate == "entropy" else energies >= 1 - ATOM
