"""A disk that is full or only to be read, at any moment: a clear last line, status 1 or 2, and nothing lost."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faulty import Disk, faulty, full

from minigrok import cli
from minigrok.cli import landscape_system
from minigrok.jit import JIT_ENABLED
from minigrok.plots import new_figure
from minigrok.runs.store import RunStore
from minigrok.runs.sweep import sweep

ROOT = Path(__file__).parent.parent
TRAIN = ["train", "moons", "--n", "40", "--epochs", "3", "--hidden", "3,3", "--batch-size", "8"]
LANDSCAPE = ["landscape", "--inputs", "20", "--hidden", "2", "--bins", "5", "--walkers", "2", "--steps", "30000",
             "--range", "0", "0.6"]
GRID = '{"task": "moons", "n": 40, "epochs": 2, "hidden": [3, 3], "seeds": 60}'
RESULTS = {"train": ("history.npz", "history.csv", "net.npz"), "landscape": ("landscape.npz", "landscape.csv")}
SHOWN = 12                     # calls that are made to fail, spread over all


def read_only():
    """What a folder says that may only be read."""
    raise PermissionError(13, "Permission denied")


def contents(folder, command):
    return [(folder / name).read_bytes() for name in RESULTS[command]]


@pytest.mark.parametrize(("words", "deed"), [
    (TRAIN, full), (TRAIN, read_only),
    pytest.param(LANDSCAPE, full, marks=pytest.mark.skipif(not JIT_ENABLED, reason="long"))])
def test_a_disk_that_fails_at_any_call_costs_no_result(words, deed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigrok.training.CHECKPOINT_SECONDS", -1.0)        # one after each step
    monkeypatch.setattr("minigrok.wanglandau.CHECKPOINT_SECONDS", 1e9)               # always as many
    monkeypatch.setitem(landscape_system.DRAWS, landscape_system.CHECK, 2000)
    for drawn in ("minigrok.plots.training_figure", "minigrok.landscape_plots.landscape_figure"):
        monkeypatch.setattr(drawn, lambda *words: new_figure(1, 1))
    monkeypatch.setattr("minigrok.plots.save_figure", lambda *words: None)
    with faulty(Disk(tmp_path), monkeypatch) as disk:
        assert cli.main([*words, "--out", "whole"]) == 0
    expected = contents(tmp_path / "whole", words[0])
    for at in range(0, len(disk.calls), max(1, len(disk.calls) // SHOWN)):
        out = tmp_path / str(at)
        capsys.readouterr()
        with faulty(Disk(tmp_path, at, deed), monkeypatch):
            assert cli.main([*words, "--out", out.name]) in (1, 2), at
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("minigrok: ")
        assert ("No space left" if deed is full else "Permission denied") in last
        resumed = (out / "settings.json").exists()
        assert (f"go on with: minigrok {words[0]} --resume {at}" in last) == resumed
        again = [words[0], "--resume", out.name] if resumed else [*words, "--out", out.name]
        assert cli.main(again) == 0
        assert contents(out, words[0]) == expected


def minigrok(*words, cwd, limit=None):
    """In a process of its own that may write files of so many bytes at most."""
    code = "import sys; from minigrok.cli import main; sys.exit(main(sys.argv[1:]))"
    if limit is not None:
        code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); {code}"
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, cwd=cwd,
                         env=os.environ | {"PYTHONPATH": str(ROOT), "MINIGROK_NO_JIT": "1"})
    assert "Traceback" not in run.stderr
    return run.returncode, run.stdout, run.stderr.splitlines()[-1] if run.stderr else ""


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_sweep_whose_disk_is_full_goes_on_where_it_was(tmp_path):
    (tmp_path / "grid.json").write_text(GRID)
    words = ["sweep", "grid.json", "--workers", "1", "--db"]
    status, _, last = minigrok(*words, "runs.db", cwd=tmp_path, limit=50_000)
    assert status == 1
    assert last.startswith("minigrok: OSError: runs.db: ")
    assert last.endswith("; what was stored before is kept; go on with: minigrok sweep grid.json --db runs.db")
    status, out, _ = minigrok(*words, "runs.db", "--json", cwd=tmp_path)
    assert status == 0
    assert '"runs": 60' in out
    assert '"before": 0' not in out
    with ThreadPoolExecutor(1) as thread:
        sweep(tmp_path / "grid.json", thread, tmp_path / "whole.db", 1)
    runs, whole = RunStore(tmp_path / "runs.db"), RunStore(tmp_path / "whole.db")
    assert list(runs) == list(whole)
    assert len(runs) == 60


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_file_that_may_not_grow_ends_a_training_run_with_the_reason(tmp_path):
    status, _, last = minigrok(*TRAIN, "--out", "run", cwd=tmp_path, limit=3_000)
    assert status == 1
    assert "File too large" in last
    assert last.endswith("go on with: minigrok train --resume run")
    assert minigrok("train", "--resume", "run", cwd=tmp_path)[0] == 0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("words", [TRAIN, LANDSCAPE, ["sweep", "grid.json", "--db"]], ids=lambda words: words[0])
def test_a_folder_that_may_only_be_read_is_refused(words, tmp_path):
    (tmp_path / "grid.json").write_text(GRID)
    tmp_path.chmod(0o555)
    try:
        status, _, last = minigrok(*words, "run" if words[0] == "sweep" else "--out=run", cwd=tmp_path)
    finally:
        tmp_path.chmod(0o755)
    assert status in (1, 2)
    assert last.startswith("minigrok: ")
    assert "run" in last
    assert [path.name for path in tmp_path.iterdir()] == ["grid.json"]


def test_a_clock_that_goes_backwards_does_no_harm(tmp_path, monkeypatch, capsys):
    """The time of day is not asked for; and the clock that cannot go backwards decides over no result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigrok.plots.save_figure", lambda *words: None)
    assert cli.main([*TRAIN, "--out", "whole"]) == 0
    now = iter(range(10**9, 0, -1000))
    monkeypatch.setattr("time.time", lambda: float(next(now)))
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    assert cli.main([*TRAIN, "--out", "back"]) == 0
    assert contents(tmp_path / "back", "train") == contents(tmp_path / "whole", "train")


def test_no_module_asks_for_the_time_of_day():
    for path in (ROOT / "minigrok").rglob("*.py"):
        text = path.read_text()
        assert "time.time(" not in text, path.name
        assert "datetime.now" not in text, path.name
