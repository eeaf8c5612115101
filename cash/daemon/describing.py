"""An agent as the command line shows it (design §6)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cash.daemon.states import describe_state
from cash.faults import MachineFault
from cash.sessions.signal import Source
from cash.sessions.state import Opinion, State, Weighed
from cash.workspace.agent import Agent
from cash.workspace.roster import Lost
from cash.workspace.sight import mode_of

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


def describe_agent(hosted: Hosted, agent: Agent) -> dict[str, Any]:
    """The JSON of one agent (design §6). What runs inside is null where no walls stand."""
    inside = hosted.states.inside(agent)
    last = hosted.sessions.last(agent)
    state = describe_state(hosted.states.state_of(agent), time.time())
    status, trouble = state.pop("status"), ""
    if not agent.tree.is_dir():
        status, trouble = "error", f"its tree is gone: {agent.tree}"
        state["reason"] = trouble
    return {
        "name": agent.name,
        "status": status,
        "branch": agent.branch,
        "path": str(agent.tree),
        "mode": _mode_of(agent),
        "provider": agent.provider,
        "ports": list(hosted.ports.of(agent)),
        "memory_bytes": inside.memory if inside is not None else None,
        "base": agent.base,
        "created": agent.created,
        "repository": str(hosted.repository.root),
        "state": state,
        "cpu_percent": inside.cpu if inside is not None else None,
        "processes": inside.processes if inside is not None else None,
        "process_kind": inside.kind or None if inside is not None else None,
        "batch": last.batch or None if last is not None else None,
        "trouble": trouble,
    }


def describe_lost(hosted: Hosted, lost: Lost) -> dict[str, Any]:
    """The same of an agent whose folder was deleted by hand: what git still has of it."""
    trouble = f"its folder is gone: {hosted.folder / 'agents' / lost.name}"
    nothing = ("memory_bytes", "base", "created", "cpu_percent", "processes", "process_kind")
    state = {"source": "polisd", "since": None, "age_seconds": None, "reason": trouble, "call": ""}
    return {
        "name": lost.name,
        "status": "error",
        "branch": lost.branch,
        "path": str(lost.tree),
        "mode": "-",
        "provider": "-",
        "ports": [],
        "repository": str(hosted.repository.root),
        "state": state,
        **dict.fromkeys(nothing),
        "batch": None,
        "trouble": trouble,
    }


def describe_weighed(weighed: Weighed, now: float) -> dict[str, Any]:
    """The JSON of a state and of all that was said; why: why it was believed or not."""
    by = next((one.heard.signal.source for one in weighed.opinions if not one.doubt), None)
    spoken = {one.heard.signal.source for one in weighed.opinions} | {weighed.state.source}
    return {
        "state": describe_state(weighed.state, now),
        "sources": [_describe_opinion(one, weighed.state, by, now) for one in weighed.opinions],
        "silent": [source.name.lower() for source in sorted(Source)[::-1] if source not in spoken],
        "change": weighed.change,
    }


def _describe_opinion(
    opinion: Opinion, state: State, by: Source | None, now: float
) -> dict[str, Any]:
    signal = opinion.heard.signal
    believed = not opinion.doubt and signal.source is by
    if believed and (state.status, state.source) == (signal.status, signal.source):
        why = "believed"
    elif believed:
        believed, why = False, "polis knows better itself"
    else:
        why = opinion.doubt or f"the {by.name.lower() if by else 'other'} goes before it"
    return {
        "source": signal.source.name.lower(),
        "status": signal.status,
        "at": signal.at,
        "age_seconds": round(max(now - signal.at, 0.0), 1),
        "since": opinion.heard.since or None,
        "reason": signal.reason,
        "call": signal.call,
        "believed": believed,
        "why": why,
    }


def _mode_of(agent: Agent) -> str:
    """The mode it gets; the mode it was made for where polis, run otherwise now, cannot."""
    try:
        return mode_of(agent)
    except MachineFault:
        return agent.mode
