"""The same bytes in other surroundings: a few of the rows that bench/reproducibility.py has."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "bench"))
import reproducibility

QUICK = {"MINIGROK_NO_JIT": "1"}       # a process starts in half the time


def test_files_and_output_do_not_know_hash_seed_locale_time_zone_terminal_or_folder(tmp_path):
    first = reproducibility.FIRST._replace(environment=QUICK)
    other = reproducibility.TOGETHER[2]
    assert other.environment["PYTHONHASHSEED"] == "random"
    assert other.environment["TZ"] == "Pacific/Apia"
    other = other._replace(environment=QUICK | other.environment, workers=1)
    here, there = (reproducibility.digests(["train"], around, tmp_path / name, tmp_path)["train"]
                   for name, around in (("one", first), ("two", other)))
    assert {"stdout-0", "run/history.csv", "run/net.npz"} < here.keys()
    assert "failed" not in here
    assert reproducibility.differing(here, there) == []


def test_a_file_that_differs_or_is_missing_is_named():
    assert reproducibility.differing({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"}) == ["b", "c", "d"]
