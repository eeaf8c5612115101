"""polis agents show: everything about one agent."""

from __future__ import annotations

from cash.cli.calls import agent_argument, ask
from cash.cli.measures import age, duration, moment, size
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents show alice", "polis agents show alice --json", name="show")
@agent_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Show the agent NAME."""
    agent = ask("looking", "agents.show", agent=name)
    if as_json:
        print_json(agent)
        return
    width = max(len(key) for key in agent)
    for key, value in agent.items():
        if value not in (None, "", [], {}):
            print_text(f"{key.replace('_', ' '):<{width}}  {_words(key, value)}")


def _words(key: str, value: object) -> str:
    match key, value:
        case "created", float():
            return f"{moment(value)} ({age(value)})"
        case "memory_bytes", int():
            return size(value)
        case "state", {"reason": reason, "source": source, "age_seconds": held}:
            since = "" if held is None else f", for {duration(round(held))}"
            return f"{one_line(reason)} (by {source}{since})"
        case "cpu_percent", float():
            return f"{value:.0f}%"
        case _, bool():
            return "yes" if value else "no"
        case _, list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
