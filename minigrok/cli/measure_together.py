"""`minigrok measure --together SHARD...`: the numbers of one state whose activations lie in many files."""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigrok.cli.options import CommandFailed, add_cluster, add_workers, print_rows, progress_bar

OTHERS = ("labels", "groups", "population", "resamples", "figure")   # options that need all rows at once


def add_together(command: argparse.ArgumentParser) -> None:
    """Add the options of this way to measure."""
    parts = command.add_argument_group(
        "one state from many files", "summed up by worker processes, each file where it is (the workers of a "
        "cluster must see it); no sampling error")
    parts.add_argument("--together", action="store_true",
                       help="take the files as shards of one layer's activations; .npy may be larger than memory")
    add_workers(parts, None)
    add_cluster(parts)


def run_together(settings: argparse.Namespace) -> int:
    """Sum up, measure, print; the exit status."""
    from minigrok.runs.together import measure_together

    _refuse_others(settings)
    shards = [inner for given in settings.files for inner in files_of(given)]
    try:
        with _pool(settings) as (pool, workers), progress_bar("summing up", settings.quiet, 25) as move:
            found = measure_together(
                shards, _conventions(settings.conventions), settings.neuron_axis, pool, workers,
                lambda done, total: move(done, total, f"{done} of {total} shards"))
    except RuntimeError as problem:
        raise CommandFailed(str(problem)) from problem
    name = f"{len(shards)} shards" if len(shards) > 1 else shards[0].name
    rows = [{"name": name} | numbers.as_dict() for numbers in found.values()]
    print_rows(rows, settings, lambda: _table(rows))
    return 0


def files_of(path: Path) -> list[Path]:
    """A file is itself; a folder its files of known types, numbers in their names in numerical order."""
    from minigrok.states.readers import READERS

    if not path.is_dir():
        return [path]
    inside = [inner for inner in path.iterdir() if inner.suffix.lower() in READERS]
    if not inside:
        raise ValueError(f"{path} is a folder with no file of activations in it: {', '.join(READERS)}")
    return sorted(inside, key=lambda inner: [
        (int(word), "") if word.isdigit() else (-1, word) for word in re.split(r"(\d+)", inner.name)])


def refuse_workers_alone(settings: argparse.Namespace) -> None:
    """Raise ValueError for an option of this way to measure that was given without --together."""
    if settings.cluster or settings.workers:
        name = "cluster" if settings.cluster else "workers"
        raise ValueError(f"--{name} is for --together, which makes one state of all files: add that, or leave it out")


def _refuse_others(settings: argparse.Namespace) -> None:
    for name in OTHERS:
        value = getattr(settings, name)
        if value is not None and value is not False:
            raise ValueError(f"--{name} needs all rows at once, but --together keeps sums alone: leave it out")


def _conventions(words: str) -> list[str]:
    from minigrok.accumulator import STREAMED

    if words != "all":
        return list(dict.fromkeys(words.split(",")))
    print("minigrok: note: without centered_rows, which needs all rows at once", file=sys.stderr)
    return list(STREAMED)


@contextmanager
def _pool(settings: argparse.Namespace) -> Iterator[tuple[Any, int | None]]:
    """The pool that was asked for, and how many shards at a time."""
    if settings.cluster is None:
        from minigrok.runs.pools import processes

        yield processes, settings.workers
        return
    from minigrok.runs.cluster import cluster

    with cluster(settings.cluster, settings.workers or os.cpu_count() or 1) as found:
        yield found


def _table(rows: Sequence[dict[str, Any]]) -> str:
    width = max(4, *(len(row["name"]) for row in rows))
    lines = [f"{'name':{width}}  convention      inputs neurons  S (nats)      P   exp S     1/P  S/ln d"]
    lines += [
        f"{row['name']:{width}}  {row['convention']:11}{row['inputs']:11}{row['dimension']:8}{row['entropy']:10.4f}"
        f"{row['purity']:7.3f}{row['effective_rank']:8.2f}{row['participation_ratio']:8.2f}"
        f"{row['normalised_entropy']:8.3f}" for row in rows]
    return "\n".join(lines)
