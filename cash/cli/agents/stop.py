"""polis agents stop: take an agent's walls down and end what runs in them."""

from __future__ import annotations

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents stop alice", name="stop")
@agent_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """End what the agent NAME runs. Its tree and its work stay."""
    answer = ask(f"stopping {name}", "agents.stop", agent=name)
    if as_json:
        print_json(answer)
    else:
        print_text(f"{name} is stopped" if answer["stopped"] else f"{name} was not running")
