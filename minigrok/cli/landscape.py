"""`minigrok landscape`: one Wang-Landau run over all networks of one hidden layer, safe to stop and go on."""

import argparse
import shlex
import sys
from contextlib import suppress
from os.path import realpath
from pathlib import Path
from typing import Any, NamedTuple

from minigrok.cli.options import (
    SETTINGS,
    add_activation,
    add_bias,
    add_examples,
    add_json,
    add_out,
    add_quiet,
    add_resume,
    add_seed,
    add_workers,
    as_json,
    output_folder,
    progress_bar,
    read_settings,
    real,
    remove_leftovers,
    require_new,
    whole,
    write_settings,
)

COMMAND, CHECKPOINT = "landscape", "checkpoint.npz"
STEM = "minigrok-landscape"
ERROR, CAP = 0.05, 3_200_000   # unless --steps or --until-error say otherwise; about a minute on two cores
WALKERS_FOR_ERROR = 8          # with fewer the default is CAP steps; it is dos's, which a help must not load
# What a run is made of; kept in DIR/settings.json, and the same when it goes on
DEFAULTS: dict[str, Any] = {
    "task": "moons", "data": None, "dimension": None, "inputs": None, "hidden": 6, "activation": "relu", "bias": True,
    "prior": "box", "scale": 1.0, "coordinate": "entropy", "bins": 60, "range": None, "walkers": 8, "steps": None,
    "until_error": None, "seed": 0}


class Run(NamedTuple):
    """A run that is about to begin or to go on."""

    folder: Path
    options: dict[str, Any]    # as DEFAULTS
    sampler: Any               # a WangLandau of a NetworkLandscape

    @property
    def checkpoint(self) -> Path:
        """From which the run goes on."""
        return self.folder / CHECKPOINT

    @property
    def way_on(self) -> str:
        """What to type."""
        return f"go on with: minigrok landscape --resume {shlex.quote(str(self.folder))}"


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options. Those of DEFAULTS have no default here, so that --resume knows what was given."""
    add_examples(command, ("minigrok landscape --task moons --hidden 6 --out moons", ""),
                 ("minigrok landscape --resume moons", "go on after Ctrl-C"),
                 ("minigrok landscape --coordinate loss", "of the training loss"))
    data = command.add_mutually_exclusive_group()
    data.add_argument("--task", metavar="NAME",
                      help="task: circles, moons, xor, spirals or blobs (default: moons)")
    data.add_argument("--data", type=Path, metavar="FILE",
                      help="data of your own: .npz with X and y, or .csv with the labels 0, 1, ... in its last column")
    command.add_argument("--dimension", type=whole(1), metavar="D",
                         help="number of features of xor and blobs (default: 2)")
    command.add_argument("--inputs", type=whole(1), metavar="N",
                         help="number of training inputs; a task has as many test inputs, of --data all other rows are "
                         "test inputs (default: 200, but at most half of --data)")
    command.add_argument("--hidden", type=whole(1), metavar="N", help="width of the hidden layer (default: 6)")
    add_activation(command)
    add_bias(command, "yes")
    command.add_argument("--prior", metavar="NAME", help="prior of the weights: box, gauss or sphere (default: box)")
    command.add_argument("--scale", type=real, metavar="X", help="scale of the prior (default: 1)")
    command.add_argument("--coordinate", metavar="NAME",
                         help="energy of the walk: entropy, purity or loss (default: entropy)")
    command.add_argument("--bins", type=whole(2), metavar="N", help="number of equal bins (default: 60)")
    command.add_argument("--range", type=real, nargs=2, metavar=("LOW", "HIGH"),
                         help="range of the energy; an atom at S = 0 or P = 1 gets a bin of its own "
                         "(default: from the lowest to the highest of 20,000 random networks)")
    command.add_argument("--walkers", type=whole(1), metavar="N",
                         help="number of independent walks; 8 or more for a 95 %% interval (default: 8)")
    command.add_argument("--steps", type=whole(1), metavar="N",
                         help="trial moves of each walker, with --until-error the most that are made")
    command.add_argument("--until-error", type=real, metavar="E",
                         help="walk until the standard error of ln g is at most E in every bin; takes 8 walkers "
                         f"(default, if --steps is not given either: {ERROR}, but at most {CAP:,} steps, about a "
                         "minute on two cores)")
    add_out(command, STEM)
    add_resume(command, "only --until-error may differ, and be smaller")
    add_json(command)
    add_quiet(command)
    add_seed(command, "the data, the range and the walks", None)
    add_workers(command)
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Walk, write the folder, print what was found; the exit status."""
    walk = _begun(settings) if settings.resume is None else _resumed(settings)
    if not settings.quiet:
        print(f"results go to {walk.folder}", file=sys.stderr)
    try:
        text = _results(walk, settings)
    except KeyboardInterrupt as stop:
        if _abandoned(walk):
            raise
        raise KeyboardInterrupt(f"{str(stop) or 'interrupted'}; {walk.way_on}") from None
    except OSError as problem:
        if _abandoned(walk):
            raise
        raise OSError(f"{problem}; {walk.way_on}") from problem
    except ValueError:
        _abandoned(walk)
        raise
    print(text)
    return 0


def _abandoned(walk: Run) -> bool:
    """Whether there is no checkpoint to go on from; then the folder is emptied, so that it can be taken again."""
    if walk.checkpoint.exists():
        return False
    (walk.folder / SETTINGS).unlink(missing_ok=True)
    if walk.folder.name.startswith(f"{STEM}-"):
        with suppress(OSError):
            walk.folder.rmdir()
    return True


def _given(settings: argparse.Namespace) -> dict[str, Any]:
    """The options of DEFAULTS that were given, fit for JSON."""
    given = {name: value for name, value in vars(settings).items() if name in DEFAULTS and value is not None}
    return given | ({"data": realpath(given["data"])} if "data" in given else {})


def _with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """The options of a new run."""
    options = DEFAULTS | ({"task": None} if "data" in given else {}) | given
    if options["steps"] is None and options["until_error"] is None:
        options |= {"steps": CAP, "until_error": ERROR if options["walkers"] >= WALKERS_FOR_ERROR else None}
    return options


def _begun(settings: argparse.Namespace) -> Run:
    """A new run, its settings written down."""
    from minigrok.cli.landscape_system import edges_of, system_of

    require_new(settings.out)
    options = _with_defaults(_given(settings))
    system = system_of(options)
    edges = edges_of(system, options).tolist()
    sampler = _sampler(options, system, edges, settings.workers)
    folder = output_folder(settings.out, STEM)
    write_settings(folder, COMMAND, options, edges=edges)
    return Run(folder, options, sampler)


def _resumed(settings: argparse.Namespace) -> Run:
    """The run of a folder; ValueError where an option contradicts what it was begun with."""
    from minigrok.cli.landscape_system import system_of

    folder, given = settings.resume, _given(settings)
    if settings.out is not None:
        raise ValueError(f"--resume goes on in {folder}, so there is no place for --out: leave it out")
    kept = read_settings(folder, COMMAND, DEFAULTS)      # without a checkpoint: killed before its first step
    options, edges = kept["options"], kept["edges"]
    for name, value in given.items():
        before, option = options[name], name.replace("_", "-")
        if name == "until_error" and before is not None and value <= before:
            options["until_error"] = value
        elif value != before:
            rule = "; it may only be made smaller" if name == "until_error" and before is not None else ""
            raise ValueError(f"--{option} is {value}, but {folder} was begun with {before}{rule}: leave it out")
    sampler = _sampler(options, system_of(options), edges, settings.workers)
    remove_leftovers(folder)
    write_settings(folder, COMMAND, options, edges=edges)
    return Run(folder, options, sampler)


def _sampler(options: dict[str, Any], system: Any, edges: list[float], workers: int) -> Any:
    from minigrok.wanglandau import WangLandau

    return WangLandau(system, edges, walkers=options["walkers"], seed=options["seed"], workers=workers)


def _results(walk: Run, settings: argparse.Namespace) -> str:
    """Walk and write; what is to be printed."""
    from minigrok.checkpoint import replace_file
    from minigrok.cli import landscape_report, landscape_words
    from minigrok.cli.landscape_system import CHECK, random_networks
    from minigrok.landscape_plots import direct_log_g, landscape_figure
    from minigrok.plots import save_figure

    states, notes = _walked(walk, settings)
    if not settings.quiet:
        for note in notes:
            print(f"minigrok: note: {note}", file=sys.stderr)
    system, folder = walk.sampler.system, walk.folder
    states.save(folder / "landscape.npz")
    with replace_file(folder / "landscape.csv") as temporary:
        temporary.write_text(landscape_report.table_of_bins(states), encoding="utf-8")
    energies = random_networks(system, walk.options["seed"], CHECK)
    direct = direct_log_g(states, energies)
    doubts = [doubt.removeprefix("poor convergence: ").removesuffix(". Take more steps, or fewer bins")
              for doubt in notes if doubt.startswith("poor convergence: ")]
    summary = landscape_report.summary_of(states, system, energies, direct, doubts)
    title = landscape_words.title_of(summary, walk.options)
    title += f"\n{summary['walkers']} walker{'s' * (summary['walkers'] > 1)} of {states.steps:,} steps"
    save_figure(landscape_figure(states, walk.options["coordinate"], direct, title), folder / "landscape")
    if settings.json:
        return as_json({"folder": str(folder), "settings": walk.options} | summary)
    return landscape_words.words_of(summary, states, direct, walk.options)


def _walked(walk: Run, settings: argparse.Namespace) -> tuple[Any, list[str]]:
    """The density of states, and the warnings on the way."""
    import warnings

    with progress_bar("compiling and starting", settings.quiet) as move, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        states = walk.sampler.run(
            walk.options["steps"], walk.options["until_error"], checkpoint=walk.checkpoint,
            progress=lambda at: move(at.steps, at.of_steps, _words(at)))
    return states, [str(warning.message) for warning in caught]


def _words(at: Any) -> str:
    """One line for a Progress."""
    error = f"error {at.error:.3g}" if at.error < float("inf") else "no error yet"
    return f"{at.bins_seen} bins, {error}" + (f", {at.steps_per_second:,.0f} steps/s" if at.steps_per_second else "")
