"""polis agents fanout: the same task for many new agents."""

from __future__ import annotations

import click

from cash.cli.agents.together import follow_batch
from cash.cli.printing import json_option
from cash.cli.table import command as make_command


@make_command(
    'polis agents fanout 3 "make the build faster" --provider claude --prefix fast',
    name="fanout",
)
@click.argument("count", metavar="N", type=click.IntRange(1, 100))
@click.argument("task", metavar="TASK")
@click.option("--prefix", default="agent", show_default=True, help="They are PREFIX-1, PREFIX-2, …")
@click.option("--provider", default=None, metavar="P", help="The program they are.")
@click.option("--from", "start", default=None, metavar="REF", help="Their branches begin there.")
@click.option("--headless", is_flag=True, help="Without a dialogue.")
@json_option
def command(
    count: int,
    task: str,
    prefix: str,
    provider: str | None,
    start: str | None,
    headless: bool,
    as_json: bool,
) -> None:
    """Add N agents and give each the same TASK. When one cannot begin, none of them is left."""
    fields = {"provider": provider, "from": start}
    given = {key: value for key, value in fields.items() if value is not None}
    follow_batch(
        "agents.fanout",
        as_json=as_json,
        count=count,
        task=task,
        prefix=prefix,
        headless=headless,
        **given,
    )
