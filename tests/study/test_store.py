"""The store: a result comes back to its own job, whole or not at all."""

from functools import partial

import numpy as np
import pytest

from minigrok import tasks
from minigrok.checkpoint import load_checkpoint, save_checkpoint
from minigrok.history import History
from minigrok.optimizers import SGD
from minigrok.runs.jobs import Job, Outcome
from minigrok.study import store as store_module
from minigrok.study.evidence import Explained, Reading
from minigrok.study.store import KIND, Store


def job(experiment="grokking", specification="addition mod 5, relu", seed=3, function=tasks.moons, setting=None):
    return Job(experiment, specification, seed, function, SGD(0.1) if setting is None else setting)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def file_of(store):
    path, = store.folder.iterdir()
    return path


def test_a_result_comes_back_with_the_job_s_own_setting(store):
    def fresh():
        return job(setting=Reading({}, (partial(tasks.moons, n=4),), (), ""))

    columns = {"epoch": np.arange(3), "entropy": np.array([0.1, np.nan, 0.3])}
    store.save(fresh(), (fresh().setting, History(columns), None))
    again = fresh()
    outcome = Store(store.folder).load(again)
    assert (outcome.job, outcome.error) == (again, None)
    setting, history, nothing = outcome.result
    assert setting is again.setting
    assert nothing is None
    assert history.entropy.tobytes() == columns["entropy"].tobytes()


def test_none_is_a_result(store):
    assert store.load(job()) is None
    store.save(job(), None)
    assert store.load(job()) == Outcome(job(), None, None)


def test_every_job_has_a_file_of_its_own_with_a_name_that_tells(store):
    jobs = [job(), job(experiment="other"), job(specification="Addition mod 5, relu"), job(seed=4),
            job(function=tasks.circles), job(setting=SGD(0.2)), job("x" * 300, "ü/../:*" * 50), job(seed=-1),
            job("", "")]
    for number, one in enumerate(jobs):
        store.save(one, number)
    assert [store.load(one).result for one in jobs] == list(range(len(jobs)))
    names = {path.name for path in store.folder.iterdir()}
    assert len(names) == len(jobs)
    assert all(len(name) < 130 for name in names)
    assert sum(name.startswith("grokking-addition-mod-5-relu-seed3-") for name in names) == 4


def damage_cut(path, kept):
    path.write_bytes(path.read_bytes()[:-20])


def damage_empty(path, kept):
    path.write_bytes(b"")


def damage_bit(path, kept):
    data = bytearray(path.read_bytes())
    data[data.index(b"\x93NUMPY") + 130] ^= 1
    path.write_bytes(data)


def damage_folder(path, kept):
    path.unlink()
    path.mkdir()


def of_other_job(path, kept):
    save_checkpoint(path, KIND, kept | {"job": kept["job"] | {"seed": 9}}, {})


def of_other_class(path, kept):
    save_checkpoint(path, KIND, kept | {"result": {"record": ["subprocess.Popen", []]}}, {})


def of_other_kind(path, kept):
    save_checkpoint(path, "training", kept, {})


def without_array(path, kept):
    save_checkpoint(path, KIND, kept, {})


def without_anything(path, kept):
    save_checkpoint(path, KIND, {}, {})


@pytest.mark.parametrize("harm", [
    damage_cut, damage_empty, damage_bit, damage_folder, of_other_job, of_other_class, of_other_kind, without_array,
    without_anything])
def test_a_file_that_is_damaged_or_foreign_is_named_and_counts_for_nothing(harm, store):
    store.save(job(), np.arange(20.0))
    path = file_of(store)
    harm(path, load_checkpoint(path, KIND)[1])
    again = Store(store.folder)
    with pytest.warns(UserWarning, match=f"{path.name} is of no use, so its job is run again"):
        assert again.load(job()) is None
    assert again.sources() == ()
    if path.is_file():
        store.save(job(), 5)
        assert store.load(job()).result == 5


def test_every_cut_of_a_file_is_noticed(store):
    store.save(job(), Explained(0.5, np.float64(1)))
    path = file_of(store)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.warns(UserWarning, match="run again"):
            assert store.load(job()) is None


def test_the_sources_of_all_results_are_told(tmp_path, monkeypatch):
    versions = []
    for seed, version in enumerate(("old", "new", "new")):
        monkeypatch.setattr(store_module, "hash_of_sources", lambda folder, version=version: version)
        versions.append(Store(tmp_path / "runs"))
        versions[-1].save(job(seed=seed), seed)
    assert [version.sources() for version in versions] == [("old",), ("new",), ("new",)]
    last = Store(tmp_path / "runs")
    assert last.sources() == ()
    for seed in (2, 1):
        last.load(job(seed=seed))
    assert last.sources() == ("new",)
    assert last.load(job(seed=7)) is None
    last.load(job(seed=0))
    assert last.sources() == ("new", "old")


def test_the_sources_are_those_of_the_package(store):
    store.save(job(), 1)
    digest, = store.sources()
    assert len(digest) == 16
    int(digest, 16)


def test_a_result_that_cannot_be_stored_is_named_and_leaves_no_file(store):
    with pytest.raises(ValueError, match=r"grokking, addition mod 5, relu, seed 3: result\[1\] is of"):
        store.save(job(), [1, {2}])
    with pytest.raises(ValueError, match="cannot be part of a setting"):
        store.load(job(setting=lambda: 0))
    assert not list(store.folder.iterdir())


def test_a_folder_without_its_parent_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Store(tmp_path / "a" / "b")
