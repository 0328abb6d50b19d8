import csv
import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "tutorials" / "pages"
NUMBER = r"(?<![\w.])-?(?:nan|inf|\d+(?:\.\d*)?(?:e[-+]?\d+)?)(?!\w)"
ENTRY = re.compile(r'^## \d+\. (\S+) (\S+): .+\n\n```sh\npython -c "([^"\n]+)"\n```\nprints: (.+)\n', re.MULTILINE)
PEERS = (PAGES / "peers.md").read_text()
ENTRIES = ENTRY.findall(PEERS)


def output_of(code, cwd):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd,
                         env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"})
    assert run.returncode == 0, run.stderr
    return run.stdout


def agrees(printed, stated):
    if np.isnan(stated) or np.isinf(stated) or stated == 0:
        return np.array_equal(printed, stated, equal_nan=True)
    if abs(stated) < 1e-3:                               # a rounding error: its sign and size, not its digits
        return 0.1 < printed / stated < 10
    return abs(printed - stated) <= 1e-6 + 1e-3 * abs(stated)


def test_every_command_of_the_page_is_an_entry_that_can_be_checked():
    assert len(ENTRIES) == PEERS.count("```sh") == PEERS.count("\n## ") >= 12


@pytest.mark.parametrize(("peer", "release", "code", "stated"), ENTRIES, ids=lambda text: text[:12])
def test_a_peer_prints_what_the_page_says(peer, release, code, stated, tmp_path):
    assert re.search(rf"(?:import|from) {peer.lower().replace('-', '_')}\b", code)
    try:
        installed = version(peer)
    except PackageNotFoundError:
        pytest.skip(f"{peer} is not installed")
    if installed != release:
        pytest.skip(f"{peer} is {installed}, but the page speaks of {release}")
    printed = [float(x) for x in re.findall(NUMBER, output_of(code, tmp_path))]
    expected = [float(x) for x in stated.split()]
    assert len(printed) == len(expected)
    assert all(map(agrees, printed, expected)), (printed, expected)


def test_the_tables_of_conventions_are_what_its_python_prints(tmp_path):
    page = (PAGES / "conventions.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\n\n((?:\|[^\n]*\n)+)", page, re.DOTALL)
    assert len(blocks) == page.count("```python") == 2
    for code, table in blocks:
        printed = [line.split() for line in output_of(code, tmp_path).splitlines()]
        assert printed == [line.split() for line in table.splitlines()[2:]]


def test_the_page_on_the_landscape_prints_what_an_exact_answer_says(tmp_path):
    page = (PAGES / "landscape.md").read_text()
    code, = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    printed = re.findall(r"\[([^\]]*)\]", output_of(code, tmp_path))
    walked, exact = (np.array(numbers.split(), float) for numbers in printed)
    np.testing.assert_allclose(walked, exact, atol=0.03)
    for name in re.findall(r"`(bench/kept/[\w.]+)`", page):
        assert (ROOT / name).stat().st_size > 100
    calibration = (ROOT / "bench" / "kept" / "calibrate_sampler.txt").read_text().splitlines()[4:]
    for row in calibration:                              # the table of the page is the one that was kept
        assert "| " + " | ".join(re.split(r"\s{2,}", row.strip())) + " |" in page


def test_the_page_on_the_verdicts_says_what_the_kept_run_says():
    page, kept = (PAGES / "verdicts.md").read_text(), ROOT / "bench" / "kept" / "verdicts"
    rows = re.findall(r"^\| `([\w-]+)` [^|]*\| (\d+) % \((\d+) to (\d+)\)", page, re.MULTILINE)
    assert len(rows) == page.count("| `") >= 10
    document = json.loads((kept / "results.json").read_text())
    claims = {claim["id"]: claim for claim in document["claims"]}
    for name, *stated in rows:
        share, (low, high) = claims[name]["share"], claims[name]["interval"]
        assert [f"{100 * number:.0f}" for number in (share, low, high)] == stated, name
    verdicts = [claim["verdict"] for claim in claims.values()]
    counted = [verdicts.count(verdict) for verdict in ("reproduced", "not reproduced", "depends")]
    assert "Of {} rows {} are reproduced, {} are not, {} depend".format(len(verdicts), *counted) in page
    words = " ".join(finding["sentence"] for finding in document["findings"])
    for number in ("Of 642 pushed nets that generalised, S was then below its value at epoch 0 in 373",
                   "Found by searching 3,444 specifications", "lies between 0.47 and 0.83"):
        assert number in words
        assert all(digits in page for digits in re.findall(r"[\d.,]+\d", number) if digits != "0")
    assert json.loads((kept / "stamp.json").read_text())["size"] == "full"


def test_the_page_on_trust_quotes_what_was_kept():
    page, kept = (PAGES / "trust.md").read_text(), ROOT / "bench" / "kept"
    lines = {line.rstrip() for path in kept.glob("*.txt") for line in path.read_text().splitlines()}
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 4
    for line in "".join(blocks).splitlines():
        assert line.rstrip() in lines, line
    for name in re.findall(r"`?((?:bench|tests)/[\w/]+\.\w+)", page):
        assert (ROOT / name).exists(), name


def test_the_list_of_mutants_adds_up_and_reasons_are_given_for_survivors_alone():
    def rows(name):
        with (ROOT / "bench" / "kept" / name).open(newline="") as lines:
            return list(csv.DictReader(lines))

    def key(row):
        return tuple(row[field] for field in ("file", "operator", "before", "after", "nth"))

    mutants, reasons = rows("mutants.csv"), rows("equivalent_mutants.csv")
    survived = {key(row) for row in mutants if row["outcome"] == "survived"}
    listed = {key(row) for row in reasons}
    assert listed <= survived
    assert all(len(row["reason"]) > 10 for row in reasons)
    total = (ROOT / "bench" / "kept" / "mutation.txt").read_text().splitlines()[-1].split()
    assert total[:2] + total[4:6] == ["all", str(len(mutants)), str(len(survived)), str(len(listed))]
