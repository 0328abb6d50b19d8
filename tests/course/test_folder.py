import json

import pytest

from minigrok.course.exercises import exercise, material, names
from minigrok.course.folder import course_folder, notebook_of, reset, start


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_start_copies_stubs_and_lessons_and_nothing_that_gives_an_answer_away(tmp_path):
    written, kept = start(tmp_path / "mine")
    found = files_in(tmp_path / "mine")
    assert kept == []
    assert len(written) == len(found)
    assert [name for name in found if name.startswith("exercises/")] == [f"exercises/{name}.py" for name in names()]
    assert sum(name.startswith("lesson_") for name in found) == 8
    assert not any(word in (tmp_path / "mine" / name).read_text() for name in found
                   for word in ("HINTS", "RIGHT = ", "WRONG = "))


def test_start_never_overwrites_work(tmp_path):
    start(tmp_path)
    mine, gone = tmp_path / "exercises" / "e03_purity.py", tmp_path / "exercises" / "e01_gram_matrix.py"
    mine.write_text("my work")
    gone.unlink()
    written, kept = start(tmp_path)
    assert mine.read_text() == "my work"
    assert written == [gone]
    assert mine in kept


def test_start_leaves_a_link_alone(tmp_path):
    (tmp_path / "c" / "exercises").mkdir(parents=True)
    (tmp_path / "c" / "exercises" / "e03_purity.py").symlink_to(tmp_path / "elsewhere.py")
    start(tmp_path / "c")
    assert not (tmp_path / "elsewhere.py").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="is a file"):
        start(tmp_path / "file")


def test_the_course_is_found_from_within(tmp_path):
    start(tmp_path / "mine")
    assert course_folder(tmp_path / "mine" / "exercises") == course_folder(tmp_path / "mine") == tmp_path / "mine"
    with pytest.raises(FileNotFoundError, match="minigrok course start"):
        course_folder(tmp_path)


def test_reset_keeps_what_was_there_each_time(tmp_path):
    start(tmp_path)
    file = tmp_path / "exercises" / "e03_purity.py"
    for number in (1, 2):
        file.write_text(f"work {number}")
        kept = reset("e03_purity", tmp_path)
        assert kept.read_text() == f"work {number}"
        assert file.read_text() == exercise("e03_purity").stub
    assert reset("e03_purity", tmp_path) is None         # there is no work to be kept
    file.unlink()
    assert reset("e03_purity", tmp_path) is None
    assert file.read_text() == exercise("e03_purity").stub


@pytest.mark.parametrize("lesson", sorted(material().glob("lesson_*.py")), ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_holds_the_lesson(lesson):
    text = lesson.read_text()
    notebook = json.loads(notebook_of(text))
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    kept = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in code.splitlines() if line and not line.startswith("#")] == kept
    assert notebook["cells"][0]["cell_type"] == "markdown"
    assert notebook["cells"][0]["source"][0].startswith("# Lesson ")
    assert all(cell["outputs"] == [] for cell in notebook["cells"] if cell["cell_type"] == "code")
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(json.dumps(notebook), as_version=4))
    jupytext = pytest.importorskip("jupytext")
    theirs = jupytext.reads(text, fmt="py:percent")
    assert [cell.source for cell in theirs.cells] == ["".join(cell["source"]) for cell in notebook["cells"]]


def test_start_writes_notebooks_when_asked(tmp_path):
    start(tmp_path, notebook=True)
    assert sum(name.endswith(".ipynb") for name in files_in(tmp_path)) == 8
