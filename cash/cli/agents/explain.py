"""polis agents explain: what an agent is doing, and how polis knows."""

from __future__ import annotations

from typing import Any

from cash.cli.calls import agent_argument, ask
from cash.cli.measures import duration
from cash.cli.printing import json_option, one_line, print_json, print_text, style
from cash.cli.table import command as make_command


@make_command("polis agents explain alice", "polis agents explain alice --json", name="explain")
@agent_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Explain what the agent NAME is doing: who says so, and who says otherwise.

    A protocol is believed before a hook, a hook before the processes, these before the screen;
    none of them when it is too old, or when another proves it wrong.
    """
    found = ask("looking", "agents.explain", agent=name)
    if as_json:
        print_json(found)
        return
    state = found["state"]
    print_text(f"{name} is {style(state['status'], bold=True)}{_for(state)}, by {state['source']}")
    print_text(f"  because {one_line(state['reason'])}")
    for source in found["sources"]:
        print_text(_told(source))
    if found["silent"]:
        print_text(f"  nothing was heard by {', '.join(found['silent'])}")
    print_text(f"  what changes it: {found['change']}")


def _for(state: dict[str, Any]) -> str:
    held = state["age_seconds"]
    return "" if held is None else f", for {duration(round(held))}"


def _told(source: dict[str, Any]) -> str:
    said = f"  {source['source']} said {source['status']} {duration(round(source['age_seconds']))}"
    return f"{said} ago: {one_line(source['reason'])} ({source['why']})"
