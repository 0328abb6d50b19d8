"""The numbers of `minigrok landscape` as a table and sentences."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrok.cli.landscape_report import AGREEMENT, COUNTS_COMPARED, NONE_SEEN, Summary
from minigrok.dos import WALKERS_FOR_AN_INTERVAL, DensityOfStates
from minigrok.landscape_plots import Direct, atoms
from minigrok.wanglandau import R_HAT_WANTED, ROUND_TRIPS_WANTED

ROWS = 12                      # of the table
LONGEST_NAME = 30              # of a file of data; a longer one is cut
SYMBOLS = {"entropy": "S", "purity": "P", "loss": "loss"}
QUANTITIES = {"entropy": "von Neumann entropy S of the hidden layer, in nats", "purity": "purity P of the hidden layer",
              "loss": "mean cross-entropy of the training inputs, in nats"}
ATOMS = {"entropy": "S = 0", "purity": "P = 1"}
OBSERVABLES = {
    "entropy": "S (nats)", "purity": "P", "readout_accuracy": "accuracy, best linear readout",
    "mean_accuracy": "accuracy, random second layer", "folded_accuracy": "max(accuracy, 1 - accuracy), same",
    "loss": "loss (nats), random second layer", "accuracy": "accuracy, training inputs",
    "test_accuracy": "accuracy, test inputs"}


def words_of(summary: Summary, states: DensityOfStates, direct: Direct, options: Mapping[str, Any]) -> str:
    """All that is printed."""
    blocks = [_head(summary, states, options), _walk(summary, options), _table(states, direct, options),
              _peak(summary["peak"], options, summary["walkers"]), _direct(summary, options)]
    return "\n\n".join("\n".join(block) for block in blocks)


def title_of(summary: Summary, options: Mapping[str, Any]) -> str:
    """Which networks, in one line."""
    bias = "biases" if options["bias"] else "no biases"
    name = options["task"] or Path(options["data"]).name[:LONGEST_NAME]
    return (f"{name}, {summary['data']['training_inputs']} inputs; {options['hidden']} {options['activation']} units, "
            f"{bias}; {options['prior']} prior, scale {options['scale']:g}")


def _head(summary: Summary, states: DensityOfStates, options: Mapping[str, Any]) -> Iterator[str]:
    data, lone = summary["data"], atoms(states.edges)
    rest = states.edges[np.append(~lone, False) | np.append(False, ~lone)]
    yield title_of(summary, options)
    yield (f"data: {data['training_inputs']} training inputs of {data['features']} features, {data['classes']} "
           f"classes; {data['test_inputs']} other rows are test inputs" + (", split at random" * bool(options["data"])))
    yield (f"energy: {QUANTITIES[options['coordinate']]}; {(~lone).sum()} equal bins from {rest[0]:.4g} to "
           f"{rest[-1]:.4g}" + (f", and one for {ATOMS[options['coordinate']]} alone" if lone.any() else ""))


def _walk(summary: Summary, options: Mapping[str, Any]) -> Iterator[str]:
    worst, check, trips = summary["largest_error"], summary["bias_check"], summary["round_trips"]
    m = summary["walkers"]
    yield f"steps            {summary['steps']:,} by {'each of ' * (m > 1)}{m} walker{'s' * (m > 1)}"
    yield f"bins seen        {summary['bins_seen']} of {summary['bins']}"
    yield f"round trips      {min(trips)} at least, {max(trips)} at most"
    yield f"split R-hat      {summary['r_hat']:.3f}"
    if np.isfinite(worst["error"]):
        place = (ATOMS[options["coordinate"]] + " alone" if worst["atom"]
                 else f"from {worst['from']:.4g} to {worst['to']:.4g}")
        yield f"largest error    {worst['error']:.3g} of ln g (one standard error), in bin {worst['bin']}, {place}"
    else:
        yield "largest error    not known"
    wanted = options["until_error"]
    if wanted is not None and not worst["error"] <= wanted:
        yield f"                 the error that was asked for, {wanted:g}, was not reached"
    doubts = "; ".join(summary["doubts"])
    yield "error trusted?   " + (f"no: {doubts}" if doubts else (
        f"yes: {ROUND_TRIPS_WANTED} round trips or more of every walker, R-hat at most {R_HAT_WANTED}"))
    if np.isfinite(check["rms_z"]):
        without = check["without_bias"]
        yield (f"bias check       visits in the last production are off by {check['rms_z']:.2f} standard errors, rms "
               f"over {check['bins']} bins" + (f"; without bias {without:.2f}" if np.isfinite(without) else ""))


def _table(states: DensityOfStates, direct: Direct, options: Mapping[str, Any]) -> Iterator[str]:
    """Some bins, evenly spread, with what direct sampling says."""
    symbol, alone = SYMBOLS[options["coordinate"]], atoms(states.edges)
    yield f"{symbol + ' from':>10} {'to':>9} {'ln g':>9} {'error':>7} {'visits':>11}   direct sampling"
    for i in np.unique(np.linspace(0, len(states.log_g) - 1, ROWS).round().astype(int)):
        low, high = states.edges[i : i + 2]
        seen = (f"{states.log_g[i]:9.3f} {states.error[i]:7.3f}" if states.visited[i] else f"{'not seen':>17}")
        drawn = (f"{direct.log_g[i]:9.3f} +- {direct.error[i]:.3f} ({direct.counts[i]:,})" if direct.counts[i]
                 else f"{'none':>9}")
        limits = f"{round(low, 6):10.4g} " + (f"{'alone':>9}" if alone[i] else f"{high:9.4g}")
        yield f"{limits} {seen} {states.histogram[i]:11,} {drawn}"


def _peak(peak: Summary, options: Mapping[str, Any], walkers: int) -> Iterator[str]:
    yield (f"peak: {SYMBOLS[options['coordinate']]} = {_number(peak['at'])}, vertex of the parabola through bin "
           f"{peak['bin']} ({peak['from']:.4g} to {peak['to']:.4g}) and its neighbours")
    yield f"      ln g there {_number(peak['log_g'])}"
    for name, words in OBSERVABLES.items():
        if name in peak["observables"] and name != options["coordinate"]:
            yield f"      {words:36} {_number(peak['observables'][name])}"
    if walkers >= WALKERS_FOR_AN_INTERVAL:
        yield f"      (value +- standard error; 95 % interval by Student's t with {walkers - 1} degrees of freedom)"
    elif walkers > 1:
        yield f"      (value +- standard error; {walkers} walkers are too few for an interval)"


def _direct(summary: Summary, options: Mapping[str, Any]) -> Iterator[str]:
    shares, agreement = summary["direct"], summary["agreement"]
    n = shares["networks"]
    yield f"{n:,} random networks: {_share(shares['in_the_bins'], n)} within the bins;"
    if options["coordinate"] != "loss":
        yield (f"      dead layers, which have no state: {_share(shares['dead'], n)}; "
               f"the atom {ATOMS[options['coordinate']]}: {_share(shares['atom'], n)}")
    if agreement["bins"]:
        yield (f"      {agreement['agree']} of {agreement['bins']} bins with {COUNTS_COMPARED} of them or more agree "
               f"with the walk within {AGREEMENT:g} combined standard errors")
        yield (f"      (median of these errors {agreement['median_error']:.2g}; the farthest bin is "
               f"{agreement['largest_z']:.2f} of them off)")
    else:
        yield f"      no bin with an error has {COUNTS_COMPARED} of them: nothing to compare the walk with"


def _number(number: Mapping[str, float]) -> str:
    """Value, error, interval, with the digits that the error lets count."""
    error = number["error"]
    if np.isnan(number["value"]):
        return "not known: no walker was looked at there"
    digits = 4 if not error > 0 else int(np.clip(1 - np.floor(np.log10(error)), 2, 6))
    text = f"{number['value']:.{digits}f}" + (f" +- {error:.{digits}f}" if np.isfinite(error) else "")
    if not np.isfinite(number["low"]):
        return text
    return text + f"  ({number['low']:.{digits}f} .. {number['high']:.{digits}f})"


def _share(share: Mapping[str, float], n: int) -> str:
    if share["count"] in (0, n):
        return f"{'all but less than' if share['count'] else 'none, less than'} {NONE_SEEN / n:.2g} with 95 %"
    return f"{share['share']:.6g} +- {share['error']:.2g}"
