"""The marker's end of the line to a student's code, which runs in a process of its own (`minigrok.course.worker`)."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from minigrok.course import worker
from minigrok.course.worker import Reply
from minigrok.jit import PACKAGE

START_SECONDS = 60.0           # for Python, NumPy and the student's file, on a busy machine
CALL_SECONDS = 10.0            # for one call: the inputs are small
PRINTED = 2000                 # characters that are kept of what the student's code prints


class StudentProcess:
    """The function of a student's file, called from afar; a context manager.

    Parameters
    ----------
    file : Path
        The student's.
    function : str
        The name of its function.
    hidden : sequence of Path
        Folders, besides the package itself, whose files the student's code may not open.
    seconds : float
        How long one call may take.
    """

    def __init__(self, file: Path, function: str, hidden: Sequence[Path] = (), seconds: float = CALL_SECONDS) -> None:
        self.seconds = seconds
        self._folder = tempfile.TemporaryDirectory(prefix="minigrok-course-")      # what the code writes goes with it
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._printed = bytearray()
        words = [worker.__file__, str(file.resolve()), function, str(PACKAGE), *map(str, hidden)]
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-P", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self._folder.name, start_new_session=True,
            env=os.environ | one_thread | {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"})
        self._threads = [threading.Thread(target=read, args=(stream,), daemon=True) for read, stream in (
            (self._read_replies, self._process.stdout), (self._read_printed, self._process.stderr))]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "StudentProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def ready(self) -> Reply:
        """What came of reading the file: "ready", or why it cannot be called."""
        return self._next(START_SECONDS)

    def ask(self, arguments: Sequence[Any]) -> Reply:
        """What came of one call on encoded arguments: as `worker.call` has it, or "timeout", or "died"."""
        line = json.dumps({"arguments": arguments}).encode() + b"\n"
        assert self._process.stdin is not None
        with suppress(OSError):                          # it is gone; how, the next reply says
            self._process.stdin.write(line)
            self._process.stdin.flush()
        return self._next(self.seconds)

    def printed(self) -> str:
        """The beginning of what the student's code has printed so far; all of it once the process is closed."""
        return self._printed[:PRINTED].decode(errors="replace")

    def close(self) -> None:
        """End the process and all that it started."""
        if os.name == "posix":
            with suppress(ProcessLookupError, PermissionError):      # nobody is left
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(timeout=1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with suppress(OSError):                      # a line that it never read
                stream.close()
        self._folder.cleanup()

    def _next(self, seconds: float) -> Reply:
        try:
            line = self._replies.get(timeout=seconds)
        except queue.Empty:
            return {"kind": "timeout", "seconds": seconds}
        if not line:
            return {"kind": "died", "code": self._process.wait()}
        reply: Reply = json.loads(line)
        return reply

    def _read_replies(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._replies.put(line)
        self._replies.put(b"")

    def _read_printed(self, stream: IO[bytes]) -> None:
        while chunk := stream.read1(65536):              # type: ignore[attr-defined]
            if len(self._printed) < PRINTED:
                self._printed += chunk


def local(function: Callable[..., Any]) -> Callable[[Sequence[Any]], Reply]:
    """`ask` for a function of our own, in this process, through the same coding and the same checks."""
    return lambda arguments: worker.call(function, arguments)
