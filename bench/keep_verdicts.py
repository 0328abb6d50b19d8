"""Keep a full run of the study: its results, ledger and pictures, stamped with the commit.

    minigrok reproduce --full --out results
    python bench/keep_verdicts.py results COMMIT

COMMIT is that of the sources that made the runs. Pictures lose their fine shades (128 colours), so that the folder
stays small; the readings of all specifications are compressed tables.
"""

import argparse
import json
import shutil
from pathlib import Path

from PIL import Image

KEPT = Path(__file__).parent / "kept" / "verdicts"
COLOURS = 128


def keep(results: Path, commit: str) -> None:
    """Copy what is worth keeping into bench/kept/verdicts."""
    shutil.rmtree(KEPT, ignore_errors=True)
    (KEPT / "pictures").mkdir(parents=True)
    for name in ("results.json", "results.csv", "priors.csv", "times.json"):
        shutil.copy(results / name, KEPT / name)
    shutil.copytree(results / "readings", KEPT / "readings")
    for picture in sorted((results / "figures").glob("*.png")):
        if not picture.stem.startswith(("epochs-", "grokking-film")) or picture.stem == "grokking-film-strip":
            small = Image.open(picture).convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
            small.save(KEPT / "pictures" / picture.name, optimize=True)
    settings = json.loads((results / "results.json").read_text())["settings"]
    stamp = {"commit": commit, "sources": settings["sources"], "size": settings["size"], **settings["versions"]}
    (KEPT / "stamp.json").write_text(json.dumps(stamp, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("commit")
    keep(**vars(parser.parse_args()))
