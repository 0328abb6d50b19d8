"""What is on the disk after a fault at any write, flush or rename of a checkpoint: the old one, or the new, whole."""

import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faulty import DeadError, Disk, dead, faulty, full
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checkpoint import a_file, assert_same

from minigrok.checkpoint import CheckpointError, load_checkpoint, save_checkpoint

# 10,000 in a job of its own: MINIGROK_DAMAGED=10000
DAMAGED = int(os.environ.get("MINIGROK_DAMAGED", "150"))
CONFIGURATION = {"net": [2, 3], "lr": 0.1}
OLD, NEW = ({"theta": np.full(40, x), "random": np.array("PCG64"), "epoch": np.array(x)} for x in (1, 2))


def calls_of_a_save(path, patch):
    with faulty(Disk(path.parent), patch) as disk:
        save_checkpoint(path, "training", CONFIGURATION, NEW)
    return disk.calls


def found(path):
    """Which of the two it is; anything else is an error."""
    arrays, _ = load_checkpoint(path, "training", CONFIGURATION)
    which = int(arrays["epoch"])
    assert_same(arrays, {1: OLD, 2: NEW}[which])
    return which


def test_a_save_makes_writes_flushes_and_one_renaming(tmp_path, monkeypatch):
    calls = calls_of_a_save(tmp_path / "run.npz", monkeypatch)
    assert calls[0] == "make"
    assert calls.count("write") >= 5
    assert calls[calls.index("rename") - 1 :] == ["flush", "rename", *["flush"] * hasattr(os, "O_DIRECTORY")]
    assert calls.count("rename") == 1


@pytest.mark.parametrize("deed", [full, dead])
def test_a_fault_at_each_call_leaves_the_old_checkpoint_or_the_new_one(deed, tmp_path, monkeypatch):
    """A full disk also leaves no litter; a dead process leaves what a kill would."""
    calls = calls_of_a_save(tmp_path / "counted.npz", monkeypatch)
    left = []
    for at in range(len(calls)):
        folder = tmp_path / str(at)
        folder.mkdir()
        save_checkpoint(folder / "run.npz", "training", CONFIGURATION, OLD)
        with faulty(Disk(tmp_path, at, deed), monkeypatch), pytest.raises((OSError, DeadError)):
            save_checkpoint(folder / "run.npz", "training", CONFIGURATION, NEW)
        left.append(found(folder / "run.npz"))
        if deed is full:
            assert [path.name for path in folder.iterdir()] == ["run.npz"]
        save_checkpoint(folder / "run.npz", "training", CONFIGURATION, NEW)  # and the next one finds its way
        assert found(folder / "run.npz") == 2
    renamed = calls.index("rename")
    assert left == [1] * (renamed + 1) + [2] * (len(calls) - renamed - 1)


@pytest.mark.parametrize("deed", [full, dead])
def test_a_fault_at_each_call_of_a_first_save_leaves_nothing_or_all(deed, tmp_path, monkeypatch):
    calls = calls_of_a_save(tmp_path / "counted.npz", monkeypatch)
    for at in range(len(calls)):
        path = tmp_path / f"{at}.npz"
        with faulty(Disk(tmp_path, at, deed), monkeypatch), pytest.raises((OSError, DeadError)):
            save_checkpoint(path, "training", CONFIGURATION, NEW)
        assert path.exists() == (at > calls.index("rename"))
        assert not path.exists() or found(path) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
import pytest
from faulty import Disk, faulty
from minigrok.checkpoint import save_checkpoint
from test_checkpoint_faults import CONFIGURATION, NEW, OLD, calls_of_a_save

place, patch = Path(sys.argv[1]), pytest.MonkeyPatch()
for at in range(len(calls_of_a_save(place / "counted", patch))):
    path = place / f"{at}.npz"
    save_checkpoint(path, "training", CONFIGURATION, OLD)
    child = os.fork()
    if child == 0:
        with faulty(Disk(place, at, lambda: os.kill(os.getpid(), signal.SIGKILL)), patch):
            save_checkpoint(path, "training", CONFIGURATION, NEW)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills copies of a process")
def test_a_process_that_is_killed_at_each_call_leaves_the_old_checkpoint_or_the_new_one(tmp_path, monkeypatch):
    tests = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])}
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, capture_output=True, text=True,
                         check=False)
    assert run.returncode == 0, run.stderr
    calls = calls_of_a_save(tmp_path / "again", monkeypatch)
    renamed = calls.index("rename")
    assert [found(tmp_path / f"{at}.npz") for at in range(len(calls))] == [
        1 if at <= renamed else 2 for at in range(len(calls))]


def damaged(content, kind, rng):
    """The bytes of a file after an accident."""
    position = rng.randrange(len(content))
    if kind == "cut":
        return content[:position]
    if kind == "bits":
        changed = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    size = rng.randint(1, max(1, len(content) // 3))     # of a block
    start, other = (rng.randrange(len(content) - size + 1) for _ in range(2))
    if kind == "copied over":
        return content[:other] + content[start : start + size] + content[other + size :]
    if kind == "zeroed":
        return content[:start] + bytes(size) + content[start + size :]
    low, high = sorted([start, other])
    if high - low < size:                                # they overlap
        return content[:low] + content[high:] + content[low:high]
    return (content[:low] + content[high : high + size] + content[low + size : high] + content[low : low + size]
            + content[high + size :])


@settings(max_examples=DAMAGED)
@given(st.sampled_from(["cut", "bits", "swapped", "copied over", "zeroed"]), st.integers(0, 2**32 - 1))
def test_a_damaged_checkpoint_is_refused_or_harmless(kind, seed):
    rng = random.Random(seed)
    arrays = {"theta": np.random.default_rng(seed).normal(size=rng.randint(0, 40)), "epoch": np.array(seed)}
    with a_file() as path:
        save_checkpoint(path, "training", CONFIGURATION, arrays)
        path.write_bytes(damaged(path.read_bytes(), kind, rng))
        with contextlib.suppress(CheckpointError):
            loaded, configuration = load_checkpoint(path, "training", CONFIGURATION)
            assert_same(dict(sorted(loaded.items())), dict(sorted(arrays.items())))
            assert configuration == CONFIGURATION


@settings(max_examples=DAMAGED // 3)
@given(st.sampled_from(["version", "kind", "configuration"]), st.integers(0, 2**32 - 1))
def test_a_whole_checkpoint_of_something_else_is_refused(difference, seed):
    rng, kind, wanted = random.Random(seed), "training", dict(CONFIGURATION)
    with a_file() as path, pytest.MonkeyPatch.context() as patch:
        if difference == "version":
            patch.setattr("minigrok.checkpoint.FORMAT", rng.randint(3, 10**9))
        elif difference == "kind":
            kind = rng.choice(["sampling", "Training", "", "training ", str(seed)])
        else:
            name, value = rng.choice(["lr", "net", "seed", "momentum"]), rng.choice([0.1000000001, None, [2, 3.5]])
            wanted[name] = value
        save_checkpoint(path, kind, wanted, NEW)
        patch.undo()
        with pytest.raises(CheckpointError, match=r"has format|is a checkpoint of|belongs to another run"):
            load_checkpoint(path, "training", CONFIGURATION)
