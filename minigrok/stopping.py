"""Criteria that end a run early, as callbacks of `minigrok.train`.

    stop_when("test_accuracy", above=0.99)     the column has passed a threshold
    patience("test_loss", records=10)          the column has not improved for a while

A criterion remembers nothing: it looks at all that was recorded so far, and so a run that goes on from a checkpoint
ends at the same epoch as one without a break.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrok.checks import FloatArray, one_of, real_number, short, whole_number
from minigrok.history import Moment

Criterion = Callable[[Moment], bool]
GOALS = {"min": 1.0, "max": -1.0}      # the sign that makes every goal a minimum


def stop_when(column: str, above: float | None = None, below: float | None = None, held: int = 1) -> Criterion:
    """Stop once a column has been above (or below) a threshold at `held` successive records.

    Parameters
    ----------
    column : str
        A column of the History with one number a record.
    above, below : float
        The threshold, one of the two. The value must lie beyond it: equality is not enough, NaN never is.
    held : int
        Successive records, the present one the last.

    Returns
    -------
    function of a Moment
        For the `callbacks` of `train`.

    Raises
    ------
    ValueError
        Unless one threshold is given, finite, and `held` is 1 or more; in the run, before its first epoch, for a
        column that is not recorded, or not one number a record.

    Examples
    --------
    >>> from minigrok import MLP, SGD, tasks, train
    >>> net, task = MLP([2, 6, 2], seed=0), tasks.moons(n=200, seed=0)
    >>> history = train(net, task, SGD(0.5), epochs=500, callbacks=[stop_when("train_loss", below=0.3)])
    >>> bool(history.train_loss[-1] < 0.3), bool((history.train_loss[:-1] < 0.3).any())
    (True, False)
    """
    if (above is None) == (below is None):
        raise ValueError(f"above is {short(above)} and below {short(below)}, but give one threshold of the two")
    threshold = real_number("above" if below is None else "below", above if below is None else below)
    held = whole_number("held", held, 1)

    def criterion(moment: Moment) -> bool:
        last = _values(moment, column)[-held:]
        beyond = last > threshold if below is None else last < threshold
        return len(last) == held and bool(beyond.all())

    return criterion


def patience(column: str, records: int, least_change: float = 0.0, goal: str = "min") -> Criterion:
    """Stop once the best value of a column has not improved by more than `least_change` in the last `records` records.

    With v_1, ..., v_k the values so far, the run ends if k > records and

        min(v_1, ..., v_k) >= min(v_1, ..., v_(k - records)) - least_change

    or the same with max and a plus for the goal "max". So a slow improvement counts by what it amounts to over
    `records` records, not by each. A NaN counts as no value.

    Parameters
    ----------
    column : str
        A column of the History with one number a record.
    records : int
        Records without improvement: recorded moments, not epochs.
    least_change : float
        0 or more.
    goal : {"min", "max"}
        Whether less or more is better.

    Returns
    -------
    function of a Moment
        For the `callbacks` of `train`.

    Raises
    ------
    ValueError
        For settings out of range; in the run, before its first epoch, for a column that is not recorded, or not one
        number a record.

    References
    ----------
    .. [1] L. Prechelt, "Early stopping - but when?", in "Neural networks: tricks of the trade", Springer, 1998, which
       weighs slow criteria, such as a long patience, against fast ones.

    Examples
    --------
    >>> from minigrok import MLP, AdamW, tasks, train
    >>> net, task = MLP([2, 16, 2], seed=0), tasks.moons(n=40, noise=0.4, seed=0)
    >>> history = train(net, task, AdamW(0.02), epochs=500, callbacks=[patience("test_loss", records=20)])
    >>> history.epoch[[np.argmin(history.test_loss), -1]]            # the best, and 20 records later the end
    array([48, 68])
    """
    sign = GOALS[one_of("goal", goal, GOALS)]
    records, least_change = whole_number("records", records, 1), real_number("least_change", least_change, 0.0)

    def criterion(moment: Moment) -> bool:
        values = sign * _values(moment, column)
        values[np.isnan(values)] = np.inf                # the worst
        before, last = values[:-records], values[-records:]
        return len(before) > 0 and not last.min() < before.min() - least_change

    return criterion


def _values(moment: Moment, column: str) -> FloatArray:
    """A column so far (records,), the present record last."""
    one_of("column", column, moment.row)
    values: Any = np.array([row[column] for row in moment.rows])
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise ValueError(f"column {column!r} holds {moment.row[column]!r}, but a criterion takes one number a record: "
                         "give `record` a function that returns the number you mean")
    return np.asarray(values, float)
