"""The public functions, each with arguments that are right, for `test_hostile.py` to put hostile ones among them."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from hostile import folder, hostile_array, hostile_number, hostile_word
from hostile_files import hostile_file, hostile_place

import minigrok
from minigrok import plots, tasks
from minigrok.checkpoint import load_arrays, load_checkpoint, save_arrays, save_checkpoint
from minigrok.course import laws
from minigrok.grams import CONVENTIONS
from minigrok.runs import grid, option_kinds, results
from minigrok.states import labels, readers
from minigrok.study import features

# Modules whose public names must all stand in the table, or below in TRUSTED
MODULES = ("tasks", "tasks.arrays", "tasks.modular", "tasks.planar", "plots", "states.distances", "states.functionals",
           "states.labels", "states.measure", "states.readers", "states.sampling_error", "exact.box",
           "exact.ising", "exact.linear_units", "exact.perceptron", "exact.squares", "systems.ising", "systems.network",
           "study.features", "course.laws", "checks", "checkpoint")
DATA = "a record of what a function has checked or found"
PROTOCOL = "called by the sampler alone, with states that `start` made"
DRAWN = "draws what functions of the table have found"
STUDENT = "the course's own checks call it"
INNER = "a part of a function of the table, which checks what it gets"
TRUSTED = {
    "StateMetrics": DATA, "SamplingError": DATA, "TrainingRun": DATA, "Moment": DATA, "Task": DATA, "ModularTask": DATA,
    "ClassStates": DATA, "PurityBounds": DATA, "Point": DATA, "Weights": DATA, "Spins": DATA, "DensityOfStates": DATA,
    "History": DATA, "CheckpointError": DATA, "Failure": DATA, "Student": DATA, "propose": PROTOCOL, "accept": PROTOCOL,
    "tied_accuracy": INNER, "two_hot": INNER, "as_double": INNER, "require_finite": INNER, "replace_file": INNER,
    "names": INNER, "as_columns": INNER, "features": INNER, "agrees": STUDENT, "law": STUDENT, "holds":
    STUDENT, "fails": STUDENT, "holevo": INNER, "freedman_diaconis_entropy": INNER, "powers_of_root": INNER,
    "power_below": INNER, "short": INNER, "history_panels": DRAWN, "spectrum_plot": DRAWN, "training_figure": DRAWN,
        "class_overlap_plot": DRAWN,
    "decision_boundary": DRAWN, "entropy_purity_plot": DRAWN, "activations": STUDENT, "states": STUDENT, "rotation":
    STUDENT, "rotated": STUDENT, "start": PROTOCOL, "energy": PROTOCOL, "observe": PROTOCOL}


@dataclasses.dataclass(frozen=True)
class Kind:
    """What sort of argument: one that is right, made of (rng, n, d), and what else may stand in its place."""

    valid: Callable[..., Any]
    hostile: Callable[[Any], Any]
    words: tuple[str, ...] = ()          # by which an error may name it, beside its own name


@dataclasses.dataclass(frozen=True)
class Entry:
    """One public function."""

    function: Callable[..., Any]
    arguments: Mapping[str, Kind]
    raises: tuple[type[Exception], ...] = ()             # beside ValueError and TypeError, by its docstring
    special: Callable[[str], bool] = lambda path: False  # whether NaN or infinity is an answer there, by its docstring
    share: float = 1.0                                   # of the cases, less where a call takes long
    moved: tuple[str, ...] = ("net", "ax", "figure", "accumulator")      # arguments that are changed, as is said
    rounding: float | None = 1e-6                        # to which an array in other clothes gives the same; None: no


def array(valid, *words, strict=True):
    return Kind(valid, partial(hostile_array, strict=strict), words)


def number(*valid, absurd=True, words=()):
    return Kind(lambda rng, n, d: valid[rng.integers(len(valid))], lambda value: hostile_number(absurd), words)


def word(*valid, words=()):
    return Kind(lambda rng, n, d: valid[rng.integers(len(valid))], lambda value: hostile_word, words)


def _other(hostiles):
    """The same, but the numbers are not those of the argument that they stand for."""
    return hostiles.map(lambda it: dataclasses.replace(it, same=False))


def fixed(make):
    """An argument that stays as it is."""
    return Kind(lambda rng, n, d: make(), lambda value: None)


def fixed_of(*values):
    """An argument that is one of these."""
    return Kind(lambda rng, n, d: values[rng.integers(len(values))], lambda value: None)


def activations(rng, n, d):
    return rng.normal(size=(n, d))


def any_activations(rng, n, d):
    A = rng.normal(size=(n, d))
    return A * np.exp(1j * rng.uniform(0, 6, (n, d))) if rng.integers(4) == 0 else A


def state(rng, n, d):
    A = any_activations(rng, n + d, d)
    gram = A.T @ A.conj()
    return (gram + gram.conj().T) / 2 / np.trace(gram).real


def real_state(rng, n, d):
    return state(rng, n, d).real.copy()


def class_numbers(rng, n, d):
    return rng.permutation(np.arange(n) % 2)


def increasing(rng, n, d):
    return np.sort(rng.uniform(0, d, n + 1))


def probabilities(rng, n, d):
    return np.diag(state(rng, n, d)).real.copy()


flat = array(lambda rng, n, d: rng.normal(size=5), "state", "encountered", strict=False)
A, real, rho = array(any_activations), array(activations, "A"), array(state, "rho")
sigma, edges, y = array(state), array(increasing), array(class_numbers, "labels")
answer = array(activations, "no array today", strict=False)     # one that refuses, which no JSON can hold
convention = word(*CONVENTIONS)
seed = number(0, 1, 2)
COUNTED = number(2, 3, absurd=False)
PLANE = {"n": number(20, 30), "noise": number(0.1, 0.0), "seed": seed, "test_fraction": number(0.5, 0.3,
    words=("test set",)),
         "noise_dimensions": number(0, 1)}
_counter = itertools.count()


def new_path(ending):
    return folder() / f"{next(_counter) % 50}{ending}"


def accumulator(batches=2):
    found = minigrok.DensityAccumulator()
    for i in range(batches):
        found.update(np.eye(3) + i)
    return found


def net():
    return minigrok.MLP([3, 4, 2], activation="tanh", seed=0)


def axes():
    return plots.new_figure(2, 2).subplots()


def drawn(function, first, **arguments):
    """Draw on Axes or a Figure of its own, to the end: much is looked at only then."""
    ax = arguments.pop(first)
    function(ax, **arguments)
    ax.figure.canvas.draw() if hasattr(ax, "figure") and ax.figure is not None else ax.canvas.draw()


def set_theta(net, theta):
    net.theta = theta
    return net.theta


def stepped(optimizer, theta, gradient):
    """One step from the start, on a copy, since theta is moved in place."""
    moved = theta.copy() if isinstance(theta, np.ndarray) else theta
    return moved, optimizer.step(moved, gradient, optimizer.start(np.zeros(5)))


def trained(net, **settings):
    return minigrok.train(net, **settings)


def saved(save, load):
    """What comes back of what was written."""
    def both(path, **arguments):
        save(path, **arguments)
        return load(path)
    return both


def made_once(function):
    return lambda **arguments: list(itertools.islice(function(**arguments), 20))


def sampler_run(system, edges, steps, until_error, **settings):
    return minigrok.WangLandau(system, edges, **settings).run(steps, until_error)


def walked():
    return minigrok.WangLandau(minigrok.Ising2D(2), minigrok.Ising2D(2).edges, walkers=8, seed=0).run(steps=20_000)


_WALKED = []


def states_found():
    if not _WALKED:
        _WALKED.append(walked())
    return _WALKED[0]


def made_up_runs():
    from minigrok.runs.store import Run
    return [Run(str(i), {"lr": 0.1 * (i % 2), "hidden": [i]}, i, "done", {"entropy": i / 7}, "", "") for i in range(6)]


def one_number(configuration):
    return {"number": 1.0}


def swept(grid, workers):
    path = new_path(".db")
    path.unlink(missing_ok=True)
    with ThreadPoolExecutor(2) as threads:
        return minigrok.sweep(grid, threads, path, workers, function=one_number)


def small_task():
    return tasks.moons(n=12, noise_dimensions=1, seed=0)


# How Python itself, or the system, words what is no path
PATHS = ("PathLike", "null byte", "surrogates", "File name too long", "path", "folder", "file", "files", ".npz", ".npy",
         ".csv", ".safetensors")
GRIDS = (*PATHS, "option", "cannot be run", "JSON", "TOML", "grid", "seeds", "must be", "conventions", "lr")
LOOPS = ("iterable", "iteration", "unhashable")      # and what is no sequence
SIZES = ("figure size",)
STATE = {"rho": rho}
TWO = {"rho": rho, "sigma": sigma}
CLASSES = {"A": A, "labels": y}
NET = {"net": fixed(net)}
SYSTEM = {"system": fixed(lambda: minigrok.Ising2D(2))}
file_of = partial(Kind, hostile=hostile_file, words=PATHS)
place_of = partial(Kind, hostile=hostile_place, words=PATHS)


def whole_file(kind):
    """A path to read from, of which one file is right."""
    def valid(rng, n, d):
        path = folder() / f"right-{kind}.npz"
        if not path.exists():
            if kind == "checkpoint":
                save_checkpoint(path, "training", {"lr": 0.1}, {"theta": np.zeros(3)})
            elif kind == "net":
                net().save(path)
            elif kind == "states":
                states_found().save(path)
            else:
                save_arrays(path, {"epoch": np.arange(3)})
        return path
    return file_of(valid)


place = place_of(lambda rng, n, d: new_path(".npz"))
FILES = (OSError,)
SPECTRUM = array(lambda rng, n, d: np.sort(probabilities(rng, n, d)))
infinite = lambda path: True                             # noqa: E731  (as others in the table)


def ends(*names):
    return lambda path: path.endswith(names)


TABLE = {
    "density_matrix": Entry(minigrok.density_matrix, {"A": A, "convention": convention}),
    "activation_spectrum": Entry(minigrok.activation_spectrum, {"A": A, "convention": convention}),
    "spectrum": Entry(minigrok.spectrum, STATE),
    "von_neumann_entropy": Entry(minigrok.von_neumann_entropy, STATE | {"base": number(None, 2, 10.0)}),
    "renyi_entropy": Entry(minigrok.renyi_entropy, STATE | {"alpha": number(0, 0.5, 1, 1.01, 2, 300)}),
    "weight_entropy": Entry(minigrok.weight_entropy, {
        "weights": array(activations, "weight", "bins"),
        "bins": Kind(lambda rng, n, d: (30, "fd", np.array([-100.0, 0, 100]))[rng.integers(3)], lambda value:
                     hostile_array(value, strict=False) if isinstance(value, np.ndarray) else hostile_number(False)
                     | hostile_word, ("edges",))}),
    "entropy_gradient": Entry(minigrok.entropy_gradient, {"A": real}),
    "purity_gradient": Entry(minigrok.purity_gradient, {"A": real}),
    "measure": Entry(minigrok.measure, {
        "A": A, "labels": Kind(lambda rng, n, d: class_numbers(rng, n, d) if rng.integers(2) else None, lambda value:
                               hostile_array(value, strict=False) if value is not None else _other(hostile_array(
                                   np.arange(4) % 2, strict=False))),
        "conventions": word("trace", "all", ("trace", "rows"), words=("convention", *LOOPS))},
        special=ends("normalised_entropy", "holevo_share")),
    "sampling_error": Entry(minigrok.sampling_error, {
        "A": A, "convention": convention, "groups": array(lambda rng, n, d: np.arange(n) // 2 if n > 5 else
                                                          np.arange(n), "independent", "group", "rows"),
        "population": word(False, True), "level": number(0.9), "resamples": number(0, 100, absurd=False),
        "seed": seed}),
    "linear_cka": Entry(minigrok.linear_cka, {"A": real, "B": array(activations, "A")}),
    "subspace_overlap": Entry(minigrok.subspace_overlap, TWO | {"k": number(1)}),
    "relative_entropy": Entry(minigrok.relative_entropy, TWO, special=infinite),
    "tsallis_entropy": Entry(minigrok.tsallis_entropy, STATE | {"q": number(0, 0.5, 1, 2)}),
    "numerical_rank": Entry(minigrok.numerical_rank, STATE | {"tolerance": number(1e-10)}),
    "purity_bounds": Entry(minigrok.purity_bounds, {"entropy": number(0.0, 0.3, 0.6), "dimension": number(
        2, 3, absurd=False, words=("entropy",))}),
    "measure_state": Entry(minigrok.measure_state, STATE, special=ends("normalised_entropy")),
    **{name: Entry(getattr(minigrok, name), STATE) for name in (
        "purity", "linear_entropy", "effective_rank", "participation_ratio", "min_entropy", "spectral_gap",
        "stable_rank", "normalised_entropy", "l1_coherence", "relative_entropy_of_coherence")},
    **{name: Entry(getattr(minigrok, name), TWO) for name in (
        "jensen_shannon_divergence", "trace_distance", "fidelity", "root_fidelity", "bures_angle", "bures_distance",
        "hilbert_schmidt_distance", "state_overlap")},
    "class_states": Entry(minigrok.class_states, CLASSES | {"convention": convention}, special=ends(
        "share", "states")),
    "class_overlaps": Entry(minigrok.class_overlaps, CLASSES | {"convention": convention}, special=infinite),
    "holevo_information": Entry(minigrok.holevo_information, CLASSES | {"convention": convention}),
    "holevo_gradient": Entry(minigrok.holevo_gradient, {"A": real, "labels": y}),
    "holevo_bound": Entry(labels.holevo_bound, {"weights": array(probabilities)}),
    "checked_labels": Entry(labels.checked_labels, {"labels": array(lambda rng, n, d: np.arange(4) % 2), "rows": fixed(
        lambda: np.eye(4))}),
    "as_matrix": Entry(readers.as_matrix, {"A": array(any_activations, strict=False), "neuron_axis": number(
        0, 1, -1, words=("axis",))}, special=infinite),
    "groups_of_places": Entry(readers.groups_of_places, {"A": array(any_activations, strict=False),
        "neuron_axis": number(
        0, 1, -1, words=("axis",))}, special=infinite),
    "read_arrays": Entry(readers.read_arrays, {"path": whole_file("arrays")}, FILES, infinite),
    "read_labels": Entry(readers.read_labels, {"path": whole_file("arrays")}, FILES, infinite),
    "DensityAccumulator": Entry(lambda **words: minigrok.DensityAccumulator(**words).convention, {
        "convention": word("trace", "rows", "centered")}),
    "DensityAccumulator.update": Entry(lambda batch, convention: minigrok.DensityAccumulator(convention).update(
        batch).density_matrix(), {"batch": array(any_activations, "activations", "rows", "neurons"), "convention": word(
            "trace", "rows", "centered")}),
    "DensityAccumulator.merge": Entry(lambda accumulator, other: accumulator.merge(other).density_matrix(), {
        "accumulator": fixed(accumulator), "other": Kind(lambda rng, n, d: accumulator(), lambda value: hostile_word)}),
    "MLP": Entry(minigrok.MLP, {
        "sizes": Kind(lambda rng, n, d: [[2, 3, 2], (3, 2), np.array([1, 4, 3])][rng.integers(3)], lambda value:
                      _other(hostile_array(np.array([2, 3, 2]), strict=False)) | hostile_word, ("seed",)),
        "activation": word("relu", "quadratic"), "loss": word("cross_entropy"), "init": word("he_normal", "normal"),
        "bias": word(True, False, words=("truth value",)), "dtype": word("float32", np.float64, words=("data type",)),
        "seed": seed,
        "init_scale": number(0.1)}),
    "MLP.forward": Entry(lambda net, X: net.forward(X), NET | {"X": array(lambda rng, n, d: activations(
        rng, n, 3), "outputs")}, (FloatingPointError,)),
    "MLP.hidden": Entry(lambda net, X, layer: net.hidden(X, layer), NET | {
        "X": array(lambda rng, n, d: activations(rng, n, 3)), "layer": number(-1, 0)}, (FloatingPointError,)),
    "MLP.predict": Entry(lambda net, X: net.predict(X), NET | {"X": array(lambda rng, n, d: activations(
        rng, n, 3), "outputs")}, (FloatingPointError,)),
    "MLP.loss_and_gradient": Entry(lambda net, X, y: net.loss_and_gradient(X, y), NET | {
        "X": array(lambda rng, n, d: activations(rng, n, 3), "loss", "gradient", "y"), "y": array(class_numbers)},
        (FloatingPointError,)),
    "MLP.loss_of_logits": Entry(lambda net, Z, y: net.loss_of_logits(Z, y), NET | {
        "Z": array(lambda rng, n, d: activations(rng, n, 2), "loss", "y"), "y": array(class_numbers)},
        (FloatingPointError,)),
    "MLP.theta": Entry(lambda theta: set_theta(net(), theta), {"theta": array(lambda rng, n, d: rng.normal(size=26))}),
    "MLP.save": Entry(lambda path: saved(net().save, minigrok.MLP.load)(path).theta, {"path": place}, FILES),
    "MLP.load": Entry(minigrok.MLP.load, {"path": whole_file("net")}, FILES),
    "SGD": Entry(minigrok.SGD, {"lr": number(0.1), "momentum": number(0.9), "weight_decay": number(0.0, 0.1),
                                "nesterov": word(False, True, words=("truth value",))}),
    "AdamW": Entry(minigrok.AdamW, {
        "lr": number(0.1), "betas": Kind(lambda rng, n, d: (0.9, 0.99), lambda value: _other(hostile_array(
            np.array([0.9, 0.99]), strict=False)) | hostile_word), "eps": number(1e-8), "weight_decay": number(0.0)}),
    "SGD.step": Entry(partial(stepped, minigrok.SGD(0.1, 0.9)), {
        "theta": flat, "gradient": flat}, (RuntimeWarning,), special=infinite, rounding=None),
    "AdamW.step": Entry(partial(stepped, minigrok.AdamW(0.1)), {
        "theta": flat, "gradient": flat}, (RuntimeWarning,),
        special=infinite, rounding=None),
    "Cosine": Entry(lambda final: minigrok.Cosine(final)(3, 10), {"final": number(0.0, 0.5)}),
    "StepDecay": Entry(lambda every, factor: minigrok.StepDecay(every, factor)(3, 10), {
        "every": number(1, 2), "factor": number(0.5)}),
    "Warmup": Entry(lambda epochs, then: minigrok.Warmup(epochs, then)(3, 10), {
        "epochs": number(2), "then": word(None, minigrok.Cosine())}),
    "stop_when": Entry(minigrok.stop_when, {"column": word("entropy"), "above": number(0.5), "below": number(None),
                                            "held": number(1)}),
    "patience": Entry(minigrok.patience, {"column": word("entropy"), "records": number(3), "least_change": number(0.1),
                                          "goal": word("min", "max")}),
    "train": Entry(trained, NET | {
        "task": fixed(small_task), "optimizer": fixed(lambda: minigrok.SGD(0.1)), "epochs": COUNTED, "batch_size":
        number(None, 3), "record_every": number(1), "seed": seed, "callbacks": word((), words=("callback", "callable",
        *LOOPS)),
        "record": word((), words=("dictionary", *LOOPS)), "layer": number(-1, 0), "inputs": word("train", "all"),
        "conventions": word(
            ("trace",), ["trace", "centered"], words=("convention", *LOOPS)), "schedule": word(None, minigrok.Cosine()),
        "clip_norm": number(None, 1.0), "checkpoint": place_of(lambda rng, n, d: None)}, FILES, share=0.2),
    "train_many": Entry(lambda **words: minigrok.train_many([minigrok.TrainingRun(
        net(), small_task(), minigrok.SGD(0.1))], **words), {
            "epochs": COUNTED, "workers": number(1, absurd=False), "batch_size": number(None, 3), "record_every":
            number(1), "conventions": word(("trace",), words=("convention", *LOOPS)), "layer": number(-1), "inputs":
            word("train"), "clip_norm": number(None, 1.0), "schedule": word(None)}, share=0.1),
    "History.load": Entry(minigrok.History.load, {"path": whole_file("arrays")}, FILES, infinite),
    "History.save": Entry(saved(minigrok.History({"epoch": np.arange(3)}).save, minigrok.History.load), {
        "path": place}, FILES),
    "History.to_csv": Entry(minigrok.History({"epoch": np.arange(3)}).to_csv, {"path": place}, FILES),
    "History.__getitem__": Entry(lambda name: minigrok.History({"epoch": np.arange(3)})[name], {
        "name": word("epoch", words=("column",))}),
    "WangLandau": Entry(lambda **words: minigrok.WangLandau(**words).edges, SYSTEM | {
        "edges": edges, "schedule": word("one_over_t", "flatness"), "walkers": number(1), "seed": seed, "workers":
        number(1), "joint": Kind(lambda rng, n, d: None, lambda value: hostile_array(np.arange(4.0)).map(
            lambda it: dataclasses.replace(it, value={"m": it.value}, same=False)) | hostile_word, (
                "dictionary", "truth value", *LOOPS))}),
    "WangLandau.run": Entry(sampler_run, SYSTEM | {
        "edges": Kind(lambda rng, n, d: minigrok.Ising2D(2).edges, lambda value: hostile_array(value), ("range",
                      "energy", "start")), "steps": number(20_000, absurd=False, words=("give",)),
                      "until_error": number(
                          None, words=("give",)), "walkers": number(1, 2, absurd=False), "seed": seed},
                          special=infinite,
        share=0.05),
    "WangLandau.run_walker": Entry(lambda number, steps: minigrok.WangLandau(minigrok.Ising2D(
        2), minigrok.Ising2D(2).edges).run_walker(number, steps), {
            "number": number(0, absurd=False), "steps": number(20_000, absurd=False)}, special=infinite, share=0.05),
    "DensityOfStates.interval": Entry(lambda level: states_found().interval(level), {"level": number(0.9)},
                                      special=infinite),
    "DensityOfStates.joint_log_g": Entry(lambda name: states_found().joint_log_g(name), {
        "name": Kind(lambda rng, n, d: "m", lambda value: hostile_word, ("observable",))}, special=infinite),
    "DensityOfStates.save": Entry(lambda path: saved(states_found().save, minigrok.DensityOfStates.load)(path), {
        "path": place}, FILES, infinite),
    "DensityOfStates.load": Entry(minigrok.DensityOfStates.load, {"path": whole_file("states")}, FILES, infinite),
    "Ising2D": Entry(lambda L: minigrok.Ising2D(L).levels, {"L": number(2, 4, absurd=False)}),
    "Ising2D.exact_log_g": Entry(lambda L: minigrok.Ising2D(L).exact_log_g(), {"L": number(2, 4, absurd=False)},
                                 special=infinite),
    "Box": Entry(minigrok.Box, {"n": number(2, 3), "kind": word("box", "gauss")}),
    "Box.exact_log_g": Entry(lambda n, kind, edges: minigrok.Box(n, kind).exact_log_g(edges), {
        "n": number(1, 2, absurd=False), "kind": word("box", "gauss"), "edges": edges}, special=infinite),
    "BinaryPerceptron": Entry(lambda n, patterns, seed: minigrok.BinaryPerceptron(n, patterns, seed).exact_log_g(), {
        "n": number(3, 5, absurd=False), "patterns": number(4, absurd=False), "seed": seed}, special=infinite),
    "BinaryPerceptron.exact_log_g": Entry(lambda n: minigrok.BinaryPerceptron(n, 3).exact_log_g(), {
        "n": number(3, 5, 41, absurd=False)}, special=infinite),
    "NetworkLandscape": Entry(lambda task, **words: minigrok.NetworkLandscape(task, **words).X, {
        "task": array(activations, "X", "labels"), "hidden": number(3), "activation": word("relu", "tanh"),
        "bias": word(True, False, words=("truth value",)), "prior": word("box", "sphere"), "scale": number(1.0),
        "coordinate": word(
            "entropy", "purity")}),
    "NetworkLandscape.edges": Entry(lambda coordinate, bins: minigrok.NetworkLandscape(
        small_task(), 3, coordinate=coordinate).edges(bins), {"coordinate": word("entropy", "purity"), "bins": number(
            4, absurd=False)}, share=0.3),
    "NetworkLandscape.direct_sample": Entry(lambda X, n, seed, activation, scale: minigrok.NetworkLandscape(
        X, 3, activation, scale=scale).direct_sample(n, seed), {
            "X": array(activations, "inputs"), "n": number(5, absurd=False), "seed": seed, "activation": word(
                "relu", "tanh", "quadratic", "identity"), "scale": number(1.0)}, special=infinite, share=0.3,
        rounding=1e-4),
    "show": Entry(lambda name: minigrok.show(plots.new_figure(1, 1), name), {
        "name": place_of(lambda rng, n, d: folder() / "shown")}, FILES, share=0.02),
    "reproduce": Entry(minigrok.reproduce, {
        "size": word("quick"), "experiments": word(("classifier",), words=("experiment", *LOOPS)), "seed": seed,
        "workers":
        number(1), "claims": word((), ("C12",), words=("claim", *LOOPS))}, share=0.3),
    "sweep": Entry(swept, {
        "grid": Kind(lambda rng, n, d: {"task": "moons", "n": 20, "grid": {"lr": [0.1, 0.2]}}, lambda value:
                     hostile_word | hostile_file(), GRIDS),
        "workers": number(None, 2, absurd=False)}, FILES, share=0.05),
    "tasks.circles": Entry(tasks.circles, PLANE), "tasks.moons": Entry(tasks.moons, PLANE),
    "tasks.spirals": Entry(tasks.spirals, PLANE),
    "tasks.xor": Entry(tasks.xor, PLANE | {"dimension": number(2, absurd=False)}),
    "tasks.blobs": Entry(tasks.blobs, PLANE | {"dimension": number(2), "separation": number(4.0)}),
    "tasks.halfspace": Entry(tasks.halfspace, PLANE | {"dimension": number(2), "margin": number(0.0, 0.1)}),
    "tasks.modular": Entry(tasks.modular, {
        "p": number(3, 5, absurd=False), "op": word("add", "divide"), "train_fraction": number(0.5,
        words=("test set",)), "seed": seed,
        "corrupt_fraction": number(0.0, 0.5)}),
    "tasks.shuffle_labels": Entry(lambda seed, fraction: tasks.shuffle_labels(small_task(), seed, fraction), {
        "seed": seed, "fraction": number(0.5, 1.0)}),
    "tasks.from_arrays": Entry(tasks.from_arrays, {
        "X": array(activations, "inputs", "y"), "y": array(class_numbers, "labels", "X"), "test_fraction": number(0.5,
        words=("test set",)),
        "seed": seed}),
    "cube_log_g": Entry(import_module("minigrok.exact.squares").cube_log_g, {"n": number(
        1, 2, absurd=False), "edges": edges}, special=infinite),
    "normal_log_g": Entry(import_module("minigrok.exact.squares").normal_log_g, {"n": number(
        1, 2, absurd=False), "edges": edges}, special=infinite),
    "two_linear_units_log_g": Entry(import_module("minigrok.exact.linear_units").two_linear_units_log_g, {
        "X": array(lambda rng, n, d: activations(rng, n, 2)), "edges": edges}, special=infinite),
    "exact_counts": Entry(import_module("minigrok.exact.ising").exact_counts, {"L": number(2, 4, absurd=False)}),
    "answer_share": Entry(features.answer_share, {"logits": array(activations), "answers": array(class_numbers)},
                          special=infinite),
        "fourier_concentration": Entry(features.fourier_concentration, {
        "W": array(lambda rng, n, d: activations(rng, 10, d)), "p": number(5, absurd=False), "op": word(
            "add", "multiply")}),
    "close": Entry(laws.close, {"answer": answer, "expected": fixed(lambda: np.eye(2))}, (RuntimeError,)),
    "structure_differs": Entry(laws.structure_differs, {"answer": answer, "expected": fixed(
        lambda: np.eye(2))}, (RuntimeError,)),
    "kind_of": Entry(laws.kind_of, {"value": answer}, (RuntimeError,), rounding=None),
    "numeric_array": Entry(partial(minigrok.checks.numeric_array, "A"), {"values": array(any_activations, "A")}),
    "increasing_edges": Entry(partial(minigrok.checks.increasing_edges, "edges"), {"edges": edges}),
    "number_array": Entry(partial(minigrok.checks.number_array, "A"), {
        "values": array(any_activations, "A", strict=False)}, special=infinite),
    "whole_number": Entry(lambda value: minigrok.checks.whole_number("n", value, 1), {"value": number(1,
        words=("n",))}),
    "real_number": Entry(lambda value: minigrok.checks.real_number("x", value), {"value": number(1, words=("x",))}),
    "one_of": Entry(lambda name: minigrok.checks.one_of("op", name, ["trace", "add"]), {"name": word(
        "trace", words=("op",))}),
    "save_arrays": Entry(saved(save_arrays, load_arrays), {"path": place, "arrays": fixed(lambda: {
        "a": np.eye(2)})}, FILES),
    "load_arrays": Entry(load_arrays, {"path": whole_file("arrays")}, FILES, infinite),
    "save_checkpoint": Entry(lambda path, configuration: saved(partial(save_checkpoint, kind="made up", arrays={
        "a": np.eye(2)}), partial(load_checkpoint, kind="made up"))(path, configuration=configuration), {
            "path": place, "configuration": word({"lr": 0.1})}, FILES),
    "load_checkpoint": Entry(lambda path: load_checkpoint(path, "training"), {"path": whole_file("checkpoint")}, FILES),
    "Grid": Entry(lambda settings: len(grid.Grid(settings)), {"settings": Kind(
        lambda rng, n, d: {"task": "moons", "grid": {"lr": [0.1]}}, lambda value: hostile_word | hostile_file(),
        GRIDS)}, FILES),
    "canonical": Entry(grid.canonical, {"value": word({"a": 1.0}, words=("JSON",))}),
    "as_option": Entry(lambda name, value: option_kinds.as_option(name, value), {
        "name": fixed_of("lr", "hidden", "betas", "stop_above", "conventions", "bias", "task", "epochs"),
        "value": word(1, words=("lr", "hidden", "betas", "stop_above", "conventions", "bias", "task", "epochs"))},
        special=infinite),
    "chosen": Entry(lambda conditions: results.chosen(made_up_runs(), conditions), {"conditions": word(
        ["lr=0.1"], ["entropy>0.2"], words=("condition", "name", "string", *LOOPS))}),
    "new_figure": Entry(lambda width, height: plots.new_figure(width, height).canvas.draw(), {
        "width": number(2, absurd=False, words=SIZES), "height": number(2, absurd=False, words=SIZES)}, share=0.05),
    "save_figure": Entry(lambda stem, endings: plots.save_figure(plots.new_figure(1, 1), stem, endings), {
        "stem": place_of(lambda rng, n, d: folder() / "drawn"), "endings": word(["png"], words=("ending",
        "unhashable", *LOOPS))}, FILES,
        share=0.02),
    "density_heatmap": Entry(partial(drawn, plots.density_heatmap, "ax"), {
        "ax": fixed(axes), "rho": array(real_state, "image data", "Image data", "the largest element"),
        "largest": number(None, 1.0)},
        share=0.02),
    "state_panels": Entry(partial(drawn, plots.state_panels, "figure"), {
        "figure": fixed(lambda: plots.new_figure(2, 2)), "states": Kind(lambda rng, n, d: {
            "a": real_state(rng, n, d)}, lambda value: hostile_array(value["a"]).map(
                lambda it: dataclasses.replace(it, value={"a": it.value})), ("a",))}, share=0.02),
    "extremal_states": Entry(plots.extremal_states, {"d": number(2, 3, absurd=False), "points": number(
        20, absurd=False)}, share=0.3),
    "measured_figure": Entry(lambda layers, convention: plots.measured_figure(layers, convention), {
        "layers": Kind(lambda rng, n, d: {"a": activations(rng, n, d)}, lambda value: hostile_array(value["a"]).map(
            lambda it: dataclasses.replace(it, value={"a": it.value})), ("A", "image data")),
        "convention": convention}, share=0.01),
    "real_array": Entry(partial(minigrok.checks.real_array, "A"), {"values": array(activations, "A")}),
}
