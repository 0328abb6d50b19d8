"""One loop for every system: a step of a walk in energy space, jitted for each class of states.

A *state* is a named tuple of arrays, all that changes in a system, with two small functions:

    propose(state, uniforms) -> (energy, log_ratio)    writes a pending move into the state
    accept(state, energy)                              carries the pending move out

log_ratio is ln [q(x|x') pi(x')] - ln [q(x'|x) pi(x)] for proposals q and a reference measure pi: 0 for
symmetric moves on a flat measure, -inf where the move is forbidden, a wall (its energy may then be NaN; elsewhere
NaN or infinity is an error, and stops the walk). The random numbers come in as an array, so that the same numbers walk
the same path, compiled or not.

A state may have a field `step_size` (1,): the sampler adapts it as long as ln f is still 1 (`minigrok.walker`). Its
index arrays may hold any whole numbers; unsigned ones are faster, as ONE below says.
"""

import math
from functools import cache
from inspect import getsourcefile
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigrok.checks import BoolArray, FloatArray, IntArray
from minigrok.jit import PACKAGE, Kernel, dispatch_on_class, jit

BUILD_UP, ONE_OVER_T, FROZEN = 0, 1, 2      # phases of a walk
NARROWEST = 1e-300             # a range of energies: the inverse of a narrower one may be infinite
ONE = np.uint64(1)             # indices that are hot are unsigned: for a signed one numba looks whether it is negative


class System(Protocol):
    """What the sampler asks of a system."""

    uniforms: int              # random numbers that one proposal takes
    propose: Any               # (state, uniforms) -> (energy, log_ratio)
    accept: Any                # (state, energy) -> None

    def start(self, rng: np.random.Generator) -> Any:
        """A random state: a named tuple of arrays."""

    def energy(self, state: Any) -> float:
        """The energy of a state, computed afresh; NaN where it has none."""

    def observe(self, state: Any, rng: np.random.Generator) -> dict[str, float]:
        """Observables of the state in which the walk stands; the same names each time, {} for none."""


class Moves(NamedTuple):
    """The two functions of a class of states, jitted."""

    propose: Any
    accept: Any


_MOVES: dict[type, Moves] = {}


def propose_move(state: Any, uniforms: FloatArray) -> tuple[float, float]:
    """`propose` of the system to which the state belongs; compiled code finds it by the class of the state."""
    result: tuple[float, float] = _MOVES[type(state)].propose(state, uniforms)
    return result


def accept_move(state: Any, energy: float) -> None:
    """`accept` of the system to which the state belongs."""
    _MOVES[type(state)].accept(state, energy)


dispatch_on_class(propose_move, lambda state_class: _MOVES[state_class].propose)
dispatch_on_class(accept_move, lambda state_class: _MOVES[state_class].accept)


class Walk(NamedTuple):
    """What a walk has learnt, as arrays of one walker that the loop changes in place."""

    log_g: FloatArray          # (bins,) estimate of ln g, up to a constant
    histogram: IntArray        # (bins,) visits since ln f last changed; in production, all visits
    seen: BoolArray            # (bins,) whether the walk was ever there
    energy: FloatArray         # (1,) where it stands
    energy_bin: IntArray       # (1,) the bin of that
    steps: IntArray            # (5,) tried; accepted since the last check; half trips; last end; start of 1/t's clock


@jit
def bins_per_energy(edges: FloatArray) -> float:
    """bins / (edges[-1] - edges[0]), a hair less, so that the highest energy falls into the last bin."""
    density: float = (1.0 - 1e-12) * (len(edges) - 1) / max(edges[-1] - edges[0], NARROWEST)
    return density


@jit
def bin_of(energy: float, edges: FloatArray, per_energy: float) -> np.uint64:
    """The bin with edges[i] <= energy < edges[i + 1], the last one closed; the number of bins where it lies outside.

    With `per_energy` from `bins_per_energy` it looks first where the bin would be if all were equally wide.
    A search from where the walk stands would be as short, but the processor could not foresee its steps.
    """
    bins = np.uint64(len(edges) - 1)
    if not edges[0] <= energy <= edges[bins]:
        return bins
    i = np.uint64(int((energy - edges[0]) * per_energy))
    while energy < edges[i]:
        i -= ONE
    while energy >= edges[i + ONE] and i < bins - ONE:
        i += ONE
    return i


def walk_loop(state: Any, walk: Walk, edges: FloatArray, uniforms: FloatArray, log_f: float, phase: int) -> int:
    """One step for each row of `uniforms`: the first number decides on acceptance, the others make the proposal.

    In the phase ONE_OVER_T ln f is (bins seen) / (steps by the clock); in FROZEN ln g stays, and bins never seen are
    walls. Returns -1, or the row at which a move that is no wall had no finite energy: there the walk stopped.
    """
    log_g, histogram, seen = walk.log_g, walk.histogram, walk.seen
    energy, here, bins = walk.energy[0], np.uint64(walk.energy_bin[0]), np.uint64(len(seen))
    tried, accepted, half_trips, last_end = walk.steps[0], walk.steps[1], walk.steps[2], walk.steps[3]
    clock = walk.steps[4]
    per_energy = bins_per_energy(edges)
    bins_seen, lowest, highest, fault = 0, bins, np.uint64(0), -1
    for i in range(len(seen)):
        if seen[i]:
            bins_seen += 1
            lowest, highest = min(lowest, np.uint64(i)), np.uint64(i)
    for row in range(len(uniforms)):
        new_energy, log_ratio = propose_move(state, uniforms[row, 1:])
        new = bin_of(new_energy, edges, per_energy)
        if not log_ratio < np.inf or (new == bins and log_ratio != -np.inf and not abs(new_energy) < np.inf):
            fault = row                                  # NaN is caught too
            break
        if new != bins and (seen[new] or phase != FROZEN):
            log_g_here, log_g_new = log_g[here], log_g[new]
            if not seen[new]:
                log_g_new = log_g_here                   # a bin never seen begins as its neighbour stands
            log_u = math.log(1.0 - uniforms[row, 0])     # of a number in (0, 1]: never ln 0
            if log_u < log_g_here - log_g_new + log_ratio:
                if not seen[new]:
                    seen[new] = True
                    log_g[new] = log_g_new
                    histogram[:] = 0
                    bins_seen += 1
                    lowest, highest = min(lowest, new), max(highest, new)
                accept_move(state, new_energy)
                energy, here = new_energy, new
                accepted += 1
                if (here == lowest and last_end != -1) or (here == highest and last_end != 1):
                    half_trips += last_end != 0
                    last_end = -1 if here == lowest else 1
        tried += 1
        if phase == ONE_OVER_T:
            log_f = min(1.0, bins_seen / (tried - clock))
        if phase != FROZEN:
            log_g[here] += log_f                         # after a refusal too: the walk stands where it stood
        histogram[here] += 1
    walk.energy[0], walk.energy_bin[0] = energy, here
    walk.steps[0], walk.steps[1], walk.steps[2], walk.steps[3] = tried, accepted, half_trips, last_end
    return fault


def approach_loop(state: Any, energy: FloatArray, low: float, high: float, uniforms: FloatArray) -> None:
    """Accept every move that does not lead away from [low, high], until the energy lies within."""
    for row in range(len(uniforms)):
        new_energy, log_ratio = propose_move(state, uniforms[row, 1:])
        distance = max(low - energy[0], energy[0] - high)
        if log_ratio > -np.inf and low - new_energy <= distance and new_energy - high <= distance:
            accept_move(state, new_energy)
            energy[0] = new_energy
        if low <= energy[0] <= high:
            return


@cache
def compiled_loops(state_class: type, sources: tuple[Path, ...]) -> tuple[Kernel[..., int], Kernel[..., None]]:
    """`walk_loop` and `approach_loop` for one class of states.

    Each class has loops of its own, since those of a user's system must become new when a file
    changes in which it is written: `sources`, none for a system of this package.
    """
    return jit(walk_loop, depends_on=sources), jit(approach_loop, depends_on=sources)


def loops_for(system: System, state: Any) -> tuple[Kernel[..., int], Kernel[..., None]]:
    """The loops that walk this system.

    Raises
    ------
    ValueError
        If another system already walks states of this class, with other moves: compiled code finds the
        moves by the class of the state alone, and would silently take the wrong ones.
    """
    state_class: type = type(state)
    sources = _sources_outside(type(system), state_class, system.propose, system.accept)
    if state_class not in _MOVES:
        _MOVES[state_class] = Moves(*(
            move if hasattr(move, "py_func") else jit(move, depends_on=sources)
            for move in (system.propose, system.accept)))
    for known, move in zip(_MOVES[state_class], (system.propose, system.accept), strict=True):
        if known.py_func is not getattr(move, "py_func", move):
            raise ValueError(
                f"{type(system).__name__} moves states of class {state_class.__name__} by another function "
                f"{move.__name__} than a system before it, but moves are found by the class of the state: "
                "give each system a named tuple of its own")
    return compiled_loops(state_class, sources)


def _sources_outside(*things: Any) -> tuple[Path, ...]:
    """The files outside this package in which the things are written."""
    files = set()
    for thing in things:
        try:
            name = getsourcefile(getattr(thing, "py_func", thing))
        except TypeError:                                # typed into an interactive session
            continue
        path = None if name is None else Path(name).resolve()
        if path is not None and path.exists() and not path.is_relative_to(PACKAGE):
            files.add(path)
    return tuple(sorted(files))
