"""`python -m minigrok` is the command `minigrok`."""

import sys

from minigrok.cli import main

if __name__ == "__main__":
    sys.exit(main())
