"""Bins of energy, as every exact answer takes them: increasing edges, ln of the mass between two neighbours."""

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, numeric_array


def increasing_edges(edges: ArrayLike) -> FloatArray:
    """`edges` as float64, shape (bins + 1,): two or more finite numbers that increase.

    Raises
    ------
    ValueError
        If they are something else, naming the first that does not increase.

    Examples
    --------
    >>> increasing_edges([0, 2, 1])
    Traceback (most recent call last):
    ...
    ValueError: edges[2] is 1, not above edges[1] = 2: edges must increase
    """
    array = numeric_array("edges", edges)
    if array.ndim != 1 or len(array) < 2 or array.dtype.kind == "c":
        raise ValueError(
            f"edges has shape {array.shape} and dtype {array.dtype}, but limits of bins are two real numbers or more")
    limits: FloatArray = array.astype(np.float64)
    for i in np.flatnonzero(np.diff(limits) <= 0)[:1].tolist():
        raise ValueError(f"edges[{i + 1}] is {limits[i + 1]:g}, not above edges[{i}] = {limits[i]:g}: "
                         "edges must increase")
    return limits
