"""Five kills of each kind: two hundred are a job of their own, `python bench/faults.py`."""

import importlib.util
from pathlib import Path

import pytest

from minigrok.jit import JIT_ENABLED

PLACE = Path(__file__).parent.parent.parent / "bench" / "faults.py"


@pytest.fixture(scope="module")
def faults():
    specification = importlib.util.spec_from_file_location("faults", PLACE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kind", "number"), [("training", 0), ("landscape", 0), ("sweep", 0)])
def test_what_is_killed_at_random_moments_ends_with_the_bytes_of_what_was_not(kind, number, faults):
    if kind == "landscape" and not JIT_ENABLED:
        pytest.skip("long")
    found = faults.tally(faults.CASES[kind][number], 5, seed=0)
    assert found.problems == []
    assert (found.kills, found.alike) == (5, 5)


def test_a_result_that_differs_is_told(faults, monkeypatch):
    """The bytes change from run to run."""
    count = iter(range(100))
    made_up = faults.Case("made up", lambda folder: [], lambda folder: [], lambda folder: {"x": b"%d" % next(count)})
    monkeypatch.setattr(faults, "ended", lambda words, compiled: "")
    monkeypatch.setattr(faults, "killed_and_resumed", lambda case, kills, *rest: (kills, ""))
    found = faults.tally(made_up, 3, seed=0)
    assert (found.kills, found.alike, found.problems) == (3, 0, ["differs in x"])
