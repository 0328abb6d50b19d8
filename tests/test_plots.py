import numpy as np
import pytest
from hypothesis import given
from strategies import spectra

from minigrok import History, plots
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


def history(S, epochs=None, loss=1.0):
    S = np.asarray(S, float)
    same = dict.fromkeys(("train_accuracy", "test_accuracy", "purity", "entropy_centered", "purity_centered"), S)
    epochs = np.arange(len(S)) if epochs is None else np.asarray(epochs)
    return History({"epoch": epochs, "train_loss": loss * S, "test_loss": S, "entropy": S, **same})


def lines_of(ax):
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def test_a_training_figure_shows_every_column_of_a_run_and_its_marks():
    run = history([1.0, 0.5, 0.25], epochs=[0, 10, 1000])
    figure = plots.training_figure([run], "a title", True, {"memorised": 10, "generalised": None})
    loss, _, S, P = figure.axes
    assert [list(lines_of(ax)) for ax in figure.axes] == [
        ["train", "test"], ["train", "test", "memorised (10)"], ["trace", "centered"], ["trace", "centered"]]
    np.testing.assert_array_equal(lines_of(S)["centered"].get_ydata(), run.entropy_centered)
    np.testing.assert_array_equal(lines_of(P)["trace"].get_xdata(), run.epoch)
    assert (P.get_xscale(), loss.get_yscale()) == ("symlog", "linear")
    assert loss.get_xlim()[0] > -10                      # no decades of negative epochs
    assert plots.training_figure([history([1.0, 0.5], loss=0.01)]).axes[0].get_yscale() == "log"
    one_record, no_loss = history([1.0]), history([0.0, 0.0])
    for odd in (figure, plots.training_figure([one_record], "", True), plots.training_figure([no_loss])):
        odd.draw_without_rendering()                     # without a warning


def test_of_many_seeds_the_median_is_drawn_where_all_have_a_record():
    seeds = [history([1.0, 2.0, 3.0, 9.0]), history([1.0, 4.0, np.nan]), history([1.0, 6.0, np.nan], epochs=[0, 1, 3])]
    figure = plots.training_figure(seeds)
    S = figure.axes[2]
    median = lines_of(S)["trace, median of 3 seeds"]
    np.testing.assert_array_equal(median.get_xdata(), [0, 1])
    np.testing.assert_array_equal(median.get_ydata(), [1.0, 4.0])
    assert len(S.get_lines()) == 2 * (3 + 1)             # both conventions
    dead = plots.training_figure([history([1.0, 2.0]), history([1.0, np.nan])]).axes[2]
    np.testing.assert_array_equal(lines_of(dead)["trace, median of 2 seeds"].get_ydata(), [1.0, 2.0])
    for odd in (figure, plots.training_figure([history([np.nan, np.nan])] * 2)):
        odd.draw_without_rendering()


def test_what_is_no_state_is_not_drawn():
    with pytest.raises(ValueError, match="trace 2"):
        plots.state_panels(plots.new_figure(4, 3), {"x": np.eye(2)})
    with pytest.raises(ValueError, match="function of inputs"):
        plots.decision_boundary(plots.new_figure(4, 3).subplots(), 3, np.zeros((2, 2)), np.zeros(2))
