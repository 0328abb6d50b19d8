"""The exercises and lessons that came with minigrok: where they are, and what each consists of.

An exercise is two files of one name: `exercises/e03_purity.py`, the stub that a student edits, and
`exercises/checks/e03_purity.py`, the marker's side, which holds LESSON, MINUTES, HINTS, the solution (a function of
the same name as the stub's), `check`, and functions that the check must pass (RIGHT) and refuse (WRONG).
"""

import ast
import difflib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrok.jit import PACKAGE

FOLDER = "exercises"           # of the stubs, in the material and at the student's
LARGER = 25                    # an exercise of so many minutes is one of the larger ones


@dataclass(frozen=True)
class Exercise:
    """One exercise, stub and marker's side."""

    name: str                            # the stem of its files
    function: str                        # that the student writes
    purpose: str                         # first sentence of the stub
    lesson: int
    minutes: int
    hints: tuple[str, str, str]          # from gentle to plain
    solution: Callable[..., Any]
    check: Callable[..., None]
    right: tuple[Callable[..., Any], ...]
    wrong: Mapping[str, Callable[..., Any]]        # by what it looks as if the code did
    stub: str                            # the text

    @property
    def larger(self) -> bool:
        """Whether it takes half a page."""
        return self.minutes >= LARGER


@dataclass(frozen=True)
class Lesson:
    """One lesson: a file to be read and run."""

    number: int
    title: str
    minutes: int                         # with its exercises
    path: Path


def material() -> Path:
    """The folder of lessons and exercises: beside the package in a checkout, or installed as `minigrok_tutorials`.

    Raises
    ------
    FileNotFoundError
        If it is neither here nor there.
    """
    for folder in (PACKAGE.parent / "minigrok_tutorials", PACKAGE.parent / "tutorials"):
        if (folder / FOLDER / "checks").is_dir():
            return folder
    found = importlib.util.find_spec("minigrok_tutorials")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("the lessons are not here: install minigrok anew, they come with it")
    return Path(found.submodule_search_locations[0])


def checks_folder() -> Path:
    """Where the markers' sides lie, which no student's code may open."""
    return material() / FOLDER / "checks"


def names() -> list[str]:
    """The names of all exercises, in their order."""
    return sorted(path.stem for path in checks_folder().glob("e[0-9]*.py"))


def find(name: str) -> str:
    """The full name of an exercise: as it stands, a file's name, its number, or a beginning that only one has.

    Raises
    ------
    ValueError
        If there is none.
    """
    known, stem = names(), Path(name).stem.lower()
    number = re.fullmatch(r"e?(\d+)", stem)
    beginning = [full for full in known if number and full.startswith(f"e{int(number[1]):02}_")]
    beginning = beginning or [full for full in known if full.startswith(stem)]
    if len(beginning) == 1 or stem in known:
        return stem if stem in known else beginning[0]
    near = beginning or difflib.get_close_matches(stem, known, n=3)
    raise ValueError(f"exercise {name!r} is not known; " + (
        f"did you mean {' or '.join(near[:3])}?" if near else "`minigrok course list` shows them all"))


@cache
def exercise(name: str) -> Exercise:
    """The exercise of that name, which `names` lists."""
    module = _load(checks_folder() / f"{name}.py")
    stub = (material() / FOLDER / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(stub)
    function = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1]
    purpose = (ast.get_docstring(tree) or "").partition("\n")[0]
    purpose = re.sub(r"^Exercise \d+: (.*?)(?: \(.*\))?\.$", r"\1", purpose)
    return Exercise(name, function, purpose, module.LESSON, module.MINUTES, module.HINTS, getattr(module, function),
                    module.check, tuple(module.RIGHT), module.WRONG, stub)


def lessons() -> list[Lesson]:
    """All lessons, in their order; title and minutes as their first lines have them."""
    found = []
    for path in sorted(material().glob("lesson_[0-9]*.py")):
        head = path.read_text(encoding="utf-8")[:1000]
        title = re.search(r"^# # Lesson (\d+): (.+)$", head, re.MULTILINE)
        minutes = re.search(r"^# \*\*Time:\*\* about (\d+) minutes", head, re.MULTILINE)
        if title is None or minutes is None:
            raise ValueError(f"{path.name} has no line `# # Lesson N: title`, or none `# **Time:** about M minutes`")
        found.append(Lesson(int(title[1]), title[2], int(minutes[1]), path))
    return found


def _load(path: Path) -> ModuleType:
    """A module by its file, since the folder is called otherwise in a checkout than when installed."""
    full_name = f"minigrok_tutorials.exercises.checks.{path.stem}"
    spec = importlib.util.spec_from_file_location(full_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module                      # `inspect` finds the solution's source by it
    spec.loader.exec_module(module)
    return module
