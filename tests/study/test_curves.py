import numpy as np
import pytest

from minigrok.plots import save_figure
from minigrok.study.claims import Judgement, load_claims
from minigrok.study.curves import BINS, EACH_ALONE, WIDTH, _curve, _rows, specification_curve
from minigrok.study.evidence import read

CLAIMS = load_claims()
A4_HEIGHT = 11.7


def judgement(count, claim="C1", row="direction", admissible=True, levels=3, effect=1.0):
    """Specifications whose value is set by the axis "deciding", beside an axis that does nothing."""
    rng, readings = np.random.default_rng(0), []
    for number in range(count):
        deciding, idle = number % 2, int(rng.integers(levels))
        values = effect * (deciding - 0.5) + 0.1 * rng.normal(size=5)
        axes = {"idle": f"level {idle}", "deciding": str(10 * deciding)}
        readings.append(read(axes, values, lambda x: x < 0, f"group {number}", admissible))
    return Judgement(CLAIMS[claim], tuple(readings), row)


@pytest.mark.parametrize("count", [1, 2, 20, EACH_ALONE, EACH_ALONE + 1, 3000])
def test_any_number_of_specifications_fits_on_a_page(tmp_path, count):
    stem, caption, figure = specification_curve(judgement(count))
    save_figure(figure, tmp_path / stem)
    width, height = figure.get_size_inches()
    assert stem == "curve-C1"
    assert width == WIDTH
    assert height < A4_HEIGHT
    assert f"{count:,} admissible specifications" in caption


def test_the_caption_says_which_axis_decides_and_in_which_way():
    caption = specification_curve(judgement(200))[1]
    assert "deciding (" in caption
    assert "0% at 10, in 100% at 0" in caption
    assert "idle (" not in caption


def test_without_an_effect_no_axis_is_named():
    assert caption_ends(specification_curve(judgement(200, effect=0.0))[1])


def caption_ends(caption):
    return caption.endswith("Holm's correction: none.")


def test_a_value_row_shows_the_figure_of_the_study():
    stem, _, figure = specification_curve(judgement(30, row="value"))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert stem == "curve-C1-value"
    assert "the study's 1.19" in labels


def test_the_axis_that_explains_most_comes_first_and_numbers_are_in_order():
    shown = judgement(200)
    rows = _rows(shown, shown.readings)
    assert [row.label for row in rows[:4]] == ["deciding", "0", "10", "idle"]


def test_many_levels_are_taken_together():
    shown = judgement(400, levels=40)
    rows = [row for row in _rows(shown, shown.readings) if row.axis == "idle"]
    assert len(rows) == 1 + 14 + 1
    assert rows[-1].label == "26 others"
    assert sum(len(row.levels) for row in rows) == 40


@pytest.mark.parametrize("count", [1, 59, 61, 1000, 40_000])
def test_the_bins_hold_every_specification_once(count):
    curve = _curve(judgement(count).readings)
    assert sum(part.stop - part.start for part in curve.bins) == count
    assert all(part.stop > part.start for part in curve.bins)
    assert len(curve.bins) == count if count <= EACH_ALONE else BINS[0] <= len(curve.bins) <= BINS[1]
    assert (np.diff(curve.means) >= 0).all()


def test_dark_strips_are_where_a_level_occurs():
    figure = specification_curve(judgement(200))[2]
    mesh = next(ax for ax in figure.axes if ax.collections and ax.get_yticklabels()[0].get_text() == "deciding")
    shade = mesh.collections[0].get_array()
    assert shade[1, 0] == pytest.approx(2)
    assert shade[1, -1] == 0
    assert shade[2, 0] == 0
    assert shade[2, -1] == pytest.approx(2)


@pytest.mark.parametrize("shown", [judgement(10, admissible=False), Judgement(CLAIMS["C1"])])
def test_without_admissible_runs_the_picture_says_so(shown):
    assert specification_curve(shown)[1] == "C1: no run bears on it."
