"""Times the Wang-Landau sampler on the L x L Ising model, and holds its ln g to the exact answer.

    python bench/bench_sampler.py --loops                        the generic loop beside one written by hand, and C
    python bench/bench_sampler.py --peers --seconds 60           beside icet, flatwalk and smol, 16 x 16
    python bench/bench_sampler.py --accuracy                     rms error of ln g: L = 8, 1e8 steps; L = 16, 1e9
    python bench/bench_sampler.py --curve --figure X             rms against steps, both schedules; X.png and X.pdf

A step is one trial move, the flip of one spin, accepted or not. The error is

    rms = sqrt(mean over levels of (ln g - ln g_exact)^2),    both normalised to sum_E g(E) = 1,

over the levels that exist: N - 1 of the N + 1 multiples of 4 from -2 N to 2 N.

The peers need environments of their own, for what they depend on clashes:

    python -m venv icet && icet/bin/pip install icet             and so for flatwalk, smol
    python bench/bench_sampler.py --peers --icet-python icet/bin/python --flatwalk-python ... --smol-python ...
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import ctypes
import json
import math
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrok import Ising2D, WangLandau

BUILD_UP, ONE_OVER_T, FROZEN = PHASES = range(3)         # as in minigrok/walk.py
NAMES_OF_PHASES = ("build-up", "1/t", "frozen")
SIDES = (8, 16, 32)
ROUNDS = 15                    # of which the least time counts: whatever else runs only ever adds
ROWS = 500_000                 # steps a round: some 10 ms, against which a call of some microseconds is nothing
# phase, ln f and steps of the stretches on which the paths are compared, from a walk that knows nothing; the second
# comes so early that most levels are still walls
CHECKED = ((BUILD_UP, 1.0, 1000), (FROZEN, 0.0, 100_000), (BUILD_UP, 1.0, 1_000_000), (BUILD_UP, 0.5, 1_000_000),
           (ONE_OVER_T, 0.0, 1_000_000), (FROZEN, 0.0, 1_000_000))
STEPS_BEFORE = 10**8           # as if so many had been walked: ln f in the 1/t phase is then that of a late walk
LATE_LOG_F = 1e-6              # of the timed build-up
GOALS = {"hand": 1.25, "C": 1.4}
COMPILE = ("cc", "-O3", "-march=native", "-shared", "-fPIC")

ACCURACY = {8: 10**8, 16: 10**9}                         # side -> steps
SEEDS = (0, 1, 2)
CURVE_SIDE = 8
CURVE_STEPS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000)
LEAST_STEPS = 2000             # that WangLandau.run takes
SCHEDULES = ("one_over_t", "flatness")
PEERS_SIDE = 16
PEERS = ("icet", "flatwalk", "flatwalk-batched", "smol")


class Beginning(NamedTuple):
    """Where all three loops begin, and what they know."""

    spins: np.ndarray          # (N,) +1 or -1
    neighbours: np.ndarray     # (N, 4)
    level: int                 # (E + 2 N) / 4
    log_g: np.ndarray          # (N + 1,)
    seen: np.ndarray           # (N + 1,)
    tried: int


class Track(NamedTuple):
    """One loop and the arrays that it changes."""

    walk: Callable             # (uniforms, log_f, phase)
    place: Callable            # () -> spins, level
    log_g: np.ndarray
    histogram: np.ndarray
    seen: np.ndarray
    steps: np.ndarray          # (5,) moves tried, accepted, half trips, last end, start of the clock of 1/t


def beginning(model, late):
    """Random spins; a walk that knows the exact ln g (`late`), or nothing but where it stands."""
    state = model.start(np.random.default_rng(0))
    level = round((model.energy(state) - model.levels[0]) / 4)
    exact = model.exact_log_g() if late else None
    seen = np.isfinite(exact) if late else np.arange(len(model.levels)) == level
    log_g = np.where(seen, exact, 0.0) if late else np.zeros(len(seen))
    return Beginning(state.spins, state.neighbours, level, log_g, seen, STEPS_BEFORE if late else 0)


def arrays_of(start):
    """Copies of what the loops change: ln g, histogram, seen, steps."""
    steps = np.array([start.tried, 0, 0, 0, 0])
    return start.log_g.copy(), np.zeros(len(start.seen), np.int64), start.seen.copy(), steps


def generic_track(model, start):
    """minigrok's own loop: the only lines here that know its insides."""
    from minigrok.walk import Walk, loops_for

    state = model.start(np.random.default_rng(0))
    log_g, histogram, seen, steps = arrays_of(start)
    walk = Walk(log_g, histogram, seen, np.array([model.energy(state)]), np.array([start.level]), steps)
    walk_loop, _ = loops_for(model, state)
    edges = model.edges
    return Track(lambda uniforms, log_f, phase: walk_loop(state, walk, edges, uniforms, log_f, phase),
                 lambda: (state.spins, int(walk.energy_bin[0])), log_g, histogram, seen, steps)


def hand_track(_, start):
    """The loop written for Ising in numba."""
    from ising_by_hand import ising_walk

    arrays, level = arrays_of(start), np.array([start.level])
    spins, neighbours = start.spins.astype(np.int64), start.neighbours
    log_g, histogram, seen, steps = arrays
    return Track(lambda uniforms, log_f, phase: ising_walk(
        spins, neighbours, log_g, histogram, seen, level, steps, uniforms, log_f, phase),
        lambda: (spins, int(level[0])), *arrays)


def c_track(_, start):
    """ising.c; None where there is no compiler."""
    library = compiled()
    if library is None:
        return None
    arrays, level = arrays_of(start), np.array([start.level])
    spins, neighbours = start.spins.astype(np.int8), start.neighbours.astype(np.int32)
    log_g, histogram, seen, steps = arrays
    address = [array.ctypes.data_as(ctypes.c_void_p) for array in
               (spins, neighbours, log_g, histogram, seen, level, steps)]

    def walk(uniforms, log_f, phase):
        library.ising_walk(ctypes.c_int64(len(spins)), *address[:2], ctypes.c_int64(len(seen)), *address[2:],
                           uniforms.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(uniforms)),
                           ctypes.c_double(log_f), ctypes.c_int(phase))

    return Track(walk, lambda: (spins, int(level[0])), *arrays)


def compiled():
    """ising.c as a library, or None without a compiler."""
    if shutil.which(COMPILE[0]) is None:
        return None
    source = Path(__file__).with_name("ising.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "ising.so"
        subprocess.run([*COMPILE, "-o", target, source, "-lm"], check=True)
        return ctypes.CDLL(str(target))                  # once loaded it stays, though its file goes


TRACKS = {"generic": generic_track, "hand": hand_track, "C": c_track}


def tracks(L, late):
    """A new track of each loop that there is, all at the same beginning."""
    model = Ising2D(L)
    start = beginning(model, late)
    made = {name: make(model, start) for name, make in TRACKS.items()}
    return {name: track for name, track in made.items() if track is not None}


def require_same_path(made, where):
    """All loops stand at the same place and know the same, ln g to the bit."""
    first = made["generic"]
    spins, level = first.place()
    for name, other in made.items():
        other_spins, other_level = other.place()
        same = {"spins": (spins == other_spins).all(), "level": level == other_level,
                "ln g": first.log_g.tobytes() == other.log_g.tobytes(), "seen": (first.seen == other.seen).all(),
                "histogram": (first.histogram == other.histogram).all(), "steps": (first.steps == other.steps).all()}
        wrong = [what for what, right in same.items() if not right]
        if wrong:
            raise SystemExit(f"{where}: {name} differs from the generic loop in {', '.join(wrong)}")


def compare_paths(L):
    """Walk from no knowledge through all phases, and compare after each."""
    made, rng = tracks(L, late=False), np.random.default_rng(1)
    for phase, log_f, rows in CHECKED:
        uniforms = rng.random((rows, 2))
        for track in made.values():
            if phase == ONE_OVER_T:
                track.steps[4] = track.steps[0]          # the clock begins late: ln f begins at 1
            track.walk(uniforms, log_f, phase)
        require_same_path(made, f"L = {L}, {NAMES_OF_PHASES[phase]}")


def time_loops(L, phase):
    """Least CPU seconds a step of each loop, in turn on the same numbers; the paths are compared once more."""
    made, rng = tracks(L, late=True), np.random.default_rng(2)
    best, names = dict.fromkeys(made, math.inf), list(made)
    for round_ in range(ROUNDS + 1):
        uniforms = rng.random((ROWS, 2))
        names.append(names.pop(0))                       # the first of a round meets cold numbers: take turns
        for name in names:
            start = time.thread_time()
            made[name].walk(uniforms, LATE_LOG_F, phase)
            if round_ > 0:                               # in the first the walk leaves the middle of the levels
                best[name] = min(best[name], (time.thread_time() - start) / ROWS)
    require_same_path(made, f"L = {L}, {NAMES_OF_PHASES[phase]}, timed")
    return best


def loops():
    """The table of --loops."""
    print(f"\nns a step: least CPU time of {ROUNDS} rounds of {ROWS} steps. All paths are the same, ln g to the bit\n"
          f"  L  phase        generic     hand        C    generic / hand    generic / C")
    for L in SIDES:
        compare_paths(L)
        for phase in PHASES:
            ns = {name: 1e9 * seconds for name, seconds in time_loops(L, phase).items()}
            columns = "".join(f"{ns[name]:9.2f}" if name in ns else "     none" for name in TRACKS)
            ratios = {name: ns["generic"] / ns[name] for name in GOALS if name in ns}
            verdicts = "".join(f"{ratio:9.2f} (goal {GOALS[name]:4.2f}: {'met' if ratio <= GOALS[name] else 'MISSED'})"
                               for name, ratio in ratios.items())
            print(f" {L:2}  {NAMES_OF_PHASES[phase]:9} {columns}{verdicts}")
    print(f"\n{'ns a step of WangLandau.run, L = 16, random numbers and production included:'} {whole_run():.1f}")


def whole_run(L=16, steps=20_000_000):
    """CPU nanoseconds a step of the public class, once it is compiled."""
    model = Ising2D(L)
    sampler = WangLandau(model, model.edges, seed=0)
    sampler.run(steps=steps // 100)
    start = time.process_time()
    sampler.run(steps=steps)
    return 1e9 * (time.process_time() - start) / steps


def errors(exact, log_g):
    """rms of ln g over the levels that exist, normalised; and over those seen, with the constant that suits best.

    The second is all there is of a walk that has not seen all levels, and flatters it: the levels left out are the
    hard ones, and the best constant takes off what they have in common. Then the number of levels seen.
    """
    exists, seen = np.isfinite(exact), np.isfinite(log_g)
    if (seen & ~exists).any():
        raise SystemExit(f"levels were seen that do not exist: {np.flatnonzero(seen & ~exists).tolist()}")
    deviation = log_g[seen] - exact[seen]
    aligned = float(np.std(deviation))
    if (exists & ~seen).any():
        return math.nan, aligned, int(seen.sum())
    normalised = deviation - np.logaddexp.reduce(log_g[seen]) + np.logaddexp.reduce(exact[seen])
    return float(np.sqrt(np.mean(normalised**2))), aligned, int(seen.sum())


def run_of_seed(L, steps, seed, schedule="one_over_t"):
    """`errors` of one walker, and its CPU seconds."""
    model = Ising2D(L)
    start = time.process_time()
    states = WangLandau(model, model.edges, schedule=schedule, seed=seed).run(steps=steps)
    return *errors(model.exact_log_g(), states.log_g), time.process_time() - start


def accuracy(scale):
    """The table of --accuracy."""
    print(f"\nrms error of ln g over all levels, normalised; one walker, seeds {', '.join(map(str, SEEDS))}\n"
          "  L       steps   rms of each seed                median   CPU s each")
    for L, full in ACCURACY.items():
        steps = round(full * scale)
        runs = [run_of_seed(L, steps, seed) for seed in SEEDS]
        each = "  ".join(f"{rms:.5f}" if seen == L * L - 1 else f"{seen} of {L * L - 1} levels"
                         for rms, _, seen, _ in runs)
        print(f" {L:2} {steps:11}   {each:30}  {np.median([run[0] for run in runs]):.5f}   "
              f"{np.mean([run[-1] for run in runs]):.1f}", flush=True)


def curve(scale, stem):
    """rms against steps for both schedules; NaN where a level was not seen."""
    points = [max(LEAST_STEPS, round(steps * scale)) for steps in CURVE_STEPS]
    print(f"\nmedian of the rms error of ln g over seeds {', '.join(map(str, SEEDS))}, L = {CURVE_SIDE}; "
          f"nan: a level was not seen\n      steps  {'  '.join(f'{schedule:>10}' for schedule in SCHEDULES)}")
    rms = np.empty((len(points), len(SCHEDULES), len(SEEDS)))
    for row, steps in zip(rms, points, strict=True):
        for column, schedule in zip(row, SCHEDULES, strict=True):
            column[:] = [run_of_seed(CURVE_SIDE, steps, seed, schedule)[0] for seed in SEEDS]
        print(f"{steps:11}  {'  '.join(f'{median:10.5f}' for median in np.median(row, axis=1))}", flush=True)
    if stem is not None:
        print("written:", *draw_curve(np.array(points), rms, stem))


def draw_curve(points, rms, stem):
    """Every seed a marker, the medians joined, and a line that falls as t^-1/2 through the last median of 1/t."""
    from minigrok.plots import COLOURS, MARKERS, STYLES, new_figure, save_figure

    figure = new_figure(6.0, 4.2)
    ax = figure.subplots()
    labels = {"one_over_t": "1/t", "flatness": "halved at flatness 0.8"}
    for i, schedule in enumerate(SCHEDULES):
        ax.loglog(points, np.median(rms[:, i], axis=1), color=COLOURS[i], linestyle=STYLES[i], label=labels[schedule])
        ax.loglog(points, rms[:, i], color=COLOURS[i], linestyle="none", marker=MARKERS[i], markersize=4, alpha=0.6)
    last = np.median(rms[-1, 0])
    ax.loglog(points, last * np.sqrt(points[-1] / points), color="grey", linewidth=1, linestyle=":", label="$t^{-1/2}$")
    ax.set(xlabel="trial moves $t$", ylabel=r"rms error of $\ln g$ over all levels",
           title=f"Ising model, {CURVE_SIDE} x {CURVE_SIDE}")
    ax.legend(fontsize=8)
    return save_figure(figure, stem)


def ask_peer(tool, python, seconds, seed):
    """What sampler_peers.py says of one tool, in that interpreter; {"missing": why} where it cannot."""
    command = [python, str(Path(__file__).with_name("sampler_peers.py")), tool, "--side", str(PEERS_SIDE),
               "--seconds", str(seconds), "--seed", str(seed)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return {"missing": str(error)}
    if done.returncode:
        raise SystemExit(f"{tool}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])      # a peer may print what it likes before


def peers(pythons, seconds, seed):
    """The table of --peers."""
    model = Ising2D(PEERS_SIDE)
    exact, existing = model.exact_log_g(), PEERS_SIDE**2 - 1
    print(f"\n{PEERS_SIDE} x {PEERS_SIDE} periodic Ising model from random spins, seed {seed}, "
          f"{seconds:g} s of one processor each.\n"
          "A step is one trial flip of one spin. Checked before: energies, single flips, magnetisation not conserved.\n"
          "rms: error of ln g over all levels. flattered: over the levels seen, with the constant that suits best\n"
          f"tool                    us a step   by clock        steps  CPU s  clock s  levels of {existing}      rms  "
          "flattered   x minigrok, by clock x its threads")
    ours: dict[str, float] = {}
    for tool, python in pythons.items():
        answer = ask_peer(tool, python, seconds, seed)
        if "missing" in answer:
            print(f"{tool:16} left out: {answer['missing']}")
            continue
        log_g = np.full(len(exact), -np.inf)
        log_g[((np.array(answer["energies"]) - model.levels[0]) / 4).round().astype(int)] = answer["log_g"]
        rms, aligned, seen = errors(exact, log_g)
        us, clock = (1e6 * answer[key] / answer["steps"] for key in ("seconds", "clock"))
        ours[tool] = us if tool == "minigrok" else clock
        ratios = us / ours["minigrok"], clock / ours.get("minigrok-threads", math.nan)
        print(f"{tool:16} {answer['version']:6} {us:10.4f} {clock:10.4f} {answer['steps']:12} {answer['seconds']:6.1f} "
              f"{answer['clock']:8.1f} {seen:14} {rms:8.4f} {aligned:10.4f}   {ratios[0]:8.1f} {ratios[1]:12.1f}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for mode in ("loops", "peers", "accuracy", "curve"):
        parser.add_argument(f"--{mode}", action="store_true")
    parser.add_argument("--seconds", type=float, default=60.0, help="of CPU time for each peer")
    parser.add_argument("--seed", type=int, default=0, help="of the peers")
    parser.add_argument("--steps-scale", type=float, default=1.0, help="fewer steps for --accuracy and --curve")
    parser.add_argument("--figure", metavar="STEM", help="draw --curve into STEM.png and STEM.pdf")
    for tool in ("icet", "flatwalk", "smol"):
        parser.add_argument(f"--{tool}-python", default=os.environ.get(f"{tool.upper()}_PYTHON", sys.executable),
                            help=f"the interpreter that has {tool}; or set {tool.upper()}_PYTHON")
    settings = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, one thread each")
    warnings.simplefilter("ignore", UserWarning)         # that short runs converge poorly is what is measured
    if settings.loops:
        loops()
    if settings.peers:
        pythons = {tool: getattr(settings, f"{tool.partition('-')[0]}_python") for tool in PEERS}
        ours = dict.fromkeys(("minigrok", "minigrok-threads"), sys.executable)
        peers(ours | pythons, settings.seconds, settings.seed)
    if settings.accuracy:
        accuracy(settings.steps_scale)
    if settings.curve:
        curve(settings.steps_scale, settings.figure)


if __name__ == "__main__":
    main()
