import numpy as np
import pytest

from minigrok.exact.bins import increasing_edges


def test_edges_that_increase_come_back_as_doubles():
    edges = increasing_edges([0, 1, 3])
    assert edges.dtype == np.float64
    assert edges.tolist() == [0, 1, 3]


@pytest.mark.parametrize(("edges", "message"), [
    ([1.0], "two real numbers or more"),
    ([[0.0, 1.0]], "two real numbers or more"),
    ([0.0, 1.0j], "two real numbers or more"),
    ([0.0, 1.0, 1.0], r"edges\[2\] is 1, not above edges\[1\]"),
    ([0.0, np.inf], r"edges\[1\] is inf"),
])
def test_edges_that_limit_no_bins_are_refused(edges, message):
    with pytest.raises(ValueError, match=message):
        increasing_edges(edges)
