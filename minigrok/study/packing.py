"""Results as a structure for JSON beside plain arrays, and back, equal to the bit: what pickles do, without their risk.

Of classes a structure holds names only, and none but the records of minigrok (named tuples and frozen dataclasses at
the top level of its modules) are ever made, field by field, without running their code. A job's setting, which may
hold functions, is not written: where a result refers to it there is a reference, and `canonical` tells settings apart.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from importlib import import_module
from inspect import ismethod
from typing import Any

import numpy as np

from minigrok.checkpoint import Arrays

NUMBERS = "biufcmM"            # kinds of NumPy scalars that are written as their bytes


def pack(value: Any, setting: Any = None) -> tuple[Any, Arrays]:
    """A value as a structure for JSON and the arrays that it refers to.

    Takes None, bool, int, float, str, NumPy's scalars and arrays, tuples, lists, dicts with str keys, and records of
    minigrok; a record or partial that is, or equals, the `setting` becomes a reference to it.

    Raises
    ------
    ValueError
        For anything else, with its place in the value.

    Examples
    --------
    >>> pack({"S": np.array([1.5]), "p": (97, math.inf)})
    ({'dict': [['S', {'array': '0'}], ['p', {'tuple': [97, {'float': '000000000000f07f'}]}]]}, {'0': array([1.5])})
    """
    arrays: Arrays = {}
    return _Packer(setting, arrays).pack(value, "result"), arrays


def unpack(structure: Any, arrays: Mapping[str, Any], setting: Any = None) -> Any:
    """What `pack` took.

    Raises
    ------
    ValueError, LookupError, TypeError
        For what `pack` has not made, and for records whose class is gone or has other fields now.
    """
    if structure is None or isinstance(structure, bool | int | float | str):
        return structure
    (kind, inside), = dict(structure).items()
    if kind == "setting":
        return setting
    if kind == "array":
        return arrays[inside]
    if kind == "float":
        return float(np.frombuffer(bytes.fromhex(inside), "<f8")[0])
    if kind == "number":
        return np.frombuffer(bytes.fromhex(inside[1]), np.dtype(inside[0]))[0]
    if kind == "text":
        return np.str_(inside)
    if kind in ("list", "tuple"):
        values = [unpack(inner, arrays, setting) for inner in inside]
        return values if kind == "list" else tuple(values)
    if kind == "dict":
        return {str(name): unpack(inner, arrays, setting) for name, inner in inside}
    if kind == "record":
        return _record(_class_of(inside[0]), {name: unpack(inner, arrays, setting) for name, inner in inside[1]})
    raise ValueError(f"{kind!r} is no kind of value")


def canonical(value: Any) -> str:
    """A text that is the same in any process for equal settings, and differs for others.

    Records and partials are taken apart, functions and classes go by their names.

    Raises
    ------
    ValueError
        For what has no such text: lambdas, methods, objects of other kinds.

    Examples
    --------
    >>> canonical((0.1, partial(max, 1, key=abs)))
    'tuple(0.1, partial(builtins.max, 1, key=builtins.abs))'
    """
    if value is None or type(value) in (bool, int, float, str):
        return repr(value)
    if type(value) in (tuple, list):
        return f"{type(value).__name__}({', '.join(map(canonical, value))})"
    if type(value) is dict:
        return f"dict({', '.join(f'{canonical(name)}: {canonical(inner)}' for name, inner in value.items())})"
    if isinstance(value, partial):
        named = [f"{name}={canonical(inner)}" for name, inner in sorted(value.keywords.items())]
        return f"partial({', '.join([canonical(value.func), *map(canonical, value.args), *named])})"
    if is_record(type(value)):
        return f"{_name_of(type(value))}({', '.join(f'{name}={canonical(v)}' for name, v in _members(value).items())})"
    if isinstance(value, np.generic | np.ndarray) and not value.dtype.hasobject:
        digest = hashlib.sha256(value.tobytes()).hexdigest()
        return f"{type(value).__name__}({value.dtype.str}, {value.shape}, {digest})"
    name = _name_of(value)
    if not callable(value) or ismethod(value) or "<" in name:
        raise ValueError(f"{value!r} cannot be part of a setting whose results are stored: use plain values, records, "
                         "partials, and functions at the top level of a module")
    return name


def is_record(kind: type) -> bool:
    """Whether a class is a named tuple or a frozen dataclass, and no subclass of one."""
    if issubclass(kind, tuple):
        return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")
    parameters = vars(kind).get("__dataclass_params__")
    return parameters is not None and bool(parameters.frozen)


class _Packer:
    """`pack`, with what all its levels share."""

    def __init__(self, setting: Any, arrays: Arrays) -> None:
        self.setting, self.arrays = setting, arrays
        refers = is_record(type(setting)) or isinstance(setting, partial)
        self.canonical = canonical(setting) if refers else None

    def pack(self, value: Any, place: str) -> Any:
        kind = type(value)
        if self.is_setting(value):
            return {"setting": None}
        if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
            return value
        if kind is float:
            return {"float": np.array(value, "<f8").tobytes().hex()}
        if kind is np.str_:
            return {"text": str(value)}
        if isinstance(value, np.generic) and value.dtype.kind in NUMBERS:
            return {"number": [value.dtype.str, value.tobytes().hex()]}
        if kind is np.ndarray and not value.dtype.hasobject:
            name = str(len(self.arrays))
            self.arrays[name] = value
            return {"array": name}
        if kind in (list, tuple):
            return {kind.__name__: [self.pack(inner, f"{place}[{i}]") for i, inner in enumerate(value)]}
        if kind is dict and all(type(name) is str for name in value):
            return {"dict": [[name, self.pack(inner, f"{place}[{name!r}]")] for name, inner in value.items()]}
        if is_record(kind):
            try:
                found = _class_of(_name_of(kind))
            except ValueError as problem:
                raise ValueError(f"{place} cannot be stored: {problem}") from None
            if found is kind:
                return {"record": [_name_of(kind), [
                    [name, self.pack(inner, f"{place}.{name}")] for name, inner in _members(value).items()]]}
        raise ValueError(f"{place} is of {kind}, which cannot be stored: use numbers, text, arrays, tuples, lists, "
                         "dicts with str keys, and named tuples and frozen dataclasses of minigrok")

    def is_setting(self, value: Any) -> bool:
        if self.canonical is None or type(value) is not type(self.setting):
            return False
        try:
            return value is self.setting or canonical(value) == self.canonical
        except ValueError:                               # another one, with what has no canonical form
            return False


def _class_of(name: str) -> Any:
    """The class of a record of minigrok; ValueError for any other name."""
    module, _, own_name = name.rpartition(".")
    if module.startswith("minigrok."):
        try:
            kind = getattr(import_module(module), own_name, None)
        except ImportError:
            kind = None
        if isinstance(kind, type) and is_record(kind) and _name_of(kind) == name:
            return kind
    raise ValueError(f"{name} is no named tuple or frozen dataclass at the top level of a module of minigrok")


def _record(kind: Any, members: Mapping[str, Any]) -> Any:
    """A record of these members, as it was; its own checks may have changed what was given, so they are not run."""
    names = _names(kind)
    if set(names) != set(members):
        raise ValueError(f"{_name_of(kind)} has the fields {', '.join(names)} now, but {', '.join(members)} there")
    if issubclass(kind, tuple):
        return kind._make(members[name] for name in names)
    record = object.__new__(kind)
    for name in names:
        object.__setattr__(record, name, members[name])
    return record


def _members(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _names(type(record))}


def _names(kind: Any) -> tuple[str, ...]:
    """Of the members of a record."""
    return tuple(kind._fields if issubclass(kind, tuple) else (field.name for field in fields(kind)))


def _name_of(value: Any) -> str:
    """Module and name of a class or function."""
    return f"{getattr(value, '__module__', None) or '<no module>'}.{getattr(value, '__qualname__', '<no name>')}"
