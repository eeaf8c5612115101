"""polis agents pause: holds everything still that an agent runs."""

from __future__ import annotations

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents pause alice", name="pause")
@agent_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Hold everything still that the agent NAME runs. Questions it has asked stay open."""
    answer = ask(f"pausing {name}", "agents.pause", agent=name)
    if as_json:
        print_json(answer)
    else:
        print_text(f"{name} is paused; polis agents resume {name} lets it go on")
