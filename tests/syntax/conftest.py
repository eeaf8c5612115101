"""Readers shared by the tests of cash.syntax: each holds processes, so they are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cash.syntax.command import Command, Line
from cash.syntax.line import LineReader
from cash.syntax.readers import READERS


@pytest.fixture(scope="session")
def reader() -> Iterator[LineReader]:
    """A reader with everything that is installed."""
    reader = LineReader()
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def deciding() -> Iterator[LineReader]:
    """A reader with the deciding readers only, as where the extra is not installed."""
    reader = LineReader([entry for entry in READERS if entry.decides])
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def commands(deciding: LineReader) -> Callable[[str], list[list[str]]]:
    """The argv of every command of a line that must be understood."""

    def read(text: str) -> list[list[str]]:
        line = deciding.read(text)
        assert line.trouble is None, line.trouble
        return [said(command) for command in line.commands]

    return read


def said(command: Command) -> list[str]:
    """A command's words, expansions as written."""
    return [word.text for word in command.argv]


def runs(line: Line, program: str) -> bool:
    """Whether the program is a command of the line."""
    return any((each.name or "").rpartition("/")[2] == program for each in line.commands)
