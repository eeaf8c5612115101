"""polis log prune: forget old events, provably."""

from __future__ import annotations

import re
import time

import click

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


@make_command("polis log prune --before 30d", name="prune")
@click.option("--before", "age", required=True, metavar="AGE", help="How old: 90m, 12h, 30d, 8w.")
@json_option
def command(age: str, as_json: bool) -> None:
    """Delete events older than AGE. A signed checkpoint takes their place, so that verify holds."""
    answer = ask("pruning", "log.prune", before=time.time() - read_age(age))
    if as_json:
        print_json(answer)
    else:
        print_text(f"{answer['pruned']} events pruned")


def read_age(text: str) -> float:
    """Seconds. click.BadParameter when it is no age."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if found is None:
        raise click.BadParameter(f"{text} is not an age; write 90m, 12h, 30d or 8w")
    return int(found[1]) * _SECONDS[found[2]]
