import csv
import io

import pytest

from minigrok.course.classroom import as_csv, as_rows, as_text, mark_all, progress_of
from minigrok.course.folder import start
from minigrok.course.marking import NOT_STARTED, NOT_YET, PASSED

NAMES = ["e01_gram_matrix", "e02_density_matrix", "e03_purity"]


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for student, body in (("anna", "(rho**2).sum()"), ("ben", "rho.sum()"), ("=cmd", None)):
        start(tmp_path / student)
        if body:
            (tmp_path / student / "exercises" / "e03_purity.py").write_text(f"def purity(rho):\n    return {body}\n")
    (tmp_path / "empty").mkdir()
    return [progress_of(name, NAMES) for name in ("anna", "ben", "=cmd", "empty", "missing")]


def test_each_folder_has_its_states_or_its_problem(room):
    assert [one.passed for one in room] == [1, 0, 0, 0, 0]
    assert [[mark.state for mark in one.marks] for one in room] == [
        [NOT_STARTED, NOT_STARTED, PASSED], [NOT_STARTED, NOT_STARTED, NOT_YET], [NOT_STARTED] * 3, [], []]
    assert [bool(one.problem) for one in room] == [False, False, False, True, True]


def test_as_text_one_line_a_folder(room):
    lines = as_text(room).splitlines()
    assert lines[0] == "anna      1 of 3 passed"
    assert lines[1] == "ben       0 of 3 passed; not yet: e03_purity"
    assert "holds no course" in lines[3]
    assert "is no folder" in lines[4]


def test_as_csv_and_rows(room):
    rows = list(csv.DictReader(io.StringIO(as_csv(room, NAMES))))
    assert [row["passed"] for row in rows] == ["1", "0", "0", "0", "0"]
    assert rows[1]["e03_purity"] == NOT_YET
    assert rows[3]["e03_purity"] == ""
    assert as_rows(room)[0] == {"folder": "anna", "problem": None, "passed": 1, "of": 3, "e01_gram_matrix": NOT_STARTED,
                                "e02_density_matrix": NOT_STARTED, "e03_purity": PASSED}


def test_the_marks_are_the_same_for_any_number_of_workers(tmp_path):
    start(tmp_path)
    (tmp_path / "exercises" / "e03_purity.py").write_text("def purity(rho):\n    return rho.sum()\n")
    told = []
    one = mark_all(NAMES, tmp_path, workers=1, told=lambda *words: told.append(words))
    many = mark_all(NAMES, tmp_path, workers=4)
    assert [(m.name, m.state, m.looks_like) for m in one] == [(m.name, m.state, m.looks_like) for m in many]
    assert told == [(0, 3, NAMES[0]), (1, 3, NAMES[1]), (2, 3, NAMES[2]), (3, 3, "marked")]
