"""History: what a run recorded, columns by name, one entry (or one row) a recorded epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from minigrok.checkpoint import load_arrays, replace_file, save_arrays
from minigrok.checks import FloatArray, one_of
from minigrok.mlp import MLP
from minigrok.tasks import AnyTask


@dataclass(frozen=True)
class History:
    """What a run recorded: columns by name, one entry (or one row) a recorded epoch.

    `history.entropy` and `history["entropy"]` are the same array.
    """

    columns: Mapping[str, FloatArray]

    def __getattr__(self, name: str) -> FloatArray:
        if name == "columns":                            # not set yet, as while it is unpickled
            raise AttributeError(name)
        try:
            return self.columns[name]
        except KeyError:
            raise AttributeError(f"this History has no column {name!r}; it has {', '.join(self.columns)}") from None

    def __getitem__(self, name: str) -> FloatArray:
        return self.columns[one_of("column", name, self.columns)]

    def __len__(self) -> int:
        return len(self.columns["epoch"])

    def save(self, path: str | PathLike[str]) -> None:
        """Write an `.npz` file, one array a column, without pickles: the same History, the same bytes."""
        save_arrays(path, dict(self.columns))

    @staticmethod
    def load(path: str | PathLike[str]) -> "History":
        """Read what `save` wrote. ValueError where the file is none of it."""
        columns = load_arrays(path)
        if "epoch" not in columns:
            raise ValueError(f"{path} holds {', '.join(columns) or 'nothing'}, but a History has a column 'epoch'")
        return History(columns)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write one row an epoch; a column with several numbers an epoch becomes name_0, name_1, ..."""
        table: dict[str, FloatArray] = {}
        for name, column in self.columns.items():
            if column.ndim == 1:
                table[name] = column
            else:
                flat = column.reshape(len(column), -1)
                table |= {f"{name}_{i}": flat[:, i] for i in range(flat.shape[1])}
        lines = [",".join(table)]
        lines += [",".join(str(value.item()) for value in row) for row in zip(*table.values(), strict=True)]
        with replace_file(path) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


class TrainingDivergedError(FloatingPointError):
    """A parameter became NaN or infinite. `history` holds what was recorded until then."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


class Moment(NamedTuple):
    """What a callback gets to see at a recorded epoch."""

    epoch: int                 # epochs done
    epochs: int                # epochs to do
    net: MLP
    task: AnyTask
    row: dict[str, Any]        # what was just recorded, by column
    rows: Sequence[Mapping[str, Any]]      # all that was recorded so far, `row` the last; the list grows with the run


def from_rows(rows: Sequence[Mapping[str, Any]]) -> History:
    """The History of rows that all have the same columns."""
    return History({name: np.array([row[name] for row in rows]) for name in rows[0]} if rows else {})


def column_name(name: str, convention: str) -> str:
    """A state's column in a convention: "entropy" for "trace", else with the convention's name, "entropy_rows"."""
    return name if convention == "trace" else f"{name}_{convention}"
