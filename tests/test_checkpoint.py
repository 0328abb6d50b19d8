"""Laws of the one safe file: what is read is what was written, or an error that says why not."""

import contextlib
import io
import json
import os
import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.lib import format as npy_format

from minigrok.checkpoint import (
    FORMAT,
    HEADER,
    CheckpointError,
    load_arrays,
    load_checkpoint,
    replace_file,
    save_arrays,
    save_checkpoint,
)

CONFIGURATION = {"net": {"sizes": [2, 6, 2], "loss": "cross_entropy"}, "lr": 0.1}
ARRAYS = {"theta": np.arange(6.0).reshape(2, 3), "epoch": np.array(3), "random": np.array("PCG64")}

dtypes = npst.integer_dtypes() | npst.floating_dtypes() | npst.boolean_dtypes() | npst.unicode_string_dtypes()
any_array = dtypes.flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=4)))
names = st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), max_size=8)
any_arrays = st.dictionaries(names, any_array, max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
settings_trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8)
configurations = st.dictionaries(st.text(), settings_trees, max_size=4)


@contextlib.contextmanager
def a_file():
    """A path in an empty folder of its own, for tests that Hypothesis runs many times."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "run.npz"


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()          # NaN and -0.0 too


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def npy(array, **options):
    buffer = io.BytesIO()
    npy_format.write_array(buffer, array, **options)
    return buffer.getvalue()


@given(any_arrays, configurations)
@example({"x": np.asfortranarray(np.arange(6.0).reshape(2, 3))}, {})
@example({"minigrok": np.zeros(1), "a.npy": np.zeros(1), "a": np.ones(1), "../a/b": np.ones(1)}, {})
def test_a_checkpoint_gives_back_its_arrays_and_its_configuration(saved, configuration):
    with a_file() as path:
        save_checkpoint(path, "training", configuration, saved)
        found, settings = load_checkpoint(path, "training", configuration)
        assert_same(found, saved)
        assert settings == configuration


@given(any_arrays)
def test_saved_arrays_come_back_by_both_readers(saved):
    with a_file() as path:
        save_arrays(path, saved)
        assert_same(load_arrays(path), saved)
        if "" not in saved and not any("/" in name for name in saved):
            with np.load(path, allow_pickle=False) as archive:
                assert_same({name: archive[name] for name in archive.files}, saved)


def test_the_same_arrays_give_the_same_bytes_whatever_the_time(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "a", "training", CONFIGURATION, ARRAYS)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("sys.platform", "win32")
    save_checkpoint(tmp_path / "b", "training", dict(reversed(CONFIGURATION.items())), ARRAYS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_numpy_numbers_and_tuples_are_settings_too(tmp_path):
    save_checkpoint(tmp_path / "a", "training", {"seed": np.int64(3), "sizes": (2, 2), 7: np.float32(0.5)}, ARRAYS)
    _, found = load_checkpoint(tmp_path / "a", "training", {"seed": 3, "sizes": [2, 2], "7": 0.5})
    assert found == {"seed": 3, "sizes": [2, 2], "7": 0.5}


def test_a_flipped_byte_or_a_cut_is_refused_or_harmless(tmp_path):
    """Every byte in turn, all its bits or the one that says "compressed"; every length; no other error."""
    path = tmp_path / "run.npz"
    save_checkpoint(path, "training", CONFIGURATION, ARRAYS)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(len(whole))]
    damaged += [
        whole[:position] + bytes([whole[position] ^ mask]) + whole[position + 1:]
        for position in range(len(whole)) for mask in (8, 255)]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        for reader in (lambda: load_checkpoint(path, "training")[0], lambda: load_arrays(path)):
            try:
                found = reader()
            except CheckpointError:
                refused += 1
            else:
                assert len(content) == len(whole), "a cut file was taken for a whole one"
                assert_same(found, ARRAYS)
    assert refused > 0.7 * 2 * len(damaged)              # the rest: dates, attributes, the version that packed it


@given(any_arrays, st.data())
def test_any_damage_to_any_checkpoint_is_refused_or_harmless(saved, data):
    with a_file() as path:
        save_checkpoint(path, "training", {}, saved)
        content = bytearray(path.read_bytes())
        for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
            content[position] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        try:
            found, _ = load_checkpoint(path, "training")
        except CheckpointError:
            return
        assert_same(found, saved)


@given(st.binary(max_size=200))
@example(b"")
@example(b"PK\x05\x06" + bytes(18))                      # an empty zip file
def test_a_file_that_is_something_else_is_no_checkpoint(content):
    with a_file() as path:
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"run\.npz"):
            load_checkpoint(path, "training")


def test_each_setting_that_differs_is_named_with_both_values(tmp_path):
    path = tmp_path / "run.npz"
    save_checkpoint(path, "training", {**CONFIGURATION, "seed": 1}, ARRAYS)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, "training", {"net": {"sizes": [2, 6, 2], "loss": "squared_error"}, "lr": 0.2, "old": {}})
    assert str(caught.value).endswith(
        "belongs to another run: lr is 0.1 there, 0.2 here; "
        "net.loss is 'cross_entropy' there, 'squared_error' here; "
        "old is 'not set' there, {} here; seed is 1 there, 'not set' here. Use the same settings, or another file")


@given(configurations, configurations)
@example({"a.b": 1}, {"a": {"b": 1}})
@example({".": 1, "": {"": 2}}, {"": {"": 2}, ".": 1})
@example({"a": {}}, {})
@example({"a": None}, {})
@example({"a": {"b": 1}}, {"a": {}})
def test_another_configuration_is_refused_and_the_same_is_taken(one, other):
    with a_file() as path:
        save_checkpoint(path, "training", one, ARRAYS)
        refusal = contextlib.nullcontext() if one == other else pytest.raises(CheckpointError, match="another run")
        with refusal:
            load_checkpoint(path, "training", other)


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    save_checkpoint(tmp_path / "run.npz", "sampling", CONFIGURATION, ARRAYS)
    with pytest.raises(CheckpointError, match="is a checkpoint of 'sampling', not of 'training'"):
        load_checkpoint(tmp_path / "run.npz", "training")


def test_a_newer_format_is_refused_by_its_version_whatever_else_it_holds(tmp_path):
    write_zip(tmp_path / "run.npz", {HEADER: json.dumps({"format": FORMAT + 1, "version": "9.1", "news": []})})
    with pytest.raises(CheckpointError, match=f"has format {FORMAT + 1}, .* the version that wrote it, 9.1"):
        load_checkpoint(tmp_path / "run.npz", "training")


HUGE = npy(np.zeros(1)).replace(b"(1,)", b"(%d,)" % 10**9).replace(b" " * 10, b" ", 1)
FOREIGN = {
    "arrays without a header": ({"x.npy": npy(np.zeros(2))}, {}, "no member 'minigrok'"),
    "a header that is no JSON": ({HEADER: "{"}, {}, "header cannot be read"),
    "a header that is a list": ({HEADER: "[1, 2]"}, {}, "header cannot be read"),
    "a header that is empty": ({HEADER: "{}"}, {}, "has format None"),
    "a header without a checksum": ({HEADER: json.dumps({"format": FORMAT})}, {}, "checksum"),
    "a header that is no text": ({HEADER: b"\xff\xfe"}, {}, "no whole"),
    "an array that is no array": ({"x.npy": b"hello"}, {}, "no whole"),
    "an array of objects": ({"x.npy": npy(np.array([{}]), allow_pickle=True)}, {}, "Object arrays cannot be loaded"),
    "an array shorter than its shape": ({"x.npy": HUGE}, {}, "no whole"),
    "a compressed member": ({"x.npy": npy(np.zeros(2))}, {"compression": zipfile.ZIP_DEFLATED}, "compressed"),
}


@pytest.mark.parametrize(("members", "options", "reason"), FOREIGN.values(), ids=FOREIGN)
def test_an_archive_of_another_make_is_refused_with_the_reason(members, options, reason, tmp_path):
    write_zip(tmp_path / "run.npz", members, **options)
    with pytest.raises(CheckpointError, match=reason):
        load_checkpoint(tmp_path / "run.npz", "training")


def test_arrays_changed_behind_an_unchanged_header_miss_the_checksum(tmp_path):
    """The zip file's own sums are right, so only the SHA-256 can tell: value, shape, type, name, one more, one less."""
    path = tmp_path / "run.npz"
    x = np.array([1, 2, 3, 4])
    save_checkpoint(path, "training", {}, {"x": x})
    with zipfile.ZipFile(path) as archive:
        header = archive.read(HEADER)
    for members in ({"x": x[::-1]}, {"x": x.reshape(2, 2)}, {"x": x.view(np.uint64)}, {"y": x}, {"x": x, "y": x}, {}):
        write_zip(path, {HEADER: header, **{f"{name}.npy": npy(array) for name, array in members.items()}})
        with pytest.raises(CheckpointError, match="checksum does not fit"):
            load_checkpoint(path, "training")


def test_settings_changed_behind_an_unchanged_checksum_are_noticed(tmp_path):
    path = tmp_path / "run.npz"
    save_checkpoint(path, "training", {"seed": 1}, {})
    with zipfile.ZipFile(path) as archive:
        header = archive.read(HEADER)
    write_zip(path, {HEADER: header.replace(b'"seed": 1', b'"seed": 2')})
    with pytest.raises(CheckpointError, match="checksum does not fit"):
        load_checkpoint(path, "training", {"seed": 2})


UNFIT = {
    "objects": ({}, {"x": np.array([{}])}, "only a pickle could hold"),
    "a name with NUL": ({}, {"a\0b": np.zeros(1)}, "choose another name"),
    "NaN": ({"lr": float("nan")}, {}, "does not fit into JSON"),
    "an array as a setting": ({"x": np.zeros(2)}, {}, "does not fit into JSON"),
}


@pytest.mark.parametrize(("configuration", "saved", "reason"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(configuration, saved, reason, tmp_path):
    (tmp_path / "run.npz").write_text("old")
    with pytest.raises(ValueError, match=reason):
        save_checkpoint(tmp_path / "run.npz", "training", configuration, saved)
    assert (tmp_path / "run.npz").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "run.npz"]


@pytest.mark.parametrize("reader", [load_arrays, lambda path: load_checkpoint(path, "training")])
def test_a_missing_file_is_a_missing_file_and_a_folder_is_no_checkpoint(reader, tmp_path):
    with pytest.raises(FileNotFoundError):
        reader(tmp_path / "nowhere.npz")
    with pytest.raises(CheckpointError):
        reader(tmp_path)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(error, tmp_path):
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(error), replace_file(target) as temporary:          # noqa: PT012
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failing_flush_or_renaming_leaves_the_old_file_and_nothing_else(broken, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    target = tmp_path / "result.txt"
    target.write_text("old")
    monkeypatch.setattr(os if broken == "fsync" else Path, broken, fail)
    with pytest.raises(OSError, match="No space left"), replace_file(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_file_is_flushed_before_it_is_renamed_and_its_folder_after(tmp_path, monkeypatch):
    target, deeds = tmp_path / "result.txt", []
    flush, rename = os.fsync, Path.replace

    def noted_flush(handle):
        deeds.append("flush folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"flush {os.fstat(handle).st_size}")
        flush(handle)

    def noted_rename(self, other):
        deeds.append(f"rename within {self.parent.name} to {other.name}")
        return rename(self, other)

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(Path, "replace", noted_rename)
    with replace_file(target) as temporary:
        temporary.write_text("12345")
    folder = ["flush folder"] if hasattr(os, "O_DIRECTORY") else []
    assert deeds == ["flush 5", f"rename within {tmp_path.name} to result.txt", *folder]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    save_arrays(tmp_path / "run.npz", {})
    assert (tmp_path / "run.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere is no folder, so run\.npz cannot go there: make it first"):
        save_arrays(tmp_path / "nowhere" / "run.npz", {})


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with replace_file(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert [(tmp_path / name).read_text() for name in ("link", "mine")] == ["new", "mine"]


@pytest.mark.skipif(os.name == "nt", reason="pipes")
@pytest.mark.parametrize("made", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_file_is_not_replaced_by_one(made, tmp_path):
    made(tmp_path / "there")
    before = (tmp_path / "there").lstat()
    with pytest.raises(ValueError, match="no file that could be replaced"), replace_file(tmp_path / "there"):
        pass
    assert (tmp_path / "there").lstat().st_ino == before.st_ino
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
