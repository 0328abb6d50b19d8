import sys

import numpy as np
import pytest

from minigrok.states.readers import as_matrix, groups_of_places, read_arrays, read_labels

A = np.arange(12.0).reshape(4, 3)


def test_files_of_every_kind_give_their_arrays_back(tmp_path):
    np.save(tmp_path / "a.npy", A)
    np.savez(tmp_path / "b.npz", first=A, second=A + 1)
    np.savetxt(tmp_path / "c.csv", A, delimiter=",")
    (tmp_path / "d.csv").write_text("x,y\n1,2\n3,4\n")
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.npy")["a"], A)
    assert isinstance(read_arrays(tmp_path / "a.npy")["a"], np.memmap)       # may be larger than memory
    np.testing.assert_array_equal(read_arrays(tmp_path / "b.npz")["second"], A + 1)
    np.savez_compressed(tmp_path / "small.npz", first=A)
    np.testing.assert_array_equal(read_arrays(tmp_path / "small.npz")["first"], A)
    np.testing.assert_array_equal(read_arrays(tmp_path / "c.csv")["c"], A)
    np.testing.assert_array_equal(read_arrays(tmp_path / "d.csv")["d"], [[1, 2], [3, 4]])


def test_safetensors_are_read_where_the_package_is_and_named_where_it_is_not(tmp_path, monkeypatch):
    (tmp_path / "x.safetensors").touch()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ValueError, match="pip install safetensors"):
        read_arrays(tmp_path / "x.safetensors")
    monkeypatch.undo()
    numpy = pytest.importorskip("safetensors.numpy")
    kinds = [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint16, bool]
    numpy.save_file({np.dtype(kind).name: A.astype(kind) for kind in kinds}, tmp_path / "y.safetensors")
    for kind in kinds:
        read = read_arrays(tmp_path / "y.safetensors")[np.dtype(kind).name]
        assert read.dtype == kind
        np.testing.assert_array_equal(read, A.astype(kind))
    (tmp_path / "z.safetensors").write_bytes((tmp_path / "y.safetensors").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"no whole \.safetensors"):
        read_arrays(tmp_path / "z.safetensors")
    torch, save = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch").save_file
    save({"half": torch.tensor(A).bfloat16()}, tmp_path / "b.safetensors")
    np.testing.assert_array_equal(read_arrays(tmp_path / "b.safetensors")["half"], A)


def test_bad_files_are_refused_with_the_reason(tmp_path):
    np.save(tmp_path / "a.npy", A)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-9])
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "pickle.npz", x=np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "words.csv").write_text("a,b\nc,d\n")
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "alone.npz").write_bytes((tmp_path / "a.npy").read_bytes())
    np.savez_compressed(tmp_path / "whole.npz", x=A)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:-40])
    (tmp_path / "x.pkl").touch()
    refused = {
        "alone.npz": "single array", "cut.npz": "no whole .npz",
        "cut.npy": "no whole .npy", "pickle.npy": "no whole .npy", "pickle.npz": "no whole .npz",
        "words.csv": "no table of numbers", "text.npz": "no whole .npz", "x.pkl": "file type"}
    for name, message in refused.items():
        with pytest.raises(ValueError, match=message):
            read_arrays(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"none\.npy"):
        read_arrays(tmp_path / "none.npy")


def test_labels_are_one_array(tmp_path):
    np.save(tmp_path / "y.npy", np.array([[0], [1]]))
    np.testing.assert_array_equal(read_labels(tmp_path / "y.npy"), [0, 1])
    np.savez(tmp_path / "y.npz", a=A, b=A)
    with pytest.raises(ValueError, match="holds 2 arrays"):
        read_labels(tmp_path / "y.npz")


def test_axes_but_the_neurons_become_inputs():
    pictures = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    matrix = as_matrix(pictures, 1)
    assert matrix.shape == (40, 3)
    np.testing.assert_array_equal(matrix[7], pictures[0, :, 1, 2])
    assert as_matrix(np.zeros((2, 7, 16)), -1).shape == (14, 16)
    for refused, axis in ((pictures, 4), (np.zeros(3), 0)):
        for function in (as_matrix, groups_of_places):
            with pytest.raises(ValueError, match=f"no axis {axis}"):
                function(refused, axis)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_a_row_knows_the_input_that_it_is_a_place_of(axis):
    """Pictures whose every entry is the picture's number: each row holds the number of its group."""
    n = 3
    A = np.broadcast_to(np.arange(n).reshape(n, 1, 1, 1), (n, 2, 4, 5))
    if axis == 0:
        A = np.moveaxis(A, 0, 1)                         # then the second axis is that of the inputs
    matrix, groups = as_matrix(A, axis), groups_of_places(A, axis)
    assert groups.shape == matrix.shape[:1]
    np.testing.assert_array_equal(matrix, np.repeat(groups[:, None], matrix.shape[1], axis=1))
