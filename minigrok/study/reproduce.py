"""The whole study: plan the runs, run them, judge every claim, write figures, tables and the report."""

import math
import operator
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from minigrok.checks import one_of, whole_number
from minigrok.jit import JIT_ENABLED
from minigrok.runs.jobs import Job, Outcome, Progress, run_jobs
from minigrok.study import (
    animation,
    announce,
    classifier,
    classifier_controls,
    findings,
    grokking_claims,
    grokking_settings,
    interventions,
    landscape,
    loss_landscape,
    multiverse,
    prediction,
    prior_map,
    transition,
)
from minigrok.study.claims import RULES_VERSION, Claim, Judgement, load_claims
from minigrok.study.evidence import read
from minigrok.study.ledger import Ledger
from minigrok.study.results import write_results
from minigrok.study.store import Store

EXPERIMENTS = ("classifier", "landscape", "grokking", "interventions")
# What must be run to judge a claim: the experiment of its row in claims.csv, but for two
EXPERIMENTS_OF: dict[str, tuple[str, ...]] = {
    **{name: (claim.experiment,) for name, claim in load_claims().items()},
    "C12": ("grokking", "interventions"), "C14": EXPERIMENTS}
WALKERS = 8                    # below eight no error is worth quoting
LOSS_WALKERS = 12              # R5 compares three tasks: with 36 walkers that all agree a share of 90 % can be told


class Size(NamedTuple):
    """How much is run."""

    seeds: int                 # of the base specifications
    configurations: int        # of the classifier's multiverse
    configuration_seeds: int
    steps: int                 # of each walker of a landscape of S
    loss_steps: int            # of the loss; 0 leaves it out
    prior_steps: int           # under each prior of the map; 0 is direct sampling alone
    grokking: str              # size of grokking_settings.plan
    doses: str                 # of interventions.plan; "" leaves them out
    dose_seeds: int
    film: bool                 # of one run that groks


SIZES = {
    "quick": Size(3, 24, 3, 300_000, 0, 0, "quick", "", 0, False),
    "default": Size(5, 96, 5, 1_000_000, 600_000, 0, "default", "few", 3, True),
    "full": Size(20, 1024, 10, 3_000_000, 2_000_000, 500_000, "full", "all", 10, True),
}
Runs = dict[str, dict[str, list[Any]]]                 # experiment -> specification -> results in the order of jobs


def reproduce(
    size: str = "default",
    experiments: Sequence[str] = EXPERIMENTS,
    seed: int = 0,
    workers: int = 1,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    claims: Sequence[str] = (),
    store: Store | None = None,
) -> Ledger:
    """Run the study and judge its claims.

    Parameters
    ----------
    size : {"quick", "default", "full"}
        How many specifications and seeds; `SIZES` has the numbers, and the ledger says them.
    experiments : sequence of names
        Of "classifier", "landscape", "grokking", "interventions". The landscape is compared with trained nets, so it
        brings the classifier's base runs along.
    seed : int
        The first seed; the others follow it.
    workers : int
        Processes. The results do not depend on it.
    out : path, optional
        A folder for figures, results.json, results.csv, histories and report.html; nothing is written without it.
    progress : function of (outcome, done, total, seconds left or None), optional
        Called as each run ends.
    claims : sequence of ids, optional
        Judge these alone, and run what they need; `experiments` then does not count.
    store : Store, optional
        Where finished runs are kept: those that are there are not run again.

    Returns
    -------
    Ledger
        `print` it, or index it by a claim's id. An experiment that failed is named in `.failures`.

    Raises
    ------
    ValueError
        For an unknown size, experiment or claim, or numbers out of range.
    """
    numbers, known = SIZES[one_of("size", size, SIZES)], load_claims()
    asked = [known[one_of("claim", name, known)] for name in claims]
    wanted = {name for claim in asked for name in EXPERIMENTS_OF[claim.id]} if asked else set(experiments)
    for name in wanted:
        one_of("experiment", name, EXPERIMENTS)
    chosen = [name for name in EXPERIMENTS if name in wanted]
    seeds = range(whole_number("seed", seed, 0, math.inf), seed + numbers.seeds)
    started = time.monotonic()
    jobs = plan(chosen, seeds, numbers)
    runs, failures = _sorted_by_experiment(run_jobs(jobs, whole_number("workers", workers, 1), progress, store))
    judgements, more_failures = judge(runs, {claim.id: claim for claim in asked} or known)
    settings = _settings(size, numbers, seeds, chosen) | {"claims": [claim.id for claim in asked] or "all"}
    settings["sources"] = list(store.sources()) if store is not None else []
    board = announce.leader_board(runs["grokking"]) if "grokking" in runs and not asked else []
    ledger = Ledger(
        tuple(judgements), settings, failures | more_failures, findings.of_all(runs, board, size), announce.rows(board))
    if out is not None:
        write_results(Path(out), ledger, runs, time.monotonic() - started, workers)
    return ledger


def plan(chosen: Sequence[str], seeds: Sequence[int], numbers: Size) -> list[Job]:
    """All jobs, the long ones first, so that no worker is left with one at the end.

    One walker comes before them all: while it compiles the sampler, other workers train, and find it compiled.
    """
    walks = []
    if "landscape" in chosen:
        walks = landscape.plan(seeds[0], WALKERS, numbers.steps) + prior_map.plan(seeds[0], numbers.prior_steps)
        if numbers.loss_steps:
            walks += loss_landscape.plan(seeds[0], LOSS_WALKERS, numbers.loss_steps)
    jobs = walks[:1]
    if "grokking" in chosen:
        jobs += grokking_settings.plan(numbers.grokking, seeds)
        jobs += [animation.job(seeds[0])] if numbers.film else []
    if "interventions" in chosen and numbers.doses:
        jobs += interventions.plan(range(seeds[0], seeds[0] + numbers.dose_seeds), numbers.doses)
    jobs += walks[1:]
    if "classifier" in chosen:
        first = seeds[0]
        jobs += multiverse.plan(numbers.configurations, range(first, first + numbers.configuration_seeds))
        jobs += classifier_controls.plan(seeds)
    if "classifier" in chosen or "landscape" in chosen:
        jobs += classifier.plan(seeds)
    return jobs


def judge(runs: Runs, claims: Mapping[str, Claim]) -> tuple[list[Judgement], dict[str, str]]:
    """Every row of the claims asked for, in the order of claims.csv; those that no run bears on are not tested yet."""
    known = load_claims()
    found: dict[str, Judgement] = {}
    failures = {}
    for experiment, judge_one in _JUDGES.items():
        if experiment in runs:
            try:
                found |= {judgement.id: judgement for judgement in judge_one(known, runs)}
            except (ValueError, ArithmeticError, LookupError) as error:
                failures[experiment] = f"its runs could not be judged: {type(error).__name__}: {error}"
    if "C12" in found and "interventions" in runs:
        observed = found["C12"]
        pushed = interventions.necessity_readings(runs["interventions"])
        found["C12"] = replace(
            observed, readings=observed.readings + pushed,
            note=". ".join(filter(None, [observed.note, interventions.findings(runs["interventions"])])))
    found["C14"] = _study_size(known["C14"], runs)
    judgements = []
    for claim in claims.values():
        for row in ("direction", "value") if claim.rule.figures else ("direction",):
            untested = Judgement(claim, row=row)
            judgements.append(found.get(untested.id, untested))
    return judgements, failures


_JUDGES: dict[str, Callable[[Mapping[str, Claim], Runs], list[Judgement]]] = {
    multiverse.EXPERIMENT: lambda claims, runs: multiverse.judge(
        claims, runs[multiverse.EXPERIMENT], classifier_controls.notes(runs.get(classifier_controls.EXPERIMENT, {}))),
    "landscape": lambda claims, runs: landscape.judge(
        claims, runs["landscape"], runs.get("classifier", {}),
        prior_map.results(runs.get(prior_map.EXPERIMENT, {}))),
    loss_landscape.EXPERIMENT: lambda claims, runs: loss_landscape.judge(claims, runs[loss_landscape.EXPERIMENT]),
    "grokking": lambda claims, runs: [
        *grokking_claims.judge(claims, runs["grokking"]), *announce.judge(claims, runs["grokking"]),
        *prediction.judge(claims, runs["grokking"]), *transition.judge(claims, runs["grokking"])],
    "interventions": lambda claims, runs: interventions.judge(claims, runs["interventions"]),
}


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


def _study_size(claim: Claim, runs: Runs) -> Judgement:
    epochs = multiverse.epochs(runs.get(multiverse.EXPERIMENT, {})) + sum(
        int(run.history.epoch[-1]) for name in ("classifier", "grokking", "interventions")
        for results in runs.get(name, {}).values() for run in results)
    steps = sum(walked.result.steps for results in runs.get("landscape", {}).values() for walked in results)
    steps += sum(walker.steps for results in runs.get(loss_landscape.EXPERIMENT, {}).values() for walker in results)
    readings = [
        read({"size": name}, [count], partial(operator.le, least), name)
        for name, count, least in (("epochs in all", epochs, 3001), ("Wang-Landau trial moves", steps, 5000)) if count]
    note = "a size, not a finding; 5000 single moves complete no stage of the sampler"
    return Judgement(claim, tuple(readings), note=note if readings else "")


def _settings(size: str, numbers: Size, seeds: Sequence[int], chosen: Sequence[str]) -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    for package in ("minigrok", "numpy", "scipy", "numba", "matplotlib"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        **numbers._asdict(), "size": size, "seeds": list(seeds), "experiments": list(chosen), "walkers": WALKERS,
        "loss_walkers": LOSS_WALKERS,
        "rules_version": RULES_VERSION, "versions": versions, "compiled": JIT_ENABLED,
        "system": platform.system()}
