"""`minigrok measure FILE...`: the numbers of anybody's activations, one row a layer or file."""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

COLUMNS = ("name", "convention", "inputs", "dimension", "entropy", "entropy_error", "entropy_bias", "purity",
           "linear_entropy", "effective_rank", "participation_ratio", "normalised_entropy")
LABEL_COLUMNS = ("holevo_information", "holevo_share")


def configure(command: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    command.epilog = "example: minigrok measure hidden.npy --labels y.npy --conventions all"
    command.add_argument("files", nargs="+", type=Path, metavar="FILE",
                         help=".npy, .npz (one row an array), .csv or .safetensors: activations (inputs, neurons)")
    command.add_argument("--labels", type=Path, metavar="FILE",
                         help="one whole number an input: adds Holevo information")
    command.add_argument("--conventions", default="trace", metavar="NAME[,NAME]",
                         help="trace, rows, centered, centered_rows, or all (default: trace)")
    command.add_argument("--neuron-axis", type=int, default=1, metavar="AXIS",
                         help="of arrays with more than two axes; the others become inputs (default: 1)")
    command.add_argument("--population", action="store_true", help="the inputs are all there are: no sampling error")
    output = command.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON; entropies are in nats")
    output.add_argument("--csv", action="store_true", help="print CSV")
    command.add_argument("--figure", type=Path, metavar="STEM", help="draw STEM.png and STEM.pdf")
    command.set_defaults(run=run)


def run(settings: argparse.Namespace) -> int:
    """Read, measure, print; the exit status."""
    import warnings

    from minigrok.states.readers import as_matrix, read_arrays, read_labels

    labels = None if settings.labels is None else read_labels(settings.labels)
    layers: dict[str, Any] = {}
    for path in settings.files:
        for name, array in read_arrays(path).items():
            label = path.name if name == path.stem else f"{path.name}:{name}"
            layers[label if label not in layers else f"{path}:{name}"] = as_matrix(array, settings.neuron_axis)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest: print(f"minigrok: note: {message}", file=sys.stderr)
        rows = [row for name, A in layers.items() for row in _rows(name, A, labels, settings)]
    _print(rows, settings)
    if settings.figure is not None:
        _draw(settings.figure, layers)
    return 0


def _rows(name: str, A: Any, labels: Any, settings: argparse.Namespace) -> list[dict[str, Any]]:
    from minigrok.density import CONVENTIONS
    from minigrok.states.measure import measure
    from minigrok.states.sampling_error import sampling_error

    names = CONVENTIONS if settings.conventions == "all" else tuple(settings.conventions.split(","))
    rows = []
    for convention in names:
        try:
            numbers = measure(A, labels, conventions=(convention,))[convention].as_dict()
            error = sampling_error(A, convention, population=settings.population)["entropy"]
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from problem
        numbers |= {"name": name, "entropy_error": error.standard_error, "entropy_bias": error.bias}
        rows.append({key: numbers[key] for key in (*COLUMNS, *(LABEL_COLUMNS if labels is not None else ()))})
    return rows


def _print(rows: list[dict[str, Any]], settings: argparse.Namespace) -> None:
    if settings.json:
        print(json.dumps([{k: None if v != v else v for k, v in row.items()} for row in rows], indent=1))
    elif settings.csv:
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        width = max(len(row["name"]) for row in rows)
        print(f"{'name':{width}}  convention     inputs  neurons  S (nats)   +- error    bias      P  exp S    1/P"
              + ("    chi  chi/S" if "holevo_share" in rows[0] else ""))
        for row in rows:
            chi = (f"  {row['holevo_information']:5.3f}  {row['holevo_share']:5.2f}" if "holevo_share" in row else "")
            print(f"{row['name']:{width}}  {row['convention']:13}{row['inputs']:8}{row['dimension']:9}"
                  f"{row['entropy']:10.4f}{row['entropy_error']:11.4f}{row['entropy_bias']:8.4f}{row['purity']:7.3f}"
                  f"{row['effective_rank']:7.2f}{row['participation_ratio']:7.2f}{chi}")


def _draw(stem: Path, layers: dict[str, Any]) -> None:
    """Heat map and spectrum of the first layer, S and exp S of all of them."""
    import numpy as np

    from minigrok import plots
    from minigrok.density import activation_spectrum, density_matrix
    from minigrok.metrics import entropy_of_spectrum

    spectra = {name: activation_spectrum(A) for name, A in layers.items()}
    first = next(iter(layers))
    figure = plots.new_figure(14, 4.2)
    heat, lines, curve = figure.subplots(1, 3)
    plots.density_heatmap(heat, np.real(density_matrix(layers[first])), f"{first}: density matrix")
    plots.spectrum_plot(lines, dict(list(spectra.items())[: len(plots.COLOURS)]), "spectra")
    curve.plot(range(len(spectra)), [float(entropy_of_spectrum(p)) for p in spectra.values()], marker="o",
               color=plots.BLUE, label="S")
    curve.plot(range(len(spectra)), [float(np.log(len(p))) for p in spectra.values()], color="grey", linestyle=":",
               label="ln d, the largest possible")
    curve.set_xticks(range(len(spectra)), list(spectra), rotation=30, ha="right", fontsize=8)
    curve.set(ylabel="von Neumann entropy $S$ (nats)", ylim=(0, None), title="one point a layer or file")
    curve.legend(fontsize=8)
    plots.save_figure(figure, stem)
