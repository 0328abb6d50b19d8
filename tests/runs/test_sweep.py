"""A sweep and what it found: rows = grid, the same bytes, whoever runs it and whoever dies on the way."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np
import pytest
from errands import DEADLY, RAISES, Marked, numbers_of, slow_at_last

from minigrok import cli
from minigrok.runs.grid import Grid
from minigrok.runs.results import as_csv
from minigrok.runs.store import DONE, FAILED, RunStore
from minigrok.runs.sweep import Swept, sweep

ROOT = Path(__file__).parent.parent.parent
SETTINGS = {"task": "moons", "n": 40, "epochs": 1, "seeds": 100, "grid": {"lr": [0.1, 0.03]}}
GRID = Grid(SETTINGS)
FEW = Grid({**SETTINGS, "seeds": 10, "grid": {"lr": [0.1]}})
TRAINED = {**SETTINGS, "epochs": 3, "seeds": 8}
WITHOUT_NUMBA = {"PYTHONPATH": str(ROOT), "MINIGROK_NO_JIT": "1"}    # nothing is compiled, so a worker starts quickly
unix = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture(autouse=True)
def workers_without_numba(monkeypatch):
    monkeypatch.setenv("MINIGROK_NO_JIT", "1")


def csv_of(path):
    with RunStore(path) as store:
        return as_csv(list(store))


def serially(grid, path, function=numbers_of):
    """The table of a plain loop."""
    with RunStore(path, driver=True) as store:
        for configuration in grid:
            store.add(configuration, function(configuration))
    return csv_of(path)


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    return serially(GRID, tmp_path_factory.mktemp("serial") / "runs.db")


def minigrok(*words, cwd):
    return subprocess.run([sys.executable, "-m", "minigrok", *words], capture_output=True, text=True, check=False,
                          cwd=cwd, env=os.environ | WITHOUT_NUMBA)


def kill_one(after, processes):
    """A progress function that once, after so many runs, kills one of the processes that `processes()` lists."""
    killed = []

    def progress(swept):
        if swept.done >= after and not killed:
            killed.append(processes()[0])
            os.kill(killed[0], signal.SIGKILL)
    progress.killed = killed
    return progress


def worker_processes():
    return [child.pid for child in active_children()]


# Whoever runs it


def test_threads_leave_the_rows_of_the_grid(serial, tmp_path):
    with ThreadPoolExecutor(3) as threads:
        assert sweep(GRID, threads, tmp_path / "runs.db", function=numbers_of) == Swept(200, 0, 200, 0)
    assert csv_of(tmp_path / "runs.db") == serial


def test_the_callers_processes_leave_the_rows_of_the_grid(serial, tmp_path):
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        sweep(SETTINGS, processes, tmp_path / "runs.db", function=numbers_of)
    assert csv_of(tmp_path / "runs.db") == serial


def test_any_number_of_processes_leaves_the_bytes_of_a_serial_run(serial, tmp_path):
    for workers in (1, 2, 4):
        path = tmp_path / f"{workers}.db"
        sweep(GRID, db=path, workers=workers, function=numbers_of)
        assert csv_of(path) == serial


# Whoever dies


@unix
def test_a_process_that_is_killed_costs_nothing(serial, tmp_path):
    progress = kill_one(50, worker_processes)
    assert sweep(GRID, db=tmp_path / "runs.db", workers=2, function=numbers_of, progress=progress).done == 200
    assert progress.killed
    assert csv_of(tmp_path / "runs.db") == serial


def test_a_run_that_kills_its_worker_or_raises_has_failed_and_the_rest_is_done(tmp_path):
    (tmp_path / "marks").mkdir()
    marked, path = Marked(tmp_path / "marks"), tmp_path / "runs.db"
    assert sweep(FEW, db=path, workers=2, function=marked) == Swept(10, 0, 8, 2)
    times = marked.times()
    assert (times[RAISES], times[DEADLY]) == (1, 4)
    with RunStore(path) as store:
        runs = {run.seed: run for run in store}
    assert {seed for seed, run in runs.items() if run.status == DONE} == set(range(10)) - {RAISES, DEADLY}
    assert runs[RAISES].error == "ValueError: made up"
    assert f"seed {DEADLY} died 4 times" in runs[DEADLY].error
    assert runs[DEADLY].numbers == {}
    assert sweep(FEW, db=path, function=marked) == Swept(10, 10, 0, 0)
    assert marked.times() == times                       # what has failed is not run again
    with ThreadPoolExecutor(1) as thread:                # unless that is asked for
        assert sweep(FEW, thread, path, function=numbers_of, retry_failed=True) == Swept(10, 8, 2, 0)
    assert csv_of(path) == serially(FEW, tmp_path / "serial.db")


@unix
@pytest.mark.parametrize("after", [50, 198])             # at the end nothing is left to be handed out
def test_an_executor_of_the_caller_that_broke_ends_the_sweep_and_what_was_done_is_stored(after, serial, tmp_path):
    path = tmp_path / "runs.db"
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        for _ in range(4):
            processes.submit(numbers_of, {"seed": 0, "lr": 1.0}).result()
        progress = kill_one(after, lambda: list(processes._processes))
        with pytest.raises(RuntimeError, match="an executor that broke or was shut down is of no more use"):
            sweep(GRID, processes, path, 2, slow_at_last, progress=progress)
        with pytest.raises(BrokenProcessPool):
            processes.submit(len, ())
    with RunStore(path) as store:
        assert after <= len(store) < 200
        assert {run.status for run in store} == {DONE}
    with ThreadPoolExecutor(2) as threads:
        sweep(GRID, threads, path, function=numbers_of)
    assert csv_of(path) == serial


def test_an_executor_that_was_shut_down_is_refused(tmp_path):
    with ThreadPoolExecutor(1) as threads:
        pass
    with pytest.raises(RuntimeError, match="was shut down"):
        sweep(FEW, threads, tmp_path / "runs.db", function=numbers_of)


# Stopped and gone on with


def test_a_second_sweep_does_nothing_and_another_grid_adds(tmp_path):
    (tmp_path / "marks").mkdir()
    path, told = tmp_path / "runs.db", []
    with ThreadPoolExecutor(2) as threads:
        sweep(FEW, threads, path, function=numbers_of)
        before = csv_of(path)
        marked = Marked(tmp_path / "marks")
        assert sweep(FEW, threads, path, function=marked, progress=told.append) == Swept(10, 10, 0, 0)
        assert (marked.times(), told, csv_of(path)) == ({}, [], before)
        wider = Grid({**SETTINGS, "seeds": 10, "grid": {"lr": [0.1, 0.5]}})
        assert sweep(wider, threads, path, function=numbers_of) == Swept(20, 10, 10, 0)
    assert csv_of(path) == serially(wider, tmp_path / "serial.db")


def test_one_that_is_broken_off_keeps_what_was_done(serial, tmp_path):
    def interrupt(swept):
        if swept.done == 30:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as threads:
        with pytest.raises(KeyboardInterrupt):
            sweep(GRID, threads, tmp_path / "runs.db", function=numbers_of, progress=interrupt)
        with RunStore(tmp_path / "runs.db") as store:
            assert len(store) == 30
        assert sweep(GRID, threads, tmp_path / "runs.db", function=numbers_of) == Swept(200, 30, 170, 0)
    assert csv_of(tmp_path / "runs.db") == serial


# As programs


PLAIN_LOOP = """
from minigrok.runs.grid import Grid
from minigrok.runs.store import RunStore
from minigrok.runs.sweep import train_run

with RunStore("serial.db", driver=True) as store:
    for configuration in Grid("grid.json"):
        store.add(configuration, train_run(configuration))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A grid of real runs, and its database made serially."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "grid.json").write_text(json.dumps(TRAINED))
    (folder / "long.json").write_text(json.dumps({**TRAINED, "seeds": 5000}))
    subprocess.run([sys.executable, "-c", PLAIN_LOOP], check=True, cwd=folder, env=os.environ | WITHOUT_NUMBA)
    (folder / "text.db").write_text("no database, but some text" * 100)
    with RunStore(folder / "nothing.db", driver=True):
        pass
    (folder / "plain.json").write_text(json.dumps({**TRAINED, "seeds": 1, "grid": {}}))
    serially(Grid(folder / "plain.json"), folder / "plain.db")
    return folder


def test_the_programs_leave_the_bytes_of_a_plain_loop_of_training_runs(folder):
    run = minigrok("sweep", "grid.json", "--db", "runs.db", "--workers", "2", cwd=folder)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("16 runs in the grid: 0 were there, 16 done now, 0 failed now")
    again = minigrok("sweep", "grid.json", "--db", "runs.db", "--json", cwd=folder)
    assert json.loads(again.stdout) == {"runs": 16, "before": 16, "done": 0, "failed": 0}
    tables = [minigrok("results", name, "--csv", "-", cwd=folder).stdout for name in ("runs.db", "serial.db")]
    assert tables[0] == tables[1] == csv_of(folder / "serial.db")
    assert minigrok("results", "runs.db", "--csv", cwd=folder).stdout == tables[0]


@unix
def test_ctrl_c_says_how_to_go_on_and_loses_nothing(folder, tmp_path):
    driver = subprocess.Popen(
        [sys.executable, "-m", "minigrok", "sweep", str(folder / "long.json"), "--db", "runs.db", "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | WITHOUT_NUMBA)
    for _ in range(600):
        time.sleep(0.1)
        if (tmp_path / "runs.db").exists() and rows_in(tmp_path / "runs.db") >= 3:
            break
    driver.send_signal(signal.SIGINT)
    out, err = driver.communicate(timeout=60)
    assert (driver.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("minigrok: interrupted; go on with: minigrok sweep")
    assert "Traceback" not in err
    with RunStore(tmp_path / "runs.db", driver=True) as store, RunStore(folder / "serial.db") as serial:
        kept, expected = list(store), {run.key: run for run in serial}
    assert 3 <= len(kept) < 10_000
    same = [run for run in kept if run.key in expected]
    assert len(same) >= 3
    assert all(run == expected[run.key] for run in same)


def rows_in(path):
    try:
        with RunStore(path) as store:
            return len(store)
    except (ValueError, OSError):                        # so far there is a file and nothing in it
        return 0


def test_a_second_driver_of_one_file_is_refused(folder, capsys):
    with RunStore(folder / "taken.db", driver=True):
        assert cli.main(["sweep", str(folder / "grid.json"), "--db", str(folder / "taken.db")]) == 1
        run = minigrok("sweep", "grid.json", "--db", "taken.db", cwd=folder)
    for err in (capsys.readouterr().err, run.stderr):
        assert "taken.db is being written by another sweep: wait until that has ended" in err
        assert "Traceback" not in err
    assert run.returncode == 1


def test_the_command_says_which_runs_failed_by_its_status(folder, monkeypatch, capsys):
    def failing(grid, *words, **more):
        return sweep(FEW, ThreadPoolExecutor(1), folder / "failed.db", function=fails)

    monkeypatch.setattr("minigrok.runs.sweep.sweep", failing)
    assert cli.main(["sweep", "grid.json", "--db", "failed.db"]) == 1
    assert "0 done now, 10 failed now" in capsys.readouterr().out


def fails(configuration):
    raise ValueError("made up")


# What it found


def results(folder, *words):
    return cli.main(["results", str(folder / "serial.db"), *words])


def test_the_summary_is_the_median_over_seeds_of_each_combination(folder, capsys):
    assert results(folder, "--json", "--number", "train_loss") == 0
    rows = json.loads(capsys.readouterr().out)
    runs = list(csv.DictReader(io.StringIO(csv_of(folder / "serial.db"))))
    assert [row["axes"] for row in rows] == [{"lr": 0.03}, {"lr": 0.1}]
    for row in rows:
        values = sorted(float(run["train_loss"]) for run in runs if float(run["lr"]) == row["axes"]["lr"])
        assert (row["seeds"], row["failed"]) == (8, 0)
        assert row["median"] == pytest.approx(np.median(values))
        assert (row["low"], row["high"]) == (values[0], values[-1])
    assert results(folder, "--number", "train_loss") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["lr", "seeds", "failed", "train_loss,", "median", "95", "%", "interval"]
    assert lines[1].split()[:4] == ["0.03", "8", "0", f"{rows[0]['median']:.4g}"]


def test_where_chooses_runs(folder, capsys):
    for conditions, count in ((["lr=0.1"], 8), (["lr>0.03", "seed<3"], 3), (["lr!=0.1", "seed>=6"], 2),
                              (["status=done"], 16), (["hidden=6"], 16), (["hidden=[6]", "seed = 1"], 2),
                              (["activation=relu", "epoch<=3"], 16)):
        where = [word for condition in conditions for word in ("--where", condition)]
        assert results(folder, *where, "--csv", "-") == 0
        assert len(capsys.readouterr().out.splitlines()) == 1 + count


def test_a_table_goes_to_a_file_whole(folder, tmp_path, capsys):
    assert results(folder, "--csv", str(tmp_path / "runs.csv")) == 0
    assert (tmp_path / "runs.csv").read_bytes().decode() == csv_of(folder / "serial.db")
    assert capsys.readouterr().out == ""


def test_a_figure_is_drawn(folder, tmp_path):
    assert results(folder, "--figure", str(tmp_path / "picture"), "--along", "lr") == 0
    assert (tmp_path / "picture.png").stat().st_size > 5_000
    assert (tmp_path / "picture.pdf").exists()


@pytest.mark.parametrize(("words", "message"), [
    ("results none.db", "none.db is no file"), ("results .", "is no file"), ("results text.db", "no store of runs"),
    ("results nothing.db", "nothing.db has no run yet"), ("results serial.db --where lr=7", "no run that meets all"),
    ("results serial.db --where lr", "'lr' is no condition"), ("results serial.db --where rl=1", "name 'rl'"),
    ("results serial.db --number entropie", "did you mean 'entropy'"),
    ("results serial.db --figure x --along seed", "axis 'seed' is not known"),
    ("results plain.db --figure x", "no axis to draw along"),
    ("results serial.db --csv none/runs.csv", "none"),
    ("sweep none.json --db runs.db", "none.json"), ("sweep text.db --db runs.db", "type of grid file '.db'"),
    ("sweep grid.json --db text.db", "no store of runs"), ("sweep grid.json --db none/runs.db", "none is no folder"),
    ("sweep grid.json --db .", "is no file")])
def test_wrong_input_exits_2_with_the_reason(words, message, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert cli.main(words.split()) == 2
    printed = capsys.readouterr()
    assert message in printed.err


def test_what_has_failed_is_counted(tmp_path, capsys):
    with ThreadPoolExecutor(1) as thread:
        sweep(FEW, thread, tmp_path / "runs.db", function=fails)
    with RunStore(tmp_path / "runs.db") as store:
        assert {run.status for run in store} == {FAILED}
    assert cli.main(["results", str(tmp_path / "runs.db")]) == 2
    assert "runs failed" in (told := capsys.readouterr().err)
    assert "the first with: ValueError: made up" in told
