"""The marker marked, and what an exercise must consist of."""

import ast
from pathlib import Path

import pytest

from minigrok.course.exercises import Exercise, exercise, find, lessons, names
from minigrok.course.marking import PASSED, mark
from minigrok.course.selftest import as_student, table, try_out

ROWS = {}
WORDS = dict(enumerate(["Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve", "Thirteen"], 6))


@pytest.mark.parametrize("name", names())
def test_the_marker_passes_what_is_right_and_refuses_what_is_wrong(name):
    ROWS[name] = try_out(exercise(name))
    assert not ROWS[name].faults, "\n".join(ROWS[name].faults)


def test_the_table_of_all_of_it(capsys):
    with capsys.disabled():
        print("\n" + table(ROWS[name] for name in names() if name in ROWS))
    assert len(names()) >= 24


@pytest.mark.parametrize("name", names())
def test_in_a_process_of_its_own_a_right_answer_passes_too_and_a_wrong_one_is_told(name, tmp_path):
    if name == "e29_law_of_entropy":
        pytest.importorskip("hypothesis")
    the, file = exercise(name), tmp_path / f"{name}.py"
    file.write_text(as_student(the))
    found = mark(the, file)
    assert found.state == PASSED, found
    wrong = list(the.wrong)[-1]
    file.write_text(as_student(the, wrong))
    assert mark(the, file).looks_like == wrong


@pytest.mark.parametrize("name", names())
def test_a_stub_gives_nothing_away(name):
    the = exercise(name)
    tree = ast.parse(the.stub)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert ast.get_docstring(functions[-1])
    assert the.stub.startswith(f'"""Exercise {int(name[1:3])}: ')
    assert f"(lesson {the.lesson}, about {the.minutes} minutes)." in the.stub.partition("\n")[0]
    assert "minigrok" not in [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                              for alias in node.names]
    assert "raise NotImplementedError" in the.stub


def test_the_page_for_teachers_counts_what_there_is():
    hours = round(sum(lesson.minutes for lesson in lessons()) / 60)
    words = f"{WORDS[len(lessons())]} lessons and {len(names())} exercises, about {WORDS[hours].lower()} hours for a"
    root = Path(__file__).parents[2]
    assert words in (root / "tutorials/pages/course.md").read_text()
    readme = " ".join((root / "README.md").read_text().split())
    assert f"{WORDS[len(lessons())]} lessons that run" in readme
    assert f"About {WORDS[hours].lower()} hours for" in readme


def test_numbers_run_on_and_lessons_have_their_exercises():
    assert [int(name[1:3]) for name in names()] == list(range(1, len(names()) + 1))
    by_lesson = [exercise(name).lesson for name in names()]
    assert by_lesson == sorted(by_lesson)
    assert [lesson.number for lesson in lessons()] == sorted(set(by_lesson)) == list(range(1, 9))
    for lesson in lessons():
        text = lesson.path.read_text()
        mine = [name for name in names() if exercise(name).lesson == lesson.number]
        assert all(name in text for name in mine)
        assert sum(exercise(name).minutes for name in mine) < lesson.minutes
    assert 8 <= sum(lesson.minutes for lesson in lessons()) / 60 <= 12


def test_a_name_may_be_short():
    assert find("e03") == find("e03_purity") == find("exercises/e03_purity.py") == "e03_purity"
    assert find("3") == find("E03") == find("e3") == find("e03_purity-kept-1.py"[:10]) == "e03_purity"
    with pytest.raises(ValueError, match="did you mean e03_purity"):
        find("e3_puritty")
    with pytest.raises(ValueError, match="did you mean e01_gram_matrix or e02_density_matrix or e03_purity"):
        find("e0")
    with pytest.raises(ValueError, match="`minigrok course list` shows them all"):
        find("99")


def test_larger_exercises_are_known_by_their_minutes():
    assert [exercise(name).larger for name in ("e03_purity", "e09_backward")] == [False, True]
    assert isinstance(exercise("e03_purity"), Exercise)
