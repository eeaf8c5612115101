"""polis agents list: the agents of this repository."""

from __future__ import annotations

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_columns, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents list", "polis agents list --json | jq -r '.[].name'", name="list")
@json_option
def command(as_json: bool) -> None:
    """List the agents of this repository."""
    agents = ask("asking polisd", "agents.list")["agents"]
    if as_json:
        print_json(agents)
    elif not agents:
        print_text("no agents yet; next: polis agents add alice")
    else:
        heads = ("name", "status", "mode", "branch", "path")
        print_columns(heads, [[str(agent.get(head, "")) for head in heads] for agent in agents])
