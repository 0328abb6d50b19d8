"""What stands in a checkpoint, which later versions are to read, and in its folder while it is made."""

import io
import json
import secrets
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy_format

import minigrok.checkpoint as checkpoint_module
from minigrok.checkpoint import CheckpointError, load_checkpoint, replace_file, save_arrays, save_checkpoint

ARRAYS = {"theta": np.arange(3.0), "epoch": np.array(7)}


def test_a_checkpoint_is_of_format_2_without_times_or_systems(tmp_path):
    save_checkpoint(tmp_path / "run.npz", "training", {"lr": 0.1}, ARRAYS)
    with zipfile.ZipFile(tmp_path / "run.npz") as archive:
        assert archive.namelist() == ["minigrok", "theta.npy", "epoch.npy"]
        header = json.loads(archive.read("minigrok"))
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)             # the earliest that zip files know
            assert member.create_system == 3                             # Unix, wherever it is written
            assert member.compress_type == zipfile.ZIP_STORED
        buffer = io.BytesIO()
        npy_format.write_array(buffer, ARRAYS["theta"])
        assert archive.read("theta.npy") == buffer.getvalue()
    assert header.keys() == {"format", "kind", "version", "configuration", "sha256"}
    assert (header["format"], header["kind"], header["configuration"]) == (2, "training", {"lr": 0.1})


@pytest.mark.parametrize(("version", "is_read"), [(-1, False), (0, False), (1, True), (2, True), (3, False)])
def test_formats_1_and_2_are_read_and_no_other(tmp_path, monkeypatch, version, is_read):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "FORMAT", version)
        save_checkpoint(tmp_path / "run.npz", "training", {}, ARRAYS)
    if is_read:
        assert load_checkpoint(tmp_path / "run.npz", "training")[0]["epoch"] == 7
    else:
        with pytest.raises(CheckpointError, match=f"has format {version}, but minigrok .* reads format 2: use the"):
            load_checkpoint(tmp_path / "run.npz", "training")


def test_a_file_that_is_being_made_is_hidden_and_known_by_eight_hexadecimal_digits(tmp_path):
    """By which the command line finds and removes what a killed run has left."""
    for _ in range(20):
        with replace_file(tmp_path / "run.npz") as temporary:
            assert temporary.parent == tmp_path
            start, digits = temporary.name.rsplit(".", 1)
            assert start == ".run.npz"
            assert len(digits) == 8
            assert set(digits) <= set("0123456789abcdef")
            temporary.touch()


def test_a_file_that_happens_to_have_the_temporary_name_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "token_hex", lambda count: "ab" * count)
    (tmp_path / ".run.npz.abababab").write_text("somebody's")
    with pytest.raises(FileExistsError):
        save_arrays(tmp_path / "run.npz", ARRAYS)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(".run.npz.abababab", "somebody's")]


def test_the_error_is_that_of_the_writer_even_if_it_has_removed_its_file(tmp_path):
    with pytest.raises(ZeroDivisionError), replace_file(tmp_path / "run.npz") as temporary:      # noqa: PT012
        temporary.unlink()
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
