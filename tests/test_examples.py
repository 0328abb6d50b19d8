"""The worked examples on networks of other frameworks, each run as a user does."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minigrok.jit import JIT_ENABLED

ROOT = Path(__file__).parent.parent

# file, framework, stem of the figure, pattern of a row of its tables, how many rows
EXAMPLES = [
    # four epochs of three layers, once from Python and once from the command line
    ("measure_a_pytorch_network", "torch", "curve", r"^( *\d+  |epoch_\d+\.npz:)(conv|dense_[12]) ", 24),
    # five epochs in four conventions
    ("measure_sklearn_digits", "sklearn", "digits", r"^epoch \d+ .* (trace|rows|centered|centered_rows) ", 20),
]


@pytest.mark.skipif(not JIT_ENABLED, reason="long")
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


@pytest.mark.skipif(not JIT_ENABLED, reason="long")
def test_a_system_of_ones_own_takes_under_thirty_lines_and_finds_the_exact_answer(tmp_path):
    path = ROOT / "tutorials" / "a_system_of_your_own.py"
    tree = ast.parse(path.read_text())
    parts = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    for node in [inner for part in parts for inner in ast.walk(part)]:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    assert sum(len(ast.unparse(part).splitlines()) for part in parts) < 30
    run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False, cwd=tmp_path,
                         env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert run.returncode == 0, run.stderr
    rows = [[float(x) for x in re.findall(r"-?[\d.]*\d", line)] for line in run.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == list(range(0, 25, 2))
    for _, log_g, low, high, exact, ones in rows:
        assert abs(log_g - exact) <= 3 * (high - low) / 2 + 1e-3         # seven standard errors, and the rounding
        assert abs(ones - 0.5) < 0.05
