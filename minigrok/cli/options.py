"""What several commands share: options, the folder for results and its settings, JSON, the progress line."""

import argparse
import csv
import hashlib
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SETTINGS = "settings.json"     # in a folder of results: what the run is made of
PROGRESS_SECONDS = 0.1         # the line moves no more often
CONVENTIONS_HELP = "conventions of the state: trace, rows, centered, centered_rows, or all (default: trace)"
EXAMPLES = "examples:"         # with which the end of a help begins


class CommandFailed(Exception):      # noqa: N818  (what it is called by those who read it)
    """A command cannot go on; its words are the last line."""


class HelpFormatter(argparse.HelpFormatter):
    """Examples keep their lines, and can be copied; a command stands beside what it does."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLES) else super()._fill_text(text, width, indent)

    def _iter_indented_subactions(self, action: argparse.Action) -> Generator[argparse.Action, None, None]:
        yield from getattr(action, "_get_subactions", list)()


def sentence(summary: str) -> str:
    """A line of a list as a sentence.

    >>> sentence("print the version")
    'Print the version.'
    """
    return f"{summary[0].upper()}{summary[1:]}."


def add_examples(command: argparse.ArgumentParser, *examples: tuple[str, str]) -> None:
    """Command lines, each with what it is for, or with "" where it says so itself, at the end of the help."""
    command.formatter_class = HelpFormatter
    width = max((len(line) for line, words in examples if words), default=0)
    lines = [f"  {line:{width}}  # {words}" if words else f"  {line}" for line, words in examples]
    command.epilog = "\n".join([EXAMPLES, *lines])


def add_seed(command: argparse.ArgumentParser, what: str, default: int | None = 0) -> None:
    """--seed N; with `default` None the command can tell whether it was given, and takes 0 itself."""
    command.add_argument("--seed", type=whole(0), default=default, metavar="N", help=f"seed of {what} (default: 0)")


def add_workers(command: Any, default: int | None = os.cpu_count() or 1) -> None:
    """--workers N, of a command or a group; with `default` None the command can tell whether it was given."""
    command.add_argument(
        "--workers", type=whole(1), default=default, metavar="N",
        help="how many run side by side (default: one a core); the results are the same for any number")


def add_cluster(command: Any) -> None:
    """--cluster ADDRESS, of a command or a group."""
    command.add_argument(
        "--cluster", metavar="ADDRESS",
        help="run on a Dask cluster: local, with --workers processes, or the address of a scheduler, with all the "
        "workers that it has; needs minigrok[cluster]")


def add_out(command: argparse.ArgumentParser, stem: str) -> None:
    """--out DIR."""
    command.add_argument("--out", type=Path, metavar="DIR",
                         help=f"folder for the results, new or empty (default: {stem}-1, -2, ...)")


def add_resume(command: argparse.ArgumentParser, what_may_differ: str) -> None:
    """--resume DIR."""
    command.add_argument("--resume", type=Path, metavar="DIR",
                         help=f"go on with the run in DIR, to the bit; {what_may_differ}")


def add_json(command: Any) -> None:
    """--json, of a command or a group."""
    command.add_argument("--json", action="store_true", help="print JSON instead of text; entropies are in nats")


def add_quiet(command: argparse.ArgumentParser) -> None:
    """--quiet."""
    command.add_argument("--quiet", action="store_true", help="print nothing on stderr but errors")


def add_figure(command: argparse.ArgumentParser) -> None:
    """--figure STEM."""
    command.add_argument("--figure", type=Path, metavar="STEM", help="draw STEM.png and STEM.pdf")


def add_activation(command: Any) -> None:
    """--activation NAME, of a command or a group."""
    command.add_argument(
        "--activation", metavar="NAME",
        help="activation of the hidden units: relu, tanh, sigmoid, quadratic or identity (default: relu)")


def add_bias(command: Any, default: str) -> None:
    """--bias and --no-bias, of a command or a group; without a default, so that the command can tell."""
    command.add_argument("--bias", action=argparse.BooleanOptionalAction,
                         help=f"units with biases (default: {default})")


def whole(at_least: int) -> Callable[[str], int]:
    """A whole number not below `at_least`, for argparse, which prints the reason of a refusal."""
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = at_least - 1
        if number < at_least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number, {at_least} or more")
        return number
    return parse


def real(text: str) -> float:
    """A number, for argparse; whether it is in range is for the library to say."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def list_of(parse: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Values separated by commas, each as `parse` has it, for argparse."""
    return lambda text: [parse(word.strip()) for word in text.split(",")]


def output_folder(out: Path | None, stem: str) -> Path:
    """Make and return the folder for the results: `out`, or the next free STEM-1, STEM-2, ...

    Raises
    ------
    FileExistsError
        If `out` is a file, or a folder that is not empty: nothing is overwritten.
    """
    number = 1
    while out is None:
        folder = Path(f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder
    require_new(out)
    out.mkdir(parents=True, exist_ok=True)
    return out


def require_new(out: Path | None) -> None:
    """Raise FileExistsError where `output_folder` would, before anything is computed."""
    if out is not None and (out.is_file() or (out.is_dir() and any(map(_is_somebodys, out.iterdir())))):
        raise FileExistsError(f"{out} is there already and not empty: name a new folder with --out, or remove it first")


def _is_somebodys(path: Path) -> bool:
    """Whether this is no file that a killed `replace_file` has left."""
    return re.fullmatch(r"\..+\.[0-9a-f]{8}", path.name) is None


def remove_leftovers(folder: Path) -> None:
    """Remove what killed `replace_file`s have left in a folder that is gone on with: nobody else writes to it."""
    for path in folder.rglob(".*"):
        if not _is_somebodys(path) and path.is_file():
            path.unlink(missing_ok=True)


def write_settings(folder: Path, command: str, options: Mapping[str, Any], **more: Any) -> None:
    """Write DIR/settings.json: the version of minigrok, the command, its options, and what else it has to keep."""
    from minigrok.checkpoint import replace_file
    from minigrok.version import __version__

    with replace_file(folder / SETTINGS) as temporary:
        kept = {"minigrok": __version__, "command": command, "options": options, **more}
        kept["sha256"] = _digest(kept)
        temporary.write_text(json.dumps(kept, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _digest(kept: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_settings(folder: Path, command: str, known: Collection[str]) -> dict[str, Any]:
    """Read what `write_settings` wrote, if it is of this command, with the `known` options.

    Raises
    ------
    FileNotFoundError, ValueError
        Where it is not there, damaged, of another command, or of a version with other options.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no {SETTINGS}: it is no run of minigrok {command} to go on with")
    try:
        kept = dict(json.loads(path.read_text(encoding="utf-8")))
        options, digest = dict(kept["options"]), kept.pop("sha256", None)
    except (ValueError, LookupError, TypeError, RecursionError) as problem:
        raise ValueError(f"{path} is damaged ({problem}): begin a new run") from problem
    if kept.get("command") != command:
        raise ValueError(f"{folder} is no run of minigrok {command} to go on with")
    if options.keys() != set(known):
        other = ", ".join(sorted(options.keys() ^ set(known)))
        raise ValueError(f"{path} is of another version of minigrok; options that differ: {other}")
    if digest != _digest(kept):
        raise ValueError(f"{path} is damaged or was changed by hand: its digest does not fit; begin a new run, or give "
                         "--resume what may grow")
    return kept


def as_json(value: Any) -> str:
    """Strict JSON of what a command has to tell; null for NaN and infinity, which JSON has not got."""
    return json.dumps(_finite(value), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_rows(rows: Sequence[Mapping[str, Any]], settings: argparse.Namespace, table: Callable[[], str]) -> None:
    """Print rows as --json or --csv has it, or else the table."""
    if settings.json:
        print(as_json(rows))
    elif settings.csv:
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        print(table())


@contextmanager
def progress_bar(first_words: str, quiet: bool = False, width: int = 45) -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function of (done, total, words) that moves a bar on stderr, if that is a terminal; else does nothing.

    The words take `width` columns; the line is written ten times a second at most.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, words: None
        return
    from tqdm import tqdm

    line, shown = f"{{desc:{width}.{width}}} {{bar}} {{n}}/{{total}} {{elapsed}}", 0.0
    with tqdm(total=1, desc=first_words, file=sys.stderr, bar_format=line) as bar:
        def move(done: int, total: int, words: str) -> None:
            nonlocal shown
            bar.total, bar.n = total, done
            if done == total or time.monotonic() - shown > PROGRESS_SECONDS:
                bar.set_description_str(words)
                shown = time.monotonic()
        yield move
