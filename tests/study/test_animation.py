"""The film of a grokking run, on a short run and on made-up states."""

import numpy as np
import pytest
from PIL import Image

from minigrok.study.animation import Film, _sorted, caption, draw_film, film, job, moments_of_strip, phase
from minigrok.study.grokking import GrokkingSetting, Milestones

SHORT = GrokkingSetting("short", "add", 7, "cross_entropy", "relu", "AdamW", 1e-2, 1.0, 0.55, width=12, epochs=100)


def made_up_film(marks, epochs=(0, 50, 100, 200, 400), d=6):
    """States whose spectrum becomes flat, with made-up accuracies."""
    spectra = np.array([np.exp(-np.arange(d) * (1 - t)) for t in np.linspace(0, 0.8, len(epochs))])
    spectra /= spectra.sum(axis=1, keepdims=True)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))
    rho = np.einsum("jk,mk,lk->mjl", rotation, spectra, rotation).astype(np.float32)
    accuracy = np.linspace(0, 1, len(epochs))
    return Film(SHORT, 3, np.array(epochs), rho, spectra, accuracy, accuracy**3, marks)


def test_a_film_keeps_states_and_is_the_same_each_time():
    one, again = film(SHORT, 1), film(SHORT, 1)
    assert one.setting is SHORT
    assert one.epochs[0] == 0
    assert one.rho.dtype == np.float32
    assert one.rho.shape == (len(one.epochs), 12, 12)
    assert np.trace(one.rho, axis1=1, axis2=2) == pytest.approx(1, abs=1e-5)
    assert np.sort(np.linalg.eigvalsh(one.rho.astype(float)), axis=1)[:, ::-1] == pytest.approx(one.spectra, abs=1e-5)
    for ours, theirs in zip(one[2:7], again[2:7], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_its_moments_are_denser_early_and_have_the_milestones():
    one = film(SHORT, 1)
    gaps = np.diff(one.epochs)
    assert gaps[0] <= gaps[-1]
    assert set(filter(None, one.milestones)) <= set(one.epochs.tolist())


def test_the_job_is_one_run_of_the_base():
    assert job(4).setting.role == "base"
    assert (job(4).seed, job(4).function) == (4, film)


def test_the_animation_moves_the_strip_stands_and_both_are_the_same_bytes_again(tmp_path):
    made_up = made_up_film(Milestones(50, 200, 200, 400))
    drawn = draw_film(made_up, tmp_path)
    with Image.open(drawn.animation) as moving:
        assert moving.n_frames == 5
        first = np.asarray(moving.convert("RGB"), float)
        moving.seek(4)
        assert abs(np.asarray(moving.convert("RGB"), float) - first).mean() > 1
    with Image.open(drawn.strip) as strip:
        assert getattr(strip, "n_frames", 1) == 1
    before = [path.read_bytes() for path in drawn[:2]]
    draw_film(made_up, tmp_path)
    assert [path.read_bytes() for path in drawn[:2]] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grokking-film-strip.png", "grokking-film.png"]


def test_neurons_that_overlap_with_the_same_others_come_to_stand_side_by_side():
    group = np.arange(9) % 3                             # three blocks, mixed
    rho = (0.9 * (group[:, None] == group) + 0.1 * np.eye(9)) / 9
    found = _sorted(np.stack([np.eye(9) / 9, rho]))[-1]
    np.testing.assert_allclose(found > 0, np.kron(np.eye(3), np.ones((3, 3))))
    with_dead = np.zeros((1, 10, 10))
    with_dead[0, :9, :9] = rho
    assert np.sort(_sorted(with_dead), axis=None) == pytest.approx(np.sort(with_dead, axis=None))


def test_the_strip_names_what_happened_and_leaves_out_what_did_not():
    assert list(moments_of_strip(made_up_film(Milestones(50, 200, 200, 400))).values()) == [
        "start", "memorised", "mid-plateau", "onset", "generalised"]
    assert list(moments_of_strip(made_up_film(Milestones(None, None, None, None))).values()) == ["start", "end"]


def test_the_caption_tells_the_story_in_numbers():
    words = caption(made_up_film(Milestones(50, 200, 200, None)))
    assert "has memorised at epoch 50, begins to generalise at epoch 200. S goes from" in words
    assert "never memorises" in caption(made_up_film(Milestones(None, None, None, None)))


def test_phases_follow_the_milestones():
    marks = Milestones(90, 290, 480, 1450)
    assert [phase(epoch, marks) for epoch in (0, 90, 290, 1450)] == [
        "memorising", "plateau", "generalising", "generalised"]
    assert phase(500, Milestones(None, None, None, None)) == "memorising"
