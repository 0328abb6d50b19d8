"""A Dask cluster of real worker processes: the same bytes as everywhere, also where one of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from errands import DEADLY, RAISES, A, Marked, numbers_of, rows_of

from minigrok import cli
from minigrok.runs import cluster as clusters
from minigrok.runs import pools
from minigrok.runs.cluster import cluster
from minigrok.runs.grid import Grid
from minigrok.runs.results import as_csv
from minigrok.runs.store import RunStore
from minigrok.runs.sweep import Swept, sweep
from minigrok.runs.together import accumulate_together

GRID = Grid({"task": "moons", "n": 40, "epochs": 1, "seeds": 100, "grid": {"lr": [0.1, 0.03]}})
FEW = Grid({"task": "moons", "n": 40, "epochs": 1, "seeds": 10})


@pytest.fixture(scope="module")
def local():
    """A client of a cluster with two workers, on this machine."""
    pytest.importorskip("distributed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIGROK_NO_JIT", "1")             # nothing is compiled, so a worker starts quickly
        with cluster("local", 2) as (pool, workers):
            assert workers == 2
            yield pool.args[0]


def csv_of(path):
    with RunStore(path) as store:
        return as_csv(list(store))


def serially(grid, path):
    with RunStore(path, driver=True) as store:
        for configuration in grid:
            store.add(configuration, numbers_of(configuration))
    return csv_of(path)


def test_one_of_its_workers_that_is_killed_costs_nothing(local, tmp_path):
    killed = []

    def kill(swept):
        if swept.done >= 50 and not killed:
            killed.extend(local.run(os.getpid).values())
            os.kill(killed[0], signal.SIGKILL)

    with cluster(local.scheduler.address, 1) as (pool, workers):
        assert workers == 2
        assert sweep(GRID, pool, tmp_path / "runs.db", workers, numbers_of, progress=kill) == Swept(200, 0, 200, 0)
    assert len(killed) == 2
    assert csv_of(tmp_path / "runs.db") == serially(GRID, tmp_path / "serial.db")


def test_its_executor_is_one_like_any_other(local, tmp_path):
    (tmp_path / "marks").mkdir()
    marked = Marked(tmp_path / "marks", deadly=False)
    with local.get_executor(pure=False) as executor:
        assert sweep(FEW, executor, tmp_path / "runs.db", 3, marked) == Swept(10, 0, 9, 1)
    assert set(marked.times().values()) == {1}
    with RunStore(tmp_path / "runs.db") as store:
        assert {run.seed: run.error for run in store if run.error} == {RAISES: "ValueError: made up"}
        assert DEADLY in {run.seed for run in store}


def test_a_run_that_kills_its_workers_has_failed_after_4_tries_and_the_rest_is_done(local, tmp_path):
    (tmp_path / "marks").mkdir()
    marked = Marked(tmp_path / "marks")
    with cluster(local.scheduler.address, 1) as (pool, workers):
        assert sweep(FEW, pool, tmp_path / "runs.db", workers, marked) == Swept(10, 0, 8, 2)
    assert marked.times()[DEADLY] == 4
    with RunStore(tmp_path / "runs.db") as store:
        errors = {run.seed: run.error for run in store if run.error}
    assert set(errors) == {RAISES, DEADLY}
    assert f"seed {DEADLY} died 4 times" in errors[DEADLY]


def test_shards_have_the_same_sum_there(local):
    shards = [(0, 10), (10, 11), (11, 50), (50, len(A))]
    with ThreadPoolExecutor(1) as thread:
        alone = accumulate_together(shards, ["trace", "centered"], rows_of, pools.given(thread))
    with local.get_executor(pure=False) as executor:
        found = accumulate_together(shards, ["trace", "centered"], rows_of, pools.given(executor), 2)
    for convention, sums in alone.items():
        assert found[convention].gram.tobytes() == sums.gram.tobytes()


@pytest.fixture
def words(tmp_path):
    (tmp_path / "grid.json").write_text('{"task": "moons", "n": 40, "epochs": 1, "seeds": 2}')
    return ["sweep", str(tmp_path / "grid.json"), "--db", str(tmp_path / "runs.db"), "--cluster"]


def test_a_cluster_of_this_machine_for_one_sweep(words, tmp_path, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setenv("MINIGROK_NO_JIT", "1")
    assert cli.main([*words, "local", "--workers", "1"]) == 0
    assert "2 done now, 0 failed" in capsys.readouterr().out
    with RunStore(tmp_path / "runs.db") as store:
        assert len(store) == 2


@pytest.mark.parametrize(("address", "message"), [
    ("tcp://127.0.0.1:1", "no scheduler answers at tcp://127.0.0.1:1"),
    ("nonsense://1", "'nonsense://1' is no address of a scheduler"), ("a b", "'a b' is no address of a scheduler")])
def test_where_no_scheduler_answers_it_ends_with_the_reason(address, message, words, tmp_path, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)
    assert cli.main([*words, address]) in (1, 2)
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs.db").exists()


@pytest.mark.parametrize("command", ["sweep", "measure"])
def test_where_dask_is_missing_it_says_how_to_get_it(command, words, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = words if command == "sweep" else ["measure", "--together", words[1], "--cluster"]
    assert cli.main([*words, "local"]) == 2
    assert "python -m pip install 'minigrok[cluster]'" in capsys.readouterr().err


@pytest.fixture
def far(tmp_path):
    """Scheduler and worker as processes of their own, without a nanny that would start another; and the address."""
    pytest.importorskip("distributed")
    found = tmp_path / "scheduler.json"
    options = ["--scheduler-file", str(found), "--no-dashboard"]
    words = ["scheduler --host 127.0.0.1 --port 0", "worker --no-nanny"]
    made = [subprocess.Popen([sys.executable, "-m", *f"distributed.cli.dask_{word}".split(), *options],
                             stderr=subprocess.DEVNULL, env=os.environ | {"MINIGROK_NO_JIT": "1"}) for word in words]
    try:
        while not found.exists() or not found.read_text().endswith("}"):
            time.sleep(0.05)
        address = json.loads(found.read_text())["address"]
        with pytest.importorskip("distributed").Client(address) as client:
            client.wait_for_workers(1, timeout=60)
        yield address, made
    finally:
        for process in made:
            process.kill()
            process.wait()


@pytest.mark.parametrize(("gone", "words"), [(0, "is gone"), (1, "no worker for")], ids=["scheduler", "worker"])
def test_a_far_cluster_that_is_gone_ends_the_sweep_with_words(gone, words, far, tmp_path, monkeypatch, capsys):
    address, made = far
    (tmp_path / "grid.json").write_text('{"task": "moons", "n": 40, "epochs": 2000, "seeds": 30}')
    monkeypatch.setattr(clusters, "LOST_SECONDS", 1)
    add = RunStore.add

    def added(*row):
        add(*row)
        made[gone].kill()

    monkeypatch.setattr(RunStore, "add", added)
    status = cli.main(["sweep", str(tmp_path / "grid.json"), "--db", str(tmp_path / "runs.db"), "--cluster", address])
    err = capsys.readouterr().err
    assert status == 1
    assert words in err
    assert "go on with: minigrok sweep" in err
    assert "Traceback" not in err
    with RunStore(tmp_path / "runs.db") as store:
        assert len(store) >= 1
