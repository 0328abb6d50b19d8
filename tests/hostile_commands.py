"""Command lines with something wrong, and what the command line has to do with them: say it in a line or two.

What a command computes is no matter here, so that its parts that take long are made short: no figures, few random
networks, threads for processes, and of the study nothing but the check of its options.
"""

import io
import os
import shutil
import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from hostile import folder
from hostile_files import files
from hypothesis import strategies as st

from minigrok import cli
from minigrok.course.folder import start
from minigrok.plots import new_figure
from minigrok.study.ledger import Ledger

TEXTS = ("", " ", "-1", "0", "1", "3", "0.5", "-0.5", "nan", "inf", "-inf", "1e308", "1e400", "5e-324", "abc",
    "\u00e9", "\udcff",
         "a\nb", "\x1b[31m", "--", "-", "--x", "-x", "=", ",", "1,,2", "1,2", "0.9,0.9", "None", "true", "x" * 300,
         "a=1",
         "=1", "a=", "entropy=0.5", "test_loss=1", "entropy=nan", "trace,rows", "all", "TRACE", "1_000", "\u0663",
         "1e2", "+2",
         "0x10", "9" * 30, "10000000000000000", "moons", "modular", "lr<0.1", "lr", "%", "{}", "\\", "/", ".", "~")
COUNTED = ("--epochs", "--steps", "--walkers", "--bins", "--inputs", "--resamples", "--seeds", "--workers", "--warmup",
           "--modulus")        # to which something is counted: nobody may ask for 10^16 here
MOONS = ("train", "moons", "--n", "20", "--epochs", "1", "--hidden", "2")
DEEP = ("train", "xor", "--n", "20", "--epochs", "1", "--hidden", "2,2", "--optimizer", "adamw", "--betas", "0.9,0.9")
MODULAR = ("train", "modular", "--modulus", "5", "--epochs", "1", "--hidden", "2")
LANDSCAPE = ("landscape", "--inputs", "8", "--hidden", "2", "--bins", "3", "--walkers", "1", "--steps", "2000",
    "--range",
             "0.01", "0.5")
RIGHT = {                      # a command line, and the options that it may get with a value of any kind
    MOONS: ("--noise", "--noise-dimensions", "--test-fraction", "--task-seed", "--activation", "--loss", "--init",
            "--init-scale", "--dtype", "--lr", "--momentum", "--eps", "--weight-decay", "--batch-size", "--clip-norm",
            "--schedule", "--schedule-final", "--schedule-every", "--schedule-factor", "--warmup", "--record-every",
            "--layer", "--inputs", "--conventions", "--stop-above", "--stop-below", "--stop-held", "--patience",
            "--seed",
            "--resume", "--separation", "--margin", "--op", "--nesterov", "--bias", "--json", "--seeds", "--out"),
    DEEP: ("--dimension", "--lr", "--eps", "--layer", "--activation", "--loss", "--dtype", "--batch-size"),
    MODULAR: ("--op", "--train-fraction", "--corrupt-fraction", "--lr", "--weight-decay", "--batch-size", "--seed"),
    ("train", "FILE", "--epochs", "1", "--hidden", "2"): ("--test-fraction", "--batch-size", "--loss", "--activation"),
    ("train", "--resume", "FILE"): ("--epochs", "--lr", "--seeds"),
    LANDSCAPE: ("--task", "--data", "--dimension", "--activation", "--prior", "--scale", "--coordinate", "--range",
                "--until-error", "--seed", "--resume", "--bias", "--json", "--workers", "--out"),
    ("landscape", "--data", "FILE", *LANDSCAPE[3:]): ("--coordinate", "--prior", "--inputs"),
    ("landscape", "--resume", "FILE"): ("--until-error", "--steps"),
    ("measure", "FILE", "--resamples", "100"): (
        "--labels", "--conventions", "--neuron-axis", "--groups", "--seed", "--json", "--csv", "--population",
        "--figure",
        "--quiet"),
    ("measure", "right.npy", "--labels", "FILE"): ("--conventions", "--groups", "--json"),
    ("measure", "right.npy", "--groups", "FILE"): ("--resamples", "--population"),
    ("sweep", "FILE", "--db", "new.db"): ("--workers", "--json", "--retry-failed"),
    ("sweep", "grid.json", "--db", "FILE"): ("--workers",),
    ("results", "FILE"): ("--where", "--number", "--along", "--csv", "--figure", "--json"),
    ("results", "right.db"): ("--where", "--number", "--along", "--csv", "--figure", "--json"),
    ("reproduce", "--quick"): ("--only", "--claim", "--seed", "--workers", "--out", "--resume", "--strict", "--json"),
    ("reproduce", "--resume", "FILE"): ("--seed", "--claim"),
    ("course", "hint", "e03", "2"): ("--seed",), ("course", "start", "new"): ("--notebook",),
    ("course", "reset", "e03"): (), ("course", "check", "nothing"): ("--seed", "--workers"),
    ("course", "report", "FILE"): ("--json", "--csv"), ("course", "solution", "x"): ("--seed",),
}
HEAVY = {LANDSCAPE: 3, ("course", "start", "new"): 1}    # of 10, how often such a line is taken


@st.composite
def command_lines(draw):
    """Words for `main`, of which one or two are not what they should be."""
    right = draw(st.sampled_from(list(RIGHT)))
    if draw(st.integers(0, 9)) >= HEAVY.get(right, 10):
        right = ("measure", "FILE", "--resamples", "100")
    paths = st.sampled_from(files()).map(os.fspath)
    words = [draw(paths) if word == "FILE" else word for word in right]
    text = st.sampled_from(TEXTS) | paths
    kind = draw(st.integers(0, 9))
    if kind < 5 and RIGHT[right]:
        option = draw(st.sampled_from(RIGHT[right]))
        words += [option, draw(text)] if draw(st.integers(0, 9)) else [option]
    elif kind < 8:
        place = draw(st.integers(1, len(words) - 1))
        words[place] = draw(text)
    elif kind < 9:
        del words[draw(st.integers(0, len(words) - 1))]
    else:
        words.insert(draw(st.integers(0, len(words))), draw(text))
    return words if not _endless(words) else [*right[:1], "--help"]


def _endless(words):
    """Whether something would be counted to a number that no life is long enough for, or much memory be asked for."""
    for option, value in zip(words, [*words[1:], ""]):
        name = option.partition("=")[0]
        value = option.partition("=")[2] or value
        counted = len(name) > 2 and any(other.startswith(name) for other in COUNTED)
        if counted and value.isdecimal() and len(value) > 3:
            return words[0] != "landscape" or name != "--steps" or len(value) > 4
    return False


@contextmanager
def short_commands(monkeypatch):
    """Make what takes long short; in a folder of its own."""
    def empty(*words, **settings):
        return new_figure(1, 1)

    place = folder() / "here"
    place.mkdir()
    np.save(place / "right.npy", np.random.default_rng(0).normal(size=(12, 3)))
    (place / "grid.json").write_text('{"task": "moons", "n": 20, "epochs": 1, "grid": {"lr": [0.1, 0.2]}}')
    start(place / "exercises")
    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as threads:
        @contextmanager
        def pool(workers):
            yield threads

        for where in ("minigrok.plots.training_figure", "minigrok.cli.train_seeds.training_figure",
                      "minigrok.plots.measured_figure", "minigrok.landscape_plots.landscape_figure",
                      "minigrok.runs.picture.axis_figure"):
            patch.setattr(where, empty)
        for where in ("minigrok.plots.save_figure", "minigrok.cli.train_seeds.save_figure"):
            patch.setattr(where, lambda figure, stem, *words: Path(stem).parent.stat())
        patch.setattr("minigrok.runs.sweep.processes", pool)
        patch.setattr("minigrok.study.reproduce.reproduce", lambda *words, **settings: Ledger((), {}))
        patch.setattr("minigrok.cli.landscape_system.DRAWS", {1: 1000, 2: 1000})
        patch.chdir(place)
        ran(["sweep", "grid.json", "--db", "right.db"])
        kept = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
        yield place, kept


def tidied(place, kept):
    """Remove what a command has made, but for the course; what was there before must be as it was."""
    for path in list(place.iterdir()):
        if path.name in kept or path.name == "exercises":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}


class _Stream(io.TextIOWrapper):
    """Standard output or error as Python opens it, of which the bytes are kept."""

    def __init__(self, errors):
        super().__init__(io.BytesIO(), "utf-8", errors)

    def text(self):
        self.flush()
        return self.buffer.getvalue().decode()


def ran(words):
    """(status, stdout, stderr) of a command line; an exception that nobody caught is one here."""
    streams, ear = (sys.stdout, sys.stderr), signal.getsignal(signal.SIGINT)
    sys.stdout, sys.stderr = _Stream("strict"), _Stream("backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                status = cli.main(list(words))
            except SystemExit as stop:                   # argparse
                status = stop.code
        return status, sys.stdout.text(), sys.stderr.text()
    finally:
        sys.stdout, sys.stderr = streams
        signal.signal(signal.SIGINT, ear)


def complaint(status, out, err):
    """What is wrong with how a command line was answered; "" if nothing is."""
    if status not in (cli.DONE, cli.FAILED, cli.WRONG_USAGE):
        return f"exit status {status!r}"
    if "Traceback" in out + err:
        return "a traceback"
    if status == cli.DONE:
        return ""
    lines = [line for line in err.split("\n") if line]
    if lines and lines[0].startswith("usage:"):          # argparse shows all options first
        return "" if any(line.startswith("minigrok") for line in lines) else "no reason"
    lines = [line for line in lines if not line.startswith(("results go to ", "minigrok: note: "))]
    if status == cli.WRONG_USAGE and not 1 <= len(lines) <= 2:
        return f"{len(lines)} lines"
    if not all(line.isprintable() for line in lines):
        return "what cannot be read"
    return "" if err or out else "no reason"
