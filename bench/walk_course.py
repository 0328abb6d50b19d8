"""Goes through the course as a student does, in a terminal of 80 columns, and keeps what the terminal shows.

    python bench/walk_course.py [FOLDER]        (default: bench/kept/course)

In a fresh folder: start, list, next; each exercise untouched, then with a typical mistake, then right, with hints and
solutions; code that loops, prints, exits, raises and cheats; list, reset, report. Once in colour, once without, and
each lesson is run and timed, compiled and with MINIGROK_NO_JIT=1 (`--no-lessons` leaves that out).
"""

import argparse
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from minigrok.course.exercises import exercise, lessons, names
from minigrok.course.selftest import as_student

KEPT = Path(__file__).parent / "kept" / "course"
MISHAPS = {
    "loops for ever": "def purity(rho):\n    while True:\n        pass\n",
    "prints": "def purity(rho):\n    print('rho is', rho)\n    return (rho**2).sum()\n",
    "exits": "import sys\n\ndef purity(rho):\n    sys.exit('enough')\n",
    "raises": "def purity(rho):\n    return rho[0, 0] ** 2 + rho[1, 1] ** 2\n",
    "does not parse": "def purity(rho)\n    return (rho**2).sum()\n",
    "returns nothing": "def purity(rho):\n    (rho**2).sum()\n",
    "returns the wrong shape": "def purity(rho):\n    return rho @ rho\n",
    "changes its input": "def purity(rho):\n    rho **= 2\n    return rho.sum()\n",
    "imports the answer": "from minigrok import purity\n",
    "finds the answer": "import sys\n\ndef purity(rho):\n    return sys.modules['minigrok'].purity(rho)\n",
}


class Terminal:
    """Runs commands on a pseudo-terminal of 80 columns and keeps what it shows."""

    def __init__(self, folder: Path, colour: bool) -> None:
        self.folder, self.shown = folder, []
        self.environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80"} | (
            {} if colour else {"NO_COLOR": "1"})

    def run(self, *words: str) -> None:
        """One command of `minigrok course`."""
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        process = subprocess.Popen([sys.executable, "-m", "minigrok", "course", *words], cwd=self.folder, stdin=other,
                                   stdout=other, stderr=other, env=self.environment)
        os.close(other)
        text = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:                              # how Linux says that the other end is closed
                break
            if not chunk:
                break
            text += chunk
        os.close(main)
        status = process.wait()
        lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.decode().split("\n")]      # as they end up
        self.say("\n".join([f"$ minigrok course {' '.join(words)}", *lines]) + f"[exit status {status}]\n")

    def say(self, text: str) -> None:
        """A remark of the script itself, or what was shown."""
        self.shown.append(text)


def walk(folder: Path, colour: bool) -> str:
    """The whole course; the transcript."""
    terminal = Terminal(folder, colour)
    terminal.run("start", "my-course")
    terminal.folder = folder / "my-course"
    file = terminal.folder / "exercises" / "e03_purity.py"
    terminal.run("list")
    terminal.run("next")
    for what, text in MISHAPS.items():
        terminal.say(f"# e03_purity.py {what}:\n{text}")
        file.write_text(text, encoding="utf-8")
        terminal.run("check", "e03_purity")
    terminal.run("reset", "e03_purity")
    for number, name in enumerate(names()):
        file = terminal.folder / "exercises" / f"{name}.py"
        wrong = list(exercise(name).wrong)[number % 5]
        terminal.run("check", name)
        terminal.say(f"# {name}.py {wrong}\n")
        file.write_text(as_student(exercise(name), wrong), encoding="utf-8")
        terminal.run("check", name)
        terminal.run("hint", name, str(number % 3 + 1))
        terminal.run("solution", name)
        terminal.say(f"# {name}.py is right now\n")
        file.write_text(as_student(exercise(name)), encoding="utf-8")
        terminal.run("check", name)
    terminal.run("solution", "e03_purity")
    terminal.run("next")
    terminal.run("list")
    terminal.folder = folder
    terminal.run("report", "my-course", "nobody")
    return "\n".join(terminal.shown)


def times(folder: Path) -> str:
    """How long each lesson runs, in seconds by the clock."""
    lines = [f"{'lesson':50}{'compiled':>10}{'without':>10}"]
    for lesson in lessons():
        spent = []
        for without in ("0", "1"):
            started = time.monotonic()
            subprocess.run([sys.executable, str(lesson.path)], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                           env=os.environ | {"MINIGROK_NO_JIT": without, "MPLBACKEND": "agg"})
            spent.append(time.monotonic() - started)
        lines.append(f"{lesson.path.stem:50}{spent[0]:10.1f}{spent[1]:10.1f}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Walk, and write the transcripts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=KEPT)
    parser.add_argument("--no-lessons", action="store_true")
    settings = parser.parse_args()
    settings.folder.mkdir(parents=True, exist_ok=True)
    for name, colour in (("terminal.txt", False), ("terminal-in-colour.txt", True)):
        with tempfile.TemporaryDirectory() as folder:
            (settings.folder / name).write_text(walk(Path(folder), colour), encoding="utf-8")
    if not settings.no_lessons:
        with tempfile.TemporaryDirectory() as folder:
            (settings.folder / "times.txt").write_text(times(Path(folder)), encoding="utf-8")
    print("transcripts:", settings.folder)


if __name__ == "__main__":
    main()
