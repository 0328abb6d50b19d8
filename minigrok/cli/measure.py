"""`minigrok measure FILE...`: the numbers of anybody's activations, one row a layer or file."""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

from minigrok.cli.measure_together import add_together, files_of, refuse_workers_alone, run_together
from minigrok.cli.options import (
    CONVENTIONS_HELP,
    add_examples,
    add_figure,
    add_json,
    add_quiet,
    add_seed,
    print_rows,
    whole,
)

QUANTITIES = ("entropy", "purity", "effective_rank")     # those with a sampling error
LABEL_COLUMNS = ("holevo_information", "holevo_share")
WIDEST_RESAMPLED = 256         # neurons; above it the interval is the jackknife's alone unless --resamples asks
RESAMPLES = 400


class Layer(NamedTuple):
    """One matrix of activations, and what its rows are."""

    activations: Any           # (rows, neurons)
    rows_of: Any               # (rows,) the input of each row; None where every row is an input


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_examples(command, ("minigrok measure hidden.npy --labels y.npy --conventions all", ""),
                 ("minigrok measure runs/ --figure curve", "a folder of checkpoints"),
                 ("minigrok measure --together part-*.npy", "one state from many files"))
    command.add_argument("files", nargs="+", type=Path, metavar="FILE",
                         help="activations (inputs, neurons): .npy, .npz (one row an array), .csv or .safetensors; "
                         "or a folder of them, taken in the order of the numbers in their names")
    command.add_argument("--labels", type=Path, metavar="FILE",
                         help="labels, one whole number an input, for the Holevo information")
    command.add_argument("--conventions", default="trace", metavar="NAME[,NAME]",
                         help=CONVENTIONS_HELP)
    command.add_argument("--neuron-axis", type=int, default=1, metavar="AXIS",
                         help="axis of the neurons in arrays of more than two, say 1 in (n, channels, h, w); the "
                         "places of one input are resampled together (default: 1)")
    command.add_argument("--groups", type=Path, metavar="FILE",
                         help="groups, one whole number an input: inputs of the same group depend on each other")
    command.add_argument("--population", action="store_true",
                         help="take the inputs as all there are, without a sampling error")
    command.add_argument("--resamples", type=whole(0), metavar="N",
                         help=f"number of bootstrap samples, 0 for the jackknife alone (default: {RESAMPLES}, and 0 "
                         f"for more than {WIDEST_RESAMPLED} neurons)")
    output = command.add_mutually_exclusive_group()
    add_json(output)
    output.add_argument("--csv", action="store_true", help="print CSV instead of text")
    add_figure(command)
    add_quiet(command)
    add_seed(command, "the bootstrap samples")
    add_together(command)
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Read, measure, print; the exit status."""
    if settings.together:
        return run_together(settings)
    refuse_workers_alone(settings)
    import warnings

    from minigrok.states.readers import read_labels

    labels = None if settings.labels is None else read_labels(settings.labels)
    groups = None if settings.groups is None else read_labels(settings.groups)
    layers = _read(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if settings.quiet else "always")
        warnings.showwarning = lambda message, *rest: print(f"minigrok: note: {message}", file=sys.stderr)
        rows = [row for name, layer in layers.items() for row in _rows(name, layer, labels, groups, settings)]
    print_rows(rows, settings, lambda: _table(rows))
    if settings.figure is not None:
        _draw(layers, rows, labels, settings)
    return 0


def _read(settings: argparse.Namespace) -> dict[str, Layer]:
    """All layers of all files by name; those of one name (in files of one array: all) must be of one width."""
    from minigrok.states.readers import as_matrix, groups_of_places, read_arrays

    layers: dict[str, Layer] = {}
    widths: dict[str, tuple[str, int]] = {}
    for path in [inner for given in settings.files for inner in files_of(given)]:
        for name, array in read_arrays(path).items():
            alone = name == path.stem
            label = path.name if alone else f"{path.name}:{name}"
            label = label if label not in layers else f"{path}:{name}"
            try:
                matrix = as_matrix(array, settings.neuron_axis)
            except ValueError as problem:
                raise ValueError(f"{label}: {problem}") from problem
            first, width = widths.setdefault("" if alone else name, (label, matrix.shape[1]))
            if matrix.shape[1] != width:
                raise ValueError(
                    f"{label} has {matrix.shape[1]} neurons, but {first} has {width}: files of one call are one layer "
                    "at several times; measure other layers in calls of their own, or put them into one .npz")
            layers[label] = Layer(matrix, groups_of_places(array, settings.neuron_axis) if array.ndim > 2 else None)
    if not layers:
        raise ValueError(f"{', '.join(map(str, settings.files))} holds no array: there is nothing to measure")
    return layers


def _rows(name: str, layer: Layer, labels: Any, groups: Any, settings: argparse.Namespace) -> list[dict[str, Any]]:
    from minigrok.grams import CONVENTIONS
    from minigrok.states.measure import measure
    from minigrok.states.sampling_error import sampling_error

    A, places = layer
    resamples = settings.resamples
    if resamples is None:
        resamples = RESAMPLES if A.shape[1] <= WIDEST_RESAMPLED else 0
    rows = []
    for convention in CONVENTIONS if settings.conventions == "all" else settings.conventions.split(","):
        try:
            numbers = measure(A, _of_rows("labels", labels, places), conventions=(convention,))[convention].as_dict()
            errors = sampling_error(
                A, convention, places if groups is None else _of_rows("groups", groups, places),
                settings.population, resamples=resamples, seed=settings.seed)
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from problem
        row = {"name": name} | {key: value for key, value in numbers.items() if key not in LABEL_COLUMNS}
        for quantity in QUANTITIES:
            error = errors[quantity]
            row |= {f"{quantity}_error": error.standard_error, f"{quantity}_bias": error.bias,
                    f"{quantity}_low": error.low, f"{quantity}_high": error.high}
        rows.append(row | {key: numbers[key] for key in LABEL_COLUMNS if labels is not None})
    return rows


def _of_rows(what: str, values: Any, places: Any) -> Any:
    """Labels or groups of inputs as those of their rows, where an input has several."""
    if values is None or places is None:
        return values
    n = int(places[-1]) + 1
    if len(values) != n:
        raise ValueError(f"{what} have length {len(values)}, but there are {n} inputs: give one number an input")
    return values[places]


def _table(rows: list[dict[str, Any]]) -> str:
    width = max(4, *(len(row["name"]) for row in rows))
    lines = [f"{'name':{width}}  convention      inputs neurons  S (nats)  95 % interval     bias      P   exp S"
             "     1/P  S/ln d" + ("    chi  chi/S" if "holevo_share" in rows[0] else "")]
    for row in rows:
        interval = f"{row['entropy_low']:.3f} .. {row['entropy_high']:.3f}"
        chi = (f"  {row['holevo_information']:5.3f}  {row['holevo_share']:5.2f}" if "holevo_share" in row else "")
        lines.append(
            f"{row['name']:{width}}  {row['convention']:13}{row['inputs']:9}{row['dimension']:8}"
            f"{row['entropy']:10.4f}  {interval:14}{row['entropy_bias']:8.4f}{row['purity']:7.3f}"
            f"{row['effective_rank']:8.2f}{row['participation_ratio']:8.2f}{row['normalised_entropy']:8.3f}{chi}")
    return "\n".join(lines)


def _draw(layers: dict[str, Layer], rows: list[dict[str, Any]], labels: Any, settings: argparse.Namespace) -> None:
    from minigrok import plots

    convention = rows[0]["convention"]
    intervals = [(row["entropy_low"], row["entropy_high"]) for row in rows if row["convention"] == convention]
    last = next(reversed(layers.values()))
    figure = plots.measured_figure(
        {name: layer.activations for name, layer in layers.items()}, convention,
        _of_rows("labels", labels, last.rows_of), intervals)
    plots.save_figure(figure, settings.figure)
