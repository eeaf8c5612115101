"""polis agents multi: several tasks begun together."""

from __future__ import annotations

import click

from cash.cli.agents.together import follow_batch
from cash.cli.printing import json_option
from cash.cli.table import command as make_command


@make_command(
    'polis agents multi alice:"fix the login bug" bob:"write its tests"',
    name="multi",
)
@click.argument("tasks", metavar="NAME:TASK…", nargs=-1, required=True)
@click.option("--headless", is_flag=True, help="Without a dialogue.")
@json_option
def command(tasks: tuple[str, ...], headless: bool, as_json: bool) -> None:
    """Give several agents a task each, all at once. When one cannot begin, none goes on."""
    given = []
    for one in tasks:
        name, colon, task = one.partition(":")
        if not (colon and name and task.strip()):
            raise click.UsageError(f"{one!r} is not NAME:TASK")
        given.append({"agent": name, "task": task})
    follow_batch("agents.multi", as_json=as_json, tasks=given, headless=headless)
