import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrok.runs.grid import Grid, canonical, key_of

SMALL = {"task": "moons", "n": 20, "epochs": 1}


def test_a_grid_is_every_combination_for_every_seed_the_last_axis_moving_faster():
    grid = Grid({**SMALL, "seed": 5, "seeds": 2, "grid": {"lr": [0.1, 0.03], "hidden": [6, [4, 4]]}})
    found = [(run["lr"], run["hidden"], run["seed"]) for run in grid]
    assert len(grid) == len(found) == 8
    assert found == [(lr, hidden, seed) for lr in (0.1, 0.03) for hidden in ([6], [4, 4]) for seed in (5, 6)]
    assert len({key_of(run) for run in grid}) == 8


def test_defaults_are_filled_in_so_that_to_leave_one_out_is_to_give_it():
    plain, spelt = (list(Grid(settings)) for settings in (SMALL, {**SMALL, "activation": "relu", "lr": 0.1}))
    assert plain == spelt


@pytest.mark.parametrize(("ending", "text"), [
    (".json", json.dumps({**SMALL, "grid": {"lr": [0.1, 0.2]}})),
    (".toml", 'task = "moons"\nn = 20\nepochs = 1\n[grid]\nlr = [0.1, 0.2]\n')])
def test_a_grid_is_read_from_a_file(ending, text, tmp_path):
    (tmp_path / f"grid{ending}").write_text(text)
    assert list(Grid(tmp_path / f"grid{ending}")) == list(Grid({**SMALL, "grid": {"lr": [0.1, 0.2]}}))


@pytest.mark.parametrize(("settings", "words"), [
    ({}, "give a task"),
    ({"task": "mons"}, "did you mean 'moons'"),
    ({**SMALL, "learning_rate": 0.1}, "option 'learning_rate' is not known"),
    ({**SMALL, "grid": {"lr": 0.1}}, "an axis is a list"),
    ({**SMALL, "grid": {"lr": []}}, "an axis without a value"),
    ({**SMALL, "grid": {"lr": [0.1, 0.1]}}, "twice"),
    ({**SMALL, "grid": {"hidden": [6, [6]]}}, "twice"),
    ({**SMALL, "lr": 0.1, "grid": {"lr": [0.2]}}, "both in grid and outside"),
    ({**SMALL, "grid": {"seed": [0, 1]}}, "seeds are counted"),
    ({**SMALL, "seeds": 0}, "seeds is 0"),
    ({**SMALL, "seeds": 1.5}, "seeds is 1.5"),
    ({**SMALL, "grid": {"lr": [0.1, -1]}}, r"\{'lr': -1.0\} cannot be run"),
    ({**SMALL, "grid": {"activation": ["relu", "rleu"]}}, "did you mean 'relu'"),
    ({**SMALL, "eps": 1e-3}, "--eps is for adamw"),
    ({**SMALL, "stop_above": [["test_acuracy", 0.9]]}, "test_accuracy"),
    ({**SMALL, "grid": {"lr": [float("nan")]}}, "JSON|nan"),
])
def test_a_wrong_grid_is_refused_before_anything_runs(settings, words):
    with pytest.raises(ValueError, match=words):
        list(Grid(settings))


@pytest.mark.parametrize(("name", "text", "words"), [
    ("grid.json", "{", "is no JSON"), ("grid.toml", "a =", "is no TOML"), ("grid.json", "[1]", "holds a list"),
    ("grid.yaml", "", "type of grid file"), ("grid.json", "[" * 100_000, "is no JSON")])
def test_a_wrong_file_is_refused(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words):
        Grid(tmp_path / name)


def test_a_grid_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.toml is no file: give a grid"):
        Grid(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "grid.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is no JSON"):
        Grid(tmp_path / "grid.json")


values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
                      | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(st.dictionaries(st.text(), values))
def test_one_configuration_has_one_text_whatever_the_order_of_its_names(configuration):
    turned = dict(reversed(configuration.items()))
    assert canonical(configuration) == canonical(turned)
    assert json.loads(canonical(configuration)) == configuration
    assert key_of(configuration) == key_of(turned)


@given(st.dictionaries(st.text(), values), st.text(), st.integers())
def test_another_value_is_another_key(configuration, name, value):
    assert key_of(configuration | {name: [value]}) != key_of(configuration | {name: [value + 1]})


def test_the_version_is_part_of_the_key(monkeypatch):
    before = key_of({"a": 1})
    monkeypatch.setattr("minigrok.runs.grid.__version__", "99.0")
    assert key_of({"a": 1}) != before


@pytest.mark.parametrize(("option", "value"), [
    ("grid", None), ("grid", 5), ("grid", "x"), ("grid", [["lr", [0.1]]]), ("task", 5), ("task", True), ("task", []),
    ("task", {}), ("dtype", 7), ("optimizer", []), ("stop_above", "x"), ("stop_above", [5]), ("bias", "yes"),
    ("stop_above", {"test_accuracy": 0.5}), ("stop_above", ["test_accuracy=much"]), ("patience", 5),
    ("patience", [["test_loss", 2.5]]), ("conventions", [[]]), ("conventions", {"all": 1}), ("conventions", []),
    ("betas", "x"), ("epochs", 1e2), ("epochs", True), ("epochs", -1), ("epochs", None), ("lr", True), ("lr", "0.1"),
    ("clip_norm", "1"), ("noise", True), ("seed", 10**23), ("hidden", []), ("hidden", [0]), ("layer", "last"),
    ("batch_size", "most"), ("batch_size", 0)])
def test_a_value_of_a_wrong_kind_is_refused_by_name(option, value):
    with pytest.raises(ValueError, match=option):
        assert Grid({"optimizer": "adamw" if option == "betas" else "sgd", **SMALL, option: value}).configurations == []


def test_the_same_run_in_other_words_is_one_run():
    for axis in ({"conventions": [["all"], ["trace", "rows", "centered", "centered_rows"]]}, {"lr": [1, 1.0]}):
        with pytest.raises(ValueError, match=r"once|twice"):
            assert not Grid({**SMALL, "grid": axis}).configurations
    pairs, words = (list(Grid({**SMALL, "stop_above": stop}))
                    for stop in ([["test_accuracy", 0.5]], ["test_accuracy=0.5"]))
    assert pairs == words
    assert [run["lr"] for run in Grid({**SMALL, "lr": 1})] == [1.0]


def test_a_name_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "grid.json"
    path.write_text('{"task": "moons", "grid": {"lr": [0.1]}, "grid": {"n": [40]}}')
    with pytest.raises(ValueError, match="'grid' stands in it twice"):
        Grid(path)
