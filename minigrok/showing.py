"""Where a lesson's picture goes: into a file, and in a notebook below the cell as well."""

import sys
from os import PathLike
from pathlib import Path

from matplotlib.figure import Figure

from minigrok.plots import DPI, save_figure

PICTURES = Path("pictures")    # below the folder in which the lesson is run


def show(figure: Figure, name: str | PathLike[str]) -> Path:
    """Write a figure to pictures/NAME.png, and display it where Python runs in a notebook; return the path.

    A lesson is then the same file for a terminal, VS Code and Jupyter, on a machine with a screen or without.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Such as `plots.new_figure(8, 4)` makes.
    name : str
        Of the file, without its ending; an absolute path goes where it says.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from minigrok.plots import new_figure
    >>> figure = new_figure(2, 2)
    >>> _ = figure.subplots().plot([0, 1], [0, 1])
    >>> show(figure, Path(tempfile.mkdtemp()) / "line").name
    'line.png'
    """
    stem = PICTURES / Path(name)
    stem.parent.mkdir(parents=True, exist_ok=True)
    path = save_figure(figure, stem, ["png"])[0]
    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.display import Image, display

        if get_ipython() is not None:                    # a plain `python` that has IPython imported shows nothing
            display(Image(filename=str(path), width=round(figure.get_figwidth() * DPI / 1.5)))
    return path
