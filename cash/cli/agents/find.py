"""One agent by name, or the fault that names the nearest."""

from __future__ import annotations

from typing import Any

from cash.cli.calls import ask
from cash.cli.table import nearest
from cash.faults import UsageFault


def find_agent(name: str) -> dict[str, Any]:
    """The agent as `agents list --json` shows it. UsageFault when there is none of that name."""
    agents: list[dict[str, Any]] = ask("asking polisd", "agents.list")["agents"]
    for agent in agents:
        if agent["name"] == name:
            return agent
    near = nearest(name, [agent["name"] for agent in agents])
    hint = f"did you mean {near}?" if near else f"polis agents add {name}"
    raise UsageFault(f"there is no agent {name} in this repository", hint=hint)
