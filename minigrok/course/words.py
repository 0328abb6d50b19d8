"""What the course says to a student, in lines that fit a terminal of 80 columns."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrok.course.exercises import Exercise, Lesson
from minigrok.course.laws import close
from minigrok.course.marking import NOT_STARTED, NOT_YET, PASSED, Mark, argument_names
from minigrok.course.worker import Source

WIDTH = 79
COLOURS = {PASSED: "32", NOT_YET: "33", NOT_STARTED: "2"}      # ANSI: green, yellow, faint
LINES_PRINTED = 6              # of what the student's code printed
NEARLY = 1e-5                  # relative difference of answers that look alike
MANY, EDGE = 40, 3             # entries from which on only the first and last ones of each axis are shown


def list_of(marks: Sequence[Mark], exercises: Mapping[str, Exercise], lessons: Sequence[Lesson], colour: bool) -> str:
    """One line a lesson, with how long it takes, and one an exercise, with its state."""
    lines = []
    for lesson in lessons:
        title = _shortened(f"Lesson {lesson.number}: {lesson.title}", WIDTH - 18)
        lines.append(_bold(f"{title:{WIDTH - 18}}  about {lesson.minutes:2} min", colour))
        for mark in marks:
            the = exercises[mark.name]
            if the.lesson == lesson.number:
                state, what = painted(mark.state, colour, 13), _shortened(the.purpose, WIDTH - 50)
                lines.append(f"  {mark.name:26}{state}{what:{WIDTH - 50}} {the.minutes:3} min")
    passed = sum(mark.state == PASSED for mark in marks)
    hours = sum(lesson.minutes for lesson in lessons) / 60
    lines.append(f"{passed} of {len(marks)} passed; all of it takes about {hours:.0f} hours")
    return "\n".join(lines)


def hint_of(the: Exercise, step: int) -> str:
    """One step of the hints, and how to get the next."""
    lines = textwrap.wrap(the.hints[step - 1], WIDTH, break_on_hyphens=False)
    if step < len(the.hints):
        lines.append(f"(plainer: minigrok course hint {the.name} {step + 1})")
    return "\n".join(lines)


def verdict(mark: Mark, the: Exercise, colour: bool) -> str:
    """What the marker has to say of one exercise."""
    lines = [f"{mark.name}: {painted(mark.state, colour)}"]
    if mark.state == NOT_STARTED:
        lines += _wrapped(f"Write {the.function} in exercises/{mark.name}.py: {the.purpose}.")
    elif mark.state == PASSED:
        lines += _wrapped(f"How we wrote it: minigrok course solution {mark.name}")
    elif mark.failure is not None:
        lines += failure_lines(mark, the)
        lines += _wrapped(f"A hint: minigrok course hint {mark.name}")
    if mark.printed.strip():
        printed = [part for line in mark.printed.strip().splitlines()
                   for part in textwrap.wrap(_harmless(line), WIDTH - 4, break_on_hyphens=False) or [""]]
        lines += ["", "  Printed while it was marked:", *(f"  | {line}" for line in printed[:LINES_PRINTED])]
        lines += ["  | ..."] if len(printed) > LINES_PRINTED else []
    return "\n".join(lines)


def failure_lines(mark: Mark, the: Exercise) -> list[str]:
    """The law that failed, on which input, what was expected; and what it looks like."""
    failure = mark.failure
    assert failure is not None
    lines = _wrapped(_sentence(failure.sentence, the.function))
    names = argument_names(the)
    for words, arguments in ((f"{the.function}({', '.join(names)}) with", failure.arguments),
                             ("and after the change with", failure.changed)):
        lines += _wrapped(words) if arguments else []
        for name, value in zip(names, arguments, strict=False):          # none, where that does not matter
            lines += _shown(f"    {name} = ", value)
    width = max(map(len, failure.shown), default=0)
    for what, value in failure.shown.items():
        lines += _shown(f"  {what:{width}}  ", value)
    lines += _digits(list(failure.shown.values()))
    if mark.looks_like:
        lines += _wrapped(f"It looks as if your code {mark.looks_like}.")
    return lines


def _digits(shown: Sequence[Any]) -> list[str]:
    """A word on two answers that are nearly alike, which so few digits may not show."""
    if len(shown) != 2 or not close(shown[0], shown[1], NEARLY):
        return []
    try:
        difference = float(abs(np.asarray(shown[0]) - 1.0 * np.asarray(shown[1])).max())
    except (TypeError, ValueError):                      # tuples of arrays
        return _wrapped("They agree to 5 digits and no further: is there float32 in it, or an approximation?")
    return _wrapped(f"They differ by {difference:.2g} at most: is there float32 in it, or an approximation?")


def text_of(value: Any) -> str:
    """A number, array or tuple as a student would type it; large arrays shortened, with their shape."""
    if isinstance(value, Source):
        return value.text
    if isinstance(value, np.ndarray):
        precision = 6 if value.size <= MANY else 3
        digits: Any = {"float_kind": lambda x: f"{x + 0.0:.{precision}g}"}       # + 0.0: no -0
        text = np.array2string(
            value, separator=", ", formatter=digits, threshold=MANY, edgeitems=EDGE, max_line_width=60)
        text = "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
        return text if value.size <= MANY else f"{text}\nof shape {value.shape}"
    if isinstance(value, list | tuple):
        inner = [text_of(part).replace("\n", "\n ") for part in value]
        glue = ", " if all("\n" not in part for part in inner) and sum(map(len, inner)) < 50 else ",\n "
        return ("[{}]" if isinstance(value, list) else "({})").format(glue.join(inner))
    if isinstance(value, float | complex):
        return f"{value:.8g}"
    return repr(value)


def painted(state: str, colour: bool, width: int = 0) -> str:
    """A state in its colour, filled up with blanks to a width."""
    blanks = " " * max(0, width - len(state))
    return f"\033[{COLOURS[state]}m{state}\033[0m{blanks}" if colour else state + blanks


def _bold(text: str, colour: bool) -> str:
    return f"\033[1m{text}\033[0m" if colour else text


def _sentence(text: str, function: str) -> str:
    """With a capital letter and a full stop, unless it begins with a symbol or ends in one."""
    first, _, rest = text.partition(" ")
    symbol = not first.isalpha() or first in (function, "ln", "exp") or rest[:1] in "=<>+-*/"
    words = text if symbol else text[0].upper() + text[1:]
    return words if words[-1:] in ".?!:" else f"{words}."


def _shown(label: str, value: Any) -> list[str]:
    """A value behind its label, further lines below its first."""
    first, *rest = text_of(value).splitlines() or [""]
    first = textwrap.shorten(first, WIDTH - len(label), placeholder=" ...") if isinstance(value, Source) else first
    return [label + first, *(" " * len(label) + line for line in rest)]


def _harmless(text: str) -> str:
    """Without characters that would move a terminal's cursor or change its colour."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(_harmless(text), WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3].rstrip() + "..."
