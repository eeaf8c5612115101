"""Agents as a list shows them: one row each, those of a batch together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cash.cli.measures import duration, size

Described = Mapping[str, Any]

HEADS = (
    *("name", "status", "for", "by", "mode", "provider", "branch", "runs", "cpu", "memory"),
    "ports",
)
# The same wherever a status is shown. The words say it as well: colour alone never does.
STATUS_COLOURS = {
    "waiting_approval": "yellow",
    "waiting_input": "yellow",
    "running": "green",
    "error": "red",
    "paused": "cyan",
}


def cells_of(agent: Described) -> tuple[str, ...]:
    """One agent, in the order of HEADS; `-` for what there is none of."""
    state = agent["state"]
    held, cpu, memory = state["age_seconds"], agent["cpu_percent"], agent["memory_bytes"]
    return (
        agent["name"],
        agent["status"],
        "-" if held is None else duration(round(held)),
        state["source"],
        agent["mode"],
        agent["provider"],
        agent["branch"],
        agent["process_kind"] or "-",
        "-" if cpu is None else f"{cpu:.0f}%",
        "-" if memory is None else size(memory),
        ",".join(map(str, agent["ports"])) or "-",
    )


def trouble_of(agent: Described) -> str:
    """What is wrong with an agent, and the command that mends it."""
    mends = f"polis agents remove {agent['name']} --force"
    stays = f"; its commits stay on {agent['branch']}" if agent["branch"] else ""
    return f"{agent['name']}: {agent['trouble']}: {mends}{stays}"


def grouped(agents: Sequence[Described]) -> list[tuple[str, list[Described]]]:
    """By batch, in the order of the first of each; those without one, "", come first."""
    found: dict[str, list[Described]] = {"": []}
    for agent in agents:
        found.setdefault(agent.get("batch") or "", []).append(agent)
    return [(batch, rows) for batch, rows in found.items() if rows]


def summary(agents: Sequence[Described]) -> str:
    """How many there are of each status, most first: `7 agents: 4 idle, 3 running`."""
    counts: dict[str, int] = {}
    for agent in agents:
        counts[agent["status"]] = counts.get(agent["status"], 0) + 1
    words = [f"{count} {status}" for status, count in sorted(counts.items(), key=_by_count)]
    noun = "agent" if len(agents) == 1 else "agents"
    return f"{len(agents)} {noun}" + (f": {', '.join(words)}" if words else "")


def _by_count(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]
