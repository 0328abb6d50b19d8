"""What the runs of a sweep found, in one SQLite file: a row a run, a transaction a row, written by the driver alone.

    runs      key            hash of the configuration and the version, hexadecimal; the primary key
              configuration  canonical JSON of every option, the seed among them
              seed           the seed, once more, as a number
              sources        hash of the sources of minigrok that made the run
              status         "done" or "failed"; a run that is under way has no row
              numbers        JSON object of numbers by name, null for NaN; {} of a failed run
              error          of a failed run, "" else
              digest         SHA-256 of the fields before it, canonically written
    total     one row: how many runs there are, and the sum of their digests modulo 2^256

SQLite does not notice a wrong bit within its pages, so each row carries a digest, and the sum of all digests (which
does not depend on their order) tells whether a row was lost. No times are stored: the same runs make the same rows.

`PRAGMA application_id` is MINI ("mini" in ASCII) and `user_version` the version of this schema.
"""

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from minigrok.jit import PACKAGE, hash_of_sources
from minigrok.runs.grid import canonical, key_of
from minigrok.version import __version__

MINI, SCHEMA = 0x6D696E69, 1
BUSY_SECONDS = 30.0            # how long one statement waits for another process's transaction
DONE, FAILED = STATUSES = ("done", "failed")
FIELDS = ("key", "configuration", "seed", "sources", "status", "numbers", "error")
TABLES = """
CREATE TABLE runs (
    key TEXT PRIMARY KEY, configuration TEXT NOT NULL, seed INTEGER NOT NULL, sources TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'failed')), numbers TEXT NOT NULL, error TEXT NOT NULL,
    digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE total (runs INTEGER NOT NULL, digest TEXT NOT NULL);
"""


SYSTEMS = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
           sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM)
RESTORE = "take an older copy of it, or sweep into a new file"


class StoreError(ValueError):
    """A file that is no store of runs: no database, another's, of a newer version, or damaged."""


class Run(NamedTuple):
    """One row."""

    key: str
    configuration: dict[str, Any]
    seed: int
    sources: str
    status: str
    numbers: dict[str, float]            # NaN where a number is not defined
    error: str


class RunStore:
    """The store of a sweep; a context manager.

    Parameters
    ----------
    path : path
    driver : bool
        Whether to write. A file has one driver at a time. Without, the file must be there, and is only read.

    Raises
    ------
    StoreError
        A ValueError: if the file is no store, damaged, or of a newer version.
    BlockingIOError
        If another driver has it.
    FileNotFoundError, PermissionError
    OSError
        From all methods, where the disk is full or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "runs.db"
    >>> with RunStore(path, driver=True) as store:
    ...     store.add({"lr": 0.1, "seed": 0}, {"entropy": 1.25})
    >>> with RunStore(path) as store:
    ...     [(run.configuration["lr"], run.numbers) for run in store]
    [(0.1, {'entropy': 1.25})]
    """

    def __init__(self, path: str | PathLike[str], driver: bool = False) -> None:
        self.path, self.driver = Path(path), driver
        self._lock: sqlite3.Connection | None = None
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"{self.path.parent} is no folder, so {self.path.name} cannot be in it")
        if self.path.is_dir() or (not driver and not self.path.exists()):
            raise FileNotFoundError(f"{self.path} is no file: give the database that minigrok sweep wrote")
        with self._told():
            self._open()
        self._file = _identity(self.path)
        self._sources = hash_of_sources(PACKAGE)

    def _open(self) -> None:
        new = not self.path.exists() or self.path.stat().st_size == 0
        mode = "rwc" if self.driver else "ro"
        with ExitStack() as undone:                      # where this is refused, nothing stays open
            if self.driver:                              # a link and the file itself have one lock
                self._lock = undone.enter_context(closing(_locked(self.path.resolve())))
            self._base = undone.enter_context(closing(sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode={mode}", timeout=BUSY_SECONDS, uri=True, isolation_level=None)))
            if new and self.driver:
                self._base.executescript(
                    f"BEGIN; {TABLES} INSERT INTO total VALUES (0, '{0:064x}'); PRAGMA application_id = {MINI}; "
                    f"PRAGMA user_version = {SCHEMA}; COMMIT;")
            _require_ours(self._base, self.path)
            if self.driver:
                self._base.execute("PRAGMA journal_mode = WAL").fetchall()     # a transaction costs one flush or none,
                self._base.execute("PRAGMA synchronous = NORMAL")              # and a kill loses none
            else:
                self._base.execute("PRAGMA query_only = 1")
            undone.pop_all()

    def __enter__(self) -> "RunStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave one file behind."""
        try:
            if self.driver:
                self._base.execute("PRAGMA journal_mode = DELETE").fetchall()
        except sqlite3.Error:                            # somebody reads it: then the log stays beside it
            pass
        self._base.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __len__(self) -> int:
        with self._told():
            return int(self._base.execute("SELECT runs FROM total").fetchone()[0])

    def status(self, configuration: Mapping[str, Any]) -> str | None:
        """DONE, FAILED, or None for a run that is not there."""
        with self._told():
            row = self._base.execute("SELECT status FROM runs WHERE key = ?", (key_of(configuration),)).fetchone()
        return None if row is None else str(row[0])

    def add(self, configuration: Mapping[str, Any], numbers: Mapping[str, float] | None, error: str = "") -> None:
        """Keep one run, in one transaction; without numbers it failed. It takes the place of a failed one."""
        plain = {name: None if math.isnan(value) else float(value) for name, value in (numbers or {}).items()}
        status = FAILED if numbers is None else DONE
        row = (key_of(configuration), canonical(configuration), int(configuration["seed"]), self._sources, status,
               canonical(plain), error)
        digest = _digest(row)
        if _identity(self.path) != self._file:           # SQLite would go on writing into what has no name any more
            raise OSError(f"{self.path} was moved or deleted while it was being written: put it back where it was if "
                          "it still exists")
        with self._told():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                before = self._base.execute("SELECT digest FROM runs WHERE key = ?", row[:1]).fetchone()
                self._base.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, digest))
                count, total = self._base.execute("SELECT runs, digest FROM total").fetchone()
                removed = 0 if before is None else int(before[0], 16)
                total = (int(total, 16) + int(digest, 16) - removed) % 2**256
                self._base.execute("UPDATE total SET runs = ?, digest = ?", (count + (before is None), f"{total:064x}"))
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    def __iter__(self) -> Iterator[Run]:
        """All runs in the order of their keys, each checked; at the end, that none is missing."""
        count, total = 0, 0
        with self._told():
            for *fields, digest in self._base.execute(f"SELECT {', '.join(FIELDS)}, digest FROM runs ORDER BY key"):
                row = tuple(fields)
                if _digest(row) != digest:
                    raise StoreError(f"{self.path} is damaged: the run {row[0]!r} does not fit its digest; {RESTORE}")
                count, total = count + 1, (total + int(digest, 16)) % 2**256
                key, configuration, seed, sources, status, numbers, error = row
                yield Run(key, _object(configuration), seed, sources, status, _numbers(numbers), error)
            if (count, f"{total:064x}") != tuple(self._base.execute("SELECT runs, digest FROM total").fetchone()):
                raise StoreError(f"{self.path} is damaged: runs are missing; {RESTORE}")

    def check(self) -> None:
        """Read every row; StoreError where one is damaged or missing."""
        for _ in self:
            pass

    def _told(self) -> "_Told":
        return _Told(self.path)


class _Told:
    """Turns SQLite's errors into ours: damage is a StoreError, what the system refuses an OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.OperationalError) and _is_the_systems(error):
            if "readonly" in str(error):
                raise PermissionError(f"{self.path} cannot be written ({error}): nothing was lost") from error
            if "unable to open" in str(error):
                raise PermissionError(f"{self.path} cannot be opened: may this user read it, and make files in "
                                      f"{self.path.resolve().parent}?") from error
            raise OSError(f"{self.path}: {error}; what was stored before is kept") from error
        if isinstance(error, sqlite3.Error | TypeError | ValueError | LookupError | RecursionError) and not isinstance(
                error, StoreError):
            raise StoreError(f"{self.path} is no store of runs, or is damaged ({error}): {RESTORE}") from error


def _is_the_systems(error: sqlite3.OperationalError) -> bool:
    """Whether the system refused something; all else comes of what stands in the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in SYSTEMS        # the lower byte is the primary code


def _require_ours(base: sqlite3.Connection, path: Path) -> None:
    application, version = (base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application == version == 0 and path.stat().st_size == 0:
        raise StoreError(f"{path} is empty: no sweep has written to it yet")
    if application != MINI:
        raise StoreError(f"{path} is a database, but no store of minigrok's runs: give another path")
    if version != SCHEMA:
        raise StoreError(f"{path} has schema {version}, but minigrok {__version__} reads schema {SCHEMA}: use the "
                         "version that wrote it")


def _identity(path: Path) -> tuple[int, int] | None:
    """By what the system knows a file, whatever it is called; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _object(text: str) -> dict[str, Any]:
    """A JSON object; ValueError for anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]!r} is no object")
    return value


def _numbers(text: str) -> dict[str, float]:
    """The numbers of a run, NaN where one is not defined."""
    found = {name: math.nan if value is None else value for name, value in _object(text).items()}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} is {str(value)[:40]!r}, no number")
    return found


def _digest(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that ends with this process, however it ends: an exclusive transaction on an empty database beside it."""
    place = Path(f"{path}.lock")
    if place.is_dir():
        raise IsADirectoryError(f"{place} is a folder, but the lock of {path.name} belongs there: move it away")
    lock = sqlite3.connect(place, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        lock.close()
        if "locked" in str(error):
            raise BlockingIOError(f"{path} is being written by another sweep: wait until that has ended") from error
        if "not a database" in str(error):
            raise FileExistsError(f"{place} is no lock that a sweep has made: remove it, {path.name} is not touched"
                                  ) from error
        raise
    return lock
