"""Ctrl-C once and twice, and SIGTERM: a last line that says how to go on, status 130, and nothing lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from minigrok.checkpoint import load_checkpoint
from minigrok.cli import signals
from minigrok.runs.store import RunStore

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
OFTEN = """
import signal, sys
from minigrok import training, wanglandau
from minigrok.cli import main

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)     # also where the tests run in the background
    training.CHECKPOINT_SECONDS = wanglandau.CHECKPOINT_SECONDS = 0.05
    sys.exit(main(sys.argv[1:]))
"""
COMMANDS = {                                             # too long to end by themselves; and a file that shows work
    "train": ("train moons --n 40 --epochs 1000000 --hidden 3,3 --out run", "run/checkpoint.npz"),
    "landscape": ("landscape --inputs 10 --hidden 2 --bins 5 --walkers 1 --range 0 0.6 --steps 1000000000 --out run",
                  "run/checkpoint.npz"),
    "sweep": ("sweep grid.json --db run.db --workers 2", "run.db"),
    "cluster": ("sweep grid.json --db run.db --workers 2 --cluster local", "run.db"),
    "reproduce": ("reproduce --quick --only classifier --workers 1 --out run", "run/runs/*.npz"),
}
GRID = '{"task": "moons", "n": 40, "epochs": 2, "hidden": [3, 3], "seeds": 100000}'
INT, TERM = signal.SIGINT, signal.SIGTERM
WAYS_ON = {name: f"minigrok {name} --resume run" for name in ("train", "landscape", "reproduce")} | {
    "sweep": "minigrok sweep grid.json --db run.db",
    "cluster": "minigrok sweep grid.json --db run.db --cluster local"}


def begun(name, folder):
    """The process, once it is at work."""
    (folder / "grid.json").write_text(GRID)
    words, sign = COMMANDS[name]
    process = subprocess.Popen(                          # in a group of its own, as a terminal has it
        [sys.executable, "-c", OFTEN, *words.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT), "MINIGROK_NO_JIT": "1"}, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(folder.glob(sign)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


@pytest.mark.parametrize(("name", "sent"), [
    ("train", [INT]), ("train", [INT, INT]), ("train", [TERM]), ("landscape", [INT, INT]), ("landscape", [TERM]),
    ("sweep", [INT, INT]), ("sweep", [TERM]), ("cluster", [INT, INT]), ("reproduce", [INT, INT])])
def test_a_signal_ends_a_command_in_order(name, sent, tmp_path):
    """Ctrl-C reaches the workers too, and SIGTERM the command alone."""
    if name == "cluster":
        pytest.importorskip("distributed")
    process = begun(name, tmp_path)
    for number in sent:
        (os.killpg if number == INT else os.kill)(process.pid, number)
        time.sleep(0.02)
    out, err = process.communicate(timeout=60)
    word = "terminated" if sent == [TERM] else "interrupted"
    assert (process.returncode, out) == (130, ""), err
    assert err.splitlines()[-1] == f"minigrok: {word}; go on with: {WAYS_ON[name]}"
    assert "Traceback" not in err
    assert not list(tmp_path.glob("**/.*"))              # no litter
    if name == "train":                                  # and what is there is whole
        assert load_checkpoint(tmp_path / "run" / "checkpoint.npz", "training")[0]["epoch"] > 0
    if name in ("sweep", "cluster"):
        with RunStore(tmp_path / "run.db") as store:
            store.check()


def test_a_third_signal_ends_it_at_once(tmp_path):
    code = ("import signal, time\nfrom minigrok.cli.signals import heard\n"
            "with heard(130):\n    try:\n        print(flush=True)\n        time.sleep(60)\n"
            "    except KeyboardInterrupt:\n        print(flush=True)\n        time.sleep(60)\n")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"PYTHONPATH": str(ROOT)})
    process.stdout.readline()
    process.send_signal(INT)
    process.stdout.readline()
    for number in (INT, TERM):
        time.sleep(0.1)
        process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "minigrok: terminated at once; what was written is kept, and can be gone on with\n"


def test_an_interrupt_that_a_destructor_swallows_comes_again():
    class Swallows:
        def __del__(self):
            signal.raise_signal(TERM)

    with pytest.raises(KeyboardInterrupt, match="terminated"), signals.heard(130):        # noqa: PT012
        Swallows()
        time.sleep(10)
    reset()


def test_an_error_that_a_swallowed_interrupt_has_caused_is_an_interrupt():
    class Swallows:
        def __del__(self):
            signal.raise_signal(INT)

    with pytest.raises(KeyboardInterrupt, match="interrupted; call it again"), signals.heard(130):        # noqa: PT012
        Swallows()
        raise RuntimeError("no compiled object yet")
    time.sleep(2 * signals.AGAIN_SECONDS)                # the second coming is ignored
    reset()


def test_handlers_are_put_back_and_ignored_signals_stay_ignored():
    before = signal.getsignal(INT), signal.getsignal(TERM), sys.unraisablehook
    signal.signal(TERM, signal.SIG_IGN)
    with signals.heard(130):
        assert signal.getsignal(INT) not in before
        signal.raise_signal(TERM)                        # as under nohup
    signal.signal(TERM, before[1])
    assert (signal.getsignal(INT), signal.getsignal(TERM), sys.unraisablehook) == before


def test_other_threads_leave_signals_alone():
    before = signal.getsignal(INT)
    found = []

    def hear():
        with signals.heard(130):
            found.append(signal.getsignal(INT))

    thread = threading.Thread(target=hear)
    thread.start()
    thread.join()
    assert found == [before]


def reset():
    """A program ends after a signal, and this one goes on."""
    signal.signal(INT, signal.default_int_handler)
    signal.signal(TERM, signal.SIG_DFL)
