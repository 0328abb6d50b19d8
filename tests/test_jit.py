import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import minigrok
from minigrok import jit as jit_module
from minigrok.jit import JIT_ENABLED, cache_folder, dispatch_on_class, inlined, jit

PACKAGE = Path(minigrok.__file__).parent
ANSWER = "from minigrok.kernels import gram_purity; import numpy as np; print(gram_purity(np.eye(2)))"


def python(code, path, **environment):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                         cwd=path, env=os.environ | {"PYTHONPATH": str(path), **environment})
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_a_kernel_and_its_plain_form_agree():
    @jit
    def double(x: float) -> float:
        return 2 * x

    assert double(1.5) == double.py_func(1.5) == 3.0


@pytest.mark.skipif(not JIT_ENABLED, reason="needs numba")
def test_an_edit_in_a_called_file_is_never_ignored(tmp_path):
    """numba's own cache looks at the caller's file alone, and would run the old callee for ever."""
    for name in ("jit.py", "checks.py", "version.py"):
        (tmp_path / "minigrok").mkdir(exist_ok=True)
        shutil.copy(PACKAGE / name, tmp_path / "minigrok" / name)
    (tmp_path / "minigrok" / "__init__.py").touch()
    called, caller = tmp_path / "minigrok" / "called.py", tmp_path / "minigrok" / "caller.py"
    called.write_text("from minigrok.jit import jit\n@jit\ndef physics(x: float) -> float:\n    return x + 1\n")
    caller.write_text("from minigrok.jit import jit\nfrom minigrok.called import physics\n"
                      "@jit\ndef loop(x: float) -> float:\n    return physics(x)\n")
    code = "from minigrok.caller import loop; print(loop(1.0))"
    cache = str(tmp_path / "cache")
    assert python(code, tmp_path, XDG_CACHE_HOME=cache) == "2.0"
    assert python(code, tmp_path, XDG_CACHE_HOME=cache) == "2.0"
    called.write_text(called.read_text().replace("x + 1", "x + 5"))
    assert python(code, tmp_path, XDG_CACHE_HOME=cache) == "6.0"
    kept = tmp_path / "cache" / "minigrok"
    assert list(kept.rglob("*.nbi"))                     # numba's index of what it has compiled
    assert len(list(kept.iterdir())) == 2                # a process of before the edit may be compiling into the other
    for folder in kept.iterdir():
        os.utime(folder, (0, 0))
    called.write_text(called.read_text().replace("x + 5", "x + 6"))
    assert python(code, tmp_path, XDG_CACHE_HOME=cache) == "7.0"
    assert len(list(kept.iterdir())) == 1                # those of long ago are gone


def test_switched_off_the_jit_is_the_identity():
    code = ("from minigrok.jit import jit, JIT_ENABLED\ndef f(x): return x\n"
            "print(JIT_ENABLED, jit(f) is f, f.py_func is f)")
    assert python(code, PACKAGE.parent, MINIGROK_NO_JIT="1") == "False True True"


def test_without_numba_everything_still_works():
    code = "import sys; sys.modules['numba'] = None; " + ANSWER
    assert python(code, PACKAGE.parent) == "0.5"


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR"])
def test_a_cache_folder_that_cannot_be_made_costs_only_time(tmp_path, variable):
    (tmp_path / "file").touch()                          # below a file no folder can be made, not even by root
    code = "from minigrok.jit import cache_folder; print(cache_folder()); " + ANSWER
    assert python(code, PACKAGE.parent, **{variable: str(tmp_path / "file")}) == "None\n0.5"
    assert not (PACKAGE.parent / "None").exists()


@pytest.mark.parametrize(("given", "root"), [
    ({"XDG_CACHE_HOME": "x", "NUMBA_CACHE_DIR": "n"}, "n"),
    ({"XDG_CACHE_HOME": "x", "NUMBA_CACHE_DIR": ""}, "x/minigrok"),
    ({"XDG_CACHE_HOME": "", "NUMBA_CACHE_DIR": "", "HOME": "h"}, "h/.cache/minigrok"),
])
def test_the_cache_lies_where_the_user_wants_it(tmp_path, given, root):
    environment = {name: value and str(tmp_path / value) for name, value in given.items()}
    folder = python("from minigrok.jit import cache_folder; print(cache_folder())", PACKAGE.parent, **environment)
    assert Path(folder).parent == tmp_path / root
    assert Path(folder).is_dir()
    assert re.fullmatch("[0-9a-f]{12}-[0-9a-f]{16}", Path(folder).name)


def nobody():
    raise RuntimeError("no home folder")


def test_who_has_no_home_folder_has_no_cache(monkeypatch):
    for name in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    assert cache_folder.__wrapped__() is None


def test_the_sources_are_read_once_a_process():
    assert cache_folder() is cache_folder()


def test_folders_of_the_same_sources_go_when_they_are_a_day_older(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(jit_module.tempfile, "TemporaryFile", lambda **words: io.BytesIO())  # the folder's time stays
    here = cache_folder.__wrapped__()
    place, now = here.name.split("-")[0], 1e9
    ages = {here.name: 0, f"{place}-younger": -10, f"{place}-a-day": 86_400, f"{place}-more": 86_401,
            "another-place": 10**8}
    for name, age in ages.items():
        (tmp_path / name).mkdir(exist_ok=True)
        os.utime(tmp_path / name, (now - age, now - age))
    assert cache_folder.__wrapped__() == here
    assert {path.name for path in tmp_path.iterdir()} == set(ages) - {f"{place}-more"}


def double(x: float) -> float:
    return 2 * x


@pytest.mark.skipif(not JIT_ENABLED, reason="needs numba")
def test_compiled_code_holds_no_lock_and_is_inlined_only_where_that_is_wanted():
    options = [kernel.targetoptions for kernel in (jit(double), inlined(double))]
    assert [each["inline"] for each in options] == ["never", "always"]
    assert all(each["nogil"] for each in options)
    with pytest.raises(TypeError):
        jit(double, ())                                  # options have names


class Duck(NamedTuple):
    size: float


def sound(animal, times):
    raise NotImplementedError("compiled callers find the sound of their class")


def test_a_compiled_caller_finds_the_kernel_of_the_class():
    quack = jit(lambda animal, times: animal.size * times)
    dispatch_on_class(sound, lambda animal: {Duck: quack}[animal])
    if JIT_ENABLED:
        assert jit(lambda animal: sound(animal, 3.0))(Duck(2.0)) == 6.0


@pytest.mark.skipif(not JIT_ENABLED, reason="needs numba")
def test_compiled_code_divides_like_numpy_and_keeps_nan():
    @jit
    def quotient(x: float, y: float) -> float:
        return x / y

    assert quotient(1.0, 0.0) == float("inf")
    assert quotient(0.0, 0.0) != quotient(0.0, 0.0)


@pytest.mark.skipif(not JIT_ENABLED, reason="needs numba")
def test_other_peoples_cache_directory_is_left_as_it_was():
    before = jit_module.numba.config.CACHE_DIR
    jit(lambda x: x)
    assert before == jit_module.numba.config.CACHE_DIR
    assert before != str(jit_module.cache_folder())


def test_the_hash_sees_names_and_contents(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    first = jit_module.hash_of_sources(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    second = jit_module.hash_of_sources(tmp_path)
    (tmp_path / "b.py").write_text("x = 2")
    assert len({first, second, jit_module.hash_of_sources(tmp_path)}) == 3
    assert len(first) == 16


@pytest.mark.skipif(not JIT_ENABLED, reason="needs numba")
def test_sources_outside_the_package_count_where_they_are_named(tmp_path):
    system = tmp_path / "system.py"
    system.write_text("J = 1")
    code = ("from pathlib import Path; from minigrok.jit import cache_folder; "
            f"print(cache_folder(Path({str(system)!r})))")
    first, again = (python(code, PACKAGE.parent, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2))
    system.write_text("J = 2")
    assert first == again != python(code, PACKAGE.parent, XDG_CACHE_HOME=str(tmp_path))
