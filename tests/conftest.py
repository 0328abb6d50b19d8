"""How Hypothesis runs: without a deadline, since a first call compiles; always the same cases in CI."""

import os

from hypothesis import settings

settings.register_profile("minigrok", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("minigrok")
