"""The same bytes again? Each command of minigrok in other surroundings, compared file by file with a first run.

    python bench/reproducibility.py [--each] [--only COMMAND ...] [--without-study | --only-study]

One process for each surroundings runs all commands, each in a folder of its own: first as the first line of the table
says, then again, with other numbers of workers, in another folder, locale, time zone and terminal, with other seeds of
Python's hashes, another umask, without assertions and docstrings, with other numbers of BLAS threads; several of these
together, or with --each one by one, which takes three times as long. `reproduce --quick` runs twice. All files that a
command leaves and all that it prints on stdout are compared by their SHA-256. What holds times is named in TIMES and
left out: `times.json`, and the database of a sweep, which is compared by what `minigrok results --csv` and `--json`
say of it. Locales are made for the run by `localedef`; those that cannot be made are named. The last line of the table
is no promise: it imitates another processor.

The exit status is 1 if a line but the last says "other".
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench" / "kept"
STUDY = "reproduce"
TIMES = ("times.json", "runs.db")
LOCALES = ("de_DE.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1")
GRID = {"task": "moons", "n": 80, "epochs": 20, "hidden": [4, 4], "seeds": 2, "grid": {"lr": [0.1, 0.03]}}
SECONDS = 3600                 # longest wait for a process
LESSON = "tutorials/lesson_1_a_layer_as_a_state.py"
DRIVER = """
import json, os, runpy, sys
from pathlib import Path
from minigrok.cli import main

if __name__ == "__main__":
    place = Path.cwd()
    for name, commands in json.loads(sys.argv[1]).items():
        os.chdir(place / name)
        for number, words in enumerate(commands):
            sys.stdout.flush()
            os.dup2(os.open(f"stdout-{number}", os.O_WRONLY | os.O_CREAT), 1)
            try:
                status = main(words) if words[0][-3:] != ".py" else runpy.run_path(words[0], run_name="__main__") and 0
            except BaseException as problem:
                status = repr(problem)
            if status:
                Path("failed").write_text(f"{words[0]}: {status}")
    sys.stdout.flush()
"""


class Surroundings(NamedTuple):
    """What is other than in the first run."""

    name: str
    environment: Mapping[str, str] = MappingProxyType({})
    workers: int = 1
    flags: tuple[str, ...] = ()        # of Python
    folder: str = "run"
    umask: int = 0o022
    study: bool = False                # whether `reproduce`, which takes a minute or two, runs in it, too
    promised: bool = True


NO_UTF8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
NARROW, ASCII = {"COLUMNS": "40", "LINES": "10"}, {"PYTHONIOENCODING": "ascii"}
FIRST = Surroundings("first: 1 worker, LC_ALL=C.UTF-8, TZ=UTC, PYTHONHASHSEED=0", study=True)
TOGETHER = (                           # where such a row is the same, each of its surroundings is harmless
    Surroundings("again; folder with spaces and accents, random hash seed, umask 077", {"PYTHONHASHSEED": "random"},
                 folder="ein anderer Ordner/çà et là", umask=0o077),
    Surroundings("2 workers, tr_TR.UTF-8, Asia/Kathmandu, hash seed 1, COLUMNS=40", {
        "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1", **NARROW}, 2),
    Surroundings("4 workers, LC_ALL=C, no UTF-8 mode, Pacific/Apia, random, -OO", {
        **NO_UTF8, "TZ": "Pacific/Apia", "PYTHONHASHSEED": "random", **NARROW}, 4, ("-OO",), "là", 0o077, True),
    Surroundings("de_DE.UTF-8, python -O, OPENBLAS_NUM_THREADS=1, stdout in ASCII", {
        "LC_ALL": "de_DE.UTF-8", "PYTHONUTF8": "0", "OPENBLAS_NUM_THREADS": "1", **ASCII}, flags=("-O",)),
    Surroundings("de_DE.ISO-8859-1, python -OO, OPENBLAS_NUM_THREADS=2", {
        "LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0", "OPENBLAS_NUM_THREADS": "2"}, flags=("-OO",)),
)
EACH = (
    Surroundings("again"), Surroundings("2 workers", workers=2), Surroundings("4 workers", workers=4),
    Surroundings("another folder, with spaces and accents", folder="ein anderer Ordner/çà et là"),
    Surroundings("LC_ALL=C, and no UTF-8 mode", NO_UTF8),
    *(Surroundings(f"LC_ALL={name}", {"LC_ALL": name, "PYTHONUTF8": "0"}) for name in LOCALES),
    *(Surroundings(f"TZ={zone}", {"TZ": zone}) for zone in ("Asia/Kathmandu", "Pacific/Apia")),
    *(Surroundings(f"PYTHONHASHSEED={seed}", {"PYTHONHASHSEED": seed}) for seed in ("1", "random")),
    Surroundings("umask 077", umask=0o077),
    Surroundings("COLUMNS=40", NARROW), Surroundings("stdout in ASCII", ASCII),
    Surroundings("python -O", flags=("-O",)), Surroundings("python -OO", flags=("-OO",)),
    *(Surroundings(f"OPENBLAS_NUM_THREADS={n}", {"OPENBLAS_NUM_THREADS": n}) for n in ("1", "2")),
)
ELSEWHERE = Surroundings("another processor, imitated (not promised)", {
    "OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL "
    "AVX512_ICL AVX512_SPR"}, promised=False)

COMMANDS: dict[str, tuple[str, ...]] = {     # W: the number of workers
    "train": ("train moons --n 200 --epochs 20 --out run",),
    "modular": ("train modular --modulus 13 --epochs 100 --hidden 24 --out run",),
    "seeds": ("train moons --n 100 --epochs 10 --seeds 5 --workers W --out run",),
    "landscape": ("landscape --inputs 40 --hidden 4 --bins 8 --steps 5000 --out run --workers W",),
    "sweep": ("sweep grid.json --db runs.db --workers W", "results runs.db --csv -",
              "results runs.db --json --figure picture --along lr"),
    "measure": ("measure A.npy --labels y.npy --conventions trace,centered --resamples 100 --json --figure picture",
                "measure --together A.npy B.npy --workers W"),
    "lesson 1": (str(ROOT / LESSON),),
    STUDY: ("reproduce --quick --out run --workers W",),
}


def write_inputs(folder: Path) -> set[str]:
    """What the commands read; returns the names of the files."""
    rng = np.random.default_rng(0)
    spread = 0.95 ** np.arange(60)
    np.save(folder / "A.npy", rng.normal(size=(2000, 60)) * spread)
    np.save(folder / "B.npy", rng.normal(size=(500, 60)) * spread)
    np.save(folder / "y.npy", rng.integers(0, 3, 2000))
    (folder / "grid.json").write_text(json.dumps(GRID))
    return {path.name for path in folder.iterdir()}


def digests(commands: Sequence[str], around: Surroundings, place: Path, locales: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of each file that each command leaves, and of what it prints, by name; "failed" is one of the names."""
    folder = place / around.folder
    words, given = {}, set()
    for name in commands:
        (folder / name).mkdir(parents=True)
        given = write_inputs(folder / name)
        lines = [line.replace("--workers W", f"--workers {around.workers}") for line in COMMANDS[name]]
        words[name] = [[line] if line.endswith(".py") else line.split() for line in lines]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME") if name in os.environ}
    environment = kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT),
                          "MPLBACKEND": "agg", "LOCPATH": str(locales), **around.environment}
    run = subprocess.run([sys.executable, *around.flags, "-c", DRIVER, json.dumps(words)], cwd=folder, env=environment,
                         stderr=subprocess.PIPE, umask=around.umask, timeout=SECONDS)
    found = {}
    for name in commands:
        files = {str(path.relative_to(folder / name)): path.read_bytes() for path in (folder / name).rglob("*")
                 if path.is_file() and path.name not in {*TIMES, *given}}
        if run.returncode or "failed" in files:
            files.setdefault("failed", b"the process ended")
            print(name, files["failed"].decode(), run.stderr.decode(errors="replace")[-800:], file=sys.stderr)
        found[name] = {name: hashlib.sha256(contents).hexdigest() for name, contents in files.items()}
    return found


def made_locales(folder: Path) -> set[str]:
    """The locales of LOCALES that `localedef` can make, in this folder."""
    made = set()
    for name in LOCALES:
        language, _, encoding = name.partition(".")
        try:
            subprocess.run(["localedef", "-i", language, "-f", encoding, str(folder / name)], capture_output=True)
        except FileNotFoundError:
            return made
        made |= {name} if (folder / name).is_dir() else set()
    return made


def differing(first: dict[str, str], other: dict[str, str]) -> list[str]:
    """Names of files that differ or are in one only."""
    return sorted(name for name in first.keys() | other.keys() if first.get(name) != other.get(name))


def table(commands: Sequence[str], rows: Sequence[Surroundings], say: Callable[[str], None]) -> bool:
    """Say a row for each surroundings, and the files that differ; whether all that is promised is the same."""
    good, notes, first = True, [], {}
    say(f"{'':70}" + "".join(f"{name:>11}" for name in commands))
    with tempfile.TemporaryDirectory() as locales:
        made = made_locales(Path(locales))
        for around in rows:
            locale = around.environment.get("LC_ALL", "C")
            if locale in LOCALES and locale not in made:
                say(f"{around.name:70}not installed, and localedef cannot make it")
                continue
            with tempfile.TemporaryDirectory() as place:
                found = digests(commands, around, Path(place), Path(locales))
            first = first or found
            row = ""
            for name in commands:
                files = differing(first[name], found[name]) + ["failed"] * ("failed" in found[name])
                good &= not (files and around.promised)
                row += f"{'other' if files else f'{len(found[name])} files' if around is FIRST else 'same':>11}"
                notes += [f"  {around.name}: {name}: {', '.join(files)}"] if files else []
            say(f"{around.name:70}{row}")
    say("\nwhat differs:\n" + "\n".join(notes) if notes else "\nnothing differs")
    return good


def kept_table(commands: Sequence[str], rows: Sequence[Surroundings], kept: Path | None) -> bool:
    """Print a table, and keep it; whether all that is promised is the same."""
    lines = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line.rstrip())

    say(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores\n")
    good = table(commands, rows, say)
    if kept:
        kept.write_text("\n".join(lines) + "\n")
    return good


def main() -> int:
    """Print the table of the short commands and that of the study, and keep both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", action="store_true", help="one surrounding a row, not several together: 20 rows")
    parser.add_argument("--only", action="append", choices=COMMANDS, help="may be given again; nothing is kept")
    parser.add_argument("--without-study", action="store_true", help="leave out reproduce --quick")
    parser.add_argument("--only-study", action="store_true", help="nothing but reproduce --quick")
    settings = parser.parse_args()
    rows = (FIRST, *(EACH if settings.each else TOGETHER), ELSEWHERE)
    if settings.only:
        return 0 if kept_table(settings.only, rows, None) else 1
    good = True
    if not settings.only_study:
        good &= kept_table([name for name in COMMANDS if name != STUDY], rows, KEPT / "reproducibility.txt")
    if not settings.without_study:
        rows = [around for around in (FIRST, *TOGETHER) if around.study]
        good &= kept_table([STUDY], rows, KEPT / "reproducibility_study.txt")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
