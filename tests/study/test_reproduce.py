"""The study as a program, and its parts on made-up failures; the whole of it runs in CI from the README."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import image

from minigrok.landscape_plots import peak
from minigrok.study import classifier, grokking, prior_map, reproduce
from minigrok.study.claims import NOT_TESTED, Judgement, gather, load_claims
from minigrok.study.figures import Drawn
from minigrok.study.jobs import Job, run_jobs
from minigrok.study.ledger import Ledger
from minigrok.study.report import write_report


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


class Outline(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.images, self.links, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        if tag == "img":
            self.images.append(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        if "id" in attrs:
            self.ids.append(attrs["id"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_report(path):
    text = path.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    assert not outline.open
    assert "script" not in outline.tags
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert all(link[1:] in outline.ids for link in outline.links)
    assert "What is quantum here, and what is not" in text[:4000]
    for attributes in outline.images:
        assert len(attributes["alt"]) > 20
        png = image.imread(io.BytesIO(base64.b64decode(attributes["src"].split(",")[1])))
        assert np.ptp(png[..., :3]) > 0
    return outline


def new_folder(path):
    path.mkdir()
    return path


@pytest.fixture
def short_study(monkeypatch):
    """The same study, much shorter: two seeds, few epochs, few steps."""
    size = reproduce.Size(seeds=2, steps=20_000, loss_steps=20_000, prior_steps=0)
    monkeypatch.setitem(reproduce.SIZES, "quick", size)
    monkeypatch.setattr(reproduce, "WALKERS", 2)
    monkeypatch.setattr(prior_map, "SCALES", (1.0,))
    monkeypatch.setattr(prior_map, "ACTIVATIONS", ("relu",))
    monkeypatch.setattr(classifier, "SETTINGS", tuple(replace(s, epochs=20, n=200) for s in classifier.SETTINGS))
    monkeypatch.setattr(grokking, "SETTINGS", tuple(replace(s, epochs=60, modulus=7) for s in grokking.SETTINGS))


def test_the_study_from_end_to_end_the_same_for_any_number_of_workers(tmp_path, short_study):
    told = []
    folder = new_folder(tmp_path / "out")
    ledger = reproduce.reproduce("quick", workers=2, out=folder, progress=lambda *x: told.append(x))
    assert not ledger.failures
    assert [j.claim.id for j in ledger.judgements] == list(load_claims())
    assert len(told) == 3 * 2 + 6 * 2 + 2 * 3 + 3 * 2 + 4 * 2      # landscapes, priors, grokking, classifier
    assert (folder / "results.json").read_text() == ledger.to_json()
    again = reproduce.reproduce("quick", ("grokking",), workers=1)
    assert [j for j in again.judgements if j.evidence and j.claim.experiment == "grokking"] == [
        j for j in ledger.judgements if j.evidence and j.claim.experiment == "grokking"]
    assert json.loads((folder / "results.json").read_text())["settings"]["seeds"] == [0, 1]
    outline = check_report(folder / "report.html")
    for ending in ("png", "pdf"):
        assert len(list((folder / "figures").glob(f"*.{ending}"))) == len(outline.images) >= 15


def test_where_one_experiment_fails_the_others_still_report(tmp_path, short_study, monkeypatch):
    def broken(claims, runs):
        raise ValueError("made up")

    monkeypatch.setattr(reproduce.grokking_claims, "judge", broken)
    monkeypatch.setattr(reproduce, "draw_figures", lambda folder, runs, workers: [])
    ledger = reproduce.reproduce("quick", ("classifier", "grokking"), out=new_folder(tmp_path / "out"))
    assert "made up" in ledger.failures["grokking"]
    assert ledger["C1"].verdict != NOT_TESTED
    assert ledger["C5"].verdict == NOT_TESTED
    assert "made up" in (tmp_path / "out" / "report.html").read_text()


def test_strange_names_are_escaped_in_the_report(tmp_path):
    figure = tmp_path / "f.png"
    image.imsave(figure, np.random.default_rng(0).random((4, 4)))
    judgement = Judgement(load_claims()["C1"], (gather("<script>alert(1)</script>", [1.0], lambda v: True),))
    ledger = Ledger((judgement,), {"seeds": [0], "<b>": "<i>"}, {"<u>": "<script>"})
    write_report(tmp_path / "r.html", ledger, [Drawn("classifier", "f", "a <caption> with \" quotes & signs", figure)])
    check_report(tmp_path / "r.html")


def test_the_peak_is_found_between_bins():
    edges = np.linspace(0.4, 1.79, 41)
    S = (edges[1:] + edges[:-1]) / 2
    assert peak(edges, -((S - 1.234) ** 2)) == pytest.approx(1.234)
    assert peak(edges, S) == S[-1]


@pytest.mark.parametrize(("settings", "message"), [
    ({"size": "quik"}, "did you mean 'quick'"), ({"experiments": ("groking",)}, "did you mean 'grokking'"),
    ({"seed": -1}, "seed is -1"), ({"workers": 0}, "workers is 0")])
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        reproduce.reproduce(**settings)
