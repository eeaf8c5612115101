"""polis config list: every setting and its value."""

from __future__ import annotations

import click

from cash.cli.config.layers import settings_here
from cash.cli.printing import json_option, print_columns, print_json
from cash.cli.table import command as make_command
from cash.settings import SETTINGS


@make_command("polis config", "polis config --origin", "polis config list --json", name="list")
@click.option("--origin", is_flag=True, help="Also where each value comes from.")
@json_option
def command(origin: bool, as_json: bool) -> None:
    """List the settings: defaults < user < answers < repository < environment: the last wins."""
    found = settings_here()
    if as_json:
        print_json({n: {"value": c.value, "origin": c.origin} for n, c in found.items()})
        return
    heads = ("setting", "value", "origin" if origin else "meaning")
    rows = [
        (setting.name, setting.shown(chosen.text), chosen.origin if origin else setting.meaning)
        for setting in SETTINGS
        for chosen in (found[setting.name],)
    ]
    print_columns(heads, rows)
