"""Ctrl-C and SIGTERM: the first ends a command in order, a second waits for that, a third ends it at once.

All that is written survives a kill, so the third loses nothing either. A process that was started with a signal
ignored, as with nohup, goes on ignoring it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
AT_ONCE = 3
AGAIN_SECONDS = 0.05           # until a signal is raised once more whose exception was lost


@contextmanager
def heard(interrupted: int) -> Iterator[None]:
    """Let the first signal raise a KeyboardInterrupt that says what came, and the third exit as `interrupted`.

    The handlers are removed with the block, unless a signal came: then the program is about to end, and signals are
    ignored until it has, so that what is left to be done is not broken off with a traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield                                            # signals are the main thread's
        return
    ear, hook = _Ear(interrupted, sys.unraisablehook), sys.unraisablehook
    before = {number: signal.getsignal(number) for number in WORDS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ear.hear)
    sys.unraisablehook = ear.lost
    try:
        yield
    except Exception as problem:                         # due to that, perhaps: numba then misses what it was to get
        if ear.swallowed and not isinstance(problem, OSError):
            raise KeyboardInterrupt(f"{ear.swallowed}; call it again, with --resume if it had begun") from problem
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if ear.count or ear.swallowed else handler)
        sys.unraisablehook = hook


class _Ear:
    """What has been heard so far."""

    def __init__(self, interrupted: int, hook: Callable[[Any], Any]) -> None:
        self.interrupted, self.hook = interrupted, hook
        self.count, self.swallowed = 0, ""

    def hear(self, number: int, frame: FrameType | None) -> None:
        """A signal's handler."""
        self.count += 1
        word = WORDS[signal.Signals(number)]
        if self.count == 1:
            raise KeyboardInterrupt(word)
        if self.count >= AT_ONCE:
            os.write(2, f"minigrok: {word} at once; what was written is kept, and can be gone on with\n".encode())
            os._exit(self.interrupted)

    def lost(self, problem: Any) -> None:
        """An exception cannot leave a destructor or a callback of C; so the signal comes again a moment later."""
        if issubclass(problem.exc_type, KeyboardInterrupt):
            self.count, self.swallowed = 0, str(problem.exc_value or WORDS[signal.SIGINT])
            number = next(number for number, word in WORDS.items() if word == self.swallowed)
            threading.Timer(AGAIN_SECONDS, _send, [number]).start()
        else:
            self.hook(problem)


def _send(number: signal.Signals) -> None:
    """To the main thread, which may be asleep."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
