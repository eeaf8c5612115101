"""An agent as the command line shows it (design §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cash.faults import MachineFault
from cash.workspace.agent import Agent
from cash.workspace.sight import mode_of

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


def describe_agent(hosted: Hosted, agent: Agent) -> dict[str, Any]:
    """The JSON of one agent (design §6)."""
    asked = any(question.agent == agent.name for question in hosted.answering.questions.waiting())
    if asked:
        status = "waiting_approval"
    elif hosted.is_running(agent):
        status = "running"
    else:
        status = "idle" if hosted.is_inside(agent) else "stopped"
    return {
        "name": agent.name,
        "status": status,
        "branch": agent.branch,
        "path": str(agent.tree),
        "mode": _mode_of(agent),
        "provider": agent.provider,
        "ports": [],
        "memory_bytes": None,
        "base": agent.base,
        "created": agent.created,
        "repository": str(hosted.repository.root),
    }


def _mode_of(agent: Agent) -> str:
    """The mode it gets; the mode it was made for where polis, run otherwise now, cannot."""
    try:
        return mode_of(agent)
    except MachineFault:
        return agent.mode
