import numpy as np
import pytest
from hypothesis import given
from strategies import spectra

from minigrok import plots
from minigrok.metrics import entropy_of_spectrum, purity_of_spectrum


@given(spectra())
def test_every_state_lies_within_the_extremal_ones(p):
    """At given P the largest entropy is that of the most mixed family, the smallest that of the least mixed."""
    S, P = entropy_of_spectrum(p), purity_of_spectrum(p)
    most, least = plots.extremal_states(len(p), points=4000)
    for family, sign in ((most, 1), (least, -1)):
        purities = np.atleast_1d(purity_of_spectrum(family))
        order = np.argsort(purities)
        bound = np.interp(P, purities[order], np.atleast_1d(entropy_of_spectrum(family))[order])
        assert sign * (bound - S) >= -2e-3


def test_a_figure_is_written_twice_with_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        figure = plots.new_figure(4, 3)
        plots.spectrum_plot(figure.subplots(), {"x": np.array([0.0, 0.3, 0.7])})
        plots.save_figure(figure, tmp_path / name)
    for ending in ("png", "pdf"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def panels_of(figure):
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_a_measured_figure_has_the_panels_that_its_layers_ask_for(tmp_path):
    rng = np.random.default_rng(0)
    A, y = rng.normal(size=(40, 4)), np.arange(40) % 3
    alone = plots.measured_figure({"a": A})
    assert panels_of(alone) == ["a: density matrix", "spectra (trace)", "entropy and purity"]
    labelled = plots.measured_figure({"a": A}, "rows", y)
    assert panels_of(labelled)[3:] == ["a: class overlaps"]
    many = plots.measured_figure({f"{i}": A[:, : 2 + i % 3] for i in range(20)}, "trace", y, [(0.1, 0.2)] * 20)
    assert panels_of(many) == ["19: density matrix", "spectra (trace), 7 of 20", "entropy and purity",
                               "19: class overlaps", "one point a layer or file"]
    silent = plots.measured_figure({"a": np.diag([1.0, 1.0, 0.0])}, "trace", np.arange(3))
    for figure in (alone, labelled, many, silent):
        plots.save_figure(figure, tmp_path / "picture")


def test_what_is_no_state_is_not_drawn():
    with pytest.raises(ValueError, match="trace 2"):
        plots.state_panels(plots.new_figure(4, 3), {"x": np.eye(2)})
    with pytest.raises(ValueError, match="function of inputs"):
        plots.decision_boundary(plots.new_figure(4, 3).subplots(), 3, np.zeros((2, 2)), np.zeros(2))
