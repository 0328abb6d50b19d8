"""Results of finished jobs on the disk, so that a study killed at any moment goes on where it was.

One file a job, a checkpoint of `minigrok.checkpoint`, written whole or not at all: plain arrays, and the structure that
`minigrok.study.packing` makes of the result. A file belongs to a job if experiment, specification, seed, function and
setting are the same, whatever the version of the code; each file says which sources made it, and `Store.sources` tells
whether there was more than one version.
"""

import hashlib
import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from minigrok.checkpoint import load_checkpoint, save_checkpoint
from minigrok.jit import PACKAGE, hash_of_sources
from minigrok.runs.jobs import Job, Outcome
from minigrok.study.packing import canonical, pack, unpack

KIND = "result of a job"
NAME_LENGTH = 80               # of the part of a file's name that is there for people


class Store:
    """A folder of results, which is made if it is not there.

    Examples
    --------
    >>> import math, tempfile
    >>> store, job = Store(tempfile.mkdtemp()), Job("roots", "square", 0, math.isqrt, 9)
    >>> store.load(job) is None
    True
    >>> store.save(job, {"root": 3})
    >>> store.load(job).result
    {'root': 3}
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self._sources_now = hash_of_sources(PACKAGE)
        self._sources: set[str] = set()

    def load(self, job: Job) -> Outcome | None:
        """The outcome of a job, or None; a file that is damaged or of another job counts for nothing, with a warning.

        Raises
        ------
        ValueError
            For a setting that has no canonical form.
        """
        described = _described(job)
        path = self._place(described)
        try:
            arrays, kept = load_checkpoint(path, KIND)
            if kept["job"] != described:
                raise ValueError(f"it is of another job, {kept['job']}")
            result = unpack(kept["result"], arrays, job.setting)
            self._sources.add(str(kept["sources"]))
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError) as problem:
            warnings.warn(f"{path.name} is of no use, so its job is run again: {problem}", stacklevel=2)
            return None
        return Outcome(job, result, None)

    def save(self, job: Job, result: Any) -> None:
        """Write the result of a job, in one step.

        Raises
        ------
        ValueError
            For a result that `minigrok.study.packing.pack` does not take.
        """
        try:
            structure, arrays = pack(result, job.setting)
        except ValueError as problem:
            raise ValueError(f"{job.experiment}, {job.specification}, seed {job.seed}: {problem}") from problem
        described = _described(job)
        kept = {"job": described, "sources": self._sources_now, "result": structure}
        save_checkpoint(self._place(described), KIND, kept, arrays)
        self._sources.add(self._sources_now)

    def sources(self) -> tuple[str, ...]:
        """Hashes of the sources that made the results read and written so far, sorted: one for each version."""
        return tuple(sorted(self._sources))

    def _place(self, described: dict[str, Any]) -> Path:
        """The file of a job: some words for people, and a hash that tells all jobs apart."""
        words = f"{described['experiment']}-{described['specification']}".lower()
        words = re.sub(r"[^a-z0-9.]+", "-", words)[:NAME_LENGTH].strip("-.")
        digest = hashlib.sha256(repr(described).encode("utf-8", "backslashreplace")).hexdigest()[:16]
        return self.folder / f"{words}-seed{described['seed']}-{digest}.npz"


def _described(job: Job) -> dict[str, Any]:
    """What tells jobs apart."""
    return {"experiment": job.experiment, "specification": job.specification, "seed": job.seed,
            "function": canonical(job.function), "setting": canonical(job.setting)}
