"""The whole study: plan the runs, run them, judge every claim, write figures, tables and the report."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from minigrok.checkpoint import replace_file
from minigrok.checks import one_of, whole_number
from minigrok.jit import JIT_ENABLED
from minigrok.study import classifier, grokking, grokking_claims, landscape, loss_landscape, prior_map
from minigrok.study.claims import Claim, Judgement, gather, load_claims
from minigrok.study.figures import draw_figures
from minigrok.study.jobs import Job, Outcome, run_jobs
from minigrok.study.ledger import Ledger
from minigrok.study.report import write_report

EXPERIMENTS = ("classifier", "landscape", "grokking")


class Size(NamedTuple):
    """How much is run."""

    seeds: int
    steps: int                 # of each walker of a landscape of S
    loss_steps: int            # of the loss; 0 leaves it out
    prior_steps: int           # under each prior of the map; 0 is direct sampling alone


SIZES = {
    "quick": Size(seeds=3, steps=300_000, loss_steps=0, prior_steps=0),
    "default": Size(seeds=5, steps=1_000_000, loss_steps=1_000_000, prior_steps=0),
    "full": Size(seeds=20, steps=4_000_000, loss_steps=4_000_000, prior_steps=500_000),
}
WALKERS = 8                    # below eight no error is worth quoting
Runs = dict[str, dict[str, list[Any]]]                 # experiment -> specification -> one result a seed


def reproduce(
    size: str = "default",
    experiments: Sequence[str] = EXPERIMENTS,
    seed: int = 0,
    workers: int = 1,
    out: str | PathLike[str] | None = None,
    progress: Callable[[Outcome, int, int], None] | None = None,
) -> Ledger:
    """Run the study and judge its claims.

    Parameters
    ----------
    size : {"quick", "default", "full"}
        3, 5 or 20 seeds.
    experiments : sequence of names
        Of "classifier", "landscape", "grokking". The landscape is compared with trained nets, so it
        brings the classifier's runs along.
    seed : int
        The first seed; the others follow it.
    workers : int
        Processes. The results do not depend on it.
    out : path, optional
        A folder for figures, results.json, results.csv, histories and report.html; nothing is written without it.
    progress : function of (outcome, done, total), optional
        Called as each run ends.

    Returns
    -------
    Ledger
        `print` it, or index it by a claim's id. An experiment that failed is named in `.failures`.

    Raises
    ------
    ValueError
        For an unknown size or experiment, or numbers out of range.
    """
    numbers = SIZES[one_of("size", size, SIZES)]
    chosen = [one_of("experiment", name, EXPERIMENTS) for name in experiments]
    seeds = range(whole_number("seed", seed, 0), seed + numbers.seeds)
    started = time.monotonic()
    jobs = _plan(chosen, seeds, numbers)
    runs, failures = _sorted_by_experiment(run_jobs(jobs, whole_number("workers", workers, 1), progress))
    judgements, more_failures = _judge(chosen, runs)
    ledger = Ledger(tuple(judgements), _settings(size, numbers, seeds, chosen), failures | more_failures)
    if out is not None:
        write_results(Path(out), ledger, runs, time.monotonic() - started, workers)
    return ledger


def write_results(folder: Path, ledger: Ledger, runs: Runs, seconds: float, workers: int) -> None:
    """Figures, tables, histories and the report."""
    texts = {
        "results.json": ledger.to_json(), "results.csv": ledger.to_csv(),
        "priors.csv": prior_map.table(prior_map.results(runs.get(prior_map.EXPERIMENT, {}))),
        "times.json": json.dumps({"seconds": round(seconds, 1)}) + "\n"}
    for name, text in texts.items():
        with replace_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    histories = folder / "histories"
    histories.mkdir(exist_ok=True)
    first = ledger.settings["seeds"][0]
    for experiment in ("classifier", "grokking"):
        for name, results in runs.get(experiment, {}).items():
            for offset, result in enumerate(results):
                stem = f"{experiment}-{name}-seed{first + offset}".replace(",", "").replace(" ", "-")
                result.history.save(histories / f"{stem}.npz")
    found = {f"landscape-{name}": landscape.density_of_states(walkers)
             for name, walkers in runs.get("landscape", {}).items()}
    found |= {f"loss-{name}": loss_landscape.density_of_states(name, walkers)
              for name, walkers in runs.get(loss_landscape.EXPERIMENT, {}).items()}
    for name, states in found.items():
        states.save(histories / f"{name}.npz".replace(",", "").replace(" ", "-"))
    figures = draw_figures(folder / "figures", runs, workers)
    write_report(folder / "report.html", ledger, figures)


def _plan(chosen: Sequence[str], seeds: Sequence[int], numbers: Size) -> list[Job]:
    """All jobs, the long ones first, so that no worker is left with one at the end.

    One walker comes before them all: while it compiles the sampler, other workers train, and find it compiled.
    """
    walks = []
    if "landscape" in chosen:
        walks = landscape.plan(seeds[0], WALKERS, numbers.steps) + prior_map.plan(seeds[0], numbers.prior_steps)
        if numbers.loss_steps:
            walks += loss_landscape.plan(seeds[0], WALKERS, numbers.loss_steps)
    jobs = walks[:1]
    if "grokking" in chosen:
        jobs += grokking.plan(seeds)
    jobs += walks[1:]
    if "classifier" in chosen or "landscape" in chosen:
        jobs += classifier.plan(seeds)
    return jobs


def _sorted_by_experiment(outcomes: Sequence[Outcome]) -> tuple[Runs, dict[str, str]]:
    """Results by experiment and specification; an experiment with a failed run has its reason instead."""
    runs: Runs = {}
    failures: dict[str, str] = {}
    for job, result, error in outcomes:
        if error is not None:
            reason = f"{job.specification}, seed {job.seed}: {type(error).__name__}: {error}"
            failures.setdefault(job.experiment, reason)
        else:
            runs.setdefault(job.experiment, {}).setdefault(job.specification, []).append(result)
    return {name: found for name, found in runs.items() if name not in failures}, failures


def _judge(chosen: Sequence[str], runs: Runs) -> tuple[list[Judgement], dict[str, str]]:
    """Every claim in the order of claims.csv; those that no run bears on are not tested yet."""
    claims = load_claims()
    judges: dict[str, Callable[[Mapping[str, Claim]], list[Judgement]]] = {
        "classifier": lambda claims: classifier.judge(claims, runs["classifier"]),
        "landscape": lambda claims: landscape.judge(
            claims, runs["landscape"], runs.get("classifier", {}),
            prior_map.results(runs.get(prior_map.EXPERIMENT, {}))),
        loss_landscape.EXPERIMENT: lambda claims: loss_landscape.judge(claims, runs[loss_landscape.EXPERIMENT]),
        "grokking": lambda claims: grokking_claims.judge(claims, runs["grokking"]),
    }
    found: dict[str, Judgement] = {}
    failures = {}
    for experiment in (*chosen, loss_landscape.EXPERIMENT):
        if experiment in runs:
            try:
                found |= {judgement.claim.id: judgement for judgement in judges[experiment](claims)}
            except (ValueError, ArithmeticError, LookupError) as error:
                failures[experiment] = f"its runs could not be judged: {type(error).__name__}: {error}"
    found["C14"] = _study_size(claims["C14"], runs)
    return [found.get(name, Judgement(claim)) for name, claim in claims.items()], failures


def _study_size(claim: Claim, runs: Runs) -> Judgement:
    epochs = sum(
        int(run.history.epoch[-1]) for name in ("classifier", "grokking")
        for results in runs.get(name, {}).values() for run in results)
    steps = sum(walked.result.steps for results in runs.get("landscape", {}).values() for walked in results)
    steps += sum(walker.steps for results in runs.get(loss_landscape.EXPERIMENT, {}).values() for walker in results)
    evidence = []
    if epochs:
        evidence.append(gather("epochs in all", [epochs], lambda value: value > 3000))
    if steps:
        evidence.append(gather("Wang-Landau trial moves", [steps], lambda value: value >= 5000))
    note = "a size, not a finding; 5000 single moves complete no stage of the sampler"
    return Judgement(claim, tuple(evidence), note if evidence else "")


def _settings(size: str, numbers: Size, seeds: Sequence[int], chosen: Sequence[str]) -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    for package in ("minigrok", "numpy", "scipy", "numba", "matplotlib"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "size": size, "seeds": list(seeds), "experiments": list(chosen), "walkers": WALKERS,
        "steps_a_walker": numbers.steps, "loss_steps": numbers.loss_steps, "prior_steps": numbers.prior_steps,
        "versions": versions, "compiled": JIT_ENABLED, "system": platform.system()}
