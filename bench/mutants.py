"""The mutants of a file: cosmic-ray's, but for those that change no compiled code, types, or bits between numbers.

A mutant is one operator, number, condition, loop or decorator changed (Jia and Harman, 2011, IEEE Trans. Softw. Eng.
37, 649, section 2). `function_of` says which can be put into a module that is loaded already.
"""

import ast
from collections import Counter
from pathlib import Path
from types import CodeType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CO_NEWLOCALS = 0x2             # not a class body
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow")
ORDER = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
OPERATORS = [
    *(f"ReplaceBinaryOperator_{a}_{b}" for a in ARITHMETIC for b in ARITHMETIC if a != b),
    "ReplaceBinaryOperator_BitOr_BitAnd", "ReplaceBinaryOperator_BitAnd_BitOr",
    *(f"ReplaceComparisonOperator_{a}_{b}" for a in ORDER for b in ORDER if a != b),
    "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Invert", "ReplaceUnaryOperator_Delete_Not",
    "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer", "RemoveDecorator",
    "ZeroIterationForLoop"]


class Mutant(NamedTuple):
    """One change of one file."""

    file: str
    line: int
    operator: str
    before: str
    after: str
    nth: int                   # among those of this file that look alike
    source: str


def mutants(name: str) -> list[Mutant]:
    """All of a file."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    path = ROOT / "minigrok" / f"{name}.py"
    source = path.read_text()
    whole = compile(source, "it", "exec")
    annotated = spans_of_annotations(source)
    found, alike = [], Counter()
    nodes = list(ast_nodes(get_ast(source)))
    for operator_name in OPERATORS:
        operator = get_operator(f"core/{operator_name}")()
        places = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (begin, _) in enumerate(places):
            if any(first <= begin < last for first, last in annotated):
                continue
            try:
                changed = mutate_code(source, operator, occurrence)
            except AttributeError:                       # cosmic-ray cannot change `except module.Error`
                continue
            if same_code(whole, changed):
                continue
            line = (operator_name, *first_difference(source, changed))
            found.append(Mutant(name, begin[0], *line, alike[line], changed))
            alike[line] += 1
    return sorted(found, key=lambda mutant: mutant.line)


def spans_of_annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where types stand."""
    tree = ast.parse(source)
    kinds = [getattr(node, field, None) for node in ast.walk(tree) for field in ("annotation", "returns")]
    aliases = [node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)
               and isinstance(node.value.op, ast.BitOr)]
    return [((kind.lineno, kind.col_offset), (kind.end_lineno, kind.end_col_offset))
            for kind in [*kinds, *aliases] if kind is not None]


def same_code(whole, changed: str) -> bool:
    """Whether a text compiles to what the unchanged one does."""
    try:
        return compile(changed, "it", "exec") == whole
    except SyntaxError:                                  # no mutant of the program
        return True


def first_difference(before: str, after: str) -> tuple[str, str]:
    """The lines in which two texts differ first, stripped."""
    pairs = zip([*before.splitlines(), ""], [*after.splitlines(), ""], strict=False)
    old, new = next(pair for pair in pairs if pair[0] != pair[1])
    return old.strip(), new.strip()


def function_of(source: str, line: int) -> tuple[str, int] | None:
    """The function whose body has this line, by qualified name and first line; None if it is a module's or class's own.

    Defaults and decorators are not the body: they are evaluated where the function stands.
    """
    starts = {min([node.lineno, *(each.lineno for each in node.decorator_list)]): (node.body[0].lineno, node.end_lineno)
              for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    for code in functions(compile(source, "it", "exec")):
        first, last = starts[code.co_firstlineno]
        if first <= line <= last:
            return code.co_qualname, code.co_firstlineno
    return None


def functions(code: CodeType) -> list[CodeType]:
    """Functions and methods of a module; what stands in one is part of it."""
    found = []
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and not inner.co_name.startswith("<"):
            found += [inner] if inner.co_flags & CO_NEWLOCALS else functions(inner)
    return found


def with_inner(code: CodeType) -> list[CodeType]:
    """A function and what it defines."""
    return [code, *(each for inner in code.co_consts if isinstance(inner, CodeType) for each in with_inner(inner))]
