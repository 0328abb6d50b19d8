"""The command line: `minigrok COMMAND`, one module a command, imported only when it is called.

Data goes to stdout, progress to stderr and only on a terminal. Exit status: 0 done, 1 failed,
2 wrong usage or input, 130 interrupted or terminated.
"""

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from minigrok.cli.options import CommandFailed, add_examples, sentence
from minigrok.cli.signals import heard
from minigrok.version import __version__

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
COMMANDS = {
    "reproduce": "run the study: four experiments, a verdict on every claim, a report; safe to stop and go on",
    "train": "train on a task, once or with many seeds, and record the states on the way; safe to stop and go on",
    "landscape": "walk over all networks of one hidden layer, and find ln g with its error; safe to stop and go on",
    "measure": "measure anybody's activations: entropy, purity, ranks, with a sampling error",
    "sweep": "train a grid of runs, on processes or on a Dask cluster; safe to stop and go on",
    "results": "summarise what a sweep found: medians and intervals over seeds, tables, a figure",
    "course": "take the course: copy its lessons and exercises, list, mark and hint at them",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; the console script's entry point."""
    _open_streams()
    try:
        with heard(INTERRUPTED):
            return _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt as stop:                    # a command has added how to go on
        exec("")                                         # CPython forgets that it came within exec(text), if it did:
        words = str(stop) or "interrupted"               # else it would end as killed by it
        print(f"minigrok: {words}" if ";" in words else f"minigrok: {words}; nothing was begun", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:                              # the reader, say `head`, has left: nobody is there to tell
        sys.stdout = open(os.devnull, "w")               # noqa: PTH123, SIM115  (so that the exit flushes to nowhere)
        return FAILED
    except (ValueError, FileExistsError, FileNotFoundError, PermissionError, NotADirectoryError,
            IsADirectoryError) as error:
        print(f"minigrok: {_printable(_in_words(error))}", file=sys.stderr)
        return WRONG_USAGE
    except CommandFailed as error:
        print(f"minigrok: {_printable(str(error))}", file=sys.stderr)
        return FAILED
    except (OSError, ArithmeticError, MemoryError) as error:
        print(f"minigrok: {type(error).__name__}: {_printable(str(error))}", file=sys.stderr)
        return FAILED


def _open_streams() -> None:
    """Let what a terminal cannot show be written as escapes, and what was closed be nowhere."""
    if sys.stderr is None:                               # as under cron; print would take stdout in its place
        sys.stderr = open(os.devnull, "w")               # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _printable(text: str) -> str:
    """A reason in one line, in which a file's name can do nothing to the terminal: other characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _in_words(error: Exception) -> str:
    """The system's errors are a number and a name, perhaps that of a temporary file; ours are sentences already."""
    if not isinstance(error, OSError) or error.strerror is None or error.filename is None:
        return str(error)
    path = Path(os.fsdecode(error.filename))
    name = re.sub(r"^\.(.+)\.[0-9a-f]{8}$", r"\1", path.name)
    place = path.with_name(name) if name else path
    return f"{place}: {error.strerror}: name another place, or see who may use this one"


def parser_of(chosen: str | None) -> argparse.ArgumentParser:
    """The parser of all commands, of which the chosen one has its options; the others' modules stay unread."""
    parser = argparse.ArgumentParser(
        prog="minigrok",
        description="Watch a neural network's hidden layer as a density matrix while the network learns.")
    add_examples(parser, ("minigrok reproduce --quick", ""), ("minigrok train moons", ""),
                 ("minigrok train --help", "the options of a command, and more examples"))
    parser.add_argument("--version", action="version", version=f"minigrok {__version__}",
                        help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=sentence(summary))
        if name == chosen:
            import_module(f"minigrok.cli.{name}").configure(command)
    return parser


def _run(words: Sequence[str]) -> int:
    parser = parser_of(next((word for word in words if not word.startswith("-")), None))
    settings = parser.parse_args(words)
    return int(settings.run(settings))
