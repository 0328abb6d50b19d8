"""One safe file: written whole under a temporary name, flushed, renamed; read without trust.

A checkpoint is an `.npz` of plain arrays (never pickles) and one text member, which holds the version
of the format, the kind of run, its configuration, and a SHA-256 over the name, type, shape and bytes of
every array. The same arrays give the same bytes: no times are inside.
"""

import contextlib
import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from minigrok.version import __version__

FORMAT = 1
HEADER = "minigrok"            # the text member; no array may have its name
FIXED_DATE = (1980, 1, 1, 0, 0, 0)     # of all members: the earliest that zip files know
Arrays = dict[str, NDArray[Any]]


class CheckpointError(ValueError):
    """A file that is no whole checkpoint of this run: cut, damaged, of another kind, format or configuration."""


@contextlib.contextmanager
def replace_file(path: str | PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of `path`, in one step.

    What was written is flushed to the disk before the renaming, and the folder after it (where the
    system lets a folder be flushed: not on Windows). On any error `path` stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "result.txt"
    >>> with replace_file(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())               # mkstemp keeps everybody else out
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(target.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def save_arrays(path: str | PathLike[str], arrays: Mapping[str, NDArray[Any]], header: str | None = None) -> None:
    """Write an `.npz` of plain arrays; the same arrays, the same bytes.

    Raises
    ------
    ValueError
        For an array of Python objects, which only a pickle could hold.
    """
    with replace_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        if header is not None:
            archive.writestr(zipfile.ZipInfo(HEADER, FIXED_DATE), header)
        for name, array in arrays.items():
            array = np.asarray(array)
            if array.dtype.hasobject:
                raise ValueError(f"array {name!r} has dtype {array.dtype}, which only a pickle could hold: convert it")
            buffer = io.BytesIO()
            npy_format.write_array(buffer, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", FIXED_DATE), buffer.getvalue())


def load_arrays(path: str | PathLike[str]) -> Arrays:
    """Read the arrays of an `.npz` file, without pickles.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        Where the file is no such archive, is damaged, or holds objects.
    """
    return _load(path)[1]


def save_checkpoint(path: str | PathLike[str], kind: str, configuration: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a checkpoint of a run of the named kind, say "training"; `configuration` must fit into JSON."""
    header = {"format": FORMAT, "kind": kind, "version": __version__, "configuration": dict(configuration)}
    text = json.dumps({**header, "sha256": _checksum(header, arrays)}, sort_keys=True)
    save_arrays(path, arrays, text)


def load_checkpoint(
    path: str | PathLike[str], kind: str, configuration: Mapping[str, Any] | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """Read a checkpoint; return its arrays and its configuration.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        Where the file is cut or damaged, of a newer format, of another kind, or (if `configuration`
        is given) of another configuration; the settings that differ are named.
    """
    text, arrays = _load(path)
    if text is None:
        raise CheckpointError(f"{path} is no checkpoint: it has no member {HEADER!r}")
    try:
        header = json.loads(text)
        checksum = header.pop("sha256")
        found_format, found_kind, found = header["format"], header["kind"], header["configuration"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its header cannot be read ({error})") from error
    if found_format != FORMAT:
        raise CheckpointError(
            f"{path} has format {found_format}, this is minigrok {__version__}, which reads format {FORMAT}: "
            f"use the version that wrote it, {header.get('version')}")
    if checksum != _checksum(header, arrays):
        raise CheckpointError(f"{path} is damaged: its checksum does not fit; take an older copy or start anew")
    if found_kind != kind:
        raise CheckpointError(f"{path} is a checkpoint of {found_kind!r}, not of {kind!r}")
    if configuration is not None:
        _require_same(path, found, json.loads(json.dumps(dict(configuration))))
    return arrays, found


def _require_same(path: str | PathLike[str], found: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, now = _flat(found), _flat(wanted)
    differing = [
        f"{name} is {before.get(name, 'not set')!r} there, {now.get(name, 'not set')!r} here"
        for name in sorted(before.keys() | now.keys()) if before.get(name, ...) != now.get(name, ...)]
    if differing:
        raise CheckpointError(
            f"{path} belongs to another run: {'; '.join(differing)}. Use the same settings, or another file")


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level: {"net": {"loss": 1}} becomes {"net.loss": 1}."""
    if not isinstance(settings, dict):
        return {prefix: settings}
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}.{name}" if prefix else name)
    return flat


def _load(path: str | PathLike[str]) -> tuple[str | None, Arrays]:
    try:
        with zipfile.ZipFile(path) as archive:           # reading a member checks its CRC
            text = archive.read(HEADER).decode() if HEADER in archive.namelist() else None
            arrays = {}
            for name in archive.namelist():
                if name != HEADER:
                    content = io.BytesIO(archive.read(name))
                    arrays[name.removesuffix(".npy")] = npy_format.read_array(content, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, EOFError, OSError, NotImplementedError,
            RuntimeError, MemoryError, KeyError, SyntaxError, TypeError) as error:
        raise CheckpointError(f"{path} is no whole .npz file of plain arrays ({error})") from error
    return text, arrays


def _checksum(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _umask() -> int:
    """The user's umask, which can be read only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
