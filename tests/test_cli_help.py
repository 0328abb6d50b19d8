"""The help of all commands, in one voice: what they are, their options, examples that can be typed."""

import argparse
import re
import shlex
from collections import defaultdict

import pytest

from minigrok import cli, dos
from minigrok.cli import reproduce
from minigrok.cli.landscape import DEFAULTS, WALKERS_FOR_ERROR
from minigrok.cli.options import EXAMPLES
from minigrok.runs.train_setup import with_defaults
from minigrok.study import reproduce as study_reproduce

# Options of one name that take different values, or say different words, each with its reason
OTHER_VALUES = {
    "--csv": "prints everywhere; of many runs a table is a file to keep, so minigrok results takes a FILE, too",
    "--hidden": "a landscape is that of nets of one hidden layer",
    "--inputs": "a landscape chooses how many inputs, a training run over which of them its states are taken",
}
NEEDED = {"measure": ["a.npy"], "sweep": ["grid.toml", "--db", "runs.db"]}      # without which a command is refused
OTHER_WORDS = OTHER_VALUES | {
    "--dimension": "a landscape has no halfspace",
    "--seed": "what is random differs, and is said",
}


def parsers(words, parser):
    """All parsers below this one, by the words that lead there."""
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                if words or cli.COMMANDS.get(name) is None:
                    yield from parsers((*words, name), inner)


TOP = cli.parser_of(None)
ALL = {(): TOP}
for command in cli.COMMANDS:
    found, = (action for action in cli.parser_of(command)._actions if action.dest == "command")
    ALL |= dict(parsers((command,), found.choices[command]))


def options(parser):
    return [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)
            and action.dest not in ("help", "version")]


def same_words(text):
    """The words of an option without its default, and what else is said behind."""
    return re.sub(r" ?\(default.*?\)", "", text).split(";")[0]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_help_has_examples_that_can_be_typed(words):
    head, *lines = ALL[words].epilog.splitlines()
    assert head == EXAMPLES
    examples = [shlex.split(line, comments=True) for line in lines]
    assert tuple(examples[0][1 : 1 + len(words)]) == words
    for program, *typed in examples:
        assert program == "minigrok"
        if typed[-1] != "--help":                        # with which a parser ends
            cli.parser_of(typed[0]).parse_args(typed)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_help_fits_80_columns(words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert [line for line in ALL[words].format_help().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_command_is_a_sentence_and_an_option_the_part_of_one(words):
    assert re.fullmatch(r"[A-Z].*\.", ALL[words].description)
    for action in options(ALL[words]):
        assert re.fullmatch(r"([a-z]|\.|[A-Z]+ of|JSON).*[^.]", action.help), action.dest
        assert "(default" not in action.help or action.help.endswith(")") or ");" in action.help, action.dest


def test_an_option_takes_the_same_everywhere_and_is_described_by_the_same_words():
    values, described = defaultdict(set), defaultdict(set)
    for parser in ALL.values():
        for action in options(parser):
            for name in action.option_strings:
                values[name].add(action.metavar)
                described[name].add(same_words(action.help))
    assert {name for name, found in values.items() if len(found) > 1} == set(OTHER_VALUES)
    assert {name for name, found in described.items() if len(found) > 1} == set(OTHER_WORDS)
    assert all(words.startswith("seed of ") for words in described["--seed"])


@pytest.mark.parametrize("name", sorted(set(cli.COMMANDS) - {"course", "results"}))
def test_a_command_that_takes_time_can_be_quiet(name):
    assert cli.parser_of(name).parse_args([name, *NEEDED.get(name, []), "--quiet"]).quiet is True


def said_default(text, *chosen):
    """What a help calls the default: "6; modular 100" is 100 where modular is among the `chosen`, and else 6."""
    found = None
    for item in re.split(r"[;,] ", re.search(r"\(default: (.*)\)", text)[1]):
        *where, value = item.split()
        if set(where) <= {*chosen, "on"}:
            found = value
    return found


def typed(value):
    """A value as a help writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(map(typed, value))
    return value if isinstance(value, str) else f"{value:g}".replace("e-0", "e-")


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("task", ["circles", "moons", "xor", "spirals", "blobs", "halfspace", "modular"])
def test_the_help_of_train_names_the_defaults_that_it_takes(task, optimizer):
    defaults = {action.dest: action.help for action in options(ALL["train",]) if "(default" in action.help}
    seen = set()
    for more in ({}, {"init": "normal", "schedule": "cosine"}, {"schedule": "step", "schedule_every": 1}):
        given = {"task": task, "optimizer": optimizer} | more
        taken = with_defaults(given)
        for name in (defaults.keys() & taken.keys()) - given.keys():
            if taken[name] is not None:                  # else it does not apply, or stands for words
                assert said_default(defaults[name], task, optimizer) == typed(taken[name]), name
                seen.add(name)
    assert len(seen) > 20
    assert said_default(defaults["optimizer"], task) == with_defaults({"task": task})["optimizer"]


def test_the_help_of_landscape_names_the_defaults_that_it_takes():
    defaults = {action.dest: action.help for action in options(ALL["landscape",]) if "(default" in action.help}
    named = {name for name, value in DEFAULTS.items() if value is not None}
    assert named <= defaults.keys()
    for name in named:
        assert said_default(defaults[name]) == typed(DEFAULTS[name]), name


def test_what_a_command_writes_again_so_that_its_help_is_quick_is_the_same():
    assert WALKERS_FOR_ERROR == dos.WALKERS_FOR_AN_INTERVAL
    assert reproduce.EXPERIMENTS == study_reproduce.EXPERIMENTS
