"""The data of `minigrok train`: which settings each task has, and the task that they make."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from minigrok import tasks
from minigrok.checks import one_of
from minigrok.states.readers import Arrays, read_arrays

Options = Mapping[str, Any]
TASKS: dict[str, Callable[..., tasks.AnyTask]] = {
    "circles": tasks.circles, "moons": tasks.moons, "xor": tasks.xor, "spirals": tasks.spirals, "blobs": tasks.blobs,
    "halfspace": tasks.halfspace, "modular": tasks.modular}
FILE = ".npz"
ARRAYS, TEST_ARRAYS = ("X", "y"), ("X_test", "y_test")
OPTION_OF = {"p": "modulus"}   # where it is not called as the parameter is
PARAMETER_OF = {option: name for name, option in OPTION_OF.items()}


def flag(name: str) -> str:
    """What a user types for an option."""
    return f"--{name.replace('_', '-')}"


def defaults_of(function: Callable[..., Any], leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """The parameters of a function as options, with their defaults; None where there is none."""
    return {
        OPTION_OF.get(name, name): None if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(function).parameters.items() if name not in leave_out}


def chosen_settings(
    what: str, chosen: str, known: Mapping[str, Mapping[str, Any]], given: Options, better: Options,
) -> dict[str, Any]:
    """All settings that any of the `known` has: those of the chosen one as given, by default `better`; others None.

    Raises
    ------
    ValueError
        For a name that is not known, or a given option that the chosen one has not got.

    Examples
    --------
    >>> known = {"sgd": {"lr": None, "momentum": 0.0}, "adamw": {"lr": None, "eps": 1e-8}}
    >>> chosen_settings("optimizer", "sgd", known, {"momentum": 0.9}, {"lr": 0.1})
    {'lr': 0.1, 'momentum': 0.9, 'eps': None}
    >>> chosen_settings("optimizer", "sgd", known, {"eps": 1e-3}, {})
    Traceback (most recent call last):
    ...
    ValueError: --eps is for adamw; sgd has no such setting: leave it out
    """
    mine = known[one_of(what, chosen, known)]
    every = dict.fromkeys(name for settings in known.values() for name in settings)
    for name in every:
        if name in given and name not in mine:
            others = ", ".join(other for other, settings in known.items() if name in settings)
            raise ValueError(f"{flag(name)} is for {others}; {chosen} has no such setting: leave it out")
    return every | {name: given.get(name, better.get(name, default)) for name, default in mine.items()}


def is_file(task: str) -> bool:
    """Whether TASK|FILE.npz is a file: it has an ending, or a folder in front."""
    return bool(Path(task).suffix) or len(Path(task).parts) > 1


def settings_of_task(task: str, given: Options, better: Options) -> dict[str, Any]:
    """The data's settings as options, by the rules of `chosen_settings`."""
    known = {name: defaults_of(function, ("seed",)) for name, function in TASKS.items()}
    if not is_file(task):
        return chosen_settings("task", task, known, given, better)
    own = {} if set(TEST_ARRAYS) <= _arrays(Path(task)).keys() else {"test_fraction": 0.5}
    if not own and "test_fraction" in given:
        raise ValueError(f"{task} holds X_test and y_test, so --test-fraction has nothing to split: leave it out")
    return chosen_settings("task", task, known | {task: own}, given, better)


def task_of(options: Options, seed: int) -> tasks.AnyTask:
    """The data of one seed; `task_seed` stands for it where it is given."""
    name, seed = options["task"], seed if options["task_seed"] is None else options["task_seed"]
    if is_file(name):
        arrays: dict[str, Any] = _arrays(Path(name))
        try:
            if options["test_fraction"] is None:
                return tasks.from_arrays(**arrays)
            return tasks.from_arrays(**arrays, test_fraction=options["test_fraction"], seed=seed)
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from problem
    settings = {PARAMETER_OF.get(option, option): options[option] for option in defaults_of(TASKS[name], ("seed",))}
    return TASKS[name](**settings, seed=seed)


def _arrays(path: Path) -> Arrays:
    """X and y, and X_test and y_test if one of them is there."""
    one_of("type of data file", path.suffix.lower(), (FILE,))
    arrays = read_arrays(path)
    for name in ARRAYS:
        if name not in arrays:
            raise ValueError(f"{path} holds {', '.join(arrays) or 'nothing'}, but needs X (n, features) and y (n,)")
    return {name: arrays[name] for name in (*ARRAYS, *TEST_ARRAYS) if name in arrays}
