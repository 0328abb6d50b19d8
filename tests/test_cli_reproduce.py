"""`minigrok reproduce`: what it asks of the study, that it goes on, and what it refuses; the study itself is a fake."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from minigrok import cli
from minigrok.cli import reproduce as command
from minigrok.cli.options import write_settings
from minigrok.runs.jobs import Job, Outcome, run_jobs
from minigrok.study.claims import NOT_REPRODUCED
from minigrok.study.store import Store

ROOT = Path(__file__).parent.parent
ALL = ["classifier", "landscape", "grokking", "interventions"]
EXPERIMENTS_OF = {
    "C1": ("classifier",), "C4c": ("landscape", "classifier"), "C12": ("interventions", "grokking"),
    "R2": ("grokking",)}


class FakeLedger:
    """What the command asks of a Ledger."""

    def __init__(self, refused=0, failures=()):
        self.refused, self.failures = refused, dict(failures)

    def __str__(self):
        return "the ledger"

    def to_json(self):
        return '{"claims": []}\n'

    def counts(self):
        return {NOT_REPRODUCED: self.refused}


class Study:
    """A fake of `reproduce`, which keeps how it was called."""

    def __init__(self):
        self.calls, self.ledger, self.problem = [], FakeLedger(), None

    def reproduce(self, size, experiments, seed, workers, **more):
        self.calls.append({"size": size, "experiments": list(experiments), "seed": seed, "workers": workers} | more)
        if self.problem is not None:
            raise self.problem
        return self.ledger


@pytest.fixture
def study(monkeypatch):
    fake, module = Study(), ModuleType("minigrok.study.reproduce")
    module.reproduce, module.EXPERIMENTS_OF = fake.reproduce, EXPERIMENTS_OF
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake


@pytest.fixture
def run(study, tmp_path, monkeypatch, capsys):
    """Call the command in an empty folder; its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        try:
            status = cli.main(["reproduce", *words])
        except SystemExit as stop:                       # argparse
            status = stop.code
        return status, *capsys.readouterr()

    return call


@pytest.mark.parametrize(("words", "wanted"), [
    ("", {"size": "default", "experiments": ALL, "seed": 0, "claims": ()}),
    ("--quick --seed 3 --workers 2", {"size": "quick", "seed": 3, "workers": 2}),
    ("--full --only interventions", {"size": "full", "experiments": ["interventions"], "claims": ()}),
    ("--claim C12", {"claims": ("C12",), "experiments": ["grokking", "interventions"]}),
    ("--claim R2 --claim C4c --claim R2",
     {"claims": ("R2", "C4c"), "experiments": ["classifier", "landscape", "grokking"]})])
def test_what_is_typed_is_what_is_asked_of_the_study(words, wanted, run, study, tmp_path):
    status, out, err = run(*words.split())
    assert status == 0, err
    call, = study.calls
    assert {name: call[name] for name in wanted} == wanted
    assert call["out"] == Path("minigrok-results-1")
    assert isinstance(call["store"], Store)
    assert call["store"].folder == call["out"] / "runs"
    assert out == "the ledger\n\nreport: minigrok-results-1/report.html\n".replace("/", os.sep)
    assert "results go to minigrok-results-1" in err


def test_json_strict_and_failures(run, study):
    assert run("--json")[:2] == (0, '{"claims": []}\n')
    study.ledger = FakeLedger(refused=1)
    assert [run()[0], run("--strict")[0]] == [0, 1]
    study.ledger = FakeLedger(failures={"grokking": "made up"})
    assert run()[0] == 1


@pytest.mark.parametrize(("words", "message"), [
    ("--claim C21", "claim 'C21' is not known; did you mean"), ("--claim c12", "did you mean 'C12'?"),
    ("--claim", "expected one argument"), ("--claim C1 --only grokking", "not allowed"), ("--only groking", "invalid"),
    ("--quick --full", "not allowed"), ("--seed -1", "0 or more"), ("--workers 0", "1 or more"),
    ("--out full", "not empty"), ("--resume none", "holds no settings.json"),
    ("--resume full", "holds no settings.json"), ("--resume begun --out new", "no place for --out"),
    ("--resume begun --quick", "--resume goes on with the settings that begun was begun with: leave out --quick"),
    ("--resume begun --full --seed 0", "leave out --full, --seed"), ("--resume begun --claim C1", "leave out --claim"),
    ("--resume begun --only grokking", "leave out --only"), ("--resume damaged", "is damaged"),
    ("--resume other", "options that differ: claim"), ("--resume train", "no run of minigrok reproduce"),
    ("--resume edited", "changed by hand"), ("--resume gone", "claim 'C99' is not known")])
def test_wrong_input_exits_2_with_the_reason_and_makes_nothing(words, message, run, study, tmp_path):
    assert run("--out", "begun")[0] == 0
    study.calls.clear()
    kept = json.loads((tmp_path / "begun" / "settings.json").read_text())
    texts = {"full": None, "damaged": "{", "train": json.dumps(kept | {"command": "train"}),
             "other": json.dumps(kept | {"options": {n: v for n, v in kept["options"].items() if n != "claim"}}),
             "edited": json.dumps(kept | {"options": kept["options"] | {"seed": 7}}), "gone": ""}
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ("file" if text is None else "settings.json")).write_text(text or "")
    write_settings(tmp_path / "gone", "reproduce", kept["options"] | {"claim": ["C99"]})
    before = sorted(tmp_path.rglob("*"))
    status, out, err = run(*words.split())
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before
    assert not study.calls


def test_an_interrupted_run_says_how_to_go_on_and_goes_on_with_its_settings(run, study):
    study.problem = KeyboardInterrupt()
    status, out, err = run("--full", "--claim", "C12", "--seed", "5", "--out", "my results")
    assert (status, out) == (130, "")
    assert "minigrok: interrupted; go on with: minigrok reproduce --resume 'my results'" in err
    study.problem = None
    status, out, err = run("--resume", "my results", "--workers", "1", "--json")
    assert (status, out) == (0, '{"claims": []}\n')
    first, second = study.calls
    assert second["workers"] == 1
    assert second["out"] == first["out"] == Path("my results")
    assert second["store"].folder == first["store"].folder
    for name in ("size", "experiments", "seed", "claims"):
        assert first[name] == second[name]
    assert run("--resume", "my results")[0] == 0         # one that is over, too


def test_a_full_disk_exits_1_and_says_how_to_go_on(run, study):
    study.problem = OSError(28, "No space left on device")
    status, _, err = run("--out", "a")
    assert status == 1
    assert "No space left on device; go on with: minigrok reproduce --resume a" in err


def double(setting, seed):
    """A job."""
    return 2 * seed


def test_finished_runs_are_kept_in_the_folder_and_not_run_again(run, study, monkeypatch):
    jobs = [Job("grokking", "double", seed, double, "") for seed in range(3)]
    results = []

    def reproduce(*words, progress, store, **more):
        def stop(outcome, done, total, seconds_left):
            progress(outcome, done, total, seconds_left)
            if done == 2 and not results:
                results.append("stopped")
                raise KeyboardInterrupt

        before = [store.load(job) is not None for job in jobs]
        results.append((before, [outcome.result for outcome in run_jobs(jobs, 1, stop, store)]))
        return FakeLedger()

    monkeypatch.setattr(sys.modules["minigrok.study.reproduce"], "reproduce", reproduce)
    assert run("--out", "a")[0] == 130
    assert len(list(Path("a/runs").iterdir())) == 2
    assert run("--resume", "a")[0] == 0
    assert results == ["stopped", ([True, True, False], [0, 2, 4])]


def test_the_live_line_tells_the_time_left(run, study, monkeypatch):
    told = []

    class Bar:
        def __enter__(self):
            return lambda *words: told.append(words)

        def __exit__(self, *problem):
            return None

    monkeypatch.setattr(command, "progress_bar", lambda *words, **more: Bar())
    assert run()[0] == 0
    outcome = Outcome(Job("grokking", "addition mod 59", 0, double, ""), None, None)
    for words in ((1, 3, None), (2, 3, 700.0), (3, 3, 0.0)):
        study.calls[0]["progress"](outcome, *words)
    assert told == [
        (1, 3, "grokking: addition mod 59"), (2, 3, "about 12 min left; grokking: addition mod 59"),
        (3, 3, "judging and drawing")]


def test_help_imports_nothing_heavy(tmp_path):
    code = ("import sys; from minigrok.cli import main\ntry:\n    main(['reproduce', '--help'])\nexcept SystemExit:\n"
            "    pass\nprint([m for m in ('numpy', 'scipy', 'numba', 'matplotlib', 'tqdm') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--claim ID" in done.stdout
    assert all(name in done.stdout for name in ALL)
