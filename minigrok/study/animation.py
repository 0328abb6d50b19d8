"""A film of one grokking run: its density matrix, spectrum and accuracies, moment by moment.

    rho = A^T A / tr(A^T A)          shown is |rho_jk|, the overlap of neurons j and k over the training inputs

The moments lie evenly in the square root of the epoch, since most happens early. Neurons are sorted once, such that
those whose overlaps with the others are alike at the end, or the opposite, stand side by side: the leaves of an
average-linkage tree over 1 - |correlation of the rows of rho| in their best order (Z. Bar-Joseph, D. K. Gifford and
T. S. Jaakkola, Bioinformatics 17, S22 (2001)). For paper there is a strip of the moments at which something happened.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from PIL import Image
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from minigrok import plots
from minigrok.checkpoint import replace_file
from minigrok.checks import FloatArray, IntArray
from minigrok.density import density_matrix
from minigrok.metrics import entropy_of_spectrum
from minigrok.runs.jobs import Job
from minigrok.study.grokking import GrokkingSetting, Milestones, build, end_of, milestones, optimizer_of
from minigrok.study.grokking_settings import BASES
from minigrok.training import train

EXPERIMENT = "animation"
RECORD_EVERY = 10              # epochs
MOMENTS = 50                   # at most, beside the milestones
FRAME, LAST_FRAME = 200, 2000  # milliseconds that a moment, and the last one, is shown
SHADES, TINTS = 40, 5          # colours of all frames, of the heat map and of each line: a quarter of the bytes
CMAP = "viridis"
TICKS = (100, 500, 1000, 2000, 5000)       # epochs
BRIGHTEST = 0.999              # quantile of the off-diagonal |rho_jk| at which the colours end
DPI = 100                      # of the animation: 640 x 380 pixels


class Film(NamedTuple):
    """The moments of one run; all arrays have one entry a moment first."""

    setting: GrokkingSetting
    seed: int
    epochs: IntArray               # (moments,)
    rho: FloatArray                # (moments, d, d), single precision
    spectra: FloatArray            # (moments, d), the largest eigenvalue first
    train_accuracy: FloatArray     # (moments,)
    test_accuracy: FloatArray      # (moments,)
    milestones: Milestones


class DrawnFilm(NamedTuple):
    """A film on the disk."""

    animation: Path                # moves
    strip: Path                    # stands still, for paper and for readers who asked for no motion
    caption: str                   # what both show, numbers from the data; also the alternative text


def job(seed: int) -> Job:
    """The one job of this experiment: a net that grokking_settings has as a base, ReLU and cross-entropy."""
    return Job(EXPERIMENT, BASES[0].name, seed, film, BASES[0])


def film(setting: GrokkingSetting, seed: int) -> Film:
    """Train once, and keep the state at some fifty moments."""
    net, task = build(setting, seed)
    history = train(
        net, task, optimizer_of(setting, net), setting.epochs, record_every=RECORD_EVERY, seed=seed,
        callbacks=[end_of(setting)],
        record={"rho": lambda net, task: density_matrix(net.hidden(task.X_train)).astype(np.float32)})
    marks = milestones(history, setting.modulus, setting.op)
    wanted = [*np.linspace(0, np.sqrt(history.epoch[-1]), MOMENTS) ** 2, *(mark for mark in marks if mark is not None)]
    kept = np.unique([abs(history.epoch - epoch).argmin() for epoch in wanted])
    return Film(
        setting, seed, history.epoch[kept], history.rho[kept], np.sort(history.spectrum[kept], axis=1)[:, ::-1],
        history.train_accuracy[kept], history.test_accuracy[kept], marks)


def draw_film(film: Film, folder: Path) -> DrawnFilm:
    """Write the animation (a PNG that moves) and its strip into `folder`."""
    film = film._replace(rho=_sorted(abs(film.rho)))
    animation, strip = folder / "grokking-film.png", folder / "grokking-film-strip.png"
    figure, show = _screen(film)
    frames = []
    for moment in range(len(film.epochs)):
        show(moment)
        picture = io.BytesIO()
        figure.savefig(picture, dpi=DPI)
        frames.append(Image.open(picture).convert("RGB"))
    palette = _palette()
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    with replace_file(animation) as temporary:
        first.save(temporary, format="PNG", save_all=True, append_images=others, loop=0,
                   duration=[FRAME] * len(others) + [LAST_FRAME])
    with replace_file(strip) as temporary:
        _strip(film).savefig(temporary, format="png", dpi=plots.DPI, metadata={"Software": None})
    return DrawnFilm(animation, strip, caption(film))


def caption(film: Film) -> str:
    """What happens in the film, numbers from the data."""
    setting, marks = film.setting, film.milestones
    happened = ((marks.memorised, "it has memorised at epoch"), (marks.onset, "begins to generalise at epoch"),
                (marks.generalised, "has generalised at epoch"))
    story = ", ".join(f"{words} {epoch}" for epoch, words in happened if epoch is not None) or "it never memorises"
    start, end = (float(entropy_of_spectrum(p)) for p in film.spectra[[0, -1]])
    return (
        f"One run of {setting.name} modulo {setting.modulus}, seed {film.seed}, epoch 0 to {film.epochs[-1]}: {story}. "
        f"S goes from {start:.2f} to {end:.2f} nats, the largest eigenvalue from {film.spectra[0, 0]:.2f} to "
        f"{film.spectra[-1, 0]:.2f}, test accuracy from {film.test_accuracy[0]:.0%} to {film.test_accuracy[-1]:.0%}. "
        "Shown are the sizes of the elements of rho (yellow: large; the diagonal lies above the scale), neurons in one "
        "order for all moments, its eigenvalues from the largest down, and the accuracies.")


def phase(epoch: int, marks: Milestones) -> str:
    """What the run is doing at an epoch, in a word or three.

    >>> [phase(epoch, Milestones(90, 290, 480, None)) for epoch in (0, 90, 289, 290, 2000)]
    ['memorising', 'plateau', 'plateau', 'generalising', 'generalising']
    """
    if marks.generalised is not None and epoch >= marks.generalised:
        return "generalised"
    if marks.onset is not None and epoch >= marks.onset:
        return "generalising"
    return "memorising" if marks.memorised is None or epoch < marks.memorised else "plateau"


def moments_of_strip(film: Film) -> dict[int, str]:
    """Which moments the strip shows, in order, and what to call them."""
    marks, names = film.milestones, {0: "start"}
    plateau = marks.plateau
    named = {"memorised": marks.memorised, "mid-plateau": None if plateau is None else sum(plateau) / 2,
             "onset": marks.onset, "generalised": marks.generalised, "end": float(film.epochs[-1])}
    for name, epoch in named.items():
        if epoch is not None:
            names.setdefault(int(abs(film.epochs - epoch).argmin()), name)
    return dict(sorted(names.items()))


def _sorted(rho: FloatArray) -> FloatArray:
    """|rho| (moments, d, d) with the neurons in the order of the last moment's tree."""
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.nan_to_num(abs(np.corrcoef(rho[-1])))             # a dead neuron is like no other
    apart = squareform(np.clip(1 - (alike + alike.T) / 2, 0, None), checks=False)
    order = leaves_list(linkage(apart, "average", optimal_ordering=True))
    return rho[:, order[:, None], order]


def _brightest(film: Film) -> float:
    off_diagonal = ~np.eye(film.rho.shape[1], dtype=bool)
    return float(np.quantile(film.rho[:, off_diagonal], BRIGHTEST))


def _palette() -> Image.Image:
    """The colours of the heat map, and those of lines and text in steps to white, which smooth edges need."""
    lines = np.array([to_rgb(colour) for colour in (plots.BLUE, plots.RED, plots.BLACK)])
    steps = np.linspace(0, 1, TINTS)[:, None, None]
    colours = np.concatenate([
        colormaps[CMAP](np.linspace(0, 1, SHADES))[:, :3], (steps + (1 - steps) * lines).reshape(-1, 3)])
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * colours).round().astype(np.uint8).tobytes())
    return palette


def _screen(film: Film) -> tuple[Figure, Callable[[int], None]]:
    """The figure of the animation, and the function that makes it show a moment."""
    figure = plots.new_figure(6.4, 3.8)
    panels = figure.subplot_mosaic([["rho", "spectrum"], ["rho", "accuracy"]], width_ratios=(1.25, 1))
    image = panels["rho"].imshow(film.rho[0], vmin=0, vmax=_brightest(film), cmap=CMAP, interpolation="nearest")
    panels["rho"].set(title="density matrix, $|\\rho_{jk}|$", xlabel="neuron k", ylabel="neuron j")
    bars = _spectrum(panels["spectrum"], film, 0)
    panels["spectrum"].set(title="eigenvalues of $\\rho$", xlabel="largest first")
    ax, lines = panels["accuracy"], []
    for name, colour, style in (("train", plots.BLUE, "-"), ("test", plots.RED, "--")):
        lines.append(ax.plot([], [], color=colour, linestyle=style, linewidth=2, label=name)[0])
    last = int(film.epochs[-1])
    ax.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    ax.set(title="accuracy", xlabel="epoch", xlim=(0, last), ylim=(-0.03, 1.05), yticks=(0, 0.5, 1),
           xticks=[0, *(epoch for epoch in TICKS if epoch < 0.8 * last), last])
    ax.legend(loc="lower right", fontsize=8)
    heading = figure.suptitle("Epoch 0", fontsize=13)

    def show(moment: int) -> None:
        image.set_data(film.rho[moment])
        for bar, height in zip(bars, film.spectra[moment], strict=True):
            bar.set_height(height)
        for line, accuracy in zip(lines, (film.train_accuracy, film.test_accuracy), strict=True):
            line.set_data(film.epochs[: moment + 1], accuracy[: moment + 1])
        epoch = int(film.epochs[moment])
        heading.set_text(
            f"Epoch {epoch}: {phase(epoch, film.milestones)}, S = {entropy_of_spectrum(film.spectra[moment]):.2f}")

    figure.draw_without_rendering()                      # lay it out once, so that nothing jumps
    figure.set_layout_engine("none")
    return figure, show


def _spectrum(ax: Axes, film: Film, moment: int) -> BarContainer:
    """The eigenvalues as bars on a logarithmic scale that is the same for all moments, with 1/d."""
    d = film.spectra.shape[1]
    lowest = max(float(np.quantile(film.spectra, 0.01)), 1e-6) / 2
    bars = ax.bar(np.arange(1, d + 1), film.spectra[moment], width=1.0, color=plots.BLUE)
    ax.set_yscale("log")
    ax.axhline(1 / d, color=plots.BLACK, linewidth=1, linestyle=":")
    ax.text(d, 1.1 / d, f"all equal: 1/{d}", ha="right", va="bottom", fontsize=8)
    ax.set(xlim=(0, d + 1), ylim=(lowest, 1.2))
    return bars


def _strip(film: Film) -> Figure:
    names = moments_of_strip(film)
    figure = plots.new_figure(2.1 * len(names), 4.3)
    for column, (moment, name) in enumerate(names.items()):
        top, bottom = (figure.add_subplot(2, len(names), row * len(names) + column + 1) for row in (0, 1))
        top.imshow(film.rho[moment], vmin=0, vmax=_brightest(film), cmap=CMAP, interpolation="nearest")
        S = float(entropy_of_spectrum(film.spectra[moment]))
        top.set_title(f"{name}\nepoch {film.epochs[moment]}, S {S:.2f}\ntrain {film.train_accuracy[moment]:.0%}, "
                      f"test {film.test_accuracy[moment]:.0%}", fontsize=10)
        top.set(xticks=(), yticks=())
        _spectrum(bottom, film, moment)
        if column:
            bottom.set_yticklabels([])
        else:
            top.set_ylabel("density matrix")
            bottom.set_ylabel("eigenvalues")
    return figure
