"""polis exec: one command of an agent, without a shell."""

from __future__ import annotations

import os

import click

from cash.cli.calls import agent_argument, places
from cash.cli.table import command as make_command


@make_command(
    "polis exec alice -- npm test",
    "polis exec alice -- git log --oneline -3 | head -1",
    name="exec",
    # What stands behind NAME is the command's own, options and all.
    context_settings={"allow_interspersed_args": False},
)
@agent_argument
@click.argument("argv", metavar="-- ARGV…", nargs=-1, required=True, type=click.UNPROCESSED)
def command(name: str, argv: tuple[str, ...]) -> int:
    """Run one command as the agent NAME, inside its walls, without a shell.

    Standard input, output, error, signals and the exit status are the command's own.
    """
    from cash.shell.client import run

    words = argv[1:] if argv[0] == "--" else argv
    if not words:
        raise click.UsageError("there is no command behind --")
    return run(places(), name, "argv", [os.fsencode(word) for word in words])
