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
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from minigrok.checks import short
from minigrok.version import __version__

FORMAT = 2                     # which may hold a place within an epoch; format 1 could not, and is read as well
HEADER = "minigrok"            # the text member; those of arrays end in .npy
FIXED_DATE = (1980, 1, 1, 0, 0, 0)     # of all members: the earliest that zip files know
Arrays = dict[str, NDArray[Any]]


class CheckpointError(ValueError):
    """A file that is no whole checkpoint of this run: cut, damaged, of another kind, format or configuration."""


@contextlib.contextmanager
def replace_file(path: str | PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of `path`, in one step.

    What was written is flushed to the disk before the renaming, and the folder after it (where the
    system lets a folder be flushed: not on Windows). On any error `path` stays as it was.

    Raises
    ------
    FileNotFoundError
        If the folder is not there.
    ValueError
        If something is there that is no file: a folder, a pipe, a device.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "result.txt"
    >>> with replace_file(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)                                  # a link itself is replaced: it may lead anywhere
    if target.exists() and not target.is_file():
        raise ValueError(f"{path} is a folder, a pipe or a device, no file that could be replaced: name another")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is no folder, so {target.name} cannot go there: make it first")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    temporary.touch(exist_ok=False)                      # unlike mkstemp, with the permissions of any new file
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
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
        For an array of Python objects, which only a pickle could hold, or a name that a zip file changes.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save_arrays(path, {"epoch": np.array([0, 10])})
    >>> load_arrays(path)["epoch"]
    array([ 0, 10])
    """
    with replace_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        if header is not None:
            archive.writestr(_member(HEADER), header)
        for name, array in arrays.items():
            array = np.asarray(array)
            if array.dtype.hasobject:
                raise ValueError(f"array {name!r} has dtype {array.dtype}, which only a pickle could hold: convert it")
            buffer = io.BytesIO()
            npy_format.write_array(buffer, array, allow_pickle=False)
            archive.writestr(_member(f"{name}.npy"), buffer.getvalue())


def load_arrays(path: str | PathLike[str]) -> Arrays:
    """Read the arrays of an `.npz` file, without pickles.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        Where the file is no such archive, is damaged, compressed, or holds objects.
    """
    return _load(path)[1]


def save_checkpoint(path: str | PathLike[str], kind: str, configuration: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a checkpoint of a run of the named kind, say "training"; `configuration` must fit into JSON.

    Raises
    ------
    ValueError
        For a configuration that JSON cannot hold (NaN, arrays), and as `save_arrays`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save_checkpoint(path, "training", {"lr": 0.1}, {"theta": np.zeros(3)})
    >>> arrays, configuration = load_checkpoint(path, "training")
    >>> arrays["theta"], configuration
    (array([0., 0., 0.]), {'lr': 0.1})
    """
    header = {"format": FORMAT, "kind": kind, "version": __version__, "configuration": _as_read(configuration)}
    save_arrays(path, arrays, json.dumps({**header, "sha256": _checksum(header, arrays)}, sort_keys=True))


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
        header = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: its header cannot be read ({error})") from error
    if header.get("format") not in (1, FORMAT):          # before all else: another format may differ in anything
        raise CheckpointError(
            f"{path} has format {header.get('format')}, but minigrok {__version__} reads format {FORMAT}: "
            f"use the version that wrote it, {header.get('version')}")
    if header.pop("sha256", None) != _checksum(header, arrays):
        raise CheckpointError(f"{path} is damaged: its checksum does not fit; take an older copy or start anew")
    if header["kind"] != kind:
        raise CheckpointError(f"{path} is a checkpoint of {header['kind']!r}, not of {kind!r}: give another path")
    found = header["configuration"]
    if configuration is not None:
        _require_same(path, found, _as_read(configuration))
    return arrays, found


def _require_same(path: str | PathLike[str], found: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, now = _flat(found), _flat(wanted)
    differing = [
        f"{'.'.join(place)} is {before.get(place, 'not set')!r} there, {now.get(place, 'not set')!r} here"
        for place in sorted(before.keys() | now.keys()) if before.get(place, ...) != now.get(place, ...)]
    if differing:
        raise CheckpointError(
            f"{path} belongs to another run: {'; '.join(differing)}. Use the same settings, or another file")


def _flat(settings: dict[str, Any], place: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Nested settings as one level: {"net": {"loss": 1}} becomes {("net", "loss"): 1}; an empty dict is a value."""
    flat: dict[tuple[str, ...], Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, (*place, name)) if isinstance(value, dict) and value else {(*place, name): value}
    return flat


def _load(path: str | PathLike[str]) -> tuple[str | None, Arrays]:
    try:
        with zipfile.ZipFile(Path(path)) as archive:     # reading a member checks its CRC
            for member in archive.infolist():
                _require_plain(member)
            text = archive.read(HEADER).decode() if HEADER in archive.namelist() else None
            arrays = {}
            for name in archive.namelist():
                if name != HEADER:
                    content = io.BytesIO(archive.read(name))
                    arrays[name.removesuffix(".npy")] = npy_format.read_array(content, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, EOFError, OSError, NotImplementedError,
            RuntimeError, MemoryError, KeyError, SyntaxError, TypeError, TokenError) as error:
        raise CheckpointError(f"{path} is no whole .npz file of plain arrays ({error})") from error
    return text, arrays


def _checksum(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _as_read(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as JSON gives it back: tuples are lists, NumPy's numbers plain ones, all names text."""
    try:
        settings: dict[str, Any] = json.loads(json.dumps(dict(configuration), allow_nan=False, default=np.generic.item))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"configuration {short(configuration)} does not fit into JSON ({error}): "
                         "use text, finite numbers, True, False, None, and lists and dicts of them") from error
    return settings


def _member(name: str) -> zipfile.ZipInfo:
    """The entry of a zip file, the same at any time and on any system."""
    member = zipfile.ZipInfo(name, FIXED_DATE)
    member.create_system = 3                             # Unix
    if member.filename != name:                          # cut at a NUL character, say
        raise ValueError(f"{name!r} would become {member.filename!r} in a zip file: choose another name")
    return member


def _require_plain(member: zipfile.ZipInfo) -> None:
    if member.compress_type != zipfile.ZIP_STORED:       # stored members cannot be larger than the file
        raise ValueError(f"its member {member.filename!r} is compressed")
    if member.comment:                                   # one wrong bit in its length hides the members after it
        raise ValueError(f"its member {member.filename!r} has a comment, which minigrok never writes")
