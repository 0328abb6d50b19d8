"""What `minigrok landscape` says of a walk: one summary, fit for JSON, its sentences, and a table of all bins.

An interval is the mean over m walkers, with Student's t of m - 1 degrees of freedom times the standard error.
"""

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from minigrok.checks import FloatArray
from minigrok.cli.landscape_system import at_atom
from minigrok.dos import WALKERS_FOR_AN_INTERVAL, DensityOfStates
from minigrok.landscape_plots import Direct, atoms, peak
from minigrok.systems import NetworkLandscape

COUNTS_COMPARED = 400          # networks in a bin, whose share is then known to a twentieth
AGREEMENT = 3.0                # combined standard errors
NONE_SEEN = 3.0                # of n draws none: below 3 / n with 95 %
Summary = dict[str, Any]


def summary_of(
    states: DensityOfStates, system: NetworkLandscape, energies: FloatArray, direct: Direct, doubts: Sequence[str],
) -> Summary:
    """All that is told, as plain numbers, lists and text; `energies` are those of the random networks in `direct`."""
    worst = int(np.argmax(np.where(states.visited, np.nan_to_num(states.error, nan=np.inf), -1)))
    task = system.task
    return {
        "data": task.description | {"training_inputs": len(system.X), "test_inputs": len(task.X_test),
                                    "features": system.X.shape[1], "classes": task.n_classes},
        "walkers": len(states.walkers_log_g), "steps": states.steps, "bins": len(states.log_g),
        "bins_seen": int(states.visited.sum()), "round_trips": states.round_trips.tolist(), "r_hat": states.r_hat,
        "largest_error": {"error": states.largest_error, "bin": worst} | _limits(states.edges, worst),
        "doubts": _doubts(states, doubts), "bias_check": _bias_check(states), "peak": _peak(states),
        "direct": _direct(states, system, energies, direct), "agreement": _agreement(states, direct)}


def _limits(edges: FloatArray, i: int) -> Summary:
    return {"from": float(edges[i]), "to": float(edges[i + 1]), "atom": bool(atoms(edges)[i])}


def _doubts(states: DensityOfStates, of_the_walk: Sequence[str]) -> list[str]:
    """Why the error may be wrong, with what follows from the number of walkers and from bins not seen by all."""
    doubts, m = list(of_the_walk), len(states.walkers_log_g)
    if m == 1:
        doubts.append("a single walker has no error")
    elif m < WALKERS_FOR_AN_INTERVAL:
        doubts.append(f"the spread of {m} walkers is itself known to {1 / math.sqrt(2 * (m - 1)):.0%} only")
    if m > 1 and (some := np.flatnonzero(states.visited & np.isnan(states.error))).size:
        doubts.append(f"not every walker has been in bins {', '.join(map(str, some[:5]))}{' ...' * (some.size > 5)}")
    return doubts


def _with_interval(value: float, error: float, walkers: int) -> Summary:
    """A value with its standard error, and the limits of 95 % from 8 walkers on."""
    enough = walkers >= WALKERS_FOR_AN_INTERVAL
    half = float(student_t.ppf(0.975, walkers - 1)) * error if enough else math.nan
    return {"value": float(value), "error": float(error), "low": float(value - half), "high": float(value + half)}


def _bias_check(states: DensityOfStates) -> Summary:
    """Root mean square of shift / error over bins; Student's t with m - 1 degrees has sqrt((m - 1) / (m - 3))."""
    m, known = len(states.walkers_log_g), states.visited & (states.production_error > 0)
    z = states.production_shift[known] / states.production_error[known]
    return {"rms_z": float(np.sqrt((z**2).mean())) if known.any() else math.nan, "bins": int(known.sum()),
            "without_bias": math.sqrt((m - 1) / (m - 3)) if m > 3 else math.nan}


def _peak(states: DensityOfStates) -> Summary:
    """The highest bin that is no atom: ln g, where the peak is, every observable; the error is the walkers' spread."""
    m = len(states.walkers_log_g)
    i = int(np.argmax(np.where(atoms(states.edges), -np.inf, states.log_g)))
    each = [peak(states.edges, log_g) for log_g in states.walkers_log_g]
    error = float(np.std(each, ddof=1) / math.sqrt(m)) if m > 1 else math.nan
    return {
        "bin": i, **_limits(states.edges, i), "at": _with_interval(peak(states.edges, states.log_g), error, m),
        "log_g": _with_interval(states.log_g[i], states.error[i], m),
        "observables": {name: _with_interval(values[i], states.observable_errors[name][i], m)
                        for name, values in states.observables.items()}}


def _direct(states: DensityOfStates, system: NetworkLandscape, energies: FloatArray, direct: Direct) -> Summary:
    """Shares of random networks: within the bins, dead, in the atom; binomial standard errors."""
    n = len(energies)
    counts = {"in_the_bins": int(direct.counts.sum()), "dead": int(np.isnan(energies).sum()),
              "atom": int(at_atom(system, energies).sum())}
    shares = {name: {"count": c, "share": c / n, "error": math.sqrt(c * (n - c) / n**3)} for name, c in counts.items()}
    return {"networks": n, **shares}


def _agreement(states: DensityOfStates, direct: Direct) -> Summary:
    """Bins in which ln g of the walk and of direct sampling agree; both errors count, half of them below the median."""
    here = (direct.counts >= COUNTS_COMPARED) & np.isfinite(states.error)
    errors = np.hypot(states.error[here], direct.error[here])
    z = abs(states.log_g[here] - direct.log_g[here]) / errors
    return {"bins": int(here.sum()), "agree": int((z <= AGREEMENT).sum()),
            "largest_z": float(z.max()) if here.any() else math.nan,
            "median_error": float(np.median(errors)) if here.any() else math.nan}


def table_of_bins(states: DensityOfStates) -> str:
    """CSV, one row a bin; empty where a number is not known (limits of 95 %: with fewer than 8 walkers)."""
    none = np.full(len(states.log_g), math.nan)
    low, high = states.interval() if len(states.walkers_log_g) >= WALKERS_FOR_AN_INTERVAL else (none, none)
    columns = {"low": states.edges[:-1], "high": states.edges[1:], "log_g": states.log_g,
               "standard_error": states.error, "low_95": low, "high_95": high, "visits": states.histogram}
    for name, values in states.observables.items():
        columns |= {name: values, f"{name}_error": states.observable_errors[name]}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        writer.writerow(["" if not math.isfinite(value) else value for value in row])
    return out.getvalue()
