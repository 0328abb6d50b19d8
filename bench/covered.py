"""Lines and branches of the package that the tests reach with the JIT off, and which they do not.

    python bench/covered.py [--workers 2] [--keep FOLDER]

coverage.py cannot see into compiled code, so each file of tests runs with MINIGROK_NO_JIT=1, in a process of its own.
Those of WITH_JIT run with the JIT as well, since they hold what only a compiled run does: what is built around the
machine code of fused epochs, and the whole study. Python 3.14 is several times as fast at this as 3.13, which cannot
watch branches without tracing every line. `pip install -e '.[test,cluster,docs,trust]'`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = ["minigrok", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))]
WITH_JIT = ["tests/test_jit.py", "tests/test_keeping.py", "tests/test_ensemble.py", "tests/fast/test_fused.py",
            "tests/fast/test_epochs.py", "tests/fast/test_tall.py", "tests/fast/test_products.py",
            "tests/study/test_reproduce.py"]
LEFT_OUT = {
    "tests/test_disk.py": "fills a disk, on which coverage.py then has no room for its own file",
    "tests/test_tutorials.py": "runs the lessons, which need the public face alone; hours without the JIT",
    "tests/study/test_reproduce.py": "runs the study; hours without the JIT",
}


def run(place: str, jit: bool, data: Path) -> str:
    """One file of tests under coverage; its last line."""
    environment = os.environ | {"MINIGROK_NO_JIT": "0" if jit else "1", "MPLBACKEND": "agg", "CI": "true",
                                "OPENBLAS_NUM_THREADS": "1", "COVERAGE_FILE": str(data / "data")}
    profile = [] if place == "minigrok" else ["--hypothesis-profile=quick"]
    result = subprocess.run(
        [sys.executable, "-m", "coverage", "run", "--rcfile=setup.cfg", "-m", "pytest", "-q", *profile, place],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return f"{place}{', compiled' if jit else ''}: {(result.stdout.strip().splitlines() or ['no output'])[-1]}"


def main() -> None:
    """Run all, then the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, help="where coverage.py's files go")
    settings = parser.parse_args()
    data = (settings.keep or Path(tempfile.mkdtemp())).resolve()
    data.mkdir(parents=True, exist_ok=True)
    jobs = [(place, True) for place in WITH_JIT] + [(place, False) for place in PLACES if place not in LEFT_OUT]
    with ThreadPoolExecutor(settings.workers) as threads:
        for line in threads.map(lambda job: run(*job, data), jobs):
            print(line, file=sys.stderr, flush=True)
    coverage = [sys.executable, "-m", "coverage"]
    environment = os.environ | {"COVERAGE_FILE": str(data / "data")}
    subprocess.run([*coverage, "combine", "--rcfile=setup.cfg", "--quiet", data], cwd=ROOT, env=environment, check=True)
    for place, reason in LEFT_OUT.items():
        print(f"not run with the JIT off: {place} {reason}")
    subprocess.run([*coverage, "report", "--rcfile=setup.cfg", "--show-missing", "--skip-covered", "--precision=1",
                    "--ignore-errors", "--include=minigrok/*"], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
