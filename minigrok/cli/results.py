"""`minigrok results DB`: what a sweep found, summarised over its seeds."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrok.cli.options import add_examples, add_figure, add_json, as_json

NUMBER = "entropy"             # shown if none is asked for


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_examples(command, ("minigrok results sweep.db --number purity --where 'lr<0.1'", ""),
                 ("minigrok results sweep.db --csv runs.csv", "all runs as a table"),
                 ("minigrok results sweep.db --figure picture --along lr", ""))
    command.add_argument("db", type=Path, metavar="DB", help="database that minigrok sweep wrote")
    command.add_argument("--where", action="append", default=[], metavar="CONDITION",
                         help="take only runs with NAME=VALUE, or !=, <, >, <=, >= instead of =; may be given again")
    command.add_argument("--number", metavar="NAME",
                         help="what is summarised: a column of the history at its end, or NAME_start at its start "
                         f"(default: {NUMBER})")
    command.add_argument("--csv", nargs="?", const="-", metavar="FILE",
                         help="print CSV, one row a run, instead of a summary; with FILE write it there")
    add_json(command)
    add_figure(command)
    command.add_argument("--along", metavar="AXIS", help="axis along which the figure runs (default: the first)")
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Read, choose, summarise, print; the exit status."""
    from minigrok.runs.results import as_csv, chosen, summarised
    from minigrok.runs.store import RunStore

    _require_fitting(settings)
    with RunStore(settings.db) as store:
        runs = chosen(store, settings.where)
    if not runs:
        raise ValueError(f"{settings.db} has no run" + (" that meets all conditions" if settings.where else " yet"))
    if settings.csv is None and not any(run.numbers for run in runs):
        raise ValueError(f"all {len(runs)} runs failed, the first with: {runs[0].error}; --csv shows them all")
    if len({run.sources for run in runs}) > 1:
        print("minigrok: note: these runs were made by more than one version of minigrok's sources", file=sys.stderr)
    if settings.csv is not None:
        _write(as_csv(runs), settings.csv)
        return 0
    number = settings.number or NUMBER
    rows = summarised(runs, number)
    if settings.figure is not None:
        from minigrok.plots import save_figure
        from minigrok.runs.picture import axis_figure

        save_figure(axis_figure(rows, number, settings.along), settings.figure)
    print(as_json([row._asdict() for row in rows]) if settings.json else table(rows, number))
    return 0


def _require_fitting(settings: argparse.Namespace) -> None:
    """Raise ValueError for options that would do nothing, or harm."""
    if settings.along is not None and settings.figure is None:
        raise ValueError(f"--along {settings.along} is for --figure: give both, or leave it out")
    if settings.csv is None:
        return
    given = [name for name in ("number", "json", "figure") if getattr(settings, name)]
    if given:
        raise ValueError(f"--csv writes all runs and no summary, so --{given[0]} has no place: leave one of them out")
    if settings.csv == "" or (Path(settings.csv).exists() and settings.db.exists()
                              and Path(settings.csv).samefile(settings.db)):
        raise ValueError(f"--csv is {settings.csv!r}, which is no place for a table: name another file")


def table(rows: Sequence[Any], number: str) -> str:
    """One line a combination: its axes, how many seeds, the median, its interval."""
    cells = [[*rows[0].axes, "seeds", "failed", f"{number}, median", "95 % interval"]]
    for row in rows:
        interval = "-" if row.low != row.low else f"{row.low:.4g} .. {row.high:.4g}"
        cells.append([*(_cell(value) for value in row.axes.values()), str(row.seeds), str(row.failed),
                      f"{row.median:.4g}", interval])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells)


def _cell(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _write(text: str, name: str) -> None:
    if name == "-":
        print(text, end="")
        return
    from minigrok.checkpoint import replace_file

    with replace_file(name) as temporary:
        temporary.write_text(text, encoding="utf-8")
