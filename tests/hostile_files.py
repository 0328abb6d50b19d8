"""Files with something wrong: cut, of another kind, with arrays that no function takes, with text that is no text."""

import io
import json
import os
import sqlite3
import zipfile
from functools import cache

import numpy as np
from hostile import SUSPECT, UNUSABLE, Hostile, folder
from hypothesis import strategies as st

RIGHT = np.random.default_rng(0).normal(size=(12, 3))
LABELS = np.arange(12) % 2
TEXTS = {
    "empty": b"", "blank": b"\n\n", "nul": b"\0" * 100, "random": bytes(range(256)) * 3, "latin": b"\xe9\xff,1\n",
    "words": b"a,b,c\n", "header": b"a,b\n1,2\n3,x\n", "ragged": b"1,2\n3\n", "nan": b"1,nan\n2,3\n",
    "commas": b",,,\n",
    "huge": b"1e999,1\n2,3\n", "one": b"1\n", "complex": b"1+2j,3\n4,5\n", "semicolons": b"1;2\n3;4\n",
    "bom": b"\xef\xbb\xbf1,2\n3,4\n",
    "zip": b"PK\x03\x04", "npy": b"\x93NUMPY\x01\x00", "deep": b"[" * 20000, "null": b"null", "list": b"[]",
    "object": b"{}",
    "utf16": "1,2\n3,4".encode("utf-16"), "long": b"1," * 50000}
OPTIONS = (
    {}, {"task": "moons"}, {"task": "nowhere.npz"}, {"task": 1}, {"task": "moons", "lr": "fast"}, {"grid": []},
    {"task": "moons", "grid": {"lr": []}}, {"task": "moons", "grid": {"lr": 1}}, {"task": "moons", "seeds": 0},
    {"task": "moons", "seeds": 2**63}, {"task": "moons", "grid": {"lr": [1, 1.0]}}, {"task": "moons", "epochs": -1},
    {"task": "moons", "grid": {"speed": [1]}}, {"task": "moons", "hidden": [[1]]}, {"task": "moons", "hidden": []},
    {"task": "moons", "betas": [1]}, {"task": "moons", "stop_above": ["x"]}, {"task": "moons", "n": 1e308},
    {"task": "moons", "grid": {"seed": [1]}}, {"task": "\ud800"}, {"task": "moons", "conventions": [None]},
    {"task": "moons", "n": 20, "epochs": 1, "hidden": 2}, {"task": "modular", "modulus": 1}, {"task": None},
    {"task": "moons", "lr": float("nan")}, {"task": "moons", "layer": 10**30}, {"task": "xor", "dimension": 0})


def _npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)              # a pickle is what a stranger may send
    return file.getvalue()


def _npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _archive(compression=zipfile.ZIP_STORED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _damaged(content):
    yield content[: len(content) // 2]
    yield content[:-7]
    yield content[len(content) // 3 :]
    for place in (8, 12, 60, len(content) // 2, len(content) - 20):
        yield content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def _arrays():
    """Arrays as files may hold them."""
    for make in (*UNUSABLE.values(), *SUSPECT.values()):
        with np.errstate(all="ignore"):
            made = make(RIGHT)
        if isinstance(made, np.ndarray) and not isinstance(made, np.ma.MaskedArray):
            yield made
    yield from (RIGHT, np.asfortranarray(RIGHT), RIGHT.astype(">f4"), RIGHT[:1], RIGHT.astype(np.clongdouble))


def _databases(place):
    for i, script in enumerate((
            "", "CREATE TABLE runs (key TEXT)", "CREATE TABLE other (x)",
            "CREATE TABLE runs (key TEXT PRIMARY KEY, configuration TEXT, seed INTEGER, sources TEXT, status TEXT, "
            "numbers TEXT, error TEXT, digest TEXT); INSERT INTO runs VALUES ('a', '{', 1, '', 'done', '[', '', '')")):
        path = place / f"made{i}.db"
        with sqlite3.connect(path) as base:
            base.executescript(script)
        base.close()


@cache
def files():
    """Their paths, by their ending."""
    place = folder() / "files"
    place.mkdir()
    contents = {f"{name}{ending}": text for name, text in TEXTS.items()
                for ending in (".npy", ".npz", ".csv", ".safetensors", ".json", ".toml", ".db", ".txt", "")}
    contents |= {f"array{i}.npy": _npy(array) for i, array in enumerate(_arrays())}
    contents |= {f"arrays{i}.npz": _npz(X=array, y=LABELS) for i, array in enumerate(_arrays())}
    contents |= {f"labels{i}.npz": _npz(X=RIGHT, y=labels) for i, labels in enumerate((
        LABELS, LABELS * 0, LABELS - 1, LABELS + 0.5, LABELS * np.nan, LABELS[:3], LABELS[:, None], LABELS * 2**40,
        np.array(["a", "b"] * 6), LABELS.astype(complex), LABELS.astype(object), LABELS > 0))}
    contents |= {"half.npz": _npz(X=RIGHT, y=LABELS, X_test=RIGHT), "wide.npz": _npz(
        X=RIGHT, y=LABELS, X_test=RIGHT[:, :2], y_test=LABELS), "none.npz": _npz(), "other.npz": _npz(a=RIGHT)}
    contents |= {f"damaged{i}.npy": part for i, part in enumerate(_damaged(_npy(RIGHT)))}
    contents |= {f"damaged{i}.npz": part for i, part in enumerate(_damaged(_npz(X=RIGHT, y=LABELS)))}
    contents |= {f"kept{i}.npz": part for i, part in enumerate((
        _archive(minigrok="{"), _archive(minigrok="[]"), _archive(minigrok="{}"), _archive(minigrok="\0"),
        _archive(minigrok=json.dumps({"format": 2})), _archive(minigrok="1e400"), _archive(minigrok="[" * 20000),
        _archive(zipfile.ZIP_DEFLATED, minigrok="{}"), _archive(**{"../up.npy": _npy(RIGHT), "a": b"x"}),
        _archive(**{"a.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"})))}
    contents |= {f"grid{i}.json": json.dumps(options).encode() for i, options in enumerate(OPTIONS)}
    contents |= {"twice.json": b'{"task": "moons", "task": "xor"}', "bad.toml": b"task = moons", "grid.toml":
                 b'task = "moons"\nn = 20\nepochs = 1\n[grid]\nlr = [0.1]\n', "time.toml": b"task = 2026-01-01"}
    contents |= {"safe0.safetensors": b"\x08" + b"\0" * 7 + b"{}      ", "safe1.safetensors": b"\xff" * 16,
                 "safe2.safetensors": b"\x02" + b"\0" * 7 + b"{}", "a\nb.npy": _npy(RIGHT), "\x1b[31m.npy": _npy(RIGHT)}
    for name, content in contents.items():
        (place / name).write_bytes(content)
    _databases(place)
    for name in ("folder", "folder.npy", "folder.npz", "folder.db", "folder.json"):
        (place / name).mkdir()
    (place / "loop.npy").symlink_to("loop.npy")
    (place / "settings").mkdir()
    (place / "settings" / "settings.json").write_text('{"options": {"task": "moons"}, "command": "train"}')
    found = sorted(place.iterdir()) + [place / "nowhere.npy", place / "nowhere.npz", place / "empty" / "inside.npy"]
    return [path for path in found if path.suffix != ".lock"]


NO_PATHS = (None, 1.5, "", "\0", b"bytes", ["a.npy"], object(), float("nan"), "x" * 300 + ".npz", "a\ud800.npz")


def hostile_file(valid=None):
    """A path to read from, in the place of that of a whole file."""
    return (st.sampled_from(files()) | st.sampled_from(files()).map(os.fspath) | st.sampled_from(NO_PATHS)).map(Hostile)


def hostile_place(valid=None):
    """A path to write to, in the place of that of a new file: nothing of what is there may be written over."""
    here = [path for path in files() if path.is_dir()]
    return st.sampled_from((*NO_PATHS, *here, folder() / "nowhere" / "a.npz")).map(Hostile)
