"""report.html on made-up ledgers: its structure, its words, its colours, its escapes."""

import base64
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import image

from minigrok.study.animation import DrawnFilm
from minigrok.study.claims import DEPENDS, NOT_REPRODUCED, NOT_TESTED, REPRODUCED, Judgement, load_claims
from minigrok.study.evidence import read
from minigrok.study.figures import Drawn
from minigrok.study.ledger import Finding, Ledger
from minigrok.study.report import write_report
from minigrok.study.report_style import BACKGROUNDS, CLASSES, LINES, MARKS, ORNAMENTS, STYLE, TEXT

VOID = {"meta", "img", "br"}
AXES = {"data": ("moons", "blobs", "circles"), "inputs": ("2", "8", "20"), "activation": ("tanh", "relu"),
        "learning rate": ("0.03", "0.3")}


class Outline(HTMLParser):
    """Tags, their attributes and the text of a page; fails on a tag that is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    def all(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]


def made_up_readings(rng, chance, seeds=5, centre=1.2):
    """One reading for each choice on all axes and in two conventions; `chance(axes)` is that of meeting the test."""
    readings = []
    for choice in np.ndindex(*map(len, AXES.values())):
        axes = {axis: levels[i] for (axis, levels), i in zip(AXES.items(), choice, strict=True)}
        for convention in ("trace", "centered"):
            met = rng.random(seeds) < chance(axes)
            values = centre + 0.2 * rng.normal(size=seeds) * np.where(met, -1, 1)
            readings.append(read(
                axes | {"convention": convention}, values, lambda value, values=values, met=met: bool(
                    met[list(values).index(value)]), str(choice), convention == "trace"))
    return tuple(readings)


def made_up_ledger(**more):
    """A ledger with every verdict, a value row, a rival, findings and a leader board."""
    claims, rng = load_claims(), np.random.default_rng(0)
    often, never = (lambda axes: 0.97), (lambda axes: 0.0)
    on_data = lambda axes: {"moons": 0.9, "blobs": 0.6, "circles": 0.1}[axes["data"]]           # noqa: E731
    few = tuple(read({"task": task}, [0.4, 0.5], lambda value: value > 0.45, task) for task in ("moons", "blobs"))
    judgements = (
        Judgement(claims["C1"], made_up_readings(rng, on_data), note="three data sets stand for all"),
        Judgement(claims["C1"], made_up_readings(rng, never), "value"),
        Judgement(claims["C2"], made_up_readings(rng, often)), Judgement(claims["C3"], made_up_readings(rng, never)),
        Judgement(claims["C4a"], few), Judgement(claims["C12"]),
        Judgement(claims["R1"], made_up_readings(rng, on_data)))
    settings = {"size": "quick", "seeds": [0, 1, 2], "configurations": 24, "versions": {"python": "3.11", "numpy": "2"}}
    whole = {
        "judgements": judgements, "settings": settings,
        "findings": (Finding("S is no handle", "Pushed up or down, grokking came at the same epoch.",
                             "minigrok reproduce --claim C12"),),
        "board": ({"quantity": "share of the answer", "AUC": 0.98123, "AUC, 95 %": (0.95, 1.0), "time left": None},
                  {"quantity": "S", "AUC": 0.52, "AUC, 95 %": (0.41, 0.63), "time left": -0.1})}
    return Ledger(**whole | more)


def made_up_figures(folder):
    """Pictures of noise, one wide: of two claims, of one and of none."""
    drawn = []
    for stem, claims, width in (("curve", ("C1", "C2"), 900), ("narrow", ("R1",), 300), ("of-runs", (), 900)):
        png = folder / f"{stem}.png"
        image.imsave(png, np.random.default_rng(0).random((100, width)))
        drawn.append(Drawn("classifier", stem, f"Noise of {width} columns, for a test.", png, claims))
    return drawn


def made_up_film(folder):
    for name in ("film", "strip"):
        image.imsave(folder / f"{name}.png", np.random.default_rng(1).random((90, 700)))
    return DrawnFilm(folder / "film.png", folder / "strip.png", "A run that memorises at epoch 90.")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_report(folder / "r.html", made_up_ledger(), made_up_figures(folder), made_up_film(folder))
    return (folder / "r.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def test_the_page_needs_nothing_from_outside_and_runs_nothing(page, outline):
    assert not outline.all("script", "iframe", "link", "object")
    assert not re.search(r'(src|href|srcset)="(?!data:|#)', page)
    assert "url(" not in page
    assert "@import" not in page
    assert not [attribute for _, attributes in outline.tags for attribute in attributes if attribute.startswith("on")]


def test_links_lead_to_places_on_the_page_and_names_are_given_once(outline):
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for attributes in outline.all("a")} <= set(ids)
    assert {"ledger", "claim-C1", "row-C1-value", "claim-R1", "settings"} <= set(ids)


def test_headings_go_down_one_level_at_a_time_below_one_title(outline):
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_the_ledger_comes_before_everything_but_the_question(page):
    order = ["What is quantum here", 'id="ledger"', 'id="found"', 'id="film"', 'id="claims"', 'id="claim-C1"',
             'id="claim-R1"', 'id="board"', 'id="rules"', 'id="tests"', 'id="methods"', 'id="settings"']
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    assert outline_of_ledger(page).count("row-") == 7


def outline_of_ledger(page):
    return page[page.index('<h2 id="ledger"') : page.index('<h2 id="found"')]


def test_tables_have_captions_and_their_headers_a_scope(outline):
    assert len(outline.all("caption")) == len(outline.all("table")) >= 10
    assert all(attributes.get("scope") in ("row", "col") for attributes in outline.all("th"))


def test_every_picture_has_words_a_size_and_is_shown_once(page, outline):
    pictures = outline.all("img")
    assert len(pictures) == 5                            # the figure of two claims once, and linked from the second
    assert 'href="#figure-curve"' in page[page.index('id="claim-C2"') :]
    for attributes in pictures:
        assert len(attributes["alt"]) > 20
        png = image.imread(io.BytesIO(base64.b64decode(attributes["src"].split(",")[1])))
        assert (int(attributes["height"]), int(attributes["width"])) == png.shape[:2]
    bars = [attributes for attributes in outline.all("svg") if "aria-hidden" not in attributes]
    assert len(bars) == 6                                # one a row with an admissible run
    assert all(re.search(r"\d+%, 95% interval \d+% to \d+%", attributes["aria-label"]) for attributes in bars)


def test_each_verdict_has_a_mark_of_its_own_beside_its_colour(page):
    assert len(set(MARKS.values())) == len(set(CLASSES.values())) == 4
    for verdict in (REPRODUCED, NOT_REPRODUCED, DEPENDS, NOT_TESTED):
        assert f"{MARKS[verdict]} {verdict}" in outline_of_ledger(page)
    assert f"{MARKS[DEPENDS]} {DEPENDS} on data" in outline_of_ledger(page)


def test_a_claim_says_its_rule_what_counts_what_decides_and_how_to_redo_it(page):
    section = page[page.index('id="claim-C1"') : page.index('id="claim-C2"')]
    for words in ("S at the stopping epoch is below S at epoch 0", "6 hidden neurons, two classes, SGD",
                  "the axes that decide", "moons:\u00a09", "Sensitivity: all 72 specifications",
                  "Three data sets stand for all.",
                  "Found by searching 72 specifications: the 3 nearest to the study", "S at the end",
                  "minigrok reproduce --claim C1 --quick<"):
        assert words in section
    assert "2 specifications one by one" in page[page.index('id="claim-C4a"') :]


def test_how_much_was_looked_at_and_how_reduced_it_was_is_said(page):
    counted = made_up_ledger().tests()
    for name, count in counted.items():
        assert f'<th scope="row">{name}</th><td>{count:,}</td>' in page
    assert "a reduced multiverse" in page
    assert '<th scope="row">versions: numpy</th><td>2</td>' in page
    assert '<th scope="row">share of the answer</th><td>0.981</td><td>0.95, 1</td><td>–</td>' in page


def test_without_film_findings_and_board_their_sections_are_left_out(tmp_path):
    bare = made_up_ledger(findings=(), board=(), settings={"size": "full"})
    write_report(tmp_path / "r.html", bare, [])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    names = {attributes["id"] for attributes in Outline(text).all("h2") if "id" in attributes}
    assert names.isdisjoint({"found", "film", "board", "runs"})
    assert "reduced multiverse, with" not in text


def test_what_failed_is_said_before_the_ledger(tmp_path):
    write_report(tmp_path / "r.html", made_up_ledger(failures={"grokking": "seed 3: made up"}), [])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert 0 < text.index("grokking: seed 3: made up") < text.index('<h2 id="ledger"')


def test_strange_names_are_escaped(tmp_path):
    image.imsave(tmp_path / "f.png", np.random.default_rng(0).random((4, 4)))
    evil = "<script>alert('1')</script> \" & <b>"
    judgement = Judgement(load_claims()["C1"], tuple(
        read({"<axis>": evil + level}, [1.0, 2.0], lambda value: value > 1.5, level) for level in "abc"), note=evil)
    ledger = Ledger((judgement,), {evil: evil, "versions": {evil: evil}}, {evil: evil},
                    (Finding(evil, evil, evil),), ({evil: evil},))
    write_report(tmp_path / "r.html", ledger, [Drawn("classifier", "f", evil, tmp_path / "f.png", ("C1",))])
    outline = Outline((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert not outline.all("script")
    assert "".join(outline.words).count(evil) >= 10


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_a_contrast_of_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("background", BACKGROUNDS.values())
def test_text_and_marks_can_be_told_from_every_background(background):
    for colour in TEXT.values():
        assert contrast(colour, background) >= 4.5
    for colour in LINES.values():
        assert contrast(colour, background) >= 3


def test_the_style_has_no_other_colours_uses_each_for_what_it_is_and_no_small_print():
    known = BACKGROUNDS | TEXT | LINES | ORNAMENTS
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", STYLE)) == set(known.values())
    assert set(re.findall(r"var\(--(\w+)\)", STYLE)) == set(known)
    assert set(re.findall(r"(?<![-\w])color: var\(--(\w+)\)", STYLE)) <= set(TEXT)
    assert set(re.findall(r"background: var\(--(\w+)\)", STYLE)) <= set(BACKGROUNDS)
    on_screen = STYLE[: STYLE.index("@page")]
    assert all(float(size) >= 1 for size in re.findall(r"font-size: ([\d.]+)rem", on_screen))
    assert all(float(size) >= 16 for size in re.findall(r"font-size: ([\d.]+)px", on_screen))


def test_motion_can_be_refused_and_is_never_printed():
    for condition in ("(prefers-reduced-motion: reduce)", "print"):
        block = STYLE[STYLE.index(f"@media {condition}") :]
        assert re.search(r"\.moving\s*{ display: none }", block)
    assert re.search(r"details::details-content", STYLE[STYLE.index("@media print") :])
    assert ":focus-visible" in STYLE
