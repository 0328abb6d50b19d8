"""How a mutant meets the tests: in a fork of a process that has collected them, or loaded from its text in a new one.

`mutation.py` has the whole; this is the part that runs in other processes.
"""

import contextlib
import gc
import importlib.abc
import importlib.util
import os
import resource
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path
from types import CodeType, FunctionType

from mutants import ROOT, Mutant, function_of, functions, with_inner

MEMORY = 8 * 2**30             # bytes, lest a changed size fill the machine
BROKEN = 99                    # status of a child whose mutant cannot be imported
NAMES = {0: "survived", -signal.SIGPROF: "timeout", -signal.SIGALRM: "timeout", BROKEN: "broken"}


class FromText(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text instead of its file."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name, path=None, target=None):
        """Only that one."""
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_filename(self, name):
        """Where the unchanged one is."""
        return str(self.path)

    def get_data(self, path):
        """The changed one; no compiled file of it is read or kept."""
        if Path(path) != self.path:
            raise OSError(path)
        return self.source.encode()


class Forking:
    """A plugin of pytest: runs all tests once for each mutant, each with a limit, until one fails.

    That which killed the mutant before is tried first, since neighbours often fall to the same one; the others in the
    order of their seconds, file by file. Without mutants it runs them once, as they are, and keeps those seconds.
    """

    def __init__(
        self, usual: dict[str, float], longest: float = float("inf"), todo: list[Mutant] = (), workers: int = 1,
        tell: int = -1,
    ) -> None:
        self.usual, self.taken, self.longest = usual, Counter(), longest
        self.todo, self.workers, self.tell = todo, workers, tell
        self.running: dict[int, tuple[int, str]] = {}
        self.place = ""                                  # a child's folder

    def pytest_collection_modifyitems(self, items):
        """Sort them, file by file."""
        files = list(dict.fromkeys(item.path for item in items))
        items.sort(key=lambda item: (files.index(item.path), self.usual.get(item.nodeid, 0.0)))

    def pytest_runtestloop(self, session):
        """Fork; in a child, None: pytest's own loop goes on there."""
        session.items[:] = [item for item in session.items if self.usual.get(item.nodeid, 0.0) <= self.longest]
        for number, mutant in enumerate(self.todo):
            if len(self.running) == self.workers:
                self.reap(session.items)
            place = tempfile.mkdtemp()
            child = os.fork()
            if not child:
                self.place = place
                settle_in(place)
                try:
                    put_in(mutant)
                except ValueError:
                    os._exit(BROKEN)
                return None
            self.running[child] = number, place
        while self.running:
            self.reap(session.items)
        return bool(self.todo) or None

    def reap(self, items) -> None:
        """Wait for a child, clear up after it and tell what it found."""
        child, status = os.wait()
        number, place = self.running.pop(child)
        failed = Path(place, "failed")
        nearest = failed.read_text() if failed.exists() else ""
        items.sort(key=lambda item: item.nodeid != nearest)
        clear_up(child, place)
        os.write(self.tell, f"{number} {NAMES.get(os.waitstatus_to_exitcode(status), 'killed')}\n".encode())

    def pytest_runtest_logstart(self, nodeid):
        """End the process if it takes too long."""
        if nodeid in self.usual:
            signal.setitimer(signal.ITIMER_PROF, 2 * self.usual[nodeid] + 3)       # its own work, whatever the load
            signal.alarm(int(20 * self.usual[nodeid] + 100))                       # or it waits for ever

    def pytest_runtest_logreport(self, report):
        """Add up what a test takes with what it needs; say which one failed."""
        self.taken[report.nodeid] += report.duration
        if report.failed and self.place:
            Path(self.place, "failed").write_text(report.nodeid)

    def pytest_runtest_logfinish(self):
        """It ended in time."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)


def put_in(mutant: Mutant) -> None:
    """Give the changed body to the loaded function, wherever a name refers to it; ValueError if it cannot be."""
    path = str(ROOT / "minigrok" / f"{mutant.file}.py")
    bodies = [each for code in functions(compile(mutant.source, path, "exec")) for each in with_inner(code)]
    often = Counter(map(known_by, bodies))
    changed = {known_by(code): code for code in bodies if often[known_by(code)] == 1}
    found = set()
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename == path:
            here = known_by(each.__code__)
            found.add(here)
            each.__code__ = changed.get(here, each.__code__)
    if function_of(mutant.source, mutant.line) not in found & set(changed):
        raise ValueError(f"{mutant.file}:{mutant.line} is not the body of a function that is loaded")


def known_by(code: CodeType) -> tuple[str, int]:
    """By what a function of a file is known."""
    return code.co_qualname, code.co_firstlineno


def settle_in(place: str) -> None:
    """A process group, home and temporary folder of its own, a limit of memory; what it prints goes to a file."""
    os.setsid()
    log = os.open(f"{place}/log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= {"HOME": place, "XDG_CACHE_HOME": place, "TMPDIR": place, "PYTHONPATH": str(ROOT)}
    tempfile.tempdir = place
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def clear_up(child: int, place: str) -> None:
    """End what a child started, and remove its folder."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    shutil.rmtree(place, ignore_errors=True)
