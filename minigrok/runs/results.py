"""What a sweep found: its runs as rows, chosen, and summarised over the seeds.

The *axes* of a store are the options in which its runs differ, but for the seed. Of each combination of them the
summary has the median over seeds of a number, and an interval for it: the narrowest pair of order statistics
(k, n + 1 - k) that holds the median of any continuous distribution with 95 %, by the binomial distribution of how many
values lie below it (W. J. Conover, Practical Nonparametric Statistics, 1999, section 3.2). Fewer than 6 seeds give
none.
"""

import csv
import io
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom

from minigrok.checks import one_of
from minigrok.runs.grid import NO_AXES, canonical
from minigrok.runs.store import DONE, Run

LEVEL = 0.95
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne, ">=": operator.ge, "<=": operator.le, "=": operator.eq, ">": operator.gt, "<": operator.lt}
CONDITION = re.compile(r"^\s*(\w+)\s*(!=|>=|<=|=|>|<)\s*(.+?)\s*$")


class Summary(NamedTuple):
    """One combination of the axes, and one number over its seeds."""

    axes: dict[str, Any]
    seeds: int                 # that are done, and have the number
    failed: int
    median: float
    low: float                 # NaN for fewer than 6 seeds
    high: float


def chosen(runs: Iterable[Run], conditions: Sequence[str]) -> list[Run]:
    """The runs that meet all conditions, such as "lr=0.1", "activation=relu" or "test_accuracy>0.95".

    A name is that of an option or a number, `status` or `seed`; a value is JSON, or else text.

    Raises
    ------
    ValueError
        For a condition that cannot be read, or a name that no run has.
    """
    found = list(runs)
    for condition in conditions:
        parts = CONDITION.match(condition)
        if parts is None:
            raise ValueError(f"{condition!r} is no condition: write NAME=VALUE, or !=, <, >, <=, >=")
        name, compare, value = parts[1], COMPARISONS[parts[2]], _parsed(parts[3])
        if found:
            one_of("name", name, dict.fromkeys(key for run in found for key in fields_of(run)))
        found = [run for run in found if _meets(fields_of(run).get(name), compare, value)]
    return found


def fields_of(run: Run) -> dict[str, Any]:
    """All that a run has, by name: options, numbers, status, error."""
    return {**run.configuration, "seed": run.seed, **run.numbers, "status": run.status, "error": run.error}


def axes_of(runs: Sequence[Run]) -> list[str]:
    """The options in which the runs differ."""
    names = dict.fromkeys(name for run in runs for name in run.configuration)
    return [name for name in names if name not in NO_AXES
            and len({canonical(run.configuration.get(name)) for run in runs}) > 1]


def summarised(runs: Sequence[Run], number: str) -> list[Summary]:
    """The median of a number and its interval, for each combination of the axes, in the order of their values."""
    one_of("number", number, dict.fromkeys(name for run in runs for name in run.numbers))
    axes, groups = axes_of(runs), dict[str, list[Run]]()
    for run in runs:
        groups.setdefault(canonical([run.configuration.get(name) for name in axes]), []).append(run)
    summaries = []
    for members in groups.values():
        values = np.array([run.numbers[number] for run in members if number in run.numbers], float)
        values = values[~np.isnan(values)]
        median = float(np.median(values)) if len(values) else math.nan
        summaries.append(Summary(
            {name: members[0].configuration.get(name) for name in axes}, len(values),
            sum(run.status != DONE for run in members), median, *median_interval(values)))
    return sorted(summaries, key=lambda summary: [_sortable(value) for value in summary.axes.values()])


def median_interval(values: np.ndarray[Any, Any], level: float = LEVEL) -> tuple[float, float]:
    """An interval that holds the median with at least this probability; (NaN, NaN) where so few values give none.

    >>> median_interval(np.arange(6.0))
    (0.0, 5.0)
    >>> median_interval(np.arange(20.0))
    (5.0, 14.0)
    """
    n = len(values)
    k = int(binom.ppf((1 - level) / 2, n, 0.5)) if n else 0          # P(at most k - 1 below) <= (1 - level) / 2
    if k == 0:
        return math.nan, math.nan
    ordered = np.sort(values)
    return float(ordered[k - 1]), float(ordered[n - k])


def as_csv(runs: Sequence[Run]) -> str:
    """One row a run, in the order of the runs: key, status, every option, every number, error."""
    options = list(dict.fromkeys(name for run in runs for name in run.configuration))
    numbers = list(dict.fromkeys(name for run in runs for name in run.numbers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["key", "status", *options, *numbers, "error", "sources"])
    for run in runs:
        kept = [_cell(run.configuration.get(name)) for name in options]
        found = [repr(run.numbers[name]) if name in run.numbers else "" for name in numbers]
        writer.writerow([run.key, run.status, *kept, *found, run.error, run.sources])
    return text.getvalue()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _meets(value: Any, compare: Callable[[Any, Any], bool], wanted: Any) -> bool:
    if isinstance(value, list) and not isinstance(wanted, list):
        wanted = [wanted]                                # hidden=6 for [6]
    try:
        return bool(compare(value, wanted))
    except TypeError:                                    # None, say, is neither above nor below a number
        return False


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return (1, 0.0, "") if value is None else (2, 0.0, canonical(value))
