"""`minigrok train`: one run of one task, or many seeds, safe to stop and go on."""

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minigrok.cli import train_options
from minigrok.cli.options import add_examples, as_json, progress_bar

LIVE_WIDTH = 50                # of the words on the progress line


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_examples(command, ("minigrok train moons --epochs 500 --out moons", ""),
                 ("minigrok train --resume moons --epochs 800", "go on, or longer"),
                 ("minigrok train modular --seeds 10", "ten grokking runs"),
                 ("minigrok train mine.npz --hidden 32,16", "data of your own"))
    train_options.add_data(command)
    train_options.add_net(command)
    train_options.add_optimizer(command)
    train_options.add_run(command)
    train_options.add_output(command)
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Train, write the folder, print what came out; the exit status."""
    from minigrok.cli.train_folder import begun, resumed
    from minigrok.cli.train_seeds import train_seeds

    work = begun(settings) if settings.resume is None else resumed(settings)
    if not settings.quiet:
        print(f"results go to {work.folder}", file=sys.stderr)
    try:
        with _divergence_told_once():
            return _train_one(work, settings) if len(work.seeds) == 1 else train_seeds(work, settings)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{str(stop) or 'interrupted'}; {work.way_on}") from None
    except BrokenPipeError:                              # whoever read stdout has left; the results are all there
        raise
    except OSError as problem:
        raise OSError(f"{problem}; {work.way_on}") from problem


def _train_one(work: Any, settings: argparse.Namespace) -> int:
    """One run, from its checkpoint if there is one."""
    from minigrok.cli import FAILED, train_folder, train_words
    from minigrok.history import TrainingDivergedError
    from minigrok.plots import save_figure, training_figure
    from minigrok.runs.train_setup import criteria_of, loop_of
    from minigrok.training import train

    (folder, options, run), criteria = work, criteria_of(work.options)
    try:
        with progress_bar("compiling and starting", settings.quiet, LIVE_WIDTH) as move:
            def live(moment: Any) -> None:
                move(moment.epoch, moment.epochs, train_words.live_words(moment.row, options))

            history = train(
                run.net, run.task, run.optimizer, options["epochs"], seed=run.seed,
                checkpoint=folder / train_folder.CHECKPOINT, callbacks=(live, *criteria.values()), **loop_of(options))
    except TrainingDivergedError as error:
        print(f"minigrok: {train_folder.words_of_divergence(error, folder)}", file=sys.stderr)
        return FAILED
    train_folder.write_history(history, folder)
    run.net.save(folder / train_folder.NET)
    summary = train_words.summary_of(work, {run.seed: history})
    figure = training_figure([history], train_words.title_of(summary, options), options["task"] == "modular",
                             summary["runs"][0].get("milestones"))
    save_figure(figure, folder / train_folder.FIGURE)
    print(as_json(summary) if settings.json else train_words.words_of(summary, options))
    return 0


@contextmanager
def _divergence_told_once() -> Iterator[None]:
    """A run that diverges ends with an error that says so; NumPy's warnings before it, in any thread, say no more."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(overflow|invalid value|divide by zero) encountered", RuntimeWarning)
        yield
