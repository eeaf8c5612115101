"""polis agents resume: lets a paused agent go on."""

from __future__ import annotations

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents resume alice", name="resume")
@agent_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Let the paused agent NAME go on."""
    answer = ask(f"resuming {name}", "agents.resume", agent=name)
    if as_json:
        print_json(answer)
    else:
        print_text(f"{name} goes on")
