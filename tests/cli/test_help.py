"""Every command explains itself, with examples that are commands there are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from cash.cli.cash import command as cash
from cash.cli.commands import polis
from cash.cli.table import Command, Table


def _walk(group: Table, path: str) -> Iterator[tuple[str, Command | Table]]:
    yield path, group
    with click.Context(group, info_name=path) as context:
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            match found:
                case Table():
                    yield from _walk(found, f"{path} {name}")
                case Command():
                    yield f"{path} {name}", found
                case _:
                    raise AssertionError(f"{path} {name} has no examples")


_ALL = [*_walk(polis, "polis"), ("cash", cash)]


@pytest.mark.parametrize(("path", "command"), _ALL, ids=[path for path, _ in _ALL])
def test_help_ends_in_examples_of_the_command(path: str, command: Command | Table) -> None:
    with click.Context(command, info_name=path, terminal_width=100) as context:
        text = command.get_help(context)
    assert command.help
    assert "\nExamples:\n" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    name = path.split()[0]
    assert any(name in example for example in command.examples)


@pytest.mark.parametrize(("path", "command"), _ALL, ids=[path for path, _ in _ALL])
def test_every_option_says_what_it_does(path: str, command: Command | Table) -> None:
    with click.Context(command, info_name=path) as context:
        for option in command.get_params(context):
            if isinstance(option, click.Option):
                assert option.help, option.name
                assert not option.hidden, option.name


def test_no_help_shows_what_is_not_for_users() -> None:
    with click.Context(polis, info_name="polis") as context:
        listed = polis.get_help(context).partition("Commands:\n")[2].partition("Examples:")[0]
    shown = re.findall(r"^  ([a-z]+) ", listed, re.M)
    assert shown == [name for name in polis.entries if name not in ("tour", "cash")]


@pytest.mark.parametrize(("path", "command"), _ALL, ids=[path for path, _ in _ALL])
def test_examples_name_commands_that_exist(path: str, command: Command | Table) -> None:
    with click.Context(polis) as context:
        for example in command.examples:
            for words in _polis_words(example):
                group: click.Command = polis
                while isinstance(group, Table) and words:
                    found = group.get_command(context, words[0])
                    assert found is not None, example
                    group, words = found, words[1:]


def _polis_words(example: str) -> list[list[str]]:
    """The command names behind each `polis` of an example."""
    found = re.findall(r"\bpolis((?: [a-z]+)+)", example.partition("#")[0])
    return [words.split() for words in found]


def test_every_command_of_the_design_is_there() -> None:
    names = {path for path, _ in _ALL}
    assert {
        "polis init", "polis up", "polis down", "polis uninstall", "polis config", "polis doctor",
        "polis agents add", "polis agents list", "polis agents show", "polis agents remove",
        "polis agents path", "polis agents shell", "polis shell", "polis exec",
        "polis policy explain", "polis policy batch", "polis policy list", "polis policy lint",
        "polis policy level", "polis policy schema", "polis approvals list",
        "polis approvals allow", "polis approvals deny", "polis log", "polis log verify",
        "polis log prune", "polis completion", "polis version",
    } <= names  # fmt: skip
