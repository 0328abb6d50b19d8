"""Jobs on several processes: none is lost, none is run twice that is stored, whoever dies on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minigrok.history import History
from minigrok.runs.jobs import Job, _TimeLeft, run_jobs
from minigrok.study.store import Store

DEATH = 7


def work(setting, seed):
    """Leaves a mark in the folder `setting` for each time that it is run; some seeds are bad."""
    marks = Path(setting)
    (marks / f"{seed}-{len(list(marks.glob(f'{seed}-*')))}").touch()
    if seed == 3:
        raise ValueError("made up")
    if seed == DEATH:
        os._exit(1)
    return History({"epoch": np.random.default_rng(seed).random(5)}), os.environ["OMP_NUM_THREADS"]


def die_once(setting, seed):
    """Kills its process the first time."""
    try:
        (Path(setting) / "killed").mkdir()
    except FileExistsError:
        return seed
    os._exit(1)


def die(setting, seed):
    """Kills its process."""
    os._exit(1)


@pytest.fixture
def marks(tmp_path):
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


def jobs_of(marks, seeds, function=work):
    return [Job("made up", "work", seed, function, str(marks)) for seed in seeds]


def times_run(marks):
    """How often each seed was run."""
    seeds = [int(path.name.split("-")[0]) for path in marks.iterdir()]
    return {seed: seeds.count(seed) for seed in sorted(seeds)}


def contents(outcomes):
    return [outcome.result and (outcome.result[0].epoch.tobytes(), outcome.result[1]) for outcome in outcomes]


def test_outcomes_stand_in_the_order_of_the_jobs_for_any_number_of_workers(marks):
    told = []
    outcomes = run_jobs(jobs_of(marks, [4, 3, 2, 1, 0]), 2, lambda *words: told.append(words))
    assert [outcome.job.seed for outcome in outcomes] == [4, 3, 2, 1, 0]
    assert [str(outcome.error) for outcome in outcomes if outcome.error] == ["made up"]
    assert contents(outcomes) == contents(run_jobs(jobs_of(marks, [4, 3, 2, 1, 0]), 1))
    assert [(done, total) for _, done, total, _ in told] == [(done, 5) for done in range(1, 6)]
    assert {outcome.job.seed for outcome, *_ in told} == set(range(5))
    assert told[-1][-1] == 0.0
    assert contents(outcomes)[0][1] == "1"
    assert run_jobs([], 2) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_broken_off_goes_on_without_running_anything_twice(workers, marks, tmp_path):
    jobs = jobs_of(marks, [0, 1, 2, 3, 4, 5])
    whole = contents(run_jobs(jobs, workers))
    for path in marks.iterdir():
        path.unlink()

    def interrupt(outcome, done, total, seconds_left):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, workers, interrupt, Store(tmp_path / "runs"))
    stored = len(list((tmp_path / "runs").iterdir()))
    assert 2 <= stored <= 3                              # three ended, of which one may be the bad one
    before, told = times_run(marks), []
    outcomes = run_jobs(jobs, workers, lambda *words: told.append(words), Store(tmp_path / "runs"))
    assert contents(outcomes) == whole
    assert [(done, total) for _, done, total, _ in told] == [(done, 6) for done in range(1, 7)]
    assert [left for *_, left in told[:stored]] == [None] * stored   # nothing was timed
    kept = [outcome.job.seed for outcome, *_ in told[:stored]]
    after = times_run(marks)
    assert all(after[seed] == before[seed] == 1 for seed in kept)
    times = times_run(marks)
    assert contents(run_jobs(jobs, workers, store=Store(tmp_path / "runs"))) == whole
    assert times_run(marks) == times | {3: times[3] + 1}             # the error alone, which is not stored


def test_a_file_cut_short_is_run_again(marks, tmp_path):
    jobs = jobs_of(marks, [0, 1])
    whole = contents(run_jobs(jobs, 1, store=Store(tmp_path / "runs")))
    path = min((tmp_path / "runs").iterdir())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match=path.name):
        assert contents(run_jobs(jobs, 1, store=Store(tmp_path / "runs"))) == whole
    assert sorted(times_run(marks).values()) == [1, 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_dies_is_reported_and_the_others_survive(workers, marks, tmp_path):
    jobs = jobs_of(marks, [0, DEATH, 1, 2, 4])
    outcomes = run_jobs(jobs, workers, store=Store(tmp_path / "runs"))
    assert [type(outcome.error) for outcome in outcomes] == [type(None), RuntimeError] + 3 * [type(None)]
    assert "made up, work, seed 7 died 4 times" in str(outcomes[1].error)
    assert times_run(marks)[DEATH] == 4
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_a_worker_that_dies_by_chance_costs_nothing(marks):
    assert [outcome.result for outcome in run_jobs(jobs_of(marks, [0, 1, 2], die_once), 1)] == [0, 1, 2]


def test_where_no_worker_lives_it_ends_soon(marks):
    with pytest.raises(RuntimeError, match="all worker processes die"):
        run_jobs(jobs_of(marks, range(100), die), 2)


def test_the_time_left_is_that_of_jobs_of_their_kind():
    jobs = [Job(*names, seed, len, None) for names in (("a", "x"), ("a", "y"), ("b", "z")) for seed in range(4)]
    left = _TimeLeft(jobs, 2)
    assert left.seconds() is None
    left.count(jobs[8], None)                            # it was stored
    assert left.seconds() is None
    left.count(jobs[0], 10.0)
    assert left.seconds() == (3 + 4 + 3) * 10 / 2        # all of a kind so far
    left.count(jobs[4], 2.0)
    assert left.seconds() == (3 * 10 + 3 * 2 + 3 * 6) / 2
    left.count(jobs[9], 1.0)
    assert left.seconds() == (3 * 10 + 3 * 2 + 2 * 1) / 2
    for job in (*jobs[1:4], *jobs[5:8], jobs[10]):
        left.count(job, None)
    assert left.seconds() == 1.0                         # one job, which one worker does alone
    left.count(jobs[11], None)
    assert left.seconds() == 0.0


SCRIPT = """
import sys, time
from minigrok.runs.jobs import Job, run_jobs
from minigrok.study.store import Store
from test_jobs import slow

if __name__ == "__main__":
    jobs = [Job("made up", "slow", seed, slow, sys.argv[1]) for seed in range(50)]
    run_jobs(jobs, 2, lambda *words: print(words[1], flush=True), Store(sys.argv[2]))
"""


def slow(setting, seed):
    """Leaves its process number."""
    (Path(setting) / str(os.getpid())).touch()
    time.sleep(0.2)
    return np.full(3, seed)


def alive(number):
    try:
        os.kill(number, 0)
        status = Path(f"/proc/{number}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_is_killed_leaves_what_is_stored_and_no_worker(kind, marks, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(marks), str(tmp_path / "runs")], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)})
    with driver:
        for _ in range(4):
            driver.stdout.readline()
        driver.send_signal(kind)
        driver.communicate()
    for _ in range(100):
        if not any(alive(int(path.name)) for path in marks.iterdir()):
            break
        time.sleep(0.1)
    assert not any(alive(int(path.name)) for path in marks.iterdir())
    jobs = [Job("made up", "slow", seed, slow, str(marks)) for seed in range(4)]
    ready = [Store(tmp_path / "runs").load(job) for job in jobs]
    assert sum(outcome is not None for outcome in ready) >= 3
