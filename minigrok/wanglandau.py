"""Wang-Landau sampling: a random walk that learns the density of states g(E) on the way.

g(E) is the share of all configurations (of the reference measure) with energy E. A walk that accepts a
move with probability

    min(1, g(E) / g(E') * ratio),    ratio = q(x|x') pi(x') / (q(x'|x) pi(x)), 1 for symmetric moves on a flat measure,

visits all energies equally often. g is not known, so the walk estimates it: at *every* step, also after a
refused move, ln g of the bin in which it stands grows by ln f, and ln f shrinks:

    "flatness"      halved whenever the least visited bin has 80 % of the mean visits, down to 1e-8 [1]. The error
                    then stays where it is for ever.
    "one_over_t"    halved whenever all bins were visited 1 / sqrt(ln f) times [3], until it would fall below
                    (bins seen) / t; from then on it is that [2], and the error falls as t^(-1/2). With another
                    numerator it would fall as t^(-1/2) with a larger factor, or more slowly [4].

Then comes *production*: ln g is frozen, the walk samples with fixed weights, and only then observables
are taken, bin by bin (`minigrok.walker` has the details). Several independent walkers give an error: the spread of
their ln g. It says nothing about a bias that all share, as the walkers of a short run do, about half an error of it
after ten round trips (tutorials/pages/landscape.md); for that there is `production_shift`.

A system is anything with `start`, `energy`, `propose`, `accept` (see `minigrok.walk`): `minigrok.systems` has some.

References
----------
.. [1] F. Wang and D. P. Landau, Physical Review Letters 86, 2050 (2001).
.. [2] R. E. Belardinelli and V. D. Pereyra, Physical Review E 75, 046701 (2007).
.. [3] C. Zhou and R. N. Bhatt, Physical Review E 72, 025701 (2005): so many visits make ln g as good as ln f allows.
.. [4] Z. Tan, Journal of Computational and Graphical Statistics 26, 54 (2017), section 3: the optimal gain.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrok.checkpoint import load_checkpoint, save_checkpoint
from minigrok.checks import increasing_edges, one_of, real_number, whole_number
from minigrok.dos import WALKERS_FOR_AN_INTERVAL, DensityOfStates, WalkerResult, combine
from minigrok.version import __version__
from minigrok.walk import System
from minigrok.walker import OBSERVE_EVERY, STRETCH, Round, Walker

SCHEDULES = ("one_over_t", "flatness")
CHECKPOINT_KIND = "sampling"
FIRST_ROUND = 100_000          # steps; each round for `until_error` makes the total twice as long
SECONDS_AHEAD = 1.0            # that walkers go before all meet, about
CHECKPOINT_SECONDS = 20.0      # between two checkpoints
ROUND_TRIPS_WANTED, R_HAT_WANTED, LOG_F_WANTED = 10, 1.05, 0.01     # held to exact answers in pages/landscape.md


class Progress(NamedTuple):
    """What a progress callback gets, whenever all walkers have met."""

    steps: int                 # done by each walker
    of_steps: int              # to do, until the round ends
    bins_seen: int             # by any walker
    error: float               # largest standard error of ln g when the last round ended; infinite before
    steps_per_second: float    # of all walkers together, since they met last


class WangLandau:
    """A Wang-Landau sampler of a system's density of states.

    Parameters
    ----------
    system : System
        Such as `Ising2D(8)`.
    edges : array_like, shape (bins + 1,)
        Increasing limits of the energy bins; energies outside are walls. The last bin is closed. A bin that is
        never reached stays masked: `log_g` is -inf there.
    schedule : {"one_over_t", "flatness"}
        How ln f shrinks.
    walkers : int
        Independent walks; their spread gives an error, which is worth quoting from 8 on.
    seed : int
        The walkers' streams are spawned from it.
    workers : int
        Threads; the result is the same for any number.
    joint : dict from name to array_like, optional
        For each of these observables, limits of the columns of a histogram over energy and observable.

    Raises
    ------
    ValueError
        For fewer than two bins, edges that do not increase, unknown schedules, numbers out of range.

    Examples
    --------
    >>> from minigrok.systems import Ising2D
    >>> model = Ising2D(2)
    >>> states = WangLandau(model, model.edges, seed=0).run(steps=200_000)
    >>> bool(abs(states.log_g[0] - np.log(2 / 16)) < 0.05)          # both ground states of 16 configurations
    True
    """

    def __init__(
        self, system: System, edges: ArrayLike, schedule: str = "one_over_t", walkers: int = 1, seed: int = 0,
        workers: int = 1, joint: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.system = system
        self.edges = increasing_edges("edges", edges, 2)
        self.schedule = one_of("schedule", schedule, SCHEDULES)
        self.walkers = whole_number("walkers", walkers, 1)
        self.seed = whole_number("seed", seed, 0, np.inf)
        self.workers = whole_number("workers", workers, 1)
        self.joint = {name: increasing_edges(f"joint[{name!r}]", edges) for name, edges in dict(joint or {}).items()}

    @property
    def configuration(self) -> dict[str, Any]:
        """What a checkpoint must agree in."""
        system = getattr(self.system, "configuration", {"name": type(self.system).__name__})
        return {"system": system, "edges": self.edges.tolist(), "schedule": self.schedule, "walkers": self.walkers,
                "seed": self.seed, "joint": {name: borders.tolist() for name, borders in self.joint.items()},
                "minigrok": __version__}

    def run(
        self, steps: int | None = None, until_error: float | None = None,
        progress: Callable[[Progress], None] | None = None, checkpoint: str | PathLike[str] | None = None,
    ) -> DensityOfStates:
        """Walk, half of the steps in production.

        Parameters
        ----------
        steps : int, optional
            Trial moves of every walker; with `until_error`, the most that are made.
        until_error : float, optional
            Walk in rounds, each as long as all before it, until the standard error of ln g is at most this in every
            visited bin, and round trips and R-hat are good enough for it to be trusted. It takes 8 walkers or more.
            The error where it stops is a little low: it stopped because it was.
        progress : function of a Progress, optional
            Called about every second.
        checkpoint : path, optional
            Written every 20 seconds, on Ctrl-C and at the end; if it is there the run goes on from it, to the bit.

        Raises
        ------
        ValueError
            If a walker cannot be brought into the range of the edges, or a move that is no wall leads to an
            energy that is NaN or infinite; without steps and until_error; for numbers out of range.
        CheckpointError
            If the checkpoint is damaged or belongs to another run.

        Warns
        -----
        UserWarning
            Where round trips or R-hat say that the error is not to be trusted.
        """
        cap = None if steps is None else whole_number("steps", steps, 10 * OBSERVE_EVERY)
        if until_error is not None:
            real_number("until_error", until_error, 0, low_open=True)
            if self.walkers < WALKERS_FOR_AN_INTERVAL:
                raise ValueError(f"until_error needs an error to go by, and {self.walkers} walkers do not give one: "
                                 f"take {WALKERS_FOR_AN_INTERVAL} or more")
            if self.schedule == "flatness" and cap is None:
                raise ValueError("with flatness the error stops falling, so until_error may never come: give steps too")
        elif cap is None:
            raise ValueError("give steps, until_error or both: else the walk has no end")
        settings = self.configuration | {"steps": cap, "rounds": until_error is not None}
        walkers = [Walker(self.system, self.edges, self.schedule, self.joint, stream) for stream in self._streams()]
        if checkpoint is not None and Path(checkpoint).exists():
            _restore(walkers, load_checkpoint(checkpoint, CHECKPOINT_KIND, settings)[0])
        meet = _meeting(walkers, progress, None if checkpoint is None else (checkpoint, settings))
        error = float("inf")
        if checkpoint is not None:
            meet(Round(0, 0), error, 0.0, True)          # a path or settings that cannot be written show now
        for part in _rounds(cap, until_error is not None):
            if part.end < max(walker.steps for walker in walkers):
                continue                                 # found not good enough before the checkpoint
            _walk_side_by_side(walkers, part, self.workers, meet, error)
            states = combine(self.edges, [walker.result() for walker in walkers], self.joint)
            doubts, error = doubts_about(states), states.largest_error
            if until_error is not None and error <= until_error and not doubts:
                break
        meet(part, error, 0.0, True)
        if doubts:
            warnings.warn(f"poor convergence: {'; '.join(doubts)}. Take more steps, or fewer bins", stacklevel=2)
        return states

    def run_walker(self, number: int, steps: int) -> WalkerResult:
        """One walker on its own stream; for whoever spreads walkers over processes and then calls `combine`."""
        index = whole_number("number", number, 0)
        walker = Walker(self.system, self.edges, self.schedule, self.joint, self._streams(index + 1)[index])
        part = Round(0, whole_number("steps", steps, 10 * OBSERVE_EVERY))
        walker.walk_to(part.end, part)
        return walker.result()

    def _streams(self, count: int | None = None) -> list[np.random.SeedSequence]:
        return np.random.SeedSequence(self.seed).spawn(self.walkers if count is None else count)


def _rounds(cap: int | None, doubling: bool) -> Iterator[Round]:
    """One round of `cap` steps; or rounds that each double the total, up to the cap."""
    part = Round(0, min(FIRST_ROUND, cap or FIRST_ROUND) if doubling else cap or 0)
    while True:
        yield part
        if part.end == cap:
            return
        part = Round(part.end, part.end if cap is None else min(part.end, cap - part.end))


Meet = Callable[[Round, float, float, bool], None]


def _walk_side_by_side(walkers: list[Walker], part: Round, workers: int, meet: Meet, error: float) -> None:
    """All walkers through one round; they meet about every second, and once more if they are interrupted."""
    ahead, done = STRETCH, min(walker.steps for walker in walkers)
    pool = ThreadPoolExecutor(min(workers, len(walkers)))
    try:
        while done < part.end:
            started, target = time.monotonic(), min(part.end, done + ahead)
            list(pool.map(Walker.walk_to, walkers, repeat(target), repeat(part)))
            seconds = time.monotonic() - started
            meet(part, error, (target - done) * len(walkers) / max(seconds, 1e-9), False)
            done = target
            ahead = max(STRETCH, round(ahead * min(4.0, SECONDS_AHEAD / max(seconds, 1e-9))))
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)               # each walker stops where its stretch ends
        meet(part, error, 0.0, True)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _meeting(
    walkers: list[Walker], progress: Callable[[Progress], None] | None,
    checkpoint: tuple[str | PathLike[str], dict[str, Any]] | None,
) -> Meet:
    """What is done when walkers meet: tell how far they are, write the checkpoint now and then."""
    kept_at = time.monotonic()

    def meet(part: Round, error: float, steps_per_second: float, last: bool) -> None:
        nonlocal kept_at
        if checkpoint is not None and (last or time.monotonic() - kept_at >= CHECKPOINT_SECONDS):
            keep(*checkpoint)
            kept_at = time.monotonic()
        if progress is not None:
            seen = np.any([walker.walk.seen for walker in walkers], axis=0)
            progress(Progress(min(walker.steps for walker in walkers), part.end, int(seen.sum()), error,
                              steps_per_second))

    def keep(path: str | PathLike[str], settings: dict[str, Any]) -> None:
        arrays = {f"{number} {name}": value
                  for number, walker in enumerate(walkers) for name, value in walker.arrays().items()}
        try:
            save_checkpoint(path, CHECKPOINT_KIND, settings, arrays)
        except OSError as problem:
            raise OSError(f"{path} cannot be written ({problem}); the checkpoint before it is kept") from problem

    return meet


def _restore(walkers: list[Walker], arrays: Mapping[str, NDArray[Any]]) -> None:
    for number, walker in enumerate(walkers):
        mine = f"{number} "
        walker.restore({name.removeprefix(mine): value for name, value in arrays.items() if name.startswith(mine)})


def doubts_about(states: DensityOfStates) -> list[str]:
    """Why the error of this density of states may be wrong; [] where nothing speaks against it."""
    doubts = []
    if states.round_trips.min() < ROUND_TRIPS_WANTED:
        doubts.append(f"a walker made {states.round_trips.min()} round trips between the lowest and the highest bin, "
                      f"fewer than {ROUND_TRIPS_WANTED}")
    if not states.r_hat <= R_HAT_WANTED:
        doubts.append(f"split R-hat of the energy in production is {states.r_hat:.3f}, above {R_HAT_WANTED}")
    if states.log_f > LOG_F_WANTED:
        doubts.append(f"ln f was still {states.log_f:.2g} when production began, above {LOG_F_WANTED}")
    return doubts
