import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrok import density_matrix, holevo_information, purity, von_neumann_entropy

ROOT = Path(__file__).parent.parent
A = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 2


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "a.npy", A)
    np.save(tmp_path / "y.npy", LABELS)
    np.savez(tmp_path / "layers.npz", first=A, second=A[:, :2])
    np.save(tmp_path / "pictures.npy", A.reshape(5, 4, 3, 4).swapaxes(1, 2))
    np.save(tmp_path / "nan.npy", np.array([[1.0, np.nan]]))
    return tmp_path


def measure(*words, cwd):
    return subprocess.run([sys.executable, "-m", "minigrok", "measure", *words], capture_output=True, text=True,
                          check=False, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)})


def test_json_has_one_row_a_layer_and_convention(folder):
    run = measure("a.npy", "layers.npz", "--labels", "y.npy", "--conventions", "all", "--json", cwd=folder)
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout)
    assert [row["name"] for row in rows[::4]] == ["a.npy", "layers.npz:first", "layers.npz:second"]
    for row in rows[:4]:
        rho = density_matrix(A, row["convention"])
        assert row["entropy"] == pytest.approx(von_neumann_entropy(rho), abs=1e-13)
        assert row["purity"] == pytest.approx(purity(rho), abs=1e-13)
        assert row["holevo_information"] == pytest.approx(holevo_information(A, LABELS, row["convention"]), abs=1e-13)
        assert 0 < row["entropy_error"] < 0.2


def test_csv_and_the_table_say_the_same(folder):
    table = list(csv.DictReader(io.StringIO(measure("a.npy", "--csv", cwd=folder).stdout)))
    assert float(table[0]["entropy"]) == pytest.approx(von_neumann_entropy(density_matrix(A)))
    run = measure("a.npy", cwd=folder)
    assert f"{von_neumann_entropy(density_matrix(A)):.4f}" in run.stdout
    assert run.stdout.startswith("name")


def test_the_whole_population_has_no_error_and_pictures_name_their_axis(folder):
    run = measure("pictures.npy", "--neuron-axis", "1", "--population", "--json", cwd=folder)
    row = json.loads(run.stdout)[0]
    assert (row["inputs"], row["dimension"], row["entropy_error"]) == (5 * 4 * 4, 3, 0)


def test_a_figure_is_drawn(folder):
    assert measure("layers.npz", "--figure", "picture", cwd=folder).returncode == 0
    assert (folder / "picture.png").stat().st_size > 10_000
    assert (folder / "picture.pdf").exists()


@pytest.mark.parametrize(("words", "message"), [
    (["none.npy"], "none.npy is not there"), (["a.pkl"], "file type '.pkl'"), (["nan.npy"], r"nan.npy: A[0, 1] is nan"),
    (["a.npy", "--conventions", "centred"], "did you mean 'centered'"), (["y.npy"], "name the axis of the neurons"),
    (["layers.npz", "--labels", "a.npy"], "one label a row"), (["a.npy", "--labels", "layers.npz"], "holds 2 arrays")])
def test_wrong_input_exits_2_with_the_reason(words, message, folder):
    run = measure(*words, cwd=folder)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
