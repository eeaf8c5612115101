"""cash: the governed shell of the agent whose directory this is."""

from __future__ import annotations

import os

import click

from cash.cli.shell import enter
from cash.cli.table import command as make_command


@make_command(
    "cash",
    "cash -c 'make test'",
    "POLIS_AGENT=alice cash -c 'git status'",
    name="cash",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("-c", "line", metavar="LINE", help="Run LINE and end with its status.")
def command(line: str | None) -> int:
    """The governed shell of the agent in whose tree you stand, or of $POLIS_AGENT."""
    return enter(os.environ.get("POLIS_AGENT", ""), line)
