"""`minigrok reproduce`: run the study and report which claims hold, safe to stop and go on."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from minigrok.cli.options import (
    add_examples,
    add_json,
    add_out,
    add_quiet,
    add_resume,
    add_seed,
    add_workers,
    output_folder,
    progress_bar,
    read_settings,
    remove_leftovers,
    require_new,
    write_settings,
)

COMMAND, STEM = "reproduce", "minigrok-results"
EXPERIMENTS = ("classifier", "landscape", "grokking", "interventions")    # study.reproduce's; a help must not load it
RUNS = "runs"                  # the folder of finished runs, from which a run goes on
# What a run is made of; kept in DIR/settings.json, and the same when it goes on
DEFAULTS: dict[str, Any] = {"size": "default", "only": None, "claim": [], "seed": 0}
LIVE_WIDTH = 70                # of the words on the progress line


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options. Those of DEFAULTS have no default here, so that --resume knows what was given."""
    add_examples(command, ("minigrok reproduce --quick --out study", ""),
                 ("minigrok reproduce --claim C12", "one claim"),
                 ("minigrok reproduce --resume study", "go on after Ctrl-C"))
    size = command.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick",
                      help="run the fewest seeds and specifications, about a minute")
    size.add_argument("--full", dest="size", action="store_const", const="full",
                      help="run every specification with all its seeds, about an hour on two cores "
                      "(default: in between)")
    part = command.add_mutually_exclusive_group()
    part.add_argument("--only", choices=EXPERIMENTS, metavar="NAME",
                      help="run one experiment instead of four: classifier, landscape, grokking or interventions")
    part.add_argument("--claim", action="append", metavar="ID",
                      help="judge just this claim, such as C12, and run the experiments that it needs; "
                      "may be given again")
    add_out(command, STEM)
    add_resume(command, "finished runs are not run again, and nothing may differ")
    add_json(command)
    add_quiet(command)
    command.add_argument("--strict", action="store_true", help="exit with status 1 if a claim is not reproduced")
    add_seed(command, "the first run of each specification; the others count on from it", None)
    add_workers(command)
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Run the study, write the folder, print the ledger; the exit status."""
    folder, options = _begun(settings) if settings.resume is None else _resumed(settings)
    way_on = f"go on with: minigrok reproduce --resume {shlex.quote(str(folder))}"
    if not settings.quiet:
        print(f"results go to {folder}", file=sys.stderr)
    try:
        ledger = _reproduced(folder, options, settings.workers, settings.quiet)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{str(stop) or 'interrupted'}; {way_on}") from None
    except OSError as problem:
        raise OSError(f"{problem}; {way_on}") from problem
    return _told(ledger, folder, settings)


def _begun(settings: argparse.Namespace) -> tuple[Path, dict[str, Any]]:
    """A new folder, its settings written down; not before all that was typed has been found right."""
    require_new(settings.out)
    options = DEFAULTS | _given(settings)
    options["claim"] = list(dict.fromkeys(options["claim"]))
    _experiments_of(options)
    folder = output_folder(settings.out, STEM)
    write_settings(folder, COMMAND, options)
    return folder, options


def _resumed(settings: argparse.Namespace) -> tuple[Path, dict[str, Any]]:
    """The folder of --resume with its settings; ValueError where any are given."""
    folder = settings.resume
    if settings.out is not None:
        raise ValueError(f"--resume goes on in {folder}, so there is no place for --out: leave it out")
    given = _given(settings)
    if given:
        names = ", ".join(f"--{given['size'] if name == 'size' else name}" for name in given)
        raise ValueError(f"--resume goes on with the settings that {folder} was begun with: leave out {names}")
    options = read_settings(folder, COMMAND, DEFAULTS)["options"]
    _experiments_of(options)
    remove_leftovers(folder)
    return folder, options


def _given(settings: argparse.Namespace) -> dict[str, Any]:
    """The options of DEFAULTS that were given."""
    return {name: value for name, value in vars(settings).items() if name in DEFAULTS and value is not None}


def _experiments_of(options: dict[str, Any]) -> list[str]:
    """The experiments that the options ask for; ValueError for a claim that there is not."""
    if not options["claim"]:
        return [options["only"]] if options["only"] else list(EXPERIMENTS)
    from minigrok.checks import one_of
    from minigrok.study.reproduce import EXPERIMENTS_OF

    needed = {name for claim in options["claim"] for name in EXPERIMENTS_OF[one_of("claim", claim, EXPERIMENTS_OF)]}
    return [name for name in EXPERIMENTS if name in needed]


def _reproduced(folder: Path, options: dict[str, Any], workers: int, quiet: bool) -> Any:
    """The Ledger, while the progress line runs."""
    from minigrok.study.reproduce import reproduce
    from minigrok.study.store import Store

    with progress_bar("compiling and starting", quiet, LIVE_WIDTH) as move:
        def live(outcome: Any, done: int, total: int, seconds_left: float | None = None) -> None:
            move(done, total, _live_words(outcome.job, seconds_left) if done < total else "judging and drawing")

        return reproduce(
            options["size"], _experiments_of(options), options["seed"], workers, out=folder, progress=live,
            claims=tuple(options["claim"]), store=Store(folder / RUNS))


def _live_words(job: Any, seconds_left: float | None) -> str:
    """Such as "about 12 min left; grokking: addition mod 59"."""
    left = "" if seconds_left is None else f"about {duration(seconds_left)} left; "
    return f"{left}{job.experiment}: {job.specification}"


def duration(seconds: float) -> str:
    """Seconds in words, as exact as an estimate is.

    >>> [duration(seconds) for seconds in (0.2, 89, 91, 3599, 3 * 3600 + 240)]
    ['1 s', '89 s', '2 min', '60 min', '3 h 04 min']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _told(ledger: Any, folder: Path, settings: argparse.Namespace) -> int:
    """Print the ledger; the exit status."""
    from minigrok.study.claims import NOT_REPRODUCED

    print(ledger.to_json() if settings.json else ledger, end="" if settings.json else "\n")
    if not settings.json:
        print(f"\nreport: {folder / 'report.html'}")
    failed = bool(ledger.failures) or (settings.strict and ledger.counts()[NOT_REPRODUCED] > 0)
    return 1 if failed else 0
