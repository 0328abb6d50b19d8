"""A grid of runs: every combination of the values on its axes, each for every seed, in a fixed order.

A grid is a mapping, as a JSON or TOML file holds it, of options by the names that `minigrok train` has for them:

    {"task": "moons", "epochs": 100, "seeds": 20, "grid": {"lr": [0.1, 0.03], "activation": ["relu", "tanh"]}}

What stands outside "grid" is the same for all runs; "seeds" says how many there are, from "seed" (0) on. The last axis
moves fastest, but for the seeds, which are innermost. A run's *configuration* holds every option, defaults filled in.
"""

import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrok.checks import one_of, short
from minigrok.runs.option_kinds import LARGEST, as_option, require_mapping
from minigrok.runs.train_setup import COMMON, MODULAR, given_options, untrained, with_defaults
from minigrok.version import __version__

AXES = "grid"                  # the part of a grid in which options have a list of values
NO_AXES = ("seeds", "seed")    # they count the runs of each configuration
Configuration = dict[str, Any]


class Grid:
    """The runs of a grid.

    Parameters
    ----------
    settings : mapping
        As the head of this module has it; or a path to a .json or .toml file that holds it.

    Raises
    ------
    ValueError
        For options or values that no run takes, naming the combination; an axis without values; a value twice.
    FileNotFoundError

    Examples
    --------
    >>> grid = Grid({"task": "moons", "seeds": 2, "grid": {"lr": [0.1, 0.03]}})
    >>> len(grid), list(grid.axes)
    (4, ['lr'])
    >>> [(run["lr"], run["seed"]) for run in grid]
    [(0.1, 0), (0.1, 1), (0.03, 0), (0.03, 1)]
    """

    def __init__(self, settings: Mapping[str, Any] | str | Path) -> None:
        self.settings = dict(settings) if isinstance(settings, Mapping) else _read(Path(settings))
        self.axes: dict[str, list[Any]] = {}
        given = {name: value for name, value in self.settings.items() if name != AXES}
        for name, values in require_mapping("grid", self.settings.get(AXES, {})).items():
            if name in given:
                raise ValueError(f"{name} stands both in grid and outside of it: leave one of them out")
            self.axes[name] = _axis(name, values)
        fixed = {one_of("option", name, _known()): as_option(name, value) for name, value in given.items()}
        self.seeds, self.seed = int(fixed.pop("seeds", 1)), int(fixed.pop("seed", 0))
        if self.seed + self.seeds > LARGEST:
            raise ValueError(f"seed is {self.seed} and seeds {self.seeds}, but seeds must stay below 2^63")
        self.fixed = fixed

    def __len__(self) -> int:
        return self.seeds * math.prod(len(values) for values in self.axes.values())

    def __iter__(self) -> Iterator[Configuration]:
        for configuration in self.configurations:
            for seed in range(self.seed, self.seed + self.seeds):
                yield configuration | {"seed": seed, "seeds": 1}

    @cached_property
    def configurations(self) -> list[Configuration]:
        """All combinations, with every option, but for the seed; each has been tried for an epoch-0 record."""
        found: dict[str, Configuration] = {}
        for values in itertools.product(*self.axes.values()):
            chosen = dict(zip(self.axes, values, strict=True))
            try:
                options = with_defaults(given_options(self.fixed | chosen))
                options = {name: None if value is None else as_option(name, value) for name, value in options.items()}
                untrained(options)
            except ValueError as problem:
                raise ValueError(f"{chosen or 'the grid'} cannot be run: {problem}") from problem
            if canonical(options) in found:
                raise ValueError(f"{chosen} is another combination once more, in other words: each is run once")
            found[canonical(options)] = options
        return list(found.values())


def _json(text: str) -> Any:
    """JSON without a name that stands twice in one object, of which the parser would keep the last."""
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        for name in found:
            if sum(name == other for other, _ in pairs) > 1:
                raise ValueError(f"{name!r} stands in it twice")
        return found

    return json.loads(text, object_pairs_hook=table)


READERS: dict[str, Callable[[str], Any]] = {".json": _json, ".toml": tomllib.loads}


def key_of(configuration: Mapping[str, Any]) -> str:
    """The key of a run: SHA-256 of its canonical configuration, its seed among it, and the version of minigrok."""
    return hashlib.sha256(canonical([__version__, configuration]).encode()).hexdigest()


def canonical(value: Any) -> str:
    """One text for one value: JSON without blanks, names in their order. ValueError for NaN and what JSON has not got.

    >>> canonical({"b": 1, "a": (1.0, None)})
    '{"a":[1.0,null],"b":1}'
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise ValueError(f"{short(value)} does not fit into JSON ({problem}): use text, numbers, lists") from problem


def _known() -> list[str]:
    """The names of all options of a training run."""
    return list(dict.fromkeys([*with_defaults({"task": "moons"}), *MODULAR, *COMMON]))


def _axis(name: str, values: Any) -> list[Any]:
    """The values of an axis; ValueError unless it is a list of different values of an option that can be varied."""
    if one_of("option", name, _known()) in NO_AXES:
        raise ValueError(f"{name} is no axis: seeds are counted by seeds, outside of grid")
    if not isinstance(values, list | tuple):
        raise ValueError(f"grid.{name} is {values!r}, but an axis is a list of values: put it into [ ]")
    if not values:
        raise ValueError(f"grid.{name} is [], an axis without a value: give it one, or leave it out")
    axis = [as_option(name, value) for value in values]
    if len({canonical(value) for value in axis}) < len(axis):
        raise ValueError(f"grid.{name} has a value twice, {values!r}: each combination is run once")
    return axis


def _read(path: Path) -> dict[str, Any]:
    reader = READERS[one_of("type of grid file", path.suffix.lower(), READERS)]
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file: give a grid, .toml or .json")
    try:
        settings = reader(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:      # both kinds of decoding error, and bytes that are no text
        raise ValueError(f"{path} is no {path.suffix[1:].upper()} ({problem})") from problem
    if not isinstance(settings, dict):
        raise ValueError(f"{path} holds a {type(settings).__name__}, but a grid is an object of options")
    return settings
