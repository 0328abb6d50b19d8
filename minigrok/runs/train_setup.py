"""What `minigrok train` trains, from its options: the net, the optimizer, the schedule, the criteria that end it."""

from collections.abc import Mapping
from os.path import realpath
from pathlib import Path
from typing import Any

from minigrok.checks import one_of
from minigrok.ensemble import TrainingRun
from minigrok.grams import CONVENTIONS
from minigrok.mlp import INITIALISATIONS, MLP
from minigrok.optimizers import SGD, AdamW, Optimizer
from minigrok.runs.train_data import Options, chosen_settings, defaults_of, flag, is_file, settings_of_task, task_of
from minigrok.schedules import Cosine, Schedule, StepDecay, Warmup
from minigrok.stopping import Criterion, patience, stop_when
from minigrok.training import train

# What is trained unless options say otherwise: on any task, on that of modular arithmetic instead, and on both
USUAL: dict[str, Any] = {
    "hidden": [6], "bias": True, "dtype": "float64", "optimizer": "sgd", "batch_size": 32, "epochs": 300,
    "record_every": 1}
MODULAR: dict[str, Any] = {                              # the first base of minigrok.study.grokking_settings, shorter
    "hidden": [100], "bias": False, "dtype": "float32", "optimizer": "adamw", "batch_size": "all", "epochs": 2000,
    "record_every": 10, "modulus": 47, "train_fraction": 0.55}
COMMON: dict[str, Any] = {
    "activation": "relu", "loss": "cross_entropy", "init": "he_normal", "clip_norm": None, "schedule": "constant",
    "warmup": 0, "stop_above": [], "stop_below": [], "stop_held": 1, "patience": [], "layer": -1, "inputs": "train",
    "conventions": ["trace"], "seed": 0, "seeds": 1, "task_seed": None}
OPTIMIZERS: dict[str, Any] = {"sgd": SGD, "adamw": AdamW}
RATES = {"sgd": 0.1, "adamw": 0.01}                      # of learning
GROKKING = {"betas": [0.9, 0.98], "weight_decay": 1.0}   # AdamW on the modular task
INITS: dict[str, dict[str, Any]] = {name: {} for name in INITIALISATIONS} | {"normal": {"init_scale": 0.1}}
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {}, "cosine": {"schedule_final": 0.0}, "step": {"schedule_every": None, "schedule_factor": 0.1}}


def given_options(typed: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, fit for JSON, as they are kept: a file's whole path, every convention once."""
    given = {name: value for name, value in typed.items() if value is not None}
    if is_file(given.get("task", "")):                   # from wherever --resume is called
        given["task"] = realpath(given["task"])
    if "conventions" in given:
        names = CONVENTIONS if "all" in given["conventions"] else given["conventions"]
        given["conventions"] = list(dict.fromkeys(names))
    return given


def with_defaults(given: Options) -> dict[str, Any]:
    """All options of a new run, fit for JSON; None for those that do not apply.

    Raises
    ------
    ValueError, FileNotFoundError
        For names that are not known, options that do not apply, a data file that is not there or wrong.
    """
    if "task" not in given:
        raise ValueError("give a task, say minigrok train moons, or a file with arrays X and y; or --resume DIR")
    task = given["task"]
    kind = MODULAR if task == "modular" else USUAL
    of_task = settings_of_task(task, given, kind)
    options = {**kind, **COMMON, **given, **of_task}
    rate = {"lr": RATES.get(options["optimizer"])}
    better = rate | GROKKING if task == "modular" and options["optimizer"] == "adamw" else rate
    optimizers = {name: defaults_of(made) for name, made in OPTIMIZERS.items()}
    options |= chosen_settings("optimizer", options["optimizer"], optimizers, given, better)
    options |= chosen_settings("init", options["init"], INITS, given, {})
    options |= chosen_settings("schedule", options["schedule"], SCHEDULES, given, {})
    if options["schedule"] == "step" and options["schedule_every"] is None:
        raise ValueError("--schedule step needs --schedule-every, the epochs between two steps")
    if "stop_held" in given and not options["stop_above"] + options["stop_below"]:
        raise ValueError("--stop-held is for --stop-above and --stop-below: give one of them, or leave it out")
    if options["betas"] is not None:
        options["betas"] = list(options["betas"])        # as JSON has it
    return options


def run_of(options: Options, seed: int) -> TrainingRun:
    """The untrained net and its task; the data, the weights and the order of the batches follow from the seed."""
    task = task_of(options, seed)
    scale = {} if options["init_scale"] is None else {"init_scale": options["init_scale"]}
    features = 2 * task.n_classes if options["task"] == "modular" else task.X_train.shape[1]
    net = MLP(
        [features, *options["hidden"], task.n_classes], options["activation"], options["loss"], options["init"],
        options["bias"], options["dtype"], seed, **scale)
    return TrainingRun(net, task, optimizer_of(options), seed)


def optimizer_of(options: Options) -> Optimizer:
    """The optimizer with all its settings."""
    made = OPTIMIZERS[options["optimizer"]]
    optimizer: Optimizer = made(**{name: options[name] for name in defaults_of(made)})
    return optimizer


def schedule_of(options: Options) -> Schedule | None:
    """The schedule of the learning rate, behind its warm-up; None for a constant one."""
    schedule: Schedule | None = None
    if options["schedule"] == "cosine":
        schedule = Cosine(options["schedule_final"])
    elif options["schedule"] == "step":
        schedule = StepDecay(options["schedule_every"], options["schedule_factor"])
    return Warmup(options["warmup"], schedule) if options["warmup"] else schedule


def criteria_of(options: Options) -> dict[str, Criterion]:
    """What ends a run early, by the words that asked for it."""
    criteria = {}
    for column, value in options["stop_above"]:
        criteria[f"--stop-above {column}={value:g}"] = stop_when(column, above=value, held=options["stop_held"])
    for column, value in options["stop_below"]:
        criteria[f"--stop-below {column}={value:g}"] = stop_when(column, below=value, held=options["stop_held"])
    for column, records in options["patience"]:
        goal = "max" if "accuracy" in column else "min"
        criteria[f"--patience {column}={records}"] = patience(column, records, goal=goal)
    return criteria


def loop_of(options: Options) -> dict[str, Any]:
    """The settings of `train`, which all seeds have in common."""
    return {
        "batch_size": None if options["batch_size"] == "all" else options["batch_size"],
        "record_every": options["record_every"], "layer": options["layer"], "inputs": options["inputs"],
        "conventions": tuple(options["conventions"]), "schedule": schedule_of(options),
        "clip_norm": options["clip_norm"]}


def untrained(options: Options) -> TrainingRun:
    """The first seed's run as it is before training. What is wrong in any option shows here, before a folder is made.
    """
    run = run_of(options, options["seed"])
    history = train(run.net, run.task, run.optimizer, 0, seed=run.seed, **loop_of(options))
    numbers = [name for name, column in history.columns.items() if column.ndim == 1]
    for column, _ in options["stop_above"] + options["stop_below"] + options["patience"]:
        one_of("column", column, numbers)
    criteria_of(options)
    return run


def require_same(kept: Options, given: Options, folder: Path) -> dict[str, Any]:
    """The options of a run that goes on: one run may get more epochs, several more seeds, and nothing else may differ.

    Raises
    ------
    ValueError
        That names the first that differs.
    """
    options, grows = dict(kept), "epochs" if kept["seeds"] == 1 else "seeds"
    if given.get("epochs", 0) > kept["epochs"] and grows == "epochs" and schedule_of(kept) is not None:
        raise ValueError(f"--epochs cannot grow, since the schedule of {folder} is laid out over {kept['epochs']}")
    for name, value in given.items():
        before = kept[name]
        if name == grows and value > before:
            options[name] = value
        elif value != before:
            words = "TASK" if name == "task" else flag(name)
            was = "without it" if before is None else f"with {_typed(before)}"
            rule = "; it may only grow" if name == grows else ""
            raise ValueError(f"{words} is {_typed(value)}, but {folder} was begun {was}{rule}: leave it out")
    return options


def _typed(value: Any) -> str:
    """An option's value as a user types it."""
    return ",".join(map(_typed, value)) if isinstance(value, list) else str(value)
