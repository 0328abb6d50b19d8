"""The pages of bench/api_docs.py: built without a warning, whole, and loading nothing from elsewhere."""

import html.parser
import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import minigrok

ROOT = Path(__file__).parent.parent
SOURCE = re.compile(r"<pre><span></span><span id=.*?</pre>", re.DOTALL)
MARKUP = re.compile(r"^ *\d\. |[\s`*():-]+|\[\d+\]_?|^ *\.\. ", re.MULTILINE)      # what a page shows by other means
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    pytest.importorskip("pdoc")
    out = tmp_path_factory.mktemp("built") / "docs"
    run = subprocess.run([sys.executable, "-W", "error", str(ROOT / "bench" / "api_docs.py"), "--out", str(out)],
                         capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert not [path for path in out.rglob("*.*") if str(ROOT) in path.read_text(encoding="utf-8")]
    return {str(path.relative_to(out)): SOURCE.sub("", path.read_text()) for path in out.rglob("*.html")}


class Page(html.parser.HTMLParser):
    """What a page loads, and the words on it."""

    def __init__(self, page):
        super().__init__()
        self.loaded, self.words, self.within = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.within = tag
        self.loaded += [value for name, value in attributes if name == LOADS.get(tag)]

    def handle_endtag(self, tag):
        self.within = ""

    def handle_data(self, data):
        if self.within in ("script", "style"):
            self.loaded += re.findall(r"(?:@import|url\(|import\(|fetch\(|src ?=)\s*[\"']?([^\"')]+)", data)
        else:
            self.words.append(data)


def rooms():
    return [room.name for room in pkgutil.walk_packages(minigrok.__path__, "minigrok.") if "__main__" not in room.name]


def test_every_room_has_a_page(pages):
    assert {f"{name.replace('.', '/')}.html" for name in ["minigrok", *rooms()]} | {"index.html"} == set(pages)


def test_every_public_name_stands_on_the_first_page(pages):
    page = pages["minigrok.html"]
    for name in minigrok.__all__:
        assert f'id="{name}"' in page or f'href="minigrok/{name}.html"' in page, name


def test_no_page_loads_anything_from_elsewhere(pages):
    for name, page in pages.items():
        assert [target for target in Page(page).loaded if re.match(r"(https?:)?//", target)] == [], name


def test_a_page_says_all_that_its_docstrings_say(pages):
    for name in ["minigrok", *rooms()]:
        words = MARKUP.sub("", "".join(Page(pages[f"{name.replace('.', '/')}.html"]).words))
        room = import_module(name)
        here = [key for key, value in vars(room).items() if key[0] != "_" and inspect.getmodule(value) is room]
        public = [getattr(room, key) for key in getattr(room, "__all__", here)]
        for thing in [room, *(value for value in public if inspect.isfunction(value) or inspect.isclass(value))]:
            for line in inspect.cleandoc(thing.__doc__ or "").splitlines():
                assert MARKUP.sub("", html.unescape(line)) in words, (name, thing, line)


def test_types_are_called_what_the_source_calls_them(pages):
    assert "ArrayLike" in pages["minigrok.html"]
    assert not [name for name, page in pages.items() if "numpy._typing" in page]
