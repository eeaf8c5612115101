"""cash: the governed shell of the agent whose directory this is."""

from __future__ import annotations

import os

import click

from cash.cli.shell import enter
from cash.cli.table import command as make_command
from cash.cli.version import version_option


@make_command(
    "cash",
    "cash -c 'make test'",
    "cash -c 'grep -rn \"$1\" src' search handler",
    "POLIS_AGENT=alice cash -c 'git status'",
    name="cash",
    # As in bash: what stands behind LINE is $0 and $1…, options and all.
    context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False},
)
@click.option("-c", "line", metavar="LINE", help="Run LINE and end with its status.")
@version_option
@click.argument("words", metavar="[NAME [ARG]…]", nargs=-1, type=click.UNPROCESSED)
def command(line: str | None, words: tuple[str, ...]) -> int:
    """The governed shell of the agent in whose tree you stand, or of $POLIS_AGENT."""
    if line is None and words:
        raise click.UsageError(f"cash takes lines, not files; try: cash -c 'bash {words[0]}'")
    return enter(os.environ.get("POLIS_AGENT", ""), line, words)
