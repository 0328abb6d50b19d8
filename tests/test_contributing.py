"""CONTRIBUTING.md is a page, and what it names is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import test_architecture

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
PATHS = set(re.findall(r"(?:minigrok|tests|tutorials|bench|\.ci)/[\w./]*", PAGE))
MODULES = set(re.findall(r"\bminigrok(?:\.\w+)+", PAGE))
OF_YOURS = re.compile(r"NAME|NN")                        # what a reader puts another word for


def test_it_is_one_page():
    assert len(PAGE.splitlines()) <= 60
    for recipe in PAGE.split("\n## ")[1:]:
        steps = re.findall(r"^(\d)\. ", recipe, re.MULTILINE)
        assert [int(step) for step in steps] == list(range(1, len(steps) + 1))
        assert len(steps) <= 5


def test_every_path_that_it_names_exists():
    assert len(PATHS) > 20
    for path in PATHS:
        place = ROOT / path.rstrip(".")
        assert (place.parent if OF_YOURS.search(path) else place).exists(), path


def test_every_module_that_it_names_exists():
    assert len(MODULES) > 20
    for module in MODULES:
        assert find_spec(module) is not None, module


def test_every_name_in_capitals_stands_in_a_file_that_it_names():
    files = [ROOT / path for path in PATHS if path.endswith(".py") and not OF_YOURS.search(path)]
    sources = "\n".join(file.read_text() for file in files)
    for name in re.findall(r"`(_?[A-Z][A-Z_]+)`", PAGE):
        assert re.search(rf"^ *(if )?{name}\b", sources, re.MULTILINE), name


def test_rooms_are_named_from_the_ground_up():
    named = re.findall(r"`minigrok[./](\w+)(?:\.py)?`", PAGE.partition("From the ground up:")[2].partition("\n\n")[0])
    places = [test_architecture.ROOMS.index(name) for name in named]
    assert len(places) > 20
    assert places == sorted(places)
