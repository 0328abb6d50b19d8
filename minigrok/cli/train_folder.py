"""The folder of `minigrok train`: begun, gone on with, and what is written to it."""

import argparse
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from minigrok.cli import train_options
from minigrok.cli.options import output_folder, read_settings, remove_leftovers, require_new, write_settings
from minigrok.ensemble import TrainingRun
from minigrok.history import History, TrainingDivergedError
from minigrok.runs.train_setup import given_options, require_same, untrained, with_defaults

COMMAND = "train"
CHECKPOINT, HISTORY, TABLE, NET, FIGURE = "checkpoint.npz", "history.npz", "history.csv", "net.npz", "figure"


class Work(NamedTuple):
    """One run, or those of many seeds, about to begin or to go on."""

    folder: Path
    options: dict[str, Any]    # see minigrok.runs.train_setup
    first: TrainingRun         # of the first seed, untrained

    @property
    def seeds(self) -> range:
        """All of them."""
        return range(self.options["seed"], self.options["seed"] + self.options["seeds"])

    @property
    def way_on(self) -> str:
        """What to type."""
        return f"go on with: minigrok train --resume {shlex.quote(str(self.folder))}"

    def write_settings(self) -> None:
        """Keep the options, and what the data are."""
        write_settings(self.folder, COMMAND, self.options, task=self.first.task.description)


def begun(settings: argparse.Namespace) -> Work:
    """A new folder, its settings written down; not before all that was typed has been found right."""
    require_new(settings.out)
    options = with_defaults(_given(settings))
    first = untrained(options)
    work = Work(output_folder(settings.out, train_options.STEM), options, first)
    work.write_settings()
    return work


def resumed(settings: argparse.Namespace) -> Work:
    """The folder of --resume; ValueError where an option or the data differ from what it was begun with."""
    folder = settings.resume
    if settings.out is not None:
        raise ValueError(f"--resume goes on in {folder}, so there is no place for --out: leave it out")
    kept = read_settings(folder, COMMAND, _names(settings))
    options = require_same(kept["options"], _given(settings), folder)
    work = Work(folder, options, untrained(options))
    remove_leftovers(folder)
    if work.first.task.description != kept["task"]:
        raise ValueError(f"{options['task']} is not what it was when {folder} was begun: begin a new run")
    work.write_settings()
    return work


def _names(settings: argparse.Namespace) -> list[str]:
    """The options that stand in the settings."""
    return [name for name in vars(settings) if name not in train_options.NO_SETTINGS]


def _given(settings: argparse.Namespace) -> dict[str, Any]:
    return given_options({name: getattr(settings, name) for name in _names(settings)})


def write_history(history: History, folder: Path) -> None:
    """history.npz and history.csv."""
    history.save(folder / HISTORY)
    history.to_csv(folder / TABLE)


def words_of_divergence(error: TrainingDivergedError, folder: Path) -> str:
    """Write what a run that diverged has recorded, and say what happened and where that lies."""
    if not error.history.columns:
        return f"{error}; nothing was recorded before"
    write_history(error.history, folder)
    count = len(error.history)
    return f"{error}; what was recorded until then ({count} record{'s' * (count > 1)}) is in {folder / HISTORY}"
