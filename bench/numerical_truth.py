"""How far minigrok's numbers are from the true ones: states, gradients, error bars of the sampler, float32 training.

    python bench/numerical_truth.py [--only states|gradients|sampler|training ...]

The truth is mpmath's, with 60 digits, for the very numbers that minigrok is given (bench/exact_numbers.py). Each table
has its seeds and sizes in its head, and says the largest error of all that it stands for. Footnotes say where an error
comes from that is larger than a few roundings. Each part is kept in bench/kept/, say truth_of_states.txt.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import truth_of_gradients
import truth_of_states
import truth_of_training
from exact_numbers import DIGITS

HERE = Path(__file__).resolve().parent
KEPT = HERE / "kept"
SAMPLER_RUNS = 20              # of the quick confirmation; the kept table has 200


def sampler(say: Callable[[str], None]) -> None:
    """The calibration that is kept, and a short one now."""
    say("\n3. THE SAMPLER'S ERROR BARS, against exact densities of states (bench/calibrate_sampler.py)\n")
    say("kept, bench/kept/calibrate_sampler.txt:\n")
    say((KEPT / "calibrate_sampler.txt").read_text().rstrip())
    say(f"\nnow, with {SAMPLER_RUNS} runs:\n")
    run = subprocess.run([sys.executable, str(HERE / "calibrate_sampler.py"), "--runs", str(SAMPLER_RUNS)],
                         capture_output=True, text=True)
    say(run.stdout.rstrip() or run.stderr[-500:])


PARTS = {"states": truth_of_states.tables, "gradients": truth_of_gradients.tables, "sampler": sampler,
         "training": truth_of_training.tables}


def main() -> None:
    """Print the tables, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, help="may be given again")
    for name in parser.parse_args().only or PARTS:
        lines: list[str] = []

        def say(text: str, lines: list[str] = lines) -> None:
            print(text, flush=True)
            lines.extend(line.rstrip() for line in text.split("\n"))

        say(f"Python {platform.python_version()}, NumPy {np.__version__}, mpmath {mpmath.__version__} with {DIGITS} "
            f"digits, {platform.machine()}")
        with mpmath.workdps(DIGITS):
            PARTS[name](say)
        (KEPT / f"truth_of_{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
