"""The student's code may do anything: print, loop for ever, exit, raise, cheat. Each gets a sentence of its own."""

import importlib.util
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minigrok
from minigrok.course import exercises
from minigrok.course.marking import NOT_STARTED, NOT_YET, PASSED, mark

NAME = "e03_purity"
METRICS = importlib.util.find_spec("minigrok.metrics").origin


def marked(body, folder, **settings):
    file = folder / f"{NAME}.py"
    file.write_text(textwrap.dedent(body))
    return mark(exercises.exercise(NAME), file, **settings)


def purity(body):
    return "def purity(rho):\n" + textwrap.indent(textwrap.dedent(body), "    ")


def test_a_right_answer_passes_and_what_it_prints_is_kept(tmp_path):
    found = marked(purity("print('hello')\nreturn (rho**2).sum()"), tmp_path)
    assert (found.state, found.failure) == (PASSED, None)
    assert found.printed.startswith("hello\n")


def test_the_smallest_failing_input_is_shown_with_the_law_and_what_probably_happened(tmp_path):
    found = marked("import numpy as np\n" + purity("return (np.diag(rho) ** 2).sum()"), tmp_path)
    assert found.state == NOT_YET
    assert found.failure.sentence == "a rotation of the neurons leaves the purity alone"
    assert found.failure.arguments[0].tolist() == [[0.9, 0], [0, 0.1]]
    assert found.failure.shown["yours before"] == pytest.approx(0.82)
    assert found.looks_like == "drops the off-diagonal elements, the coherences"


def test_a_check_that_cannot_compute_with_an_answer_says_so_without_a_traceback(tmp_path):
    def check(purity, rng):
        return purity(np.eye(1)) + None

    file = tmp_path / f"{NAME}.py"
    file.write_text(purity("return (rho**2).sum()"))
    found = mark(replace(exercises.exercise(NAME), check=check), file)
    assert found.state == NOT_YET
    assert "cannot compute with this answer (TypeError" in found.failure.sentence
    assert found.failure.arguments[0].tolist() == [[1.0]]


def test_the_line_to_blame_is_shown(tmp_path):
    found = marked(purity("x = 0\nreturn 1 / x"), tmp_path)
    assert [(name, source.text) for name, source in found.failure.shown.items()] == [("in line 3", "return 1 / x")]


def test_a_warning_of_numpy_is_told_with_its_line_and_without_a_path(tmp_path):
    found = marked("import numpy as np\n" + purity("np.log(np.zeros(1))\nreturn (rho**2).sum()"), tmp_path)
    assert found.printed == "line 3: RuntimeWarning: divide by zero encountered in log\n"


def test_an_answer_that_is_wrong_in_a_new_way_is_not_likened_to_another(tmp_path):
    found = marked(purity("return 0.5 + 0 * (rho**2).sum()"), tmp_path)
    assert (found.state, found.looks_like) == (NOT_YET, "")


@pytest.mark.parametrize("text", [
    exercises.exercise(NAME).stub, exercises.exercise(NAME).stub + "\n# a remark\n", None,
    "x = 1\n" + exercises.exercise(NAME).stub, purity("raise NotImplementedError('later')")])
def test_what_nobody_has_begun_is_not_started(text, tmp_path):
    if text is not None:
        (tmp_path / f"{NAME}.py").write_text(text)
    assert mark(exercises.exercise(NAME), tmp_path / f"{NAME}.py").state == NOT_STARTED


@pytest.mark.parametrize(("body", "words"), [
    (purity("import sys\nsys.exit(0)"), r"purity called exit\(0\)"),
    ("import sys\nsys.exit()", r"e03_purity.py called exit\(None\)"),
    (purity("import os\nos._exit(0)"), "ended by itself"),
    (purity("import os\nos.kill(os.getpid(), 9)"), "ended by itself"),
    (purity("return rho.no_such_thing"), "AttributeError: .*no_such_thing"),
    (purity("return 1 / 0"), "ZeroDivisionError: division by zero$"),
    (purity("return purity(rho)"), "RecursionError"),
    ("def purity(rho:", r"SyntaxError: '\(' was never closed$"),
    ("def purity(rho):\nreturn 1", "IndentationError"),
    ("\0", "null bytes"),
    ("import no_such_module", "No module named 'no_such_module': is the name spelt right"),
    ("import hypothesis_is_not_this\nimport hypothesis", "No module named 'hypothesis_is_not_this': is the name"),
    ("from exercises.e01_gram_matrix import gram_matrix", "a file beside this one is imported by its own name"),
    ("def purty(rho):\n    return 1", "defines no purity"),
    (purity("return rho"), r"shape \(1, 1\), but a number was expected"),
    (purity("(rho**2).sum()"), "returned None"),
    (purity("return {1}"), "something of type set"),
    (purity("return [[1.0]]"), "a list of 1 value, but a number"),
    (purity("return (rho**2).sum() + 0j"), "a complex number, but a number was expected; np.linalg.eig"),
    (purity("x = 1\nraise NotImplementedError"), "there is still a `raise NotImplementedError`"),
    (purity("return rho.astype(object)"), "of type ndarray of dtype object"),
    (purity("rho[:] = 0\nreturn 1.0"), r"changes its argument rho in place, .* rho.copy\(\)"),
    (purity("return input('?')"), "asks for input, but nobody"),
    (purity("return len(bytearray(2**40))"), "out of memory"),
    (purity("raise KeyboardInterrupt"), "KeyboardInterrupt"),
])
def test_each_mishap_has_its_own_sentence(body, words, tmp_path):
    found = marked(body, tmp_path)
    assert found.state == NOT_YET
    assert re.search(words, found.failure.sentence), found.failure.sentence


@pytest.mark.parametrize(("body", "words"), [
    (purity("while True: pass"), "purity was still running after 1 s"),
    (purity("while True: print('again')"), "purity was still running after 1 s"),
])
def test_an_endless_loop_ends(body, words, tmp_path):
    found = marked(body, tmp_path, seconds=1)
    assert words in found.failure.sentence
    assert len(found.printed) <= 2000


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks a process up where Linux lists it")
def test_a_child_of_the_students_code_ends_with_it(tmp_path):
    child = ("import subprocess, sys\nif len(rho) == 1:\n"
             "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
             f"    open({str(tmp_path / 'number')!r}, 'w').write(str(child.pid))\nreturn (rho**2).sum()")
    assert marked(purity(child), tmp_path).state == PASSED
    state = Path(f"/proc/{(tmp_path / 'number').read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"     # dead, and not yet buried


@pytest.mark.parametrize("body", [
    "from minigrok import purity",
    purity("import minigrok.metrics\nreturn minigrok.metrics.purity(rho)"),
    purity("import importlib\nreturn importlib.import_module('minigrok').purity(rho)"),
    purity("import importlib\nreturn importlib.import_module('minigrok.metrics').purity(rho)"),
    purity("return __import__('minigrok').purity(rho)"),
    purity("import sys\nreturn sys.modules['minigrok'].purity(rho)"),
    purity("import sys\ndel sys.modules['minigrok']\nreturn __import__('minigrok').purity(rho)"),
    purity(f"names = {{}}\nexec(open({METRICS!r}).read(), names)\nreturn names['purity'](rho)"),
    purity(f"import pathlib\nreturn len(pathlib.Path({METRICS!r}).read_bytes())"),
    purity(f"import os\nreturn os.open({METRICS!r}, os.O_RDONLY)"),
    purity("import importlib.util as u\ns = u.spec_from_file_location('m', " + repr(METRICS) + ")\n"
           "m = u.module_from_spec(s)\ns.loader.exec_module(m)\nreturn m.purity(rho)"),
    "import minigrok_tutorials",
    purity(f"return len(open({str(exercises.checks_folder() / 'e03_purity.py')!r}).read())"),
    purity(f"try:\n    open({METRICS!r})\nexcept ImportError:\n    pass\nreturn (rho**2).sum()"),
])
def test_the_answer_may_not_be_taken_from_minigrok(body, tmp_path):
    found = marked(body, tmp_path)
    assert found.state == NOT_YET
    assert "takes the answer from minigrok" in found.failure.sentence


def test_the_students_code_may_use_scipy_and_a_file_beside_it(tmp_path):
    (tmp_path / "helpers.py").write_text("def total(x):\n    return x.sum()\n")
    (tmp_path / "random.py").write_text("raise RuntimeError('a file with the name of a library')\n")
    body = "import random\nimport scipy.linalg\nfrom helpers import total\n" + purity(
        "return total(scipy.linalg.eigvalsh(rho) ** 2)")
    assert marked(body, tmp_path).state == PASSED


def test_what_the_code_writes_does_not_stay(tmp_path):
    assert marked(purity("open('litter', 'w').write('x')\nreturn (rho**2).sum()"), tmp_path).state == PASSED
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAME}.py"]


def test_the_seed_decides_the_inputs(tmp_path):
    almost = purity("return (rho**2).sum() + (rho.shape[0] == 5)")
    first, again, other = (marked(almost, tmp_path, seed=seed).failure.arguments[0].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_minigrok_is_still_here():
    assert minigrok.purity([[1.0]]) == 1.0
