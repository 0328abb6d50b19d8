"""Pictures of states and histories, each drawn on an Axes that the caller hands in.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; every line also has a style
or a marker of its own, so that a grey print stays readable. Nothing here touches pyplot's global state.
"""

import io
from collections.abc import Mapping, Sequence
from functools import reduce
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from minigrok.checkpoint import replace_file
from minigrok.checks import FloatArray, InexactArray, IntArray, one_of, real_array, real_number, whole_number
from minigrok.density import activation_spectrum, density_matrix, spectrum
from minigrok.history import History
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum
from minigrok.states.labels import class_overlaps, class_states

# M. Okabe and K. Ito, "Color universal design", 2008; ordered so that neighbours also differ in lightness
BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
COLOURS = (BLUE, ORANGE, GREEN, RED, PINK, SKY, BLACK)
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DPI, WIDEST = 130, 500         # of inches: Agg draws up to 2^16 pixels
NO_TIMES = {"png": {"Software": None}, "pdf": {"CreationDate": None}}          # kinds of files, and what they leave out
DECADE = 10                    # losses that span more are drawn on a logarithmic scale
ZERO, TINY = 1e-17, 1e-9       # what 0 is drawn as on such a scale, and what the scale of a spectrum need not show


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches, whose parts are laid out without overlap."""
    width, height = real_number("width", width, 0, WIDEST), real_number("height", height, 0, WIDEST)
    figure = Figure(figsize=(width, height), layout="constrained")       # which refuses 0
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, stem: str | PathLike[str], endings: Sequence[str] = tuple(NO_TIMES)) -> list[Path]:
    """Write `stem`.png and `stem`.pdf, without times inside: the same figure, the same bytes."""
    paths = []
    for ending in endings:
        path = Path(f"{Path(stem)}.{one_of('ending', ending, NO_TIMES)}")
        buffer = io.BytesIO()
        figure.savefig(buffer, format=ending, dpi=DPI, metadata=NO_TIMES[ending])
        figure.set_layout_engine("none")                 # it is laid out now; to do so again takes as long as to draw
        with replace_file(path) as temporary:
            temporary.write_bytes(buffer.getvalue())
        paths.append(path)
    return paths


def density_heatmap(ax: Axes, rho: FloatArray, title: str = "", largest: float | None = None) -> None:
    """The elements of a real density matrix, blue below zero, red above; the same scale for both signs.

    `largest` fixes the scale, so that two states can be compared.
    """
    rho = real_array("rho", rho)
    top = real_number("the largest element", abs(rho).max(), 0, 1e100)
    limit = top if largest is None else real_number("largest", largest, 0, 1e100)
    image = ax.imshow(rho, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    d = len(rho)
    if d <= 8 and top < 1000:                            # few enough to be read, and short: print the numbers
        for (j, k), element in np.ndenumerate(rho):
            shade = "white" if abs(element) > 0.6 * limit else "black"
            ax.text(k, j, f"{element:.2f}", ha="center", va="center", color=shade, fontsize=7)
        ax.set_xticks(range(d))
        ax.set_yticks(range(d))
    ax.set(title=title, xlabel="neuron", ylabel="neuron")
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label="element of $\\rho$")


def spectrum_plot(ax: Axes, spectra: Mapping[str, FloatArray], title: str = "") -> None:
    """Eigenvalues from the largest down, one line a state, with the level 1/d of the maximally mixed state."""
    spectra = {name: real_array(f"spectra[{name!r}]", p) for name, p in spectra.items()}
    d = max(len(p) for p in spectra.values())
    for i, (name, p) in enumerate(spectra.items()):
        rank = np.arange(1, len(p) + 1)
        ax.semilogy(rank, np.maximum(np.sort(p)[::-1], ZERO), color=COLOURS[i], linestyle=STYLES[i],
                    marker=MARKERS[i], markersize=4 if d <= 20 else 2.5, label=name)
    ax.axhline(1 / d, color="grey", linewidth=1, linestyle=":", label=f"maximally mixed, 1/{d}")
    smallest = min((float(p[p > TINY].min()) for p in spectra.values() if (p > TINY).any()), default=TINY)
    ax.set(title=title, xlabel="mode, largest first", ylabel="eigenvalue $p$", ylim=(smallest / 3, 1.5))
    ax.legend(fontsize=8)


def extremal_states(d: int, points: int = 200) -> tuple[FloatArray, FloatArray]:
    """The spectra that bound the region of possible (S, P) in dimension d: the most and the least mixed at given P.

    At a given purity the largest entropy has one eigenvalue above d - 1 equal ones; the smallest has k
    equal ones, one below them and zeros (D. W. Berry and B. C. Sanders, J. Phys. A 36, 12255 (2003)). Each (..., d).
    """
    d, points = whole_number("d", d, 1), whole_number("points", points, 2)
    top = np.linspace(1 / d, 1, points)
    most = np.concatenate([top[:, None], np.repeat((1 - top[:, None]) / max(d - 1, 1), d - 1, axis=1)], axis=1)
    least = []
    for k in range(1, d):
        for last in np.linspace(0, 1 / (k + 1), max(2, points // d)):
            least.append([*[(1 - last) / k] * k, last, *[0.0] * (d - k - 1)])
    return most, np.array(least or [[1.0]])


def entropy_purity_plot(ax: Axes, states: Mapping[str, tuple[FloatArray, FloatArray]], d: int, title: str = "") -> None:
    """S against P of each series (S, P) in the region that d levels allow; arrows of time are left to the caller."""
    for p, label in zip(extremal_states(d), ("allowed region", None), strict=True):
        S, P = np.asarray(entropy_of_spectrum(p)), np.asarray(purity_of_spectrum(p))
        ax.plot(S, P, color="grey", linewidth=1, label=label)
    for i, (name, (S, P)) in enumerate(states.items()):
        ax.plot(S, P, color=COLOURS[i % 7], marker=MARKERS[i % 7], markersize=7 if np.size(S) == 1 else 3,
                linestyle="none", alpha=0.7, label=name)
    ax.set(title=title, xlabel="von Neumann entropy $S$ (nats)", ylabel="purity $P$", xlim=(0, np.log(d) * 1.02))
    ax.legend(fontsize=8)


def history_panels(
    figure: Figure, histories: Sequence[History], marks: Mapping[str, float | None] | None = None
) -> None:
    """Four panels over epochs: accuracy, S, P, weight entropy; the first history bold, the others (other seeds) thin.

    `marks` are epochs of the first history to be marked by a vertical line, by name.
    """
    panels = figure.subplots(2, 2, sharex=True)
    columns = (("test_accuracy", "accuracy"), ("entropy", "von Neumann entropy $S$ (nats)"),
               ("purity", "purity $P$"), ("weight_entropy", "weight entropy (nats)"))
    for ax, (name, label), colour in zip(panels.flat, columns, (ORANGE, BLUE, RED, GREEN), strict=True):
        for i, history in enumerate(histories):
            weight = {"linewidth": 2.0 if i == 0 else 0.7, "alpha": 1.0 if i == 0 else 0.5}
            if name == "test_accuracy":
                ax.plot(history.epoch, history.train_accuracy, color=BLACK, linestyle="--",
                        label="train" if i == 0 else None, **weight)
            label_of_line = "test" if name == "test_accuracy" and i == 0 else None
            ax.plot(history.epoch, history[name], color=colour, label=label_of_line, **weight)
        for j, (mark, epoch) in enumerate((marks or {}).items()):
            if epoch is not None:
                ax.axvline(epoch, color="grey", linestyle=STYLES[j + 1], linewidth=1.2,
                           label=f"{mark} ({epoch:g})" if name == "test_accuracy" else None)
        ax.set(ylabel=label)
    for ax in panels[-1]:
        ax.set(xlabel="epoch")
    panels[0, 0].legend(fontsize=8)


def training_figure(
    histories: Sequence[History], title: str = "", log_epochs: bool = False,
    marks: Mapping[str, float | None] | None = None,
) -> Figure:
    """Loss, accuracy, S and P of a run against the epoch; of many seeds a thin line each, and their median in bold.

    S and P are drawn in every convention that was recorded, the median where all seeds have a record.
    `marks` are epochs to be marked by a vertical line, by name.
    """
    endings = [name.removeprefix("entropy") for name in histories[0].columns if name.startswith("entropy")]
    parts = [("train", {"color": BLACK, "linestyle": "--"}), ("test", {"color": ORANGE, "linestyle": "-"})]
    kinds = [(ending, {"color": COLOURS[i], "linestyle": STYLES[i]}) for i, ending in enumerate(endings)]
    columns: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "loss": [(f"{part}_loss", part, look) for part, look in parts],
        "accuracy": [(f"{part}_accuracy", part, look) for part, look in parts],
        "von Neumann entropy $S$ (nats)": [(f"entropy{kind}", kind[1:] or "trace", look) for kind, look in kinds],
        "purity $P$": [(f"purity{kind}", kind[1:] or "trace", look) for kind, look in kinds]}
    figure = new_figure(10, 7)
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(2, 2, sharex=True)
    for ax, (label, lines) in zip(panels.flat, columns.items(), strict=True):
        for column, name, look in lines:
            _seeds(ax, histories, column, name, look)
        for j, (mark, epoch) in enumerate((marks or {}).items()):
            if epoch is not None:
                ax.axvline(epoch, color="grey", linestyle=STYLES[j + 1], linewidth=1.2,
                           label=f"{mark} ({epoch:g})" if label == "accuracy" else None)
        ax.set(ylabel=label)
        ax.legend(fontsize=8)
    losses = np.concatenate([history[name] for history in histories for name in ("train_loss", "test_loss")])
    if losses.max() > DECADE * losses.min():
        panels[0, 0].set_yscale("log", nonpositive="mask")
    panels[0, 1].set_ylim(-0.03, 1.03)
    for ax in panels[1]:
        ax.set(xlabel="epoch")
        if log_epochs and len(histories[0]) > 1:         # linear from epoch 0, which has no logarithm, to the next
            first = histories[0].epoch[1]
            ax.set_xscale("symlog", linthresh=first, linscale=0.3)
            ax.set_xlim(left=-0.1 * first)
            ax.xaxis.set_major_formatter("{x:g}")
    return figure


def _seeds(ax: Axes, histories: Sequence[History], column: str, name: str, look: Mapping[str, Any]) -> None:
    """One column: the line of one run, or a thin one for each of many and their median in bold."""
    if len(histories) == 1:
        marker = "." if len(histories[0]) == 1 else None
        ax.plot(histories[0].epoch, histories[0][column], label=name, linewidth=1.8, marker=marker, **look)
        return
    for history in histories:
        ax.plot(history.epoch, history[column], color=look["color"], linewidth=0.6, alpha=0.35)
    shared = reduce(np.intersect1d, [history.epoch for history in histories])
    values: Any = np.ma.masked_invalid([history[column][np.isin(history.epoch, shared)] for history in histories])
    median: Any = np.ma.median(values, axis=0)  # type: ignore[no-untyped-call]
    ax.plot(shared, median, label=f"{name}, median of {len(histories)} seeds", linewidth=1.8, **look)


def decision_boundary(ax: Axes, predict: object, X: FloatArray, y: IntArray, title: str = "") -> None:
    """The classes that `predict` gives in the plane, behind the inputs X (n, 2) with their labels y."""
    if not callable(predict):
        raise ValueError(f"predict is {predict!r}, but must be a function of inputs, such as net.predict")
    low, high = X.min(axis=0) - 0.3, X.max(axis=0) + 0.3
    grid = np.stack(np.meshgrid(*(np.linspace(a, b, 200) for a, b in zip(low, high, strict=True))), axis=-1)
    classes = predict(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    ax.contourf(grid[..., 0], grid[..., 1], classes, levels=[-0.5, 0.5, 1.5], colors=[BLUE, ORANGE], alpha=0.25)
    for label in (0, 1):
        here = y == label
        ax.plot(X[here, 0], X[here, 1], linestyle="none", marker=MARKERS[label], markersize=3,
                color=COLOURS[label], label=f"class {label}")
    ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.legend(fontsize=8)


def state_panels(figure: Figure, states: Mapping[str, FloatArray]) -> None:
    """Heat maps of density matrices side by side on one scale."""
    states = {name: real_array(name, rho) for name, rho in states.items()}
    for name, rho in states.items():
        spectrum(rho, name)                              # refuses what is no state
    largest = max(float(abs(rho).max()) for rho in states.values())
    for ax, (name, rho) in zip(np.atleast_1d(figure.subplots(1, len(states))), states.items(), strict=True):
        density_heatmap(ax, rho, name, largest)


def class_overlap_plot(ax: Axes, overlaps: FloatArray, classes: IntArray, title: str = "") -> None:
    """The overlaps of the states of the classes, from `class_overlaps`; silent classes are left white."""
    image = ax.imshow(overlaps, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    if len(classes) <= 12:
        for (j, k), overlap in np.ndenumerate(overlaps):
            ax.text(k, j, f"{overlap:.2f}", ha="center", va="center", fontsize=7,
                    color="black" if overlap > 0.6 else "white")
        ax.set_xticks(range(len(classes)), list(map(str, classes)))
        ax.set_yticks(range(len(classes)), list(map(str, classes)))
    ax.set(title=title, xlabel="class", ylabel="class")
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label="overlap of states")


def measured_figure(
    layers: Mapping[str, InexactArray], convention: str = "trace", labels: IntArray | None = None,
    intervals: Sequence[tuple[float, float]] | None = None,
) -> Figure:
    """A picture of the state of each layer (or of one layer at several times): activations (n, d) by name.

    Heat map of the last one's density matrix (the real part); spectra; S against P in the region that d levels
    allow; with `labels` of the inputs the class overlaps of the last one; for several layers S of each,
    with `intervals` as error bars.
    """
    spectra = {name: activation_spectrum(A, convention) for name, A in layers.items()}
    last = list(layers)[-1]
    count = 3 + (labels is not None) + (len(layers) > 1)
    rows, columns = 1 + (count > 3), 2 if count == 4 else 3
    figure = new_figure(5.2 * columns, 4.4 * rows)
    panels = iter(figure.subplots(rows, columns).flat)
    density_heatmap(next(panels), np.real(density_matrix(layers[last], convention)), f"{last}: density matrix")
    shown = [list(spectra)[i] for i in np.unique(np.linspace(0, len(spectra) - 1, len(COLOURS)).round().astype(int))]
    of_how_many = f", {len(shown)} of {len(spectra)}" if len(shown) < len(spectra) else ""
    spectrum_plot(next(panels), {name: spectra[name] for name in shown}, f"spectra ({convention}){of_how_many}")
    S, P = (np.array([float(f(p)) for p in spectra.values()]) for f in (entropy_of_spectrum, purity_of_spectrum))
    series = ({name: (S[i], P[i]) for i, name in enumerate(spectra)} if len(spectra) <= len(COLOURS)
              else {f"{len(spectra)} layers": (S, P)})
    entropy_purity_plot(next(panels), series, max(map(len, spectra.values())), "entropy and purity")
    if labels is not None:
        overlaps = class_overlaps(layers[last], labels, convention)
        classes = class_states(layers[last], labels, convention).labels
        class_overlap_plot(next(panels), overlaps, classes, f"{last}: class overlaps")
    if len(layers) > 1:
        _entropy_curve(next(panels), spectra, S, intervals)
    for left_over in panels:
        left_over.set_axis_off()
    return figure


def _entropy_curve(
    ax: Axes, spectra: Mapping[str, FloatArray], S: FloatArray, intervals: Sequence[tuple[float, float]] | None
) -> None:
    """S of each layer in turn, with the largest that is possible; those of one name ("file:name") are joined."""
    place = np.arange(len(S))
    names = np.array([name.rpartition(":")[2] if ":" in name else "" for name in spectra])
    for i, name in enumerate(dict.fromkeys(names.tolist())):
        mine = names == name
        ax.plot(place[mine], S[mine], marker=MARKERS[i % 7], markersize=3, color=COLOURS[i % 7],
                label=f"S of the sample{name and ': '}{name}")
    if intervals is not None:
        low, high = np.array(intervals).T
        ax.vlines(place, low, high, color="grey", linewidth=5, alpha=0.5, label="95 % interval, bias taken off")
    ax.plot(place, [np.log(len(p)) for p in spectra.values()], color="grey", linestyle="none", marker="_",
            markersize=14, label="ln d")
    some = np.unique(np.linspace(0, len(S) - 1, 12).round().astype(int))
    ax.set_xticks(some, [list(spectra)[i] for i in some], rotation=30, ha="right", fontsize=8)
    highest = 1.5 * np.log(max(map(len, spectra.values())))              # room for the legend above ln d
    ax.set(ylabel="von Neumann entropy $S$ (nats)", ylim=(0, highest or None), title="one point a layer or file")
    ax.legend(fontsize=8)
