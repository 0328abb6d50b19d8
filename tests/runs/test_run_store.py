"""The database of runs: whole or refused, whatever happened to the file."""

import hashlib
import json
import math
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrok.runs.store import DONE, FAILED, FIELDS, MINI, RunStore, StoreError

ROOT = Path(__file__).parent.parent.parent
MANY = int(os.environ.get("MINIGROK_DAMAGED", "150"))             # files; 10,000 were tried


def filled(path, count=20):
    with RunStore(path, driver=True) as store:
        for seed in range(count):
            store.add({"lr": 0.1, "seed": seed}, {"entropy": seed / 7, "purity": math.nan} if seed % 5 else None,
                      "" if seed % 5 else "ValueError: made up")
    return path


def rows(path):
    with RunStore(path) as store:
        return [tuple(map(repr, run)) for run in store]


def test_what_was_added_comes_back(tmp_path):
    path = filled(tmp_path / "runs.db")
    with RunStore(path) as store:
        assert len(store) == 20
        runs = {run.seed: run for run in store}
        assert store.status({"lr": 0.1, "seed": 0}) == FAILED
        assert store.status({"lr": 0.1, "seed": 1}) == DONE
        assert store.status({"lr": 0.2, "seed": 1}) is None
    assert runs[3].numbers["entropy"] == 3 / 7
    assert math.isnan(runs[3].numbers["purity"])
    assert (runs[5].numbers, runs[5].error) == ({}, "ValueError: made up")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.db", "runs.db.lock"]


def test_a_run_that_failed_is_replaced_and_counted_once(tmp_path):
    path = filled(tmp_path / "runs.db")
    with RunStore(path, driver=True) as store:
        store.add({"lr": 0.1, "seed": 0}, {"entropy": 1.0})
        assert len(store) == 20
        store.check()
        assert store.status({"lr": 0.1, "seed": 0}) == DONE


def test_one_file_has_one_driver(tmp_path):
    path = tmp_path / "runs.db"
    with RunStore(path, driver=True) as store:
        with pytest.raises(BlockingIOError, match="another sweep"):
            RunStore(path, driver=True)
        store.add({"seed": 0}, {})
        with RunStore(path) as reader:                   # but anybody may look
            assert len(reader) == 1
    filled(path)


def test_the_lock_of_a_driver_that_was_killed_is_free(tmp_path):
    code = ("import os, sys; from minigrok.runs.store import RunStore; store = RunStore(sys.argv[1], driver=True); "
            "store.add({'seed': 0}, {'x': 1.0}); os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "runs.db")], check=False,
                   env=os.environ | {"PYTHONPATH": str(ROOT)})
    with RunStore(tmp_path / "runs.db", driver=True) as store:
        store.check()
        assert len(store) == 1


def not_there(path):
    path.unlink()


def a_folder(path):
    path.unlink()
    path.mkdir()


def text(path):
    path.write_text("no database at all, but long enough for one" * 100)


def cut(path):
    path.write_bytes(path.read_bytes()[:4096])


def empty(path):
    path.write_bytes(b"")


def of_another_program(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE runs (a)")


def changed(statement):
    def change(path):
        with closing(sqlite3.connect(path)) as base, base:
            base.execute(statement)

    return change


@pytest.mark.parametrize(("damage", "error", "words"), [
    (not_there, FileNotFoundError, "is no file"), (a_folder, FileNotFoundError, "is no file"),
    (text, StoreError, "not a database"), (cut, StoreError, "older copy"), (empty, StoreError, "is empty"),
    (of_another_program, StoreError, "no store of minigrok's runs"),
    (changed("PRAGMA user_version = 2"), StoreError, "has schema 2"),
    (changed("DELETE FROM runs WHERE seed = 3"), StoreError, "runs are missing"),
    (changed("UPDATE runs SET numbers = '{}' WHERE seed = 3"), StoreError, "does not fit its digest"),
    (changed("DROP TABLE total"), StoreError, "no such table"),
    (changed("UPDATE runs SET numbers = x'ff' WHERE seed = 3"), StoreError, "damaged")])
def test_what_is_no_whole_store_is_refused(damage, error, words, tmp_path):
    path = filled(tmp_path / "runs.db")
    damage(path)
    with pytest.raises(error, match=words):
        rows(path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = filled(tmp_path_factory.mktemp("sound") / "runs.db")
    return path.read_bytes(), rows(path)


@settings(max_examples=MANY, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_with_a_reason_or_holds_the_same_runs(data, sound, tmp_path):
    whole, expected = sound
    path, content = tmp_path / "damaged.db", bytearray(whole)
    kind = data.draw(st.sampled_from(["flip", "cut", "swap", "zero"]))
    start = data.draw(st.integers(0, len(content) - 1))
    if kind == "flip":
        content[start] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del content[start:]
    elif kind == "swap":                                 # two blocks of the disk
        other, size = data.draw(st.integers(0, len(content) - 1)), data.draw(st.sampled_from([1, 512, 4096]))
        a, b = bytes(content[start : start + size]), bytes(content[other : other + size])
        content[start : start + len(b)], content[other : other + len(a)] = b, a
    else:
        content[start : start + 512] = bytes(min(512, len(content) - start))
    path.write_bytes(content)
    try:
        assert rows(path) == expected
    except StoreError as error:
        assert "damaged.db" in str(error)                # noqa: PT017  (one of two good ends)


def test_the_application_id_says_whose_it_is(tmp_path):
    path = filled(tmp_path / "runs.db")
    assert path.read_bytes()[68:72] == MINI.to_bytes(4, "big") == b"mini"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file_can_be_read_and_says_that_it_cannot_be_written(tmp_path):
    path = filled(tmp_path / "runs.db")
    path.chmod(0o444)
    assert len(rows(path)) == 20
    with pytest.raises(PermissionError, match="cannot be written"), RunStore(path, driver=True) as store:
        store.add({"seed": 99}, {})


FULL = """
import resource, sys
from minigrok.runs.store import RunStore
store = RunStore(sys.argv[1], driver=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    for seed in range(1000, 3000):
        store.add({"seed": seed}, {"x": 1.0})
        print(seed, flush=True)
except OSError as error:
    sys.exit(f"OSError {error}")
"""


@pytest.mark.skipif(os.name == "nt", reason="limits")
def test_on_a_full_disk_what_was_stored_is_kept(tmp_path):
    path = filled(tmp_path / "runs.db", 2)
    run = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False,
                         env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert run.stderr.startswith("OSError"), run.stderr
    assert "what was stored before is kept" in run.stderr
    with RunStore(path, driver=True) as store:
        store.check()
        assert len(store) == 2 + len(run.stdout.split())


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be moved")
@pytest.mark.parametrize("moved", [True, False])
def test_a_store_that_is_moved_or_deleted_is_written_no_further(moved, tmp_path):
    path = tmp_path / "runs.db"
    with RunStore(path, driver=True) as store:
        store.add({"seed": 0}, {})
        path.rename(tmp_path / "elsewhere.db") if moved else path.unlink()
        with pytest.raises(OSError, match="moved or deleted"):
            store.add({"seed": 1}, {})


def test_a_link_to_a_store_has_the_same_lock(tmp_path):
    path = filled(tmp_path / "runs.db", 2)
    (tmp_path / "link.db").symlink_to(path)
    with RunStore(path, driver=True), pytest.raises(BlockingIOError):
        RunStore(tmp_path / "link.db", driver=True)


@pytest.mark.parametrize("made", [Path.mkdir, lambda lock: lock.write_text("mine, " * 1000)], ids=["folder", "text"])
def test_a_lock_that_is_none_is_named(made, tmp_path):
    path = filled(tmp_path / "runs.db", 2)
    lock = tmp_path / "runs.db.lock"
    lock.unlink(missing_ok=True)
    made(lock)
    with pytest.raises((IsADirectoryError, FileExistsError), match=r"runs\.db\.lock is"):
        RunStore(path, driver=True)


@pytest.mark.parametrize(("configuration", "numbers"), [
    ("[]", "{}"), ("5", "{}"), ("{}", "[]"), ("{}", '{"x":"one"}'), ("{}", '{"x":true}'), ("{}", "[" * 50_000)])
def test_rows_of_another_writer_are_refused_even_with_right_digests(configuration, numbers, tmp_path):
    path = filled(tmp_path / "runs.db", 1)
    with closing(sqlite3.connect(path)) as base, base:
        row = base.execute(f"SELECT {', '.join(FIELDS)} FROM runs").fetchone()
        row = tuple({"configuration": configuration, "numbers": numbers}.get(name, value)
                    for name, value in zip(FIELDS, row, strict=True))
        digest = hashlib.sha256(json.dumps(row).encode()).hexdigest()
        base.execute("UPDATE runs SET configuration = ?, numbers = ?, digest = ?", (configuration, numbers, digest))
        base.execute("UPDATE total SET digest = ?", (digest,))
    with pytest.raises(StoreError, match="damaged"):
        rows(path)
