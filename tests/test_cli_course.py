"""`minigrok course` as a program, in a folder that it made."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrok.course.exercises import exercise, names
from minigrok.course.folder import start

ROOT = Path(__file__).parent.parent
RIGHT = "def purity(rho):\n    return (rho**2).sum()\n"
WRONG = "def purity(rho):\n    return sum(rho[i, i] ** 2 for i in range(len(rho)))\n"


def course(*words, cwd):
    return subprocess.run([sys.executable, "-m", "minigrok", "course", *words], capture_output=True, text=True,
                          check=False, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)})


@pytest.fixture
def folder(tmp_path):
    start(tmp_path / "mine")
    return tmp_path / "mine"


def write(folder, text):
    (folder / "exercises" / "e03_purity.py").write_text(text)


def test_start_says_what_it_did_and_how_to_go_on(tmp_path):
    first = course("start", "mine", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert re.search(r"^\d+ files written to mine\n.*\ncd mine && minigrok course list", first.stdout)
    again = course("start", "mine", cwd=tmp_path)
    assert re.search(r"^0 files written to mine; \d+ that were there stay as they were", again.stdout)


def test_list_shows_every_exercise_and_what_has_passed(folder):
    write(folder, RIGHT)
    run = course("list", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines() if line.startswith("  e")] == names()
    assert re.search(r"^  e03_purity +passed", run.stdout, re.MULTILINE)
    assert re.search(r"^  e04_entropy +not started", run.stdout, re.MULTILINE)
    assert f"1 of {len(names())} passed" in run.stdout


@pytest.mark.parametrize(("text", "status", "words"), [
    (RIGHT, 0, "e03_purity: passed"), (WRONG, 1, "drops the off-diagonal elements"),
    (exercise("e03_purity").stub, 1, "e03_purity: not started")])
def test_check_exits_1_unless_it_passed(text, status, words, folder):
    write(folder, text)
    run = course("check", "e03_purity", cwd=folder)
    assert (run.returncode, run.stderr) == (status, "")
    assert words in run.stdout


def test_check_of_several_and_from_the_folder_of_exercises(folder):
    write(folder, RIGHT)
    run = course("check", "e03", "e04_entropy.py", cwd=folder / "exercises")
    assert run.returncode == 1
    assert "e03_purity: passed" in run.stdout
    assert "1 of 2 passed" in run.stdout


def test_next_is_the_first_that_has_not_passed(folder):
    run = course("next", cwd=folder)
    assert run.returncode == 0
    assert "e01_gram_matrix: not started" in run.stdout
    assert "lesson_1_a_layer_as_a_state.py" in run.stdout


def test_hints_go_from_gentle_to_plain(folder):
    hints = exercise("e03_purity").hints
    for step, words in enumerate(hints, start=1):
        run = course("hint", "e03_purity", *([] if step == 1 else [str(step)]), cwd=folder)
        assert run.returncode == 0
        said = " ".join(run.stdout.split())
        assert said.startswith(words)
        assert not any(other in said for other in hints if other != words)
    assert course("hint", "e03_purity", "4", cwd=folder).returncode == 2


@pytest.mark.parametrize(("text", "shown"), [(RIGHT, True), (WRONG, False), (exercise("e03_purity").stub, False)])
def test_a_solution_is_shown_only_after_it_passed(text, shown, folder):
    write(folder, text)
    run = course("solution", "e03_purity", cwd=folder)
    assert ("def purity" in run.stdout) is shown
    assert run.returncode == (0 if shown else 1)
    assert shown or "is shown once it has passed" in run.stderr


def test_reset_keeps_a_copy(folder):
    write(folder, WRONG)
    run = course("reset", "e03_purity", cwd=folder)
    assert "exercises/e03_purity-kept-1.py" in run.stdout
    assert (folder / "exercises" / "e03_purity-kept-1.py").read_text() == WRONG
    assert (folder / "exercises" / "e03_purity.py").read_text() == exercise("e03_purity").stub


def test_report_of_several_folders(folder):
    write(folder, RIGHT)
    (folder.parent / "other").mkdir()
    run = course("report", "--json", "mine", "other", cwd=folder.parent)
    rows = json.loads(run.stdout)
    assert run.returncode == 1
    assert (rows[0]["passed"], rows[0]["e03_purity"]) == (1, "passed")
    assert "no course" in rows[1]["problem"]
    assert course("report", "--csv", cwd=folder).stdout.splitlines()[0] == ",".join(
        ["folder", "problem", "passed", "of", *names()])


@pytest.mark.parametrize("words", [
    [], ["lists"], ["check", "e99"], ["hint"], ["hint", "e99_nothing"], ["reset", "purity"], ["check", "--seed", "-1"],
    ["report", "--json", "--csv"], ["start"]])
def test_wrong_usage_exits_2_without_a_traceback(words, folder):
    run = course(*words, cwd=folder)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("words", [["list"], ["next"], ["check"], ["watch"], ["solution", "e03_purity"],
                                   ["reset", "e03_purity"], ["report"]])
def test_outside_a_course_each_says_how_to_make_one(words, tmp_path):
    run = course(*words, cwd=tmp_path)
    assert run.returncode == 2
    assert "minigrok course start DIR" in run.stderr


def test_watch_marks_at_each_change_until_it_passes(folder):
    with subprocess.Popen([sys.executable, "-m", "minigrok", "course", "watch", "e03_purity"], text=True, cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=os.environ | {"PYTHONPATH": str(ROOT)}) as run:
        for text, words in ((WRONG, "e03_purity: not started"), (RIGHT, "e03_purity: not yet")):
            line = ""
            while words not in line:
                line = run.stdout.readline()
                assert line, run.stderr.read()
            write(folder, text)
        rest, _ = run.communicate(timeout=60)
        assert "e03_purity: passed" in rest
        assert run.returncode == 0


def test_an_interrupted_watch_exits_130(folder):
    with subprocess.Popen([sys.executable, "-m", "minigrok", "course", "watch"], text=True, cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=os.environ | {"PYTHONPATH": str(ROOT)}) as run:
        while "Waiting" not in run.stdout.readline():
            pass
        time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors == "minigrok: interrupted; your files are as you saved them\n"
