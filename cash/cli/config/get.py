"""polis config get: one setting's value."""

from __future__ import annotations

import click

from cash.cli.config.layers import settings_here
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.settings import SETTINGS, check_name

name_argument = click.argument(
    "name",
    metavar="SETTING",
    shell_complete=lambda _context, _parameter, begun: [
        setting.name for setting in SETTINGS if setting.name.startswith(begun)
    ],
)


@make_command("polis config get ask-seconds", name="get")
@name_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Print the value of SETTING."""
    chosen = settings_here()[check_name(name).name]
    if as_json:
        print_json({"value": chosen.value, "origin": chosen.origin})
    else:
        print_text(chosen.text)
