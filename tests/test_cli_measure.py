import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrok import density_matrix, holevo_information, purity, sampling_error, von_neumann_entropy

ROOT = Path(__file__).parent.parent
A = np.random.default_rng(0).normal(size=(60, 4))
LABELS = np.arange(60) % 2


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "a.npy", A)
    np.save(tmp_path / "y.npy", LABELS)
    np.savez(tmp_path / "layers.npz", first=A, second=A[:, :2])
    np.save(tmp_path / "pictures.npy", A.reshape(5, 4, 3, 4).swapaxes(1, 2))
    np.save(tmp_path / "narrow.npy", A[:, :2])
    np.save(tmp_path / "one.npy", A[:1])
    np.save(tmp_path / "one_class.npy", np.zeros(60, int))
    np.save(tmp_path / "objects.npy", np.array([[None]]))
    np.savez(tmp_path / "pickle.npz", x=np.array([[None]]))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-100])
    (tmp_path / "a.pkl").touch()
    for name in ("empty", "more"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "more" / "layers.npz", first=A, second=A[:, :3])
    np.save(tmp_path / "nan.npy", np.array([[1.0, np.nan], [0.0, 1.0]]))
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
    error = sampling_error(A)["entropy"]
    assert f"{error.low:.3f} .. {error.high:.3f}" in run.stdout
    for name in ("entropy", "purity", "effective_rank"):
        assert float(table[0][f"{name}_bias"]) == pytest.approx(sampling_error(A)[name].bias)
        assert float(table[0][f"{name}_error"]) == pytest.approx(sampling_error(A)[name].standard_error)


def test_a_folder_is_a_curve_in_the_order_of_its_numbers(folder):
    (folder / "runs").mkdir()
    for epoch in (10, 2, 100):
        np.savez(folder / "runs" / f"epoch_{epoch}.npz", hidden=A * [1, 1, 1, epoch])
    (folder / "runs" / "notes.txt").write_text("not a layer")
    rows = json.loads(measure("runs", "--json", "--resamples", "0", cwd=folder).stdout)
    assert [row["name"] for row in rows] == [f"epoch_{epoch}.npz:hidden" for epoch in (2, 10, 100)]
    assert rows[0]["entropy"] > rows[1]["entropy"] > rows[2]["entropy"]


def test_the_places_of_a_picture_are_resampled_together_and_share_its_label(folder):
    same = np.repeat(A[:, :, None], 6, axis=2)           # six places that all say the same
    np.save(folder / "places.npy", same)
    wide, alone = (json.loads(measure(name, "--labels", "y.npy", "--json", cwd=folder).stdout)[0]
                   for name in ("places.npy", "a.npy"))
    assert (wide["inputs"], alone["inputs"]) == (360, 60)
    assert wide["entropy_error"] == pytest.approx(alone["entropy_error"])
    assert wide["holevo_information"] == pytest.approx(alone["holevo_information"])


def test_groups_are_read_from_a_file_and_too_few_inputs_are_noted(folder):
    np.save(folder / "groups.npy", np.arange(60) // 5)
    grouped = json.loads(measure("a.npy", "--groups", "groups.npy", "--json", cwd=folder).stdout)[0]
    with pytest.warns(UserWarning, match="too few"):
        expected = sampling_error(A, groups=np.arange(60) // 5)["entropy"].standard_error
    assert grouped["entropy_error"] == pytest.approx(expected)
    run = measure("a.npy", "--groups", "groups.npy", cwd=folder)
    assert "note: 12 independent inputs for 4 neurons are too few" in run.stderr
    quiet = measure("a.npy", "--groups", "groups.npy", "--quiet", cwd=folder)
    assert (quiet.stdout, quiet.stderr) == (run.stdout, "")


def test_the_whole_population_has_no_error_and_pictures_name_their_axis(folder):
    run = measure("pictures.npy", "--neuron-axis", "1", "--population", "--json", cwd=folder)
    row = json.loads(run.stdout)[0]
    assert (row["inputs"], row["dimension"], row["entropy_error"]) == (5 * 4 * 4, 3, 0)


def test_a_figure_is_drawn(folder):
    assert measure("layers.npz", "--figure", "picture", cwd=folder).returncode == 0
    assert (folder / "picture.png").stat().st_size > 10_000
    assert (folder / "picture.pdf").exists()


@pytest.mark.parametrize(("words", "message"), [
    (["none.npy"], "none.npy is not there"), (["none"], "none is not there"),
    (["a.pkl"], "file type '.pkl'"), (["nan.npy"], r"nan.npy: A[0, 1] is nan"),
    (["a.npy", "--conventions", "centred"], "did you mean 'centered'"), (["y.npy"], "name the axis of the neurons"),
    (["layers.npz", "--labels", "a.npy"], "one label a row"), (["a.npy", "--labels", "layers.npz"], "holds 2 arrays"),
    (["a.npy", "narrow.npy"], "narrow.npy has 2 neurons, but a.npy has 4"), (["empty"], "no file of activations"),
    (["layers.npz", "more/layers.npz"], "more/layers.npz:second has 3 neurons, but layers.npz:second has 2"),
    (["one.npy"], "one.npy: A has shape (1, 4), a single input"), (["a.npy", "--resamples", "x"], "'x' is no whole"),
    (["pictures.npy", "--labels", "y.npy"], "labels have length 60, but there are 5 inputs"),
    (["cut.npy"], "no whole .npy file"), (["pickle.npz"], "no whole .npz file"), (["objects.npy"], "no whole .npy"),
    (["a.npy", "--labels", "one_class.npy"], "one class 0"), (["a.npy", "--groups", "narrow.npy"], "one number a row")])
def test_wrong_input_exits_2_with_the_reason(words, message, folder):
    run = measure(*words, cwd=folder)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
