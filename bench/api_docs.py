"""The documentation of every public name and room, built by pdoc from the docstrings: `python bench/api_docs.py`.

The pages go to build/docs; build/docs/index.html is the first. They load nothing from elsewhere. A warning ends it.
It needs `pip install -e '.[docs]'`. Sphinx takes |rho| for a substitution and a source that no sentence cites for a
mistake; pdoc takes our docstrings as they are, but for what is mended here:

- names that are imported lazily, and rooms, are listed, for pdoc looks for `__all__` alone;
- a comment behind a field or a constant is its documentation, as it is for whoever reads the file;
- sources that no sentence cites stay, and <a| is no HTML;
- types are called what the source calls them.
"""

import argparse
import inspect
import io
import pkgutil
import re
import shutil
import tokenize
import types
import warnings
from importlib import import_module
from pathlib import Path

import minigrok

try:
    import jinja2
    import pdoc
except ImportError:
    raise SystemExit("the documentation needs pdoc: pip install -e '.[docs]'") from None
from numpy.typing import ArrayLike, DTypeLike

ROOT = Path(minigrok.__file__).parent.parent
OUT = Path(__file__).parent.parent / "build" / "docs"
FACES = ("minigrok", "minigrok.tasks", "minigrok.systems")         # packages that re-export
TYPES = {"ArrayLike": ArrayLike, "DTypeLike": DTypeLike} | {
    name: getattr(import_module("minigrok.checks"), name)
    for name in ("FloatArray", "IntArray", "BoolArray", "InexactArray")}
# A formula of 120 columns has room on a wide screen
WIDE = "@media (min-width: 770px) { main { width: calc(72rem + var(--sidebar-width)) } }"
NO_DOCUMENTATION = ("noqa", "type:")


def main() -> None:
    """Build the pages; an exception if there is a warning."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="(default: build/docs); is replaced")
    out = parser.parse_args().out
    warnings.simplefilter("error")
    for name in FACES:
        list_all(import_module(name))
    mend_pdoc()
    shutil.rmtree(out, ignore_errors=True)
    pdoc.render.configure(docformat="numpy", footer_text=f"minigrok {minigrok.__version__}")
    pdoc.render.env.loader = jinja2.ChoiceLoader([jinja2.DictLoader({"custom.css": WIDE}), pdoc.render.env.loader])
    pdoc.pdoc("minigrok", output_directory=out)
    for page in (*out.rglob("*.html"), *out.rglob("*.js")):            # a constant may hold the builder's folder
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(str(ROOT), ""), encoding="utf-8")
    print(f"{sum(1 for _ in out.rglob('*.html'))} pages; the first is {out / 'index.html'}")


def list_all(package: types.ModuleType) -> None:
    """Put what the package re-exports, and its rooms, into its `__all__`; say on its page what each room is for."""
    names = getattr(package, "__all__", None) or [
        name for name, value in vars(package).items() if name[0] != "_" and not isinstance(value, types.ModuleType)]
    for name in names:
        getattr(package, name)                           # what is imported lazily is there from now on
    rooms = sorted(room.name for room in pkgutil.iter_modules(package.__path__) if room.name != "__main__")
    package.__all__ = [*names, *(room for room in rooms if room not in names)]
    package.__doc__ = f"{inspect.getdoc(package)}\n\nIts rooms:\n\n" + "\n".join(
        f"- `{package.__name__}.{room}`: {_first_sentence(import_module(f'{package.__name__}.{room}'))}"
        for room in rooms)


def _first_sentence(module: types.ModuleType) -> str:
    return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())


def mend_pdoc() -> None:
    """Put our own step before or behind four of pdoc's."""
    convert, walk, shorten = pdoc.docstrings.convert, pdoc.doc_ast.walk_tree, pdoc.doc._remove_collections_abc
    pdoc.docstrings.convert = lambda docstring, *how: without_html(convert(with_sources(docstring), *how))
    pdoc.doc_ast.walk_tree = lambda thing: with_comments(thing, walk(thing))
    pdoc.doc._remove_collections_abc = lambda text: with_short_types(shorten(text))


def with_sources(docstring: str) -> str:
    """Sources as a list, for pdoc drops a footnote that is not cited.

    >>> with_sources("as in [1]_.\\n\\n.. [1] A. Renyi, 1961.")
    'as in [1].\\n\\n- [1] A. Renyi, 1961.'
    """
    return re.sub(r"\[(\d+)\]_", r"[\1]", re.sub(r"^( *)\.\. (?=\[\d+\] )", r"\1- ", docstring, flags=re.MULTILINE))


def without_html(markdown: str) -> str:
    """A < that would begin a tag, outside of code, as the sign that it is."""
    chunks = markdown.split("\n\n")
    for i, chunk in enumerate(chunks):
        if not chunk.startswith("    "):                 # else it is code
            words, shell, code = chunk.partition(">>>")
            parts = re.split(r"(`[^`]*`)", words)
            parts[::2] = [re.sub(r"<(?=[a-zA-Z/!])", "&lt;", part) for part in parts[::2]]
            chunks[i] = "".join(parts) + shell + code
    return "\n\n".join(chunks)


def with_comments(thing: object, found: pdoc.doc_ast.AstInfo) -> pdoc.doc_ast.AstInfo:
    """Add the comments behind the assignments of a module or a class to the documentation of its variables."""
    comments = comments_of(pdoc.doc_ast.get_source(thing))
    for node in pdoc.doc_ast.parse(thing).body:
        target = getattr(node, "target", None) or (getattr(node, "targets", None) or [None])[0]
        if hasattr(target, "id") and node.end_lineno in comments:
            found.var_docstrings.setdefault(target.id, comments[node.end_lineno])
    for name in getattr(thing, "_fields", ()) if isinstance(thing, type) else ():
        vars(thing).get(name, types.SimpleNamespace()).__doc__ = ""         # not "Alias for field number 3"
    return found


def comments_of(source: str) -> dict[int, str]:
    """Line -> the comment behind its code, with what stands below it at the same column."""
    lines, comments, last = source.splitlines(), {}, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        (line, column), words = token.start, re.sub(r" {2,}", "; ", token.string.lstrip("# "))
        if lines[line - 1][:column].strip():
            begin, last = line, (line, column)
            if not words.startswith(NO_DOCUMENTATION):
                comments[begin] = words
        elif last == (line - 1, column) and begin in comments:
            comments[begin] += f" {words}"
            last = (line, column)
    return comments


def with_short_types(text: str) -> str:
    """NumPy's array types by the names that `minigrok.checks` has for them."""
    text = text.replace("typing.", "")
    for name, meaning in TYPES.items():
        written = inspect.formatannotation(meaning).replace("typing.", "")
        if written.startswith("Union["):                 # it may have None as a further member
            text = text.replace(written[:-1], f"Union[{name}")
        text = text.replace(written, name)
    return re.sub(r"Union\[(\w+)\]", r"\1", re.sub(r"Union\[(\w+), None(Type)?\]", r"\1 | None", text))


if __name__ == "__main__":
    main()
