"""Many seeds of `minigrok train`, in chunks, so that a break loses seconds: what is finished stays."""

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigrok.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from minigrok.checks import IntArray
from minigrok.cli import FAILED, train_words
from minigrok.cli.options import as_json, progress_bar
from minigrok.cli.train_folder import FIGURE, HISTORY, NET, Work, words_of_divergence, write_history
from minigrok.ensemble import TrainingRun, train_many
from minigrok.history import History, TrainingDivergedError
from minigrok.plots import save_figure, training_figure
from minigrok.runs.train_setup import criteria_of, loop_of, run_of
from minigrok.training import CHECKPOINT_SECONDS

DONE, KIND = "done.npz", "seed"      # the last file of a seed's folder, and what it is
Diverged = dict[int, str]      # what there is to say, by seed


def train_seeds(work: Work, settings: argparse.Namespace) -> int:
    """Train the seeds that are missing, draw and print all; the exit status."""
    missing = [seed for seed in work.seeds if not _is_done(work, seed)]
    with progress_bar("compiling and starting", settings.quiet) as move:
        diverged = _train_in_chunks(work, missing, settings.workers, lambda done: move(done, len(missing), "seeds"))
    for seed, message in diverged.items():
        print(f"minigrok: seed {seed}: {message}", file=sys.stderr)
    histories = {seed: History.load(_place(work, seed) / HISTORY) for seed in work.seeds if _is_done(work, seed)}
    if not histories:
        return FAILED
    summary = train_words.summary_of(work, histories, diverged)
    figure = training_figure(list(histories.values()), train_words.title_of(summary, work.options),
                             work.options["task"] == "modular")
    save_figure(figure, work.folder / FIGURE)
    print(as_json(summary) if settings.json else train_words.words_of(summary, work.options))
    return FAILED if diverged else 0


def _place(work: Work, seed: int) -> Path:
    return work.folder / f"seed-{seed}"


def _is_done(work: Work, seed: int) -> bool:
    """Whether its files are there, whole, and of a run with these options: DONE is written last, with their digests."""
    folder = _place(work, seed)
    try:
        kept, _ = load_checkpoint(folder / DONE, KIND, _configuration(work, seed))
        return all(np.array_equal(_digest(folder / name), digest) for name, digest in kept.items())
    except (CheckpointError, OSError):
        return False


def _configuration(work: Work, seed: int) -> dict[str, Any]:
    """What the seed's run is made of."""
    return {"task": work.first.task.description, "options": work.options | {"seed": seed, "seeds": 1}}


def _digest(path: Path) -> IntArray:
    return np.frombuffer(hashlib.sha256(path.read_bytes()).digest(), np.uint8)


def _train_in_chunks(work: Work, seeds: Sequence[int], workers: int, progress: Callable[[int], None]) -> Diverged:
    """Train these seeds, so many at once as take about the time that may be lost to a kill."""
    diverged: Diverged = {}
    rounds, done = 1, 0                                  # a round: one seed a worker
    while done < len(seeds):
        began, chunk = time.monotonic(), seeds[done : done + rounds * workers]
        diverged |= _train_chunk(work, chunk, workers, partial(_further, progress, done))
        rounds = max(1, int(rounds * CHECKPOINT_SECONDS / (time.monotonic() - began)))
        done += len(chunk)
    return diverged


def _train_chunk(work: Work, seeds: Sequence[int], workers: int, progress: Callable[[int], None]) -> Diverged:
    """Train seeds at once and write them; if one diverges, again one by one, so that the others are kept."""
    runs = [run_of(work.options, seed) for seed in seeds]
    try:
        histories = train_many(
            runs, work.options["epochs"], workers=workers, progress=lambda done, of: progress(done),
            callbacks=tuple(criteria_of(work.options).values()), **loop_of(work.options))
    except TrainingDivergedError as error:
        diverged: Diverged = {}
        if len(seeds) == 1:
            return {seeds[0]: words_of_divergence(error, _made(_place(work, seeds[0])))}
        for number, seed in enumerate(seeds):
            diverged |= _train_chunk(work, [seed], workers, partial(_further, progress, number))
        return diverged
    for run, history in zip(runs, histories, strict=True):
        _write(work, run, history)
    return {}


def _further(progress: Callable[[int], None], before: int, done: int) -> None:
    """So many are done, of those behind the ones `before`."""
    progress(before + done)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _write(work: Work, run: TrainingRun, history: History) -> None:
    folder = _made(_place(work, run.seed))
    write_history(history, folder)
    run.net.save(folder / NET)
    digests = {name: _digest(folder / name) for name in (HISTORY, NET)}
    save_checkpoint(folder / DONE, KIND, _configuration(work, run.seed), digests)
