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
        self._sources = hash_of_sources(PACKAGE)

    def _open(self) -> None:
        new = not self.path.exists() or self.path.stat().st_size == 0
        if self.driver:
            self._lock = _locked(self.path)
        mode = "rwc" if self.driver else "ro"
        self._base = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode={mode}", BUSY_SECONDS, uri=True,
                                     isolation_level=None)
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
                    raise StoreError(f"{self.path} is damaged: the run {row[0]!r} does not fit its digest; take a copy")
                count, total = count + 1, (total + int(digest, 16)) % 2**256
                key, configuration, seed, sources, status, numbers, error = row
                values = {name: math.nan if value is None else value for name, value in json.loads(numbers).items()}
                yield Run(key, json.loads(configuration), seed, sources, status, values, error)
            if (count, f"{total:064x}") != tuple(self._base.execute("SELECT runs, digest FROM total").fetchone()):
                raise StoreError(f"{self.path} is damaged: runs are missing; take a copy")

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
        if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
            if "readonly" in str(error):
                raise PermissionError(f"{self.path} cannot be written ({error}): nothing was lost") from error
            raise OSError(f"{self.path}: {error}; what was stored before is kept") from error
        if isinstance(error, sqlite3.Error | UnicodeDecodeError | OverflowError) or (
                isinstance(error, TypeError | ValueError | LookupError | AttributeError)
                and not isinstance(error, StoreError)):
            raise StoreError(f"{self.path} is no store of runs, or is damaged ({error}): take a copy") from error


def _is_damage(error: sqlite3.OperationalError) -> bool:
    return any(words in str(error) for words in ("no such table", "no such column", "malformed", "not a database"))


def _require_ours(base: sqlite3.Connection, path: Path) -> None:
    application, version = (base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application != MINI:
        raise StoreError(f"{path} is a database, but no store of minigrok's runs: give another path")
    if version != SCHEMA:
        raise StoreError(f"{path} has schema {version}, but minigrok {__version__} reads schema {SCHEMA}: use the "
                         "version that wrote it")


def _digest(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that ends with this process, however it ends: an exclusive transaction on an empty database beside it."""
    lock = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if "locked" in str(error):
            raise BlockingIOError(f"{path} is being written by another sweep: wait until that has ended") from error
        raise
    return lock
