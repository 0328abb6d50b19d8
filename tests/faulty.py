"""A disk that fails, or a process that dies, at a chosen write, flush or rename: for tests of what must survive it."""

import builtins
import contextlib
import io
import os
from pathlib import Path

BUFFER = 256                   # bytes, so that a small file takes several writes


class DeadError(BaseException):
    """This process is dead: nothing that it does after this reaches the disk."""


class Disk:
    """Counts the calls that change something on the disk; the one with number `at` fails, and all after it.

    `deed` is called then: it raises what the system would, or ends the process. Half of what a failing write has to
    write is written before.
    """

    def __init__(self, folder, at=None, deed=None):
        self.folder, self.at, self.deed, self.calls, self.broken = folder, at, deed, [], False

    def reached(self, call):
        """One of the calls: whether it is to be done."""
        self.calls.append(call)
        self.broken = self.broken or len(self.calls) - 1 == self.at

    def call(self, name, function, *words, **named):
        self.reached(name)
        if self.broken:
            self.deed()
        return function(*words, **named)

    def opened(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        """What `open` returns, for files that are written; those of machine code lie elsewhere."""
        if not set(mode) & set("wxa+") or isinstance(file, int) or not is_within(self.folder, file):
            return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Raw(file, mode.replace("b", "").replace("t", ""))
        raw.disk = self
        whole = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw, BUFFER)
        return whole if "b" in mode else io.TextIOWrapper(whole, encoding or "utf-8", errors, newline)


def is_within(folder, file):
    """Whether a file is anywhere below a folder."""
    return Path(file).resolve().is_relative_to(folder)


class _Raw(io.FileIO):
    def write(self, data):
        self.disk.reached("write")
        if self.disk.broken:
            super().write(bytes(data)[: len(data) // 2])
            self.disk.deed()
        return super().write(data)


_open, _flush, _rename, _touch, _unlink = io.open, os.fsync, Path.replace, Path.touch, Path.unlink


@contextlib.contextmanager
def faulty(disk, patch):
    """Let all that this process writes from Python go to `disk`; `patch` is pytest's monkeypatch."""
    with patch.context() as place:
        place.setattr(io, "open", disk.opened)
        place.setattr(builtins, "open", disk.opened)
        place.setattr(os, "fsync", lambda handle: disk.call("flush", _flush, handle))
        place.setattr(Path, "replace", lambda path, target: disk.call("rename", _rename, path, target))
        place.setattr(Path, "touch", lambda path, *words, **named: disk.call("make", _touch, path, *words, **named))
        place.setattr(Path, "unlink", lambda path, *words, **named: (
            None if disk.broken and disk.deed is dead else _unlink(path, *words, **named)))
        yield disk


def full():
    """What a full disk says."""
    raise OSError(28, "No space left on device")


def dead():
    """A kill, as far as the disk can tell."""
    raise DeadError
