"""One state from many shards: the same bytes for any number of workers, the same state for any split."""

import csv
import io
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from errands import A, rows_of
from hypothesis import given
from hypothesis import strategies as st

from minigrok import cli, density_matrix, measure
from minigrok.accumulator import STREAMED
from minigrok.runs import pools, together
from minigrok.runs.together import BlocksOfFile, accumulate_together, measure_together

ROOT = Path(__file__).parent.parent.parent
EVENT = threading.Event()


class AtOnce(Executor):
    """Runs what it is given before it hands back the future."""

    def submit(self, function, /, *words, **more):
        future = Future()
        try:
            future.set_result(function(*words, **more))
        except Exception as error:
            future.set_exception(error)
        return future


class Broken(Executor):
    """Every worker dies."""

    def submit(self, function, /, *words, **more):
        future = Future()
        future.set_exception(BrokenExecutor("made up"))
        return future


at_once = pools.given(AtOnce())


def last_first(shard):
    """The first shard waits for the second."""
    if shard[0] == 0:
        assert EVENT.wait(60)
    yield A[slice(*shard)]
    if shard[0] != 0:
        EVENT.set()


def failing(shard):
    """Cannot read the second shard."""
    if shard == "second":
        raise TimeoutError("the disk sleeps")
    yield A


def split(*cuts):
    edges = [0, *sorted(cuts), len(A)]
    return [(a, b) for a, b in pairwise(edges) if a < b]


def bytes_of(sums):
    return [(name, found.n, found.gram.tobytes(), found.mean.tobytes()) for name, found in sums.items()]


def test_the_bytes_are_the_same_for_any_number_of_worker_processes(monkeypatch):
    monkeypatch.setenv("MINIGROK_NO_JIT", "1")           # so that a worker starts quickly
    shards = split(10, 11, 30, 55, 80)
    alone = bytes_of(accumulate_together(shards, STREAMED, rows_of, at_once))
    for workers in (1, 2, 4):
        assert bytes_of(accumulate_together(shards, STREAMED, rows_of, workers=workers)) == alone


@given(st.lists(st.integers(1, len(A) - 1), max_size=8), st.lists(st.integers(1, len(A) - 1), max_size=8))
def test_any_split_gives_the_state_of_all_rows(some, others):
    one, other = (accumulate_together(split(*cuts), STREAMED, rows_of, at_once) for cuts in (some, others))
    for convention in STREAMED:
        rho = one[convention].density_matrix()
        np.testing.assert_allclose(rho, density_matrix(A, convention), rtol=0, atol=1e-12)
        np.testing.assert_allclose(rho, other[convention].density_matrix(), rtol=0, atol=1e-12)


def test_shards_are_added_in_their_order_whichever_ends_first():
    shards, told = split(5, 50), []
    with ThreadPoolExecutor(2) as threads:
        found = accumulate_together(shards, STREAMED, last_first, pools.given(threads), 2,
                                    lambda *counts: told.append(counts))
    assert EVENT.is_set()
    assert bytes_of(found) == bytes_of(accumulate_together(shards, STREAMED, last_first, at_once))
    turned = accumulate_together(shards[::-1], STREAMED, last_first, at_once)
    assert bytes_of(found) != bytes_of(turned)           # else the order would not be seen in the bytes
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for k, part in enumerate(np.array_split(A, 4)):
        np.save(tmp_path / f"part-{k}.npy", part)
    np.savez(tmp_path / "two.npz", first=A, second=A)
    np.savez(tmp_path / "none.npz")
    for name, array in {"narrow": A[:, :2], "empty": A[:0], "one": A[:1], "zeros": 0 * A, "flat": A[0], "scalar": 1.0,
                        "nan": np.where(np.arange(97) == 90, np.nan, A.T).T, "words": [["a"]]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "part-0.npy").read_bytes()[:-100])
    (tmp_path / "a.pkl").touch()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "parts").mkdir()
    for k in (0, 1, 2, 3):
        (tmp_path / "parts" / f"{8 + k}.npy").write_bytes((tmp_path / f"part-{k}.npy").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


PARTS = [f"part-{k}.npy" for k in range(4)]


def test_files_of_any_kind_are_shards_of_one_state(folder, monkeypatch):
    monkeypatch.setattr(together, "PART_BYTES", 3 * 4 * 8)           # three rows
    np.savez(folder / "second.npz", hidden=A[40:70])
    np.save(folder / "fortran.npy", np.asfortranarray(A[:40]))
    np.savetxt(folder / "last.csv", A[70:], delimiter=",")
    found = measure_together(["fortran.npy", "second.npz", "last.csv"], STREAMED, pool=at_once)
    for convention, numbers in measure(A, conventions=STREAMED).items():
        np.testing.assert_allclose(found[convention].spectrum, numbers.spectrum, rtol=0, atol=1e-12)
        assert found[convention].as_dict() == pytest.approx(numbers.as_dict(), abs=1e-11)


def test_a_mapped_file_is_let_go_part_by_part(folder, monkeypatch):
    """So that the pages that were read do not add up to the size of the file."""
    opened = []

    def opening(path):
        opened.append(path)
        return {"all": np.load(path, mmap_mode="r")}

    monkeypatch.setattr(together, "PART_BYTES", 10 * 4 * 8)
    monkeypatch.setattr(together, "read_arrays", opening)
    np.save("all.npy", A)
    parts = list(BlocksOfFile()("all.npy"))
    assert [len(part) for part in parts] == 9 * [10] + [7]
    assert len(opened) == 10
    np.testing.assert_array_equal(np.concatenate(parts), A)


def test_pictures_name_their_axis_of_neurons(folder):
    pictures = np.random.default_rng(1).normal(size=(6, 3, 2, 2))
    np.save("a.npy", pictures[:2])
    np.save("b.npy", pictures[2:])
    for axis in (1, -1):
        found = measure_together(["a.npy", "b.npy"], neuron_axis=axis, pool=at_once)["trace"]
        rho = density_matrix(np.moveaxis(pictures, axis, -1).reshape(-1, pictures.shape[axis]))
        assert found.inputs * found.dimension == pictures.size
        np.testing.assert_allclose(found.spectrum, np.linalg.eigvalsh(rho), atol=1e-12)


@pytest.mark.parametrize(("error", "words", "call"), [
    (RuntimeError, r"^second: the disk sleeps \(TimeoutError\)",
     lambda: accumulate_together(["first", "second"], ["trace"], failing, at_once)),
    (RuntimeError, "shard, second, seed 0 died 4 times",
     lambda: accumulate_together(["second"], ["trace"], failing, pools.given(Broken()))),
    (ValueError, "no shard", lambda: accumulate_together([], ["trace"], failing, at_once)),
    (ValueError, "no convention", lambda: accumulate_together(["first"], [], failing, at_once))])
def test_what_cannot_be_summed_is_an_error_with_its_reason(error, words, call):
    with pytest.raises(error, match=words):
        call()


@pytest.fixture
def quick(monkeypatch):
    """The command, in this process."""
    monkeypatch.setattr(pools, "processes", at_once)
    return lambda *words: cli.main(["measure", "--together", *words])


def test_the_command_prints_the_numbers_of_the_one_state(folder, quick, capsys):
    expected = measure(A, conventions=STREAMED)
    assert quick(*PARTS, "--conventions", "all", "--json") == 0
    printed = capsys.readouterr()
    rows = json.loads(printed.out)
    assert "without centered_rows" in printed.err
    assert [row["convention"] for row in rows] == list(STREAMED)
    for row in rows:
        assert row == pytest.approx({"name": "4 shards"} | expected[row["convention"]].as_dict(), abs=1e-11)
    assert quick(*PARTS, "--csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["entropy"]) for row in table] == [rows[0]["entropy"]]
    assert quick("parts") == 0                           # a folder, 8, 9, 10, 11
    text = capsys.readouterr().out
    assert text.startswith("name      convention      inputs neurons  S (nats)      P")
    assert f"4 shards  trace               97       4{rows[0]['entropy']:10.4f}" in text


def test_the_program_says_the_same_for_any_number_of_workers(folder):
    runs = [subprocess.run([sys.executable, "-m", "minigrok", "measure", "--together", *PARTS, "--json", *words],
                           capture_output=True, check=True,
                           env=os.environ | {"PYTHONPATH": str(ROOT), "MINIGROK_NO_JIT": "1"})
            for words in (["--workers", "1"], ["--workers", "2"])]
    assert runs[0].stdout == runs[1].stdout
    assert json.loads(runs[0].stdout)[0]["entropy"] == pytest.approx(measure(A).entropy, abs=1e-12)


@pytest.mark.parametrize(("words", "message"), [
    ("part-0.npy none.npy", "none.npy is not there"), ("a.pkl", "file type '.pkl'"), ("nothing", "no file of activ"),
    ("part-0.npy two.npz", "two.npz holds 2 arrays (first, second)"), ("none.npz", "holds 0 arrays (nothing)"),
    ("part-0.npy narrow.npy", "narrow.npy has 2 neurons, but"), ("part-0.npy empty.npy", "no entry: leave it out"),
    ("part-0.npy nan.npy", "nan.npy: batch[90, 0] is nan"), ("words.npy", "words.npy: A has dtype <U1"),
    ("cut.npy", "no whole .npy file"), ("flat.npy", "flat.npy: A has shape (4,)"), ("scalar.npy", "name the axis"),
    ("one.npy", "a single row in all shards"), ("zeros.npy", "all activations are zero"),
    ("part-0.npy ./part-0.npy", "part-0.npy is given 2 times"),
    ("part-0.npy --conventions centered_rows", "needs the mean before the first row"),
    ("part-0.npy --conventions centred", "did you mean 'centered'"),
    ("part-0.npy --neuron-axis 0", "put the inputs first"), ("part-0.npy --neuron-axis 2", "no axis 2"),
    ("part-0.npy --labels part-0.npy", "--labels needs all rows at once"),
    ("one.npy --resamples 0", "--resamples needs"),
    ("part-0.npy --population", "--population needs"), ("part-0.npy --figure x", "--figure needs all rows")])
def test_wrong_input_exits_2_with_the_reason(words, message, folder, quick, capsys):
    assert quick(*words.split()) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_a_part_behind_the_first_says_from_which_row_it_counts(folder, monkeypatch):
    monkeypatch.setattr(together, "PART_BYTES", 50 * 4 * 8)
    with pytest.raises(ValueError, match=r"nan.npy: from row 50 on, batch\[40, 0\] is nan"):
        measure_together(["nan.npy"], pool=at_once)


@pytest.mark.parametrize("words", [["--workers", "2"], ["--cluster", "local"]])
def test_workers_are_for_shards_alone(words, folder, capsys):
    assert cli.main(["measure", "part-0.npy", *words]) == 2
    assert f"{words[0]} is for --together" in capsys.readouterr().err


def test_a_worker_that_dies_again_and_again_is_no_traceback(folder, monkeypatch, capsys):
    monkeypatch.setattr(pools, "processes", pools.given(Broken()))
    assert cli.main(["measure", "--together", "part-0.npy"]) == 1
    assert "part-0.npy, seed 0 died 4 times" in capsys.readouterr().err
