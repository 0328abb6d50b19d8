"""What kind of value each option of a training run takes, for options that no command line has parsed."""

from collections.abc import Mapping
from typing import Any

from minigrok.checks import real_number, short, whole_number

TEXT = ("task", "activation", "loss", "init", "optimizer", "dtype", "schedule", "inputs", "op")
FLAG = ("bias", "nesterov")
LEAST = {                      # of a whole number
    "n": 2, "noise_dimensions": 0, "dimension": 1, "modulus": 2, "task_seed": 0, "schedule_every": 1, "warmup": 0,
    "epochs": 0, "record_every": 1, "stop_held": 1, "seeds": 1, "seed": 0}
NEVER_LEFT_OUT = ("task", "epochs", "seeds", "seed")
LISTS = ("hidden", "betas", "conventions", "stop_above", "stop_below", "patience")
LARGEST = 2**63 - 1            # that the store can hold


def as_option(name: str, value: Any) -> Any:
    """The value as options have it: numbers that are meant as real as float, one width or convention as a list.

    `stop_above`, `stop_below` and `patience` are lists of [column, number], or of "column=number".

    Raises
    ------
    ValueError
        That names the option, its value, and what it should be.

    Examples
    --------
    >>> as_option("lr", 1), as_option("hidden", 6), as_option("stop_above", ["test_accuracy=0.9"])
    (1.0, [6], [['test_accuracy', 0.9]])
    """
    if value is None and name not in NEVER_LEFT_OUT:     # what it would be if it were left out
        return None
    if name in LISTS:
        return _list(name, value)
    if name in FLAG:
        return _of_type(name, value, bool, "true or false")
    if name in TEXT:
        return _of_type(name, value, str, "text")
    if name == "batch_size" and value == "all":
        return value
    if name in ("batch_size", "layer") or name in LEAST:
        return _whole(name, value, LEAST.get(name, -LARGEST if name == "layer" else 1))
    return real_number(name, value)


def _list(name: str, value: Any) -> list[Any]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if name == "hidden":
        return [_whole(name, width, 1) for width in values]
    if name == "betas":
        return [real_number(name, beta) for beta in values]
    if name == "conventions":
        if not values:
            raise ValueError("conventions is [], but a record needs one at least: say trace")
        return [_of_type(name, convention, str, "the name of a convention") for convention in values]
    return [_pair(name, pair) for pair in values]


def _pair(name: str, pair: Any) -> list[Any]:
    """[column, number]."""
    parts = pair.split("=") if isinstance(pair, str) else pair
    if not isinstance(parts, list | tuple) or len(parts) != 2 or not isinstance(parts[0], str):
        raise ValueError(f"{name} is {short(pair)}, but must be a list of \"column=number\": \"test_accuracy=0.99\"")
    limit = parts[1]
    if isinstance(pair, str):
        try:
            limit = int(limit) if name == "patience" else float(limit)
        except ValueError:
            raise ValueError(f"{name} is {short(pair)}, which ends in no number: say \"test_accuracy=0.99\"") from None
    return [parts[0], _whole(name, limit, 1) if name == "patience" else real_number(name, limit)]


def _whole(name: str, value: Any, least: int) -> int:
    number = whole_number(name, value, least)
    if number > LARGEST:
        raise ValueError(f"{name} is {number}, but must be below 2^63")
    return number


def _of_type(name: str, value: Any, kind: type, words: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {short(value)}, but must be {words}")
    return value


def require_mapping(name: str, value: Any) -> Mapping[str, Any]:
    """`value`, if it is a table of options; else ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {short(value)}, but must be a table of options and their values")
    return value
