import sys
import types

from minigrok import plots, show


def picture():
    figure = plots.new_figure(2, 1)
    figure.subplots().plot([0, 1], [1, 0])
    return figure


def test_a_picture_goes_into_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = show(picture(), "line")
    assert str(path) == "pictures/line.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [found.name for found in path.parent.iterdir()] == ["line.png"]


def test_in_a_notebook_it_is_displayed_too(tmp_path, monkeypatch):
    shown = []
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = object
    display.Image = lambda filename, width: (filename, width)
    display.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    path = show(picture(), tmp_path / "line")
    assert shown == [(str(path), round(2 * plots.DPI / 1.5))]
    ipython.get_ipython = lambda: None
    show(picture(), tmp_path / "line")
    assert len(shown) == 1
