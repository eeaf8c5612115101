"""polis agents watch: what agents write, as they write it."""

from __future__ import annotations

from typing import Any

import click

from cash.cli.calls import complete_agents, here, places
from cash.cli.log.show import print_json_line
from cash.cli.measures import clock
from cash.cli.printing import flush_output, json_option, one_line, print_text, style
from cash.cli.table import command as make_command


@make_command("polis agents watch alice bob", "polis agents watch --json", name="watch")
@click.argument("names", metavar="[NAME]…", nargs=-1, shell_complete=complete_agents)
@json_option
def command(names: tuple[str, ...], as_json: bool) -> None:
    """Show what the agents write and what becomes of them, each line with its time.

    All agents when none is named. Ctrl-C ends the watching, and nothing else. Of a program that
    works without a dialogue: its messages, and a line for each call of a tool. With --json: one
    event a line, and what such a program writes as it is.
    """
    from cash.daemon.client import follow

    width = max(map(len, names), default=10)
    for event in follow(places(), "agents.watch", cwd=here(), agents=list(names), told=not as_json):
        if as_json:
            print_json_line(event)
        else:
            print_text(_describe(event, width))
            if event.get("mends"):
                print_text(f"hint: {event['mends']}")
            flush_output()


def _describe(event: dict[str, Any], width: int) -> str:
    head = f"{clock(event['time'])}  {event['agent']:<{width}}  "
    if event["event"] == "output":
        return head + one_line(event["text"])
    reason = f": {one_line(event['reason'])}" if event.get("reason") else ""
    return head + style(f"— {event['state']}{reason}", bold=True)
