"""The same verdicts on every Python and on the oldest and newest packages: each in a fresh virtual environment.

    python bench/environments.py [--python PATH ...] [--alone]

Every Python named (by default each of python3.11 to python3.14 that is on the PATH) runs `minigrok reproduce --quick`
with the newest packages; the one that runs this script runs it with the oldest that setup.cfg admits as well, and,
without numba, the lessons instead of the study; unless it is told to leave the Pythons `--alone`. Whether tests of the
textbook and of runs pass is said beside the verdicts; so is a digest of `results.json`: the same bytes have the same,
and other versions of NumPy and SciPy need not give them. A Python that is not there is named.
"""

import argparse
import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TESTS = ["tests/test_density.py", "tests/test_metrics.py", "tests/test_kernels.py", "tests/test_mlp.py",
         "tests/test_optimizers.py", "tests/test_training.py", "tests/test_walk.py", "tests/test_checkpoint.py",
         "tests/runs"]
REPORT = """
import platform, sys
from importlib.metadata import version
names = [name for name in ("numpy", "scipy", "numba", "matplotlib", "tqdm")]
def found(name):
    try:
        return version(name)
    except Exception:
        return "none"
print(platform.python_version(), *(f"{name} {found(name)}" for name in names), sep=", ")
"""


class Place(NamedTuple):
    """One environment."""

    name: str
    python: str
    pins: list[str]
    absent: str = ""           # a package that is taken away again; then the lessons run instead of the study


class Found(NamedTuple):
    """What it gave."""

    place: Place
    versions: str
    verdicts: dict[str, str]
    digest: str                # of results.json without the versions in it
    tests: str


def oldest() -> list[str]:
    """The packages of setup.cfg, each at its lower bound."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return [re.sub(r"\s*>=\s*([\d.]+).*", r"==\1.*", line)
            for line in settings["options"]["install_requires"].split("\n") if line.strip()]


def tried(place: Place) -> Found:
    """Make the environment, run the study in its quick form and the tests in it."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        python = work / "venv" / "bin" / "python"
        called([place.python, "-m", "venv", work / "venv"])
        called([python, "-m", "pip", "install", "-q", f"{ROOT}[test]", *place.pins])
        if place.absent:
            called([python, "-m", "pip", "uninstall", "-q", "-y", place.absent])
        versions = called([python, "-c", REPORT]).strip()
        verdicts, digest = ({}, "none") if place.absent else studied(python, work)
        for part in ("tests", "setup.cfg", "tutorials", "bench"):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, work / part)
        lessons = ["tests/test_tutorials.py", "-k", "not test_tutorials or lesson_runs"] if place.absent else []
        tests = subprocess.run([python, "-m", "pytest", "-q", "--hypothesis-profile=quick", *TESTS, *lessons], cwd=work,
                               capture_output=True, text=True, check=False)
        return Found(place, versions, verdicts, digest, tests.stdout.strip().splitlines()[-1])


def studied(python: Path, work: Path) -> tuple[dict[str, str], str]:
    """The verdicts of the study in its quick form, and the digest of all its results."""
    called([python, "-m", "minigrok", "reproduce", "--quick", "--out", work / "out"], work)
    results = json.loads((work / "out" / "results.json").read_text())
    results["settings"].pop("versions")
    digest = hashlib.sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()[:12]
    return {each["id"]: each["verdict"] for each in results["claims"]}, digest


def called(command: list[object], cwd: Path | None = None) -> str:
    """What a command prints; RuntimeError with its last words if it fails."""
    run = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False,
                         env=os.environ | {"MPLBACKEND": "agg"})
    if run.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {run.stderr[-1500:]}")
    return run.stdout


def main() -> int:
    """Print a row an environment; 1 if a verdict differs or a test fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", metavar="PATH", help="may be given again")
    parser.add_argument("--alone", action="store_true", help="neither the oldest packages nor without numba")
    settings = parser.parse_args()
    pythons = settings.python or [found for name in VERSIONS if (found := shutil.which(f"python{name}"))]
    places = [Place(Path(python).name, python, []) for python in pythons]
    if not settings.alone:
        places += [Place("oldest packages", sys.executable, oldest()),
                   Place("without numba", sys.executable, [], "numba")]
    results, worst = [], 0
    for place in places:
        try:
            found = tried(place)
        except RuntimeError as problem:
            print(f"{place.name}: {problem}", flush=True)
            worst = 1
            continue
        if place.absent:
            print(f"{place.name}: {found.versions}\n  lessons among the tests; the study takes hours\n  {found.tests}",
                  flush=True)
            worst |= "failed" in found.tests or "error" in found.tests
            continue
        results.append(found)
        other = {name for name, verdict in found.verdicts.items() if verdict != results[0].verdicts.get(name)}
        print(f"{place.name}: {found.versions}\n  {len(found.verdicts)} verdicts, "
              f"{'all as in the first' if not other else f'other ones: {sorted(other)}'}; bytes {found.digest}\n"
              f"  {found.tests}", flush=True)
        worst |= bool(other) or "failed" in found.tests or "error" in found.tests
    ran = {found.versions[:4] for found in results}
    print("not run:", ", ".join(version for version in VERSIONS if version not in ran) or "none of 3.11 to 3.14")
    return worst


if __name__ == "__main__":
    sys.exit(main())
