"""The study as a program, and its parts on made-up failures; the whole of it runs in CI from the README."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import image

from minigrok.landscape_plots import peak
from minigrok.runs.jobs import Job, run_jobs
from minigrok.study import classifier, grokking_settings, interventions, prior_map, reproduce, results
from minigrok.study.claims import NOT_TESTED, load_claims
from minigrok.study.store import Store


def fail_or_double(setting, seed):
    if setting == "fail":
        raise ValueError("made up")
    return 2 * seed


def test_a_failed_job_leaves_the_others_alone():
    jobs = [Job(experiment, "x", seed, fail_or_double, setting)
            for experiment, seed, setting in (("a", 1, ""), ("b", 2, "fail"), ("a", 3, ""))]
    outcomes = run_jobs(jobs, 2)
    assert [outcome.result for outcome in outcomes] == [2, None, 6]
    runs, failures = reproduce._sorted_by_experiment(outcomes)
    assert runs == {"a": {"x": [2, 6]}}
    assert failures == {"b": "x, seed 2: ValueError: made up"}


def new_folder(path):
    path.mkdir()
    return path


@pytest.fixture
def short_study(monkeypatch):
    """The same study, much shorter: two seeds, few epochs, few steps."""
    size = reproduce.Size(2, 4, 2, 20_000, 20_000, 0, "quick", "few", 2, True)
    monkeypatch.setitem(reproduce.SIZES, "quick", size)
    monkeypatch.setattr(reproduce, "WALKERS", 2)
    monkeypatch.setattr(reproduce, "LOSS_WALKERS", 2)
    monkeypatch.setattr(prior_map, "SCALES", (1.0,))
    monkeypatch.setattr(prior_map, "ACTIVATIONS", ("relu",))
    monkeypatch.setattr(classifier, "SETTINGS", tuple(replace(s, epochs=20, n=200) for s in classifier.SETTINGS))
    for module, name in ((grokking_settings, "BASES"), (interventions, "SETUPS")):
        shorter = tuple(replace(s, epochs=60, modulus=7) for s in getattr(module, name))
        monkeypatch.setattr(module, name, shorter)


def test_the_study_from_end_to_end_the_same_for_any_number_of_workers(tmp_path, short_study):
    told = []
    folder = new_folder(tmp_path / "out")
    store = Store(tmp_path / "runs")
    ledger = reproduce.reproduce("quick", workers=2, out=folder, progress=lambda *x: told.append(x), store=store)
    assert not ledger.failures
    assert list(dict.fromkeys(j.claim.id for j in ledger.judgements)) == list(load_claims())
    assert len(ledger.judgements) == len({j.id for j in ledger.judgements}) == 35
    assert len(told) == told[-1][2]
    assert (folder / "results.json").read_text() == ledger.to_json()
    document = json.loads(ledger.to_json())
    assert (document["settings"]["seeds"], len(document["settings"]["sources"])) == ([0, 1], 1)
    again = reproduce.reproduce("quick", workers=1, store=store)     # judged anew from what is stored
    assert again.to_json() == ledger.to_json()
    alone = reproduce.reproduce("quick", workers=1, claims=("C5", "C1"))
    for judgement in alone.judgements:
        assert judgement.readings == ledger[judgement.id].readings
    page = (folder / "report.html").read_text(encoding="utf-8")
    for ending in ("png", "pdf"):
        assert len(list((folder / "figures").glob(f"*.{ending}"))) >= 15
    for drawn in (folder / "figures").glob("*.png"):
        assert np.ptp(image.imread(drawn)[..., :3]) > 0
    assert page.count("data:image/png") >= 15
    assert {path.name for path in (folder / "readings").iterdir()} >= {"C1.csv.gz", "C1-value.csv.gz", "C12.csv.gz"}


def test_where_one_experiment_fails_the_others_still_report(tmp_path, short_study, monkeypatch):
    def broken(claims, runs):
        raise ValueError("made up")

    monkeypatch.setattr(reproduce.grokking_claims, "judge", broken)
    monkeypatch.setattr(results, "draw_figures", lambda folder, runs, judgements, workers: [])
    ledger = reproduce.reproduce("quick", ("classifier", "grokking"), out=new_folder(tmp_path / "out"))
    assert "made up" in ledger.failures["grokking"]
    assert ledger["C1"].verdict != NOT_TESTED
    assert ledger["C5"].verdict == NOT_TESTED
    assert "made up" in (tmp_path / "out" / "report.html").read_text()


def test_every_claim_says_what_must_be_run_for_it():
    assert set(reproduce.EXPERIMENTS_OF) == set(load_claims())
    assert {name for names in reproduce.EXPERIMENTS_OF.values() for name in names} == set(reproduce.EXPERIMENTS)


def test_the_peak_is_found_between_bins():
    edges = np.linspace(0.4, 1.79, 41)
    S = (edges[1:] + edges[:-1]) / 2
    assert peak(edges, -((S - 1.234) ** 2)) == pytest.approx(1.234)
    assert peak(edges, S) == S[-1]


@pytest.mark.parametrize(("settings", "message"), [
    ({"size": "quik"}, "did you mean 'quick'"), ({"experiments": ("groking",)}, "did you mean 'grokking'"),
    ({"claims": ("C15",)}, "did you mean 'C5'"),
    ({"seed": -1}, "seed is -1"), ({"workers": 0}, "workers is 0")])
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        reproduce.reproduce(**settings)
