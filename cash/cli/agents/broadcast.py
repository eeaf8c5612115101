"""polis agents broadcast: says the same to all agents at work."""

from __future__ import annotations

import click

from cash.cli.agents.prompt import read_text
from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import FAILED_CLOSED


@make_command('polis agents broadcast "commit what you have, and stop"', name="broadcast")
@click.argument("text", metavar="TEXT|-")
@json_option
def command(text: str, as_json: bool) -> int:
    """Give all agents at work the prompt TEXT; - reads it from standard input.

    Only people can: inside the walls there is nothing to do it with. Exits 125 when one of them
    did not take it.
    """
    agents = ask("prompting all", "agents.broadcast", text=read_text(text))["agents"]
    if as_json:
        print_json(agents)
    else:
        for agent in agents:
            said = "has it" if agent["seen"] else f"has it not: {agent['message']}"
            print_text(f"{agent['name']} {said}")
    return 0 if all(agent["seen"] for agent in agents) else FAILED_CLOSED
