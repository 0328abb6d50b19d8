import os
import subprocess
import sys
from pathlib import Path

import pytest

from minigrok import cli
from minigrok.cli.options import output_folder
from minigrok.jit import JIT_ENABLED

ROOT = Path(__file__).parent.parent


def minigrok(*words, cwd, **environment):
    return subprocess.run([sys.executable, "-m", "minigrok", *words], capture_output=True, text=True, check=False,
                          cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT), **environment})


def test_help_names_every_command(tmp_path):
    run = minigrok("--help", cwd=tmp_path)
    assert run.returncode == 0
    assert all(name in run.stdout for name in cli.COMMANDS)


def test_help_imports_nothing_heavy(tmp_path):
    code = ("import sys; from minigrok.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
            "print([m for m in ('numpy', 'scipy', 'numba', 'matplotlib') if m in sys.modules])")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                         env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("words", "message"), [
    ([], "required"),
    (["reproduse"], "invalid choice"),
    (["reproduce", "--seed", "x"], "whole number"),
    (["reproduce", "--workers", "0"], "1 or more"),
    (["reproduce", "--only", "groking"], "invalid choice"),
    (["reproduce", "--quick", "--full"], "not allowed"),
    (["reproduce", "--out", "full"], "not empty"),
    (["reproduce", "--out", "full/file/deeper"], "full/file"),
])
def test_wrong_usage_exits_2_with_the_reason_and_no_traceback(words, message, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    run = minigrok(*words, cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


@pytest.mark.skipif(not JIT_ENABLED, reason="long")
def test_one_experiment_runs_as_a_program(tmp_path):
    run = minigrok("reproduce", "--quick", "--only", "classifier", "--seed", "3", "--out", "here", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout.startswith("claim")
    assert "C11" in run.stdout
    assert (tmp_path / "here" / "report.html").exists()
    assert "3," in (tmp_path / "here" / "results.json").read_text()


def test_an_interrupt_exits_130(monkeypatch, tmp_path, capsys):
    from minigrok.study import reproduce

    def interrupted(*words, **settings):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "reproduce", interrupted)
    assert cli.main(["reproduce", "--quick"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_failed_experiment_exits_1(monkeypatch, tmp_path, capsys):
    from minigrok.study import reproduce
    from minigrok.study.ledger import Ledger

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "reproduce", lambda *words, **settings: Ledger((), {}, {"grokking": "made up"}))
    assert cli.main(["reproduce", "--quick"]) == 1
    assert "FAILED: grokking: made up" in capsys.readouterr().out


def test_folders_are_numbered_and_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [output_folder(None, "minigrok-results").name for _ in range(2)] == [
        "minigrok-results-1", "minigrok-results-2"]
    (tmp_path / "full").mkdir()
    assert output_folder(Path("full"), "minigrok-results").name == "full"
    (tmp_path / "full" / "file").touch()
    for name in ("full", "full/file"):
        with pytest.raises(FileExistsError, match="not empty"):
            output_folder(Path(name), "minigrok-results")
