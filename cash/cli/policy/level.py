"""polis policy level: how strict the defaults are in this repository."""

from __future__ import annotations

import click

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis policy level", "polis policy level strict", name="level")
@click.argument(
    "level",
    type=click.Choice(["observe", "relaxed", "balanced", "strict"]),
    required=False,
)
@json_option
def command(level: str | None, as_json: bool) -> None:
    """Show the level of this repository, or set it to LEVEL."""
    answer = ask("asking polisd", "policy.level", level=level)
    if as_json:
        print_json(answer)
    else:
        print_text(answer["level"])
