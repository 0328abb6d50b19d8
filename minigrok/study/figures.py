"""The study's figures, each as PNG and PDF with one sentence of what it shows, made from the data."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from minigrok import plots
from minigrok.density import density_matrix
from minigrok.runs.jobs import Job, run_jobs
from minigrok.study import (
    announce,
    classifier,
    classifier_controls,
    curves,
    grokking,
    interventions,
    landscape,
    loss_landscape,
    prior_map,
    transition,
)
from minigrok.study.claims import Judgement
from minigrok.study.grokking_measures import marks_of, pearson

Runs = Mapping[str, Mapping[str, Sequence[Any]]]


class Drawn(NamedTuple):
    """A figure on the disk."""

    experiment: str
    stem: str                  # of its file names
    caption: str               # what it shows, numbers from the data; also the alternative text
    png: Path
    claims: tuple[str, ...] = ()         # that it bears on; none for a picture of the runs themselves


CURVES = "specification curves"
FEWEST_ON_A_CURVE = 8          # specifications: fewer are read faster in a table
CLAIMS = {                     # which claims a figure bears on, by the beginning of its stem
    "landscape-loss": ("R4", "R5"), "landscape-priors": ("C4a", "C4b"), "landscape-": ("C4a", "C4b", "C4c"),
    "announce": ("R6", "R2b"), "interventions": ("C12", "R1", "R2"), "transition": ("C13",),
    "classifier-controls": ("C1", "C2", "C11"), "grokking-entropy-purity": ("C9",),
}


def draw_figures(folder: Path, runs: Runs, judgements: Sequence[Judgement] = (), workers: int = 1) -> list[Drawn]:
    """Draw all figures for which there are runs, experiments side by side; the folder is made.

    Raises
    ------
    Exception
        Whatever drawing raised first.
    """
    folder.mkdir(exist_ok=True)
    jobs = [Job(name, "figures", 0, _draw, (folder, name, runs[name])) for name in _SKETCHES if name in runs]
    shown = [judgement for judgement in judgements if judgement.assessment.specifications >= FEWEST_ON_A_CURVE]
    jobs += [Job(CURVES, judgement.id, 0, _draw, (folder, CURVES, judgement)) for judgement in shown]
    outcomes = run_jobs(jobs, workers)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [drawn for outcome in outcomes for drawn in outcome.result]


def _draw(setting: tuple[Path, str, Any], seed: int) -> list[Drawn]:
    folder, experiment, runs = setting
    drawn = []
    sketches = [curves.specification_curve(runs)] if experiment == CURVES else _SKETCHES[experiment](runs)
    for stem, caption, figure in sketches:
        png, _ = plots.save_figure(figure, folder / stem)
        drawn.append(Drawn(experiment, stem, caption, png, _claims_of(stem, experiment, runs)))
    return drawn


def _claims_of(stem: str, experiment: str, runs: Any) -> tuple[str, ...]:
    if experiment == CURVES:
        return (runs.claim.id,)
    return next((claims for beginning, claims in CLAIMS.items() if stem.startswith(beginning)), ())


Sketch = tuple[str, str, Figure]


def _slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")


def _epochs(name: str, results: Sequence[Any], marks: Mapping[str, float | None], what: str) -> Sketch:
    history = results[0].history
    figure = plots.new_figure(9, 5.5)
    plots.history_panels(figure, [result.history for result in results], marks)
    figure.suptitle(f"{name}: {len(results)} seeds, the first one bold")
    caption = (
        f"{name}: {what} over {history.epoch[-1]} epochs, {len(results)} seeds. In the first, S goes from "
        f"{history.entropy[0]:.2f} to {history.entropy[-1]:.2f} nats, P from {history.purity[0]:.3f} to "
        f"{history.purity[-1]:.3f}, test accuracy ends at {history.test_accuracy[-1]:.1%}.")
    return f"epochs-{_slug(name)}", caption, figure


def _entropy_purity(stem: str, runs: Mapping[str, Sequence[Any]], d: int) -> Sketch:
    figure = plots.new_figure(6, 4.5)
    series = {name: (results[0].history.entropy, results[0].history.purity) for name, results in runs.items()}
    plots.entropy_purity_plot(figure.subplots(), series, d)
    figure.suptitle("S against P, one point a recorded epoch")
    correlations = ", ".join(f"{name} {pearson(S, P):.2f}" for name, (S, P) in series.items())
    return stem, (
        f"S against P over training, inside the region that {d} levels allow. Correlations: {correlations}."), figure


def _spectra(stem: str, name: str, run: Any) -> Sketch:
    before, after = run.history.spectrum[0], run.history.spectrum[-1]
    figure = plots.new_figure(6, 4.2)
    plots.spectrum_plot(
        figure.subplots(), {"before": before, "after": after}, f"{name}: spectrum before and after training")
    return stem, (
        f"{name}: eigenvalues of the density matrix before and after training; the largest goes from "
        f"{before.max():.3f} to {after.max():.3f}."), figure


def _states(stem: str, name: str, run: Any, build: Callable[[Any, int], Any]) -> Sketch:
    net, task = build(run.setting, run.seed)
    states = {}
    for label, theta in (("before", run.theta_start), ("after", run.theta_end)):
        net.theta[:] = theta
        states[f"{label} training"] = density_matrix(net.hidden(task.X_train))
    figure = plots.new_figure(9, 4)
    plots.state_panels(figure, states)
    figure.suptitle(f"{name}: the density matrix of the hidden layer")
    off = [float(abs(rho - np.diag(np.diag(rho))).sum()) for rho in states.values()]
    return stem, (
        f"{name}: density matrix of the hidden layer before and after training; its off-diagonal elements "
        f"sum in size to {off[0]:.2f} and {off[1]:.2f}."), figure


def _classifier(runs: Mapping[str, Sequence[Any]]) -> list[Sketch]:
    base = next(iter(runs))
    sketches = [_epochs(name, results, {}, "accuracy, S, P and weight entropy") for name, results in runs.items()]
    sketches.append(_entropy_purity("classifier-entropy-purity", runs, classifier.HIDDEN))
    sketches.append(_spectra("classifier-spectra", base, runs[base][0]))
    sketches.append(_states("classifier-states", base, runs[base][0], classifier.build))
    figure = plots.new_figure(11, 4)
    flat = {name: results[0] for name, results in runs.items() if name.endswith("2 inputs")}
    for ax, (name, run) in zip(figure.subplots(1, len(flat)), flat.items(), strict=True):
        net, task = classifier.build(run.setting, run.seed)
        net.theta[:] = run.theta_end
        plots.decision_boundary(ax, net.predict, task.X_test, task.y_test, name)
    accuracies = ", ".join(f"{name} {run.history.test_accuracy[-1]:.1%}" for name, run in flat.items())
    caption = f"Decision boundaries behind the test inputs; accuracy: {accuracies}."
    sketches.append(("classifier-boundaries", caption, figure))
    return sketches


def _grokking(all_runs: Mapping[str, Sequence[Any]]) -> list[Sketch]:
    shown = ("base", "shuffled labels")
    runs = {name: results for name, results in all_runs.items() if results[0].setting.role in shown}
    sketches = [*announce.sketches(all_runs), *transition.sketches(all_runs)]
    for name, results in runs.items():
        marks = marks_of(results[0])
        sketches.append(_epochs(
            name, results, {"memorised": marks.memorised, "onset": marks.onset, "generalised": marks.generalised},
            f"modular addition, p = {results[0].setting.modulus}: accuracy, S, P and weight entropy"))
    base = next(iter(runs))
    sketches.append(_entropy_purity("grokking-entropy-purity", runs, grokking.HIDDEN))
    sketches.append(_spectra("grokking-spectra", base, runs[base][0]))
    sketches.append(_states("grokking-states", base, runs[base][0], grokking.build))
    return sketches


def _landscape(runs: Mapping[str, Sequence[Any]]) -> list[Sketch]:
    return [landscape.sketch(name, results) for name, results in runs.items()]


_SKETCHES: dict[str, Callable[[Mapping[str, Sequence[Any]]], list[Sketch]]] = {
    "classifier": _classifier, "landscape": _landscape, "grokking": _grokking,
    classifier_controls.EXPERIMENT: classifier_controls.sketches, interventions.EXPERIMENT: interventions.sketches,
    prior_map.EXPERIMENT: lambda runs: [prior_map.sketch(prior_map.results(runs))],
    loss_landscape.EXPERIMENT: lambda runs: [loss_landscape.sketch(runs)]}
