"""The house: imports point down, files and functions stay small, what is public is documented."""

import ast
import configparser
import io
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import minigrok

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "minigrok").rglob("*.py"))
# From the ground up; a room may import from rooms before it, and from its own.
ROOMS = ["version", "jit", "checks", "kernels", "fast", "grams", "checkpoint", "density", "accumulator", "metrics",
         "gradients", "tasks", "mlp", "optimizers", "schedules", "fused", "history", "keeping", "recording",
         "training", "stopping", "ensemble", "walk", "dos", "walker", "wanglandau", "exact", "systems", "states",
         "plots", "showing", "landscape_plots", "runs", "study", "course", "cli", "__init__", "__main__"]
# The textbook is the ground floor, all rooms below `states`, but for what the course does not read: a number, machine
# code for speed alone, many runs at once, and answers that the sampler is held to
NOT_READ = {"version", "fast", "fused", "ensemble", "exact"}
TEXTBOOK = {room for room in ROOMS[: ROOMS.index("states")] if room not in NOT_READ}
# What the README calls an evening's reading, with the rooms into which `training` and `wanglandau` are divided
EVENING = {"density", "metrics", "mlp", "optimizers", "recording", "training", "walk", "dos", "walker", "wanglandau"}
TEXTBOOK_LINES, EVENING_LINES = 2500, 1200               # as `lines_of_code` counts them
LONG_FUNCTIONS = {
    "walk_loop": "the one loop that is hot: its branches share the walk's local variables",
}
LONG_FILES = {}                                          # name -> reason; none so far


def room(path):
    return room_of(dotted_name(path).split("."))


def room_of(names):
    """The first name below minigrok; but `fast.fused` is above the nets that it trains, the rest of `fast` below."""
    return "fused" if names[1:3] == ["fast", "fused"] else names[1] if len(names) > 1 else "__init__"


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minigrok"):
            if node.module == "minigrok":
                yield from (f"minigrok.{alias.name}" for alias in node.names)
            else:
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("minigrok"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    if room(path) == "__init__":
        return                                           # the public face re-exports everything, lazily
    for name in imports(ast.parse(path.read_text())):
        target = room_of(name.split("."))
        assert ROOMS.index(target) <= ROOMS.index(room(path)), f"{path.name} imports {name}, which is above it"


def test_imports_run_in_no_circle():
    """Also within one room, and by relative imports, which the other test does not read."""
    modules = {dotted_name(path): path for path in SOURCES}
    graph = {}
    for module, path in modules.items():
        tree = ast.parse(path.read_text())
        relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
        assert not relative, f"{path.name} imports relatively: write from minigrok"
        if module != "minigrok":
            graph[module] = {nearest(name, modules) for name in names_imported(tree)} - {module}
    TopologicalSorter(graph).prepare()                   # CycleError names the circle


def dotted_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def names_imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "minigrok":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    yield from imports(tree)


def nearest(name, modules):
    """The module that `name`, itself or an object in one, comes from."""
    return name if name in modules else name.rpartition(".")[0]


def is_overload(node):
    return any(getattr(decorator, "id", "") == "overload" for decorator in getattr(node, "decorator_list", []))


def length_of(function):
    """Its lines from `def` on, comments and blanks among them, but without its docstring."""
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function):
        length -= function.body[0].end_lineno - function.body[0].lineno + 1
    return length


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small_and_public_ones_documented(path):
    """At most 300 lines a file, all of them counted, and 40 a function, as `length_of` counts them."""
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 300 or path.name in LONG_FILES
    assert path.name == "__init__.py" or ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = length_of(node)
            assert (length > 40) == (node.name in LONG_FUNCTIONS), f"{node.name} has {length} lines"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            assert room(path) == "cli", "print belongs to the command line"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not is_overload(node):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def lines_of_code(path):
    """Lines on which any code stands, imports and closing brackets too; a comment behind code makes none less or more.

    Not counted are blank lines, lines with a comment alone, and the docstrings of modules, classes and functions (of
    which a plain count of lines that are not blank sees about half as many again).
    """
    text = path.read_text()
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_the_textbook_can_be_read():
    """Fewer than TEXTBOOK_LINES lines of code, as `lines_of_code` counts them, in all rooms of TEXTBOOK together."""
    count = {path: lines_of_code(path) for path in SOURCES}
    assert sum(lines for path, lines in count.items() if room(path) in TEXTBOOK) < TEXTBOOK_LINES
    assert sum(lines for path, lines in count.items() if room(path) in EVENING) < EVENING_LINES


def test_a_type_checker_sees_the_public_names_that_there_are_each_from_its_home():
    tree = ast.parse((ROOT / "minigrok" / "__init__.py").read_text())
    block, = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imported = [(alias.name, alias.asname, node.module) for node in block.body for alias in node.names]
    homes = [(name, name, f"minigrok.{home}") for name, home in minigrok._HOME.items()]
    assert sorted(imported) == sorted(homes + [(name, name, "minigrok") for name in minigrok._MODULES])


def test_setup_cfg_lists_all_packages():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    listed = set(settings["options"]["packages"].split())
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES if path.name == "__init__.py"}
    found |= {".".join(["minigrok_tutorials", *path.parent.relative_to(ROOT / "tutorials").parts])
              for path in (ROOT / "tutorials").rglob("__init__.py")}
    assert listed == found


def test_no_file_names_a_path_of_a_machine():
    garden = [path for folder in ("tests", "tutorials", "bench", ".ci") for path in (ROOT / folder).rglob("*")]
    for path in [*ROOT.glob("*.*"), *SOURCES, *garden]:
        if path.is_file() and path != Path(__file__) and path.suffix not in (".pyc", ".png", ".pdf", ".npz", ".gz"):
            text = path.read_text()
            for place in ("/" + "work/", "/" + "tmp/", "/" + "root/", "/" + "home/"):
                assert place not in text, f"{path.name} names {place}"
