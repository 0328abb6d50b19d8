"""A student's folder: made, found again, and an exercise of it put back, without ever losing work."""

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from minigrok.checkpoint import replace_file
from minigrok.course.exercises import FOLDER, exercise, lessons, material, names

PAGES, FOR_TEACHERS = "pages", "course.md"             # of the documentation: what the lessons speak of, and what not
CELL = "# %%"                  # begins a cell of a lesson; one of text says [markdown] behind it


def start(folder: Path, notebook: bool = False) -> tuple[list[Path], list[Path]]:
    """Copy lessons and exercises into a folder; what is there already stays as it is.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    notebook : bool
        Whether to write each lesson as a notebook, too.

    Returns
    -------
    two lists of Path
        The files that were written, and those that were there already.

    Raises
    ------
    OSError
        If something cannot be written, say since `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, so no folder can have its name: give another")
    texts = {Path(FOLDER) / f"{name}.py": exercise(name).stub for name in names()}
    texts |= {Path(PAGES) / page.name: page.read_text(encoding="utf-8")
              for page in sorted((material() / PAGES).glob("*.md")) if page.name != FOR_TEACHERS}
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        texts[Path(lesson.path.name)] = text
        if notebook:
            texts[Path(lesson.path.name).with_suffix(".ipynb")] = notebook_of(text)
    for part in (FOLDER, PAGES):
        (folder / part).mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for name, text in texts.items():
        path = folder / name
        if path.exists() or path.is_symlink():
            kept.append(path)
        else:
            _write(path, text)
            written.append(path)
    return written, kept


def course_folder(inside: Path) -> Path:
    """The folder that `start` made, of which `inside` is a part.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    here = inside.resolve()
    for folder in (here, *here.parents):
        if any((folder / FOLDER / f"{name}.py").exists() for name in names()):
            return folder
    raise FileNotFoundError(
        f"{inside} holds no course: make one with `minigrok course start DIR`, and go into DIR")


def file_of(name: str, folder: Path) -> Path:
    """The student's file of an exercise."""
    return folder / FOLDER / f"{name}.py"


def reset(name: str, folder: Path) -> Path | None:
    """Put the stub back; work that was there is kept beside it under another name, which is returned."""
    file = file_of(name, folder)
    if not file.exists() or file.read_bytes() == exercise(name).stub.encode():
        _write(file, exercise(name).stub)
        return None
    kept = next(path for path in (file.with_name(f"{name}-kept-{number}.py") for number in count(1))
                if not path.exists())
    with replace_file(kept) as temporary:
        temporary.write_bytes(file.read_bytes())
    _write(file, exercise(name).stub)
    return kept


def notebook_of(text: str) -> str:
    """A lesson in percent format as a Jupyter notebook (format 4.5), without outputs."""
    cells: list[dict[str, Any]] = []
    for number, part in enumerate(f"\n{text}".split(f"\n{CELL}")[1:]):
        first, _, rest = part.partition("\n")
        lines = rest.strip("\n").split("\n")
        cell: dict[str, Any] = {"id": f"cell-{number + 1}", "metadata": {}}
        if "[markdown]" in first:
            cell |= {"cell_type": "markdown", "source": _lines([line.removeprefix("#").removeprefix(" ")
                                                                for line in lines])}
        else:
            cell |= {"cell_type": "code", "source": _lines(lines), "execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
              "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1,
                      ensure_ascii=False) + "\n"


def _lines(lines: Sequence[str]) -> list[str]:
    """As the format wants them: each with its end of line but the last."""
    return "\n".join(lines).splitlines(keepends=True)


def _write(path: Path, text: str) -> None:
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
