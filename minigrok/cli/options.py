"""Options and the progress line that several commands share."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def add_seed(command: argparse.ArgumentParser) -> None:
    """--seed N."""
    command.add_argument("--seed", type=whole(0), default=0, metavar="N", help="the first seed (default: 0)")


def add_workers(command: argparse.ArgumentParser) -> None:
    """--workers N."""
    command.add_argument(
        "--workers", type=whole(1), default=os.cpu_count() or 1, metavar="N",
        help="processes (default: one a core); the results are the same for any number")


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


@contextmanager
def progress_bar(first_words: str) -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function of (done, total, words) that moves a bar on stderr, if that is a terminal; else does nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total, words: None
        return
    from tqdm import tqdm

    with tqdm(total=1, desc=first_words, file=sys.stderr, bar_format="{desc:45.45} {bar} {n}/{total} {elapsed}") as bar:
        def move(done: int, total: int, words: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(words)
        yield move
