"""`minigrok sweep`: the runs of a grid, on processes or a cluster, safe to stop and go on."""

import argparse
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigrok.cli.options import (
    CommandFailed,
    add_cluster,
    add_examples,
    add_json,
    add_quiet,
    add_workers,
    as_json,
    progress_bar,
)

COMMAND = "sweep"


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_examples(command, ("minigrok sweep grid.toml --db sweep.db", "the same again goes on"),
                 ("minigrok sweep grid.toml --db sweep.db --cluster local", ""),
                 ("minigrok results sweep.db", "see what was found"))
    command.add_argument(
        "grid", type=Path, metavar="GRID",
        help='.toml or .json file with options of minigrok train, say task = "moons" and seeds = 20, and below a line '
        "[grid] those that vary, say lr = [0.1, 0.03]")
    command.add_argument("--db", type=Path, required=True, metavar="FILE",
                         help="database of the runs, made if it is not there")
    add_cluster(command)
    command.add_argument("--retry-failed", action="store_true", help="run again what has failed before")
    add_json(command)
    add_quiet(command)
    add_workers(command)
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Run what is missing, and say what was done; the exit status."""
    from minigrok.cli import FAILED
    from minigrok.runs.sweep import sweep

    words = [str(settings.grid), "--db", str(settings.db)]
    words += ["--cluster", settings.cluster] if settings.cluster else []
    way_on = f"go on with: minigrok sweep {shlex.join(words)}"
    try:
        with _pool(settings) as (pool, workers), progress_bar("starting", settings.quiet) as move:
            def live(swept: Any) -> None:
                failed = f", {swept.failed} failed" if swept.failed else ""
                move(swept.before + swept.done + swept.failed, swept.runs, f"{swept.done} done{failed}")

            swept = sweep(settings.grid, pool, settings.db, workers, retry_failed=settings.retry_failed, progress=live)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{str(stop) or 'interrupted'}; {way_on}") from None
    except OSError as problem:
        if type(problem) is not OSError:                 # nothing was begun: another sweep has the file, say
            raise
        raise OSError(f"{problem}; {way_on}") from problem
    except RuntimeError as problem:
        raise CommandFailed(f"{problem}; {way_on}") from problem
    see = f"minigrok results {shlex.quote(str(settings.db))}"
    told = (f"{swept.runs} runs in the grid: {swept.before} were there, {swept.done} done now, {swept.failed} failed "
            "now")
    told += f"\nwhy: {see} --where status=failed --csv -" if swept.failed else ""
    print(as_json(swept._asdict()) if settings.json else f"{told}\nsee: {see}")
    return FAILED if swept.failed else 0


@contextmanager
def _pool(settings: argparse.Namespace) -> Iterator[tuple[Callable[[int], Any] | None, int]]:
    """The pool that was asked for, and how many runs at a time."""
    if settings.cluster is None:
        yield None, settings.workers
        return
    from minigrok.runs.cluster import cluster

    with cluster(settings.cluster, settings.workers) as found:
        yield found
