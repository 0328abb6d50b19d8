"""How Hypothesis runs: without a deadline, since a first call compiles; in CI the same cases each time, half as many.

`--hypothesis-profile quick`: a quarter of the examples, always the same ones, and a failing one is left as it is found.
"""

import os
import signal

from hypothesis import Phase, settings

IN_CI = "CI" in os.environ
settings.register_profile("minigrok", deadline=None, derandomize=IN_CI, max_examples=50 if IN_CI else 100)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=25, database=None,
                          phases=(Phase.explicit, Phase.generate))
settings.load_profile("minigrok")

# A shell without job control starts what it puts into the background deaf to Ctrl-C, and processes inherit that; but
# tests send it to those that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
