"""polis agents start: starts an agent's program without a task."""

from __future__ import annotations

import sys

import click

from cash.cli.agents.waiting import show_last_lines
from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import EndedFault


@make_command("polis agents start alice", "polis agents start alice --resume", name="start")
@agent_argument
@click.option("--resume", is_flag=True, help="Take up its last conversation.")
@click.option("--model", default=None, metavar="M", help="The model its program is to use.")
@json_option
def command(name: str, resume: bool, model: str | None, as_json: bool) -> None:
    """Start the program of the agent NAME in a window of its own."""
    try:
        answer = ask(f"starting {name}", "agents.run", agent=name, resume=resume, model=model)
    except EndedFault:
        show_last_lines(name)
        raise
    for note in answer["notes"]:
        print(f"polis: {note}", file=sys.stderr)
    if as_json:
        print_json(answer)
    else:
        is_asking = answer["how"] == "asking"
        doing = "asks before it begins (polis approvals)" if is_asking else "is at work"
        print_text(f"{name} {doing}; polis agents attach {name} shows its terminal")
