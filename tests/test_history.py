"""What a run records and how it is kept: columns of a History, its two files, and looks at a net."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from minigrok import MLP, SGD, History, tasks, train
from minigrok.fast.fused import Look
from minigrok.history import column_name, from_rows
from minigrok.recording import observer, plain_look

TASK = tasks.moons(n=30, seed=0)
HISTORY = History({"epoch": np.array([0, 10]), "loss": np.array([0.5, 0.25]),
                   "p": np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]), "M": np.arange(8.0).reshape(2, 2, 2)})


def test_a_history_is_its_columns_and_cannot_be_given_others():
    assert len(HISTORY) == 2
    assert HISTORY.loss is HISTORY["loss"] is HISTORY.columns["loss"]
    with pytest.raises(FrozenInstanceError):
        HISTORY.columns = {}


def test_a_table_has_a_column_for_each_number_of_a_row(tmp_path):
    """Two rows, but three or four numbers in a row of p and M."""
    HISTORY.to_csv(tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_text().splitlines() == [
        "epoch,loss,p_0,p_1,p_2,M_0,M_1,M_2,M_3",
        "0,0.5,0.5,0.25,0.25,0.0,1.0,2.0,3.0", "10,0.25,1.0,0.0,0.0,4.0,5.0,6.0,7.0"]


def test_a_history_is_read_by_the_class_or_by_another_history(tmp_path):
    HISTORY.save(tmp_path / "h.npz")
    for reader in (History, HISTORY):
        again = reader.load(tmp_path / "h.npz")
        assert list(again.columns) == ["epoch", "loss", "p", "M"]
        for name, column in HISTORY.columns.items():
            np.testing.assert_array_equal(again[name], column)


@pytest.mark.parametrize(("arrays", "said"), [({"a": np.ones(1), "b": np.ones(1)}, "a, b"), ({}, "nothing")])
def test_a_file_of_something_else_is_refused_by_what_it_holds(arrays, said, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=f"holds {said}, but a History has a column 'epoch'"):
        History.load(tmp_path / "x.npz")


def test_rows_become_columns_in_the_order_of_the_first():
    history = from_rows([{"epoch": 0, "v": [1.0, 2.0]}, {"v": [3.0, 4.0], "epoch": 1}])
    assert list(history.columns) == ["epoch", "v"]
    np.testing.assert_array_equal(history.epoch, [0, 1])
    np.testing.assert_array_equal(history.v, [[1.0, 2.0], [3.0, 4.0]])
    assert from_rows([]).columns == {}


def test_the_columns_of_the_plain_convention_have_the_plain_name():
    assert [column_name("entropy", name) for name in ("trace", "rows", "centered", "centered_rows")] == [
        "entropy", "entropy_rows", "entropy_centered", "entropy_centered_rows"]


@pytest.mark.parametrize("inputs", ["train", "test", "all"])
def test_a_dead_layer_has_a_spectrum_of_as_many_nan_as_it_has_units(inputs):
    net = MLP([2, 4, 2])
    net.layers[0].W[:], net.layers[0].b[:] = 0, -1
    history = train(net, TASK, SGD(0.1), 2, inputs=inputs, conventions=("trace", "centered"))
    for name in ("spectrum", "spectrum_centered"):
        assert history[name].shape == (3, 4)
        assert np.isnan(history[name]).all()


def test_what_has_been_seen_of_a_net_is_taken_over_if_it_is_finite():
    net = MLP([2, 4, 2])
    look = observer(net, TASK, {}, -1, "train", ("trace",), None)
    p, plain = np.array([0.5, 0.5, 0.0, 0.0]), plain_look(net, TASK)
    row = look(Look({"train": 1.5, "test": 2.5}, {"train": 0.25, "test": 0.75}, {"trace": p}))
    assert (row["train_loss"], row["test_loss"]) == (1.5, 2.5)
    assert (row["train_accuracy"], row["test_accuracy"]) == (0.25, 0.75)
    assert row["entropy"] == pytest.approx(np.log(2))
    for missing in (None, Look({"train": np.nan, "test": 2.5}, {"train": 0.25, "test": 0.75}, {"trace": p})):
        row = look(missing)
        assert (row["train_loss"], row["test_loss"]) == (plain.losses["train"], plain.losses["test"])
