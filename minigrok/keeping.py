"""All that changes while a net trains, and its checkpoint, which also holds an epoch that is half done.

A run can go on from any place between two steps. There it calls `mark`, and what was marked last is written to the
disk now and then, at the end, and on Ctrl-C, which may come in the middle of a step that has moved some of theta.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minigrok.checkpoint import Arrays, load_checkpoint, save_checkpoint
from minigrok.history import from_rows
from minigrok.mlp import MLP


@dataclass
class RunState:
    """All that changes while a net trains; written to a checkpoint and read back to the bit."""

    net: MLP
    state: Any                 # the optimizer's, which no step changes in place
    rng: np.random.Generator
    epoch: int = 0             # epochs done
    rows: list[dict[str, Any]] = field(default_factory=list)
    order: Any = None          # of the inputs in the epoch under way, (inputs,)
    passed: int = 0            # so many of them are done; 0 between two epochs

    def noted(self) -> Callable[[], Arrays]:
        """A function that returns the run as it is now, and not as it will be, as arrays for a checkpoint."""
        found = {f"optimizer {name}": value for name, value in self.state._asdict().items()}
        found |= {"theta": self.net.theta.copy(), "epoch": np.array(self.epoch), "passed": np.array(self.passed)}
        order = self.order if self.passed > 0 else np.empty(0, int)
        random, count = self.rng.bit_generator.state, len(self.rows)
        return lambda: found | {"random": np.array(json.dumps(random)), "order": order} | {
            f"column {name}": column for name, column in from_rows(self.rows[:count]).columns.items()}

    def restore(self, arrays: Arrays) -> None:
        """Go back to what was noted."""
        self.net.theta[:], self.epoch = arrays["theta"], int(arrays["epoch"])
        self.rng.bit_generator.state = json.loads(str(arrays["random"]))
        self.state = type(self.state)(**{name: arrays[f"optimizer {name}"] for name in self.state._fields})
        columns = {name.removeprefix("column "): a for name, a in arrays.items() if name.startswith("column ")}
        self.rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        # format 1 was written between epochs only
        self.passed, self.order = int(arrays.get("passed", 0)), arrays.get("order", self.order)


@contextmanager
def kept(
    run: RunState, path: str | PathLike[str] | None, configuration: dict[str, Any], seconds: float
) -> Iterator[Callable[[bool], None]]:
    """Go back to the checkpoint, if it is there; yield `mark(last)`, to be called between two steps and at the end.

    The checkpoint is written every so many seconds, and at the last.
    """
    if path is not None and Path(path).exists():
        run.restore(load_checkpoint(path, "training", configuration)[0])
    marked, saved = None, time.monotonic()

    def mark(last: bool) -> None:
        nonlocal marked, saved
        if path is not None:
            marked = run.noted()
            if last or time.monotonic() - saved > seconds:
                save_checkpoint(path, "training", configuration, marked())
                saved = time.monotonic()

    try:
        yield mark
    except KeyboardInterrupt:
        if path is not None and marked is not None:
            save_checkpoint(path, "training", configuration, marked())
        raise
