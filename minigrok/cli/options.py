"""Options, the folder for results and the progress line that several commands share."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def add_seed(command: argparse.ArgumentParser, default: int | None = 0, words: str = "the first seed") -> None:
    """--seed N; with `default` None the command can tell whether it was given, and takes 0 itself."""
    command.add_argument("--seed", type=whole(0), default=default, metavar="N", help=f"{words} (default: 0)")


def add_workers(command: argparse.ArgumentParser, what: str = "processes") -> None:
    """--workers N."""
    command.add_argument(
        "--workers", type=whole(1), default=os.cpu_count() or 1, metavar="N",
        help=f"{what} (default: one a core); the results are the same for any number")


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
    if out is not None and (out.is_file() or (out.is_dir() and any(out.iterdir()))):
        raise FileExistsError(f"{out} is there already and not empty: name a new folder with --out, or remove it first")


@contextmanager
def progress_bar(first_words: str, quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function of (done, total, words) that moves a bar on stderr, if that is a terminal; else does nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, words: None
        return
    from tqdm import tqdm

    with tqdm(total=1, desc=first_words, file=sys.stderr, bar_format="{desc:45.45} {bar} {n}/{total} {elapsed}") as bar:
        def move(done: int, total: int, words: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(words)
        yield move
