import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from minigrok.jit import JIT_ENABLED

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "tutorials").glob("lesson_*.py"))


def run_as_a_user(arguments, cwd):
    run = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=cwd,
                         env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"})
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_from_top_to_bottom_and_draws_the_pictures_it_names(lesson, tmp_path):
    pictures = re.findall(r"^picture: (\S+)$", run_as_a_user([str(lesson)], tmp_path), re.MULTILINE)
    assert len(pictures) >= 2
    assert sorted(pictures) == sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "pictures").iterdir())


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_has_a_prediction_written_down_and_refutes_a_tempting_wrong_way(lesson):
    text = lesson.read_text()
    places = [text.index(words) for words in (
        "**Time:**", "**Question.**", "**Predict first.**", "tempting wrong way", "## Exercises")]
    assert places == sorted(places)
    assert "assert " in text
    used = {name.split(".")[0] for line in text.splitlines() for name in re.findall(r"^(?:from|import) (\S+)", line)}
    assert used <= {"minigrok", "numpy", "scipy", "matplotlib"} | sys.stdlib_module_names
    assert not re.search(r"^from minigrok\.", text, re.MULTILINE)             # the public face alone


def test_the_first_screen_of_lesson_readme_and_report_says_what_is_not_quantum():
    from minigrok.study.report import QUESTION

    for text in (LESSONS[0].read_text()[:900], (ROOT / "README.md").read_text()[:1100], QUESTION):
        assert "What is quantum here, and what is not" in text
        assert "entangled" in text


@pytest.mark.skipif(not JIT_ENABLED, reason="long")
@pytest.mark.parametrize("number", range(4))
def test_the_readmes_python_runs(number, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    assert run_as_a_user(["-W", "ignore::UserWarning", "-c", blocks[number]], tmp_path)


def test_the_readmes_ledger_is_that_of_the_kept_full_run():
    ledger = json.loads((ROOT / "bench/kept/verdicts/results.json").read_text())["claims"]
    rows = re.findall(r"^\| (\w+) \| (.+) \| (.+) \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    judged = {each["id"]: each for each in ledger}
    assert len(rows) == 12
    for name, statement, verdict, share in rows:
        low, high = judged[name]["interval"]
        assert (statement, verdict) == (judged[name]["statement"], judged[name]["verdict"])
        assert share == f"{100 * judged[name]['share']:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    found = Counter(each["verdict"] for each in ledger)
    assert (f"Of the {len(ledger)} rows of the ledger {found['reproduced']} are reproduced, {found['not reproduced']} "
            f"are not, and {found['depends']} depend") in (ROOT / "README.md").read_text()
