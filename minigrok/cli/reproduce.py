"""`minigrok reproduce`: run the study and report which claims hold."""

import argparse
import sys
from pathlib import Path

from minigrok.cli.options import add_seed, add_workers, output_folder, progress_bar

EXPERIMENTS = ("classifier", "landscape", "grokking")


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    command.epilog = "example: minigrok reproduce --quick --out results"
    size = command.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick", help="3 seeds, about a minute")
    size.add_argument("--full", dest="size", action="store_const", const="full", help="20 seeds (default: 5)")
    command.add_argument("--out", type=Path, metavar="DIR",
                         help="folder for the report, new or empty (default: minigrok-results-1, -2, ...)")
    command.add_argument("--only", choices=EXPERIMENTS, help="one experiment instead of three")
    command.add_argument("--json", action="store_true", help="print the ledger as JSON instead of a table")
    command.add_argument("--strict", action="store_true", help="exit 1 if a claim is not reproduced")
    add_seed(command)
    add_workers(command)
    command.set_defaults(run=run, size="default")


def run(settings: argparse.Namespace) -> int:
    """Run the study, write the folder, print the ledger; the exit status."""
    from minigrok.study.claims import NOT_REPRODUCED
    from minigrok.study.reproduce import reproduce

    folder = output_folder(settings.out, "minigrok-results")
    print(f"results go to {folder}", file=sys.stderr)
    with progress_bar("compiling and starting") as progress:
        ledger = reproduce(
            settings.size, (settings.only,) if settings.only else EXPERIMENTS, settings.seed, settings.workers,
            out=folder, progress=lambda outcome, done, total: progress(
                done, total, f"{outcome.job.experiment}: {outcome.job.specification}"))
    print(ledger.to_json() if settings.json else ledger, end="" if settings.json else "\n")
    if not settings.json:
        print(f"\nreport: {folder / 'report.html'}")
    failed = bool(ledger.failures) or (settings.strict and ledger.counts()[NOT_REPRODUCED] > 0)
    return 1 if failed else 0
