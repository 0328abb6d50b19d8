"""SIGKILL at random moments: what goes on must end with the bytes of what was never broken off.

    python bench/faults.py [--kills 200] [--only training|landscape|sweep|reproduce] [--seed 0]

Each run is a real process of `minigrok`, from a script that only makes it write checkpoints more often. It is killed at
moments uniform in the time that an unbroken run takes, imports included, and begun or gone on with again, until it
has ended by itself; then its files are compared with the unbroken run's, byte for byte, and the next run begins. A
kill counts as survived if the run that it hit ended with status 0 and the same bytes.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KILLS_OF_A_RUN = 12            # then it is let go on to its end
END_SECONDS = 600              # longest wait for a run to end
OFTEN = """
import sys
from minigrok import training, walker, wanglandau
from minigrok.cli import main
from minigrok.fast import fused

if __name__ == "__main__":
    training.CHECKPOINT_SECONDS = wanglandau.CHECKPOINT_SECONDS = wanglandau.SECONDS_AHEAD = 0.02
    fused.WORK_AT_ONCE = 2e4                             # so that also compiled epochs are divided
    sys.exit(main(sys.argv[1:]))
"""
GRID = {"task": "moons", "n": 40, "epochs": 20, "hidden": [4, 4], "seeds": 4, "grid": {"lr": [0.1, 0.03, 0.01]}}


class Case(NamedTuple):
    """Something long, and what it leaves."""

    name: str
    begin: Callable[[Path], Sequence[str]]                # words for minigrok, to begin in a folder
    go_on: Callable[[Path], Sequence[str]]                # and to go on with what is there
    results: Callable[[Path], dict[str, bytes]]
    compiled: bool = True      # without numba a process starts in half the time


class Tally(NamedTuple):
    """What became of the kills of one case."""

    name: str
    kills: int
    alike: int                 # kills in runs that ended with the bytes of the unbroken one
    runs: int
    problems: list[str]


def files(*patterns: str) -> Callable[[Path], dict[str, bytes]]:
    """The contents of the files of a run's folder that match."""
    return lambda folder: {
        str(path.relative_to(folder / "run")): path.read_bytes()
        for pattern in patterns for path in sorted((folder / "run").glob(pattern))}


def in_a_folder(name: str, words: str, *patterns: str, compiled: bool = True) -> Case:
    """A command with --out and --resume."""
    command, *options = words.split()
    return Case(name, lambda folder: [command, *options, "--out", str(folder / "run")],
                lambda folder: [command, "--resume", str(folder / "run")], files(*patterns), compiled)


def sweep(folder: Path) -> list[str]:
    """A sweep goes on as it began."""
    (folder / "grid.json").write_text(json.dumps(GRID))
    return ["sweep", str(folder / "grid.json"), "--db", str(folder / "runs.db"), "--workers", "2"]


def table_of_runs(folder: Path) -> dict[str, bytes]:
    """What `minigrok results --csv` says."""
    told = start(["results", str(folder / "runs.db"), "--csv", "-"], False)
    out, err = told.communicate(timeout=END_SECONDS)
    return {"results --csv": out if told.returncode == 0 else err}


TRAINED = ("history.npz", "history.csv", "net.npz", "checkpoint.npz")
CASES = {
    "training": (
        in_a_folder("training", "train moons --n 800 --batch-size 2 --epochs 12 --record-every 3 --hidden 5,4 "
                    "--optimizer adamw", *TRAINED, compiled=False),
        in_a_folder("training, compiled", "train moons --n 6000 --batch-size 2 --epochs 40 --record-every 3",
                    *TRAINED)),
    "landscape": (
        in_a_folder("landscape", "landscape --task moons --inputs 40 --hidden 3 --bins 12 --walkers 2 --steps 150000 "
                    "--workers 1", "landscape.npz", "landscape.csv", "checkpoint.npz"),),
    "sweep": (Case("sweep, 2 workers", sweep, sweep, table_of_runs, False),),
    "reproduce": (
        in_a_folder("reproduce", "reproduce --quick --only classifier", "results.json", "results.csv", "readings/*",
                    "histories/*"),),
}


def start(words: Sequence[str], compiled: bool) -> "subprocess.Popen[bytes]":
    """`minigrok` with these words, which writes checkpoints often."""
    environment = {"PYTHONPATH": str(ROOT)} | ({} if compiled else {"MINIGROK_NO_JIT": "1"})
    return subprocess.Popen([sys.executable, "-c", OFTEN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=os.environ | environment)


def ended(words: Sequence[str], compiled: bool) -> str:
    """Run to the end; what went wrong, "" if nothing."""
    process = start(words, compiled)
    _, err = process.communicate(timeout=END_SECONDS)
    return "" if process.returncode == 0 else f"status {process.returncode}: {err.decode()[-400:]}"


def words_now(case: Case, folder: Path) -> Sequence[str]:
    """To go on if there is something to go on with; before the settings are written, nothing has begun."""
    return case.go_on(folder) if (folder / "run" / "settings.json").exists() else case.begin(folder)


def killed_and_resumed(case: Case, kills: int, folder: Path, rng: random.Random, seconds: float) -> tuple[int, str]:
    """One run that is killed so often at most, and ends; how often it was, and what went wrong."""
    for kill in range(kills):
        process = start(words_now(case, folder), case.compiled)
        try:
            _, err = process.communicate(timeout=rng.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            continue
        return kill, "" if process.returncode == 0 else f"status {process.returncode}: {err.decode()[-400:]}"
    return kills, ended(words_now(case, folder), case.compiled)


def tally(case: Case, kills: int, seed: int, told: Callable[[str], None] = lambda words: None) -> Tally:
    """Kill and resume one case until there are so many kills."""
    rng = random.Random(f"{seed} {case.name}")
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        for _ in range(1 + case.compiled):               # the first may compile
            whole = whole.with_name(f"{whole.name}-")
            whole.mkdir()
            began = time.monotonic()
            problem = ended(case.begin(whole), case.compiled)
            seconds = time.monotonic() - began
            if problem:
                return Tally(case.name, 0, 0, 0, [f"the unbroken run: {problem}"])
        expected = case.results(whole)
        done = alike = runs = 0
        problems = []
        while done < kills:
            folder = Path(place) / f"run-{runs}"
            folder.mkdir()
            count, problem = killed_and_resumed(case, min(KILLS_OF_A_RUN, kills - done), folder, rng, seconds)
            found = {} if problem else case.results(folder)
            differing = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
            if problem or differing:
                problems.append(problem or f"differs in {', '.join(sorted(differing))}")
            else:
                alike += count
            done, runs = done + count, runs + 1
            told(f"{case.name}: {seconds:.1f} s unbroken; {done} kills in {runs} runs, {alike} resumed alike")
    return Tally(case.name, done, alike, runs, problems)


def tallies(
    kills: int, kinds: Sequence[str], seed: int, told: Callable[[str], None] = lambda words: None
) -> list[Tally]:
    """Every case of these kinds, the kills of a kind shared among its cases."""
    found = []
    for kind in kinds:
        cases = CASES[kind]
        for number, case in enumerate(cases):
            share = kills // len(cases) + (number < kills % len(cases))
            found.append(tally(case, share, seed, told))
    return found


def main() -> int:
    """Print the table; 1 if anything differs."""
    parser = argparse.ArgumentParser(description="SIGKILL at random moments, resume, compare byte for byte.")
    parser.add_argument("--kills", type=int, default=200, help="of each kind (default: 200)")
    parser.add_argument("--only", choices=CASES, action="append", help="one kind; may be given again")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    settings = parser.parse_args()
    found = tallies(settings.kills, settings.only or list(CASES), settings.seed,
                    lambda words: print(words, file=sys.stderr, flush=True))
    print(f"{'what':<22}{'kills':>8}{'runs':>8}{'resumed alike':>16}")
    for name, kills, alike, runs, problems in found:
        print(f"{name:<22}{kills:>8}{runs:>8}{alike:>16}")
        for problem in problems:
            print(f"  {problem}")
    return int(any(each.problems or each.alike < each.kills for each in found))


if __name__ == "__main__":
    sys.exit(main())
