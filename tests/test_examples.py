"""The worked examples on networks of other frameworks, each run as a user does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# file, framework, stem of the figure, pattern of a row of its tables, how many rows
EXAMPLES = [
    # four epochs of three layers, once from Python and once from the command line
    ("measure_a_pytorch_network", "torch", "curve", r"^( *\d+  |epoch_\d+\.npz:)(conv|dense_[12]) ", 24),
    # five epochs in four conventions
    ("measure_sklearn_digits", "sklearn", "digits", r"^epoch \d+ .* (trace|rows|centered|centered_rows) ", 20),
]


@pytest.mark.skipif("MINIGROK_NO_JIT" in os.environ, reason="long")
@pytest.mark.parametrize(("name", "framework", "stem", "row", "count"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_an_example_prints_its_table_and_draws_its_figure(name, framework, stem, row, count, tmp_path):
    pytest.importorskip(framework)
    run = subprocess.run(
        [sys.executable, str(ROOT / "tutorials" / f"{name}.py"), str(tmp_path / "out")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"})
    assert run.returncode == 0, run.stderr
    assert len(re.findall(row, run.stdout, re.MULTILINE)) == count
    for ending in ("png", "pdf"):
        assert (tmp_path / "out" / f"{stem}.{ending}").stat().st_size > 10_000


@pytest.mark.parametrize(("name", "framework"), [(e[0], e[1]) for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_without_its_framework_an_example_says_what_to_install(name, framework, tmp_path):
    (tmp_path / f"{framework}.py").write_text("raise ImportError('not here')\n")     # hides an installed one
    run = subprocess.run(
        [sys.executable, str(ROOT / "tutorials" / f"{name}.py")], capture_output=True, text=True, check=False,
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "MPLBACKEND": "agg"})
    assert run.returncode == 1
    assert re.fullmatch(r"this example needs [\w-]+: pip install [\w-]+\n", run.stderr)
