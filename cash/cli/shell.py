"""polis shell: the governed shell of an agent."""

from __future__ import annotations

import os
import sys

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


def enter(name: str, line: str | None) -> int:
    """The interactive shell, or one line of it. Without a terminal, standard input is the line:
    a script is judged whole, too."""
    if line is None and sys.stdin is not None and sys.stdin.isatty():
        from cash.shell.interactive import run_shell

        return run_shell(places(), name)
    from cash.shell.client import run

    text = sys.stdin.buffer.read() if line is None else os.fsencode(line)
    return run(places(), name, "line", [text])
