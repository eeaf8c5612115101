"""polis shell: the governed shell of an agent."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from cash.cli.calls import agent_argument, places
from cash.cli.table import command as make_command


@make_command(
    "polis shell alice",
    "polis shell alice -c 'make && make test'",
    "polis shell alice <build.sh",
    name="shell",
)
@agent_argument
@click.option("-c", "line", metavar="LINE", help="Run LINE and end with its status.")
def command(name: str, line: str | None) -> int:
    """Enter the shell of the agent NAME, inside its walls.

    Every line is judged as a whole before any of it runs; one that is refused says why and what
    to do instead.
    """
    return enter(name, line)


def enter(name: str, line: str | None, words: Sequence[str] = ()) -> int:
    """One line, with its $0 and $1…, or the interactive shell; the exit status."""
    if line is None:
        from cash.shell.interactive import run_shell

        return run_shell(places(), name)
    from cash.shell.client import run

    return run(places(), name, "line", [os.fsencode(word) for word in (line, *words)])
