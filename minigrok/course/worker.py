"""The student's code in a process of its own: reads calls from stdin, one JSON text a line, and answers on stdout.

This file is run by itself, `python -u -P worker.py FILE FUNCTION FOLDER...`, and imports nothing of minigrok, from
which no answer may be taken: the names in HIDDEN cannot be imported, and files below the FOLDERs cannot be opened.
That keeps honest work honest; it is no sandbox against hostile code, which can do whatever its user can.

    in     {"arguments": [VALUE, ...]}
    out    {"kind": "ready"} once, when FILE has been read, then one for each call; see `call`

Values travel as JSON, never as pickles: numbers, text, None, lists and tuples as they are, arrays by their bytes.
"""

import ast
import base64
import contextlib
import json
import os
import sys
import tokenize
import types
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HIDDEN = ("minigrok", "minigrok_tutorials")
MEMORY, CPU_SECONDS, LARGEST_FILE = 2 * 2**30, 120, 2**26      # bytes of memory; a backstop; bytes
LARGEST_ARRAY = 10_000_000     # entries of an answer
Reply = dict[str, Any]


class Source(NamedTuple):
    """A function to be handed to the student's code as an argument: the text of its `def`; NumPy is there as np."""

    name: str
    text: str


class RefusedError(ImportError):
    """The answer was to be taken from minigrok."""


class NoValueError(TypeError):
    """An answer that is neither number, array, text, None nor a list or tuple of these."""


def encode(value: Any) -> Any:
    """A value as what JSON can hold; NoValueError for what does not travel."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, Source):
        return {"source": list(value)}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [encode(inner) for inner in value]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.size <= LARGEST_ARRAY:
        data = base64.b64encode(np.asarray(value).tobytes()).decode()
        return {"array": value.dtype.str, "shape": list(value.shape), "bytes": data}
    what = f" of dtype {value.dtype} and shape {value.shape}" if isinstance(value, np.ndarray) else ""
    raise NoValueError(type(value).__name__ + what)


def decode(value: Any) -> Any:
    """What `encode` encoded; a `Source` becomes the function that it defines."""
    if not isinstance(value, dict):
        return value
    if "complex" in value:
        return complex(*value["complex"])
    if "array" in value:
        data = base64.b64decode(value["bytes"])
        return np.frombuffer(data, value["array"]).reshape(value["shape"]).copy()
    if "source" in value:
        name, text = value["source"]
        namespace: dict[str, Any] = {"np": np}
        exec(compile(text, "<given function>", "exec"), namespace)          # the course's own text
        return namespace[name]
    if "list" in value:
        return [decode(inner) for inner in value["list"]]
    return tuple(decode(inner) for inner in value["tuple"])


def call(function: Callable[..., Any], encoded: Sequence[Any], file: str = "", text: str = "") -> Reply:
    """Call a function on encoded arguments and say what came of it.

    {"kind": "answer", "value": VALUE}; "raised" with "type", "message" and, if the error passed through `file`, "line"
    and its "text"; "not written" for a NotImplementedError; "refused"; "memory"; "exited" with "code"; "mutated" with
    the index of the "argument" that it changed; "no value" with the "type" of an answer that does not travel.
    """
    arguments = [decode(value) for value in encoded]
    try:
        answer = encode(function(*arguments))
    except NoValueError as error:
        return {"kind": "no value", "type": str(error)}
    except BaseException as error:                       # whatever the student's code does, it is told, not suffered
        return _what_was_raised(error, file, text)
    for index, (argument, before) in enumerate(zip(arguments, encoded, strict=True)):
        if not callable(argument) and encode(argument) != before:
            return {"kind": "mutated", "argument": index}
    return {"kind": "answer", "value": answer}


def _what_was_raised(error: BaseException, file: str, text: str) -> Reply:
    if isinstance(error, NotImplementedError):
        return {"kind": "not written"}
    if isinstance(error, MemoryError):
        return {"kind": "memory"}
    if isinstance(error, SystemExit):
        return {"kind": "exited", "code": str(error.code)}
    hidden = getattr(error, "name", None) if isinstance(error, ImportError) else None
    if isinstance(error, RefusedError) or (hidden or "").split(".")[0] in HIDDEN:
        return {"kind": "refused"}
    in_file = isinstance(error, SyntaxError) and error.filename == file
    message = str(error.msg if isinstance(error, SyntaxError) else error)[:500]
    reply: Reply = {"kind": "raised", "type": type(error).__name__, "message": message}
    line = error.lineno if isinstance(error, SyntaxError) and in_file else _line_in(error, file)
    if line is not None:
        lines = text.splitlines()
        reply |= {"line": line, "text": lines[line - 1].strip() if line <= len(lines) else ""}
    return reply


def _line_in(error: BaseException, file: str) -> int | None:
    """The line of `file` in which an error arose, or through which it passed last."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


class _Hidden(types.ModuleType):
    """What stands in sys.modules for a module from which nothing may be taken."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):                        # libraries look through all modules for these
            raise AttributeError(name)
        raise RefusedError(f"{self.__name__}.{name}")


class _Watch:
    """Refuses the hidden modules and the files below the hidden folders, and remembers that it did."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders, self.refused = [os.path.realpath(folder) + os.sep for folder in folders], False

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """The import system asks here first."""
        if name.split(".")[0] in HIDDEN:
            self.refused = True
            raise RefusedError(name)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python tells here of every file that it is about to open."""
        if event != "open" or not isinstance(arguments[0], str | bytes):         # bytes too; else the number of a file
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(tuple(self.folders)) and path != os.path.realpath(__file__):      # which Hypothesis reads
            self.refused = True
            raise RefusedError(path)


def load(file: str, text: str, function: str) -> Callable[..., Any] | None:
    """Run the student's file and return its function, None where it defines none of that name."""
    tree = ast.parse(text, file)
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] in HIDDEN for name in names):
            raise RefusedError(ast.unparse(node))
    module = types.ModuleType(Path(file).stem)
    module.__file__ = file
    sys.modules[module.__name__] = module                # dataclasses and Hypothesis look a module up by its name
    exec(compile(tree, file, "exec"), module.__dict__)
    found = module.__dict__.get(function)
    return found if callable(found) else None


def _short_warning(student: str) -> Callable[..., None]:
    """What prints a warning without the path, in the student's own file with its line."""
    def show(message: object, category: type[Warning], file: str, line: int, *rest: object) -> None:
        sys.stderr.write(f"{f'line {line}: ' if file == student else ''}{category.__name__}: {message}\n")

    return show


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):      # not on Windows; a limit that is lower already
        import resource

        for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS),
                            (resource.RLIMIT_FSIZE, LARGEST_FILE)):
            resource.setrlimit(limit, (most, most))


def main(file: str, function: str, *folders: str) -> None:
    """Serve calls until stdin ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)         # nobody answers an input()
    os.dup2(2, 1)                                        # what the student prints must not mix with the answers
    watch = _Watch(folders)
    sys.path.append(str(Path(file).parent))               # behind NumPy: a file called random.py does no harm
    sys.modules |= {name: _Hidden(name) for name in HIDDEN}
    sys.meta_path.insert(0, watch)
    text, student = "", None
    warnings.showwarning = _short_warning(file)
    _limit()
    sys.addaudithook(watch.audit)

    def reply(what: Reply) -> None:
        replies.write(json.dumps({"kind": "refused"} if watch.refused else what).encode() + b"\n")
        replies.flush()

    try:
        with tokenize.open(file) as source:
            text = source.read()
        student = load(file, text, function)
        ready: Reply = {"kind": "no function" if student is None else "ready"}
    except BaseException as error:
        ready = _what_was_raised(error, file, text)
    reply(ready)
    while student is not None and (line := requests.readline()):
        reply(call(student, json.loads(line)["arguments"], file, text))


if __name__ == "__main__":
    main(*sys.argv[1:])
