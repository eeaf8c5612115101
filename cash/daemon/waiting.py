"""Waiting until agents have got somewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cash import wire
from cash.daemon.caller import Caller, Fields
from cash.daemon.describing import describe_agent
from cash.daemon.hosting import Hosted
from cash.providers.facets import HEADLESS
from cash.workspace.agent import Agent

# States in which an agent does nothing more until it is told to.
RESTING: Final = ("idle", "completed", "error", "stopped", "paused", "waiting_input")


async def wait(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Waits until each of the agents is in one of some states (default: RESTING). Answers their
    states, and whether all of them got there."""
    hosted = caller.hosted(fields)
    await hosted.sessions.ready()
    agents = [caller.agent({**fields, "agent": name})[1] for name in fields["agents"]]
    wanted = tuple(fields.get("for") or RESTING)
    loop = asyncio.get_running_loop()
    seconds = fields.get("seconds")
    deadline = loop.time() + float(seconds) if seconds is not None else None
    while True:
        found = {agent: describe_agent(hosted, agent) for agent in agents}
        states = {
            agent.name: _status(hosted, agent, str(one["status"]), wanted)
            for agent, one in found.items()
        }
        begins = any(_may_begin(hosted, agent, one) for agent, one in found.items())
        ends = any(
            one["status"] == "completed" and _works(hosted, agent) for agent, one in found.items()
        )
        reached = not begins and not ends and all(state in wanted for state in states.values())
        if reached or _is_over(hosted, agents, states, wanted):
            return {"states": states, "reached": reached, "late": False}
        left = deadline - loop.time() if deadline is not None else _WAIT_LOOK
        if left <= 0:
            return {"states": states, "reached": False, "late": True}
        await _pause_or_hang_up(caller, min(left, _WAIT_LOOK))


_WAIT_LOOK: Final = 0.2
# For so long the empty prompt of a program that was started with a task, and has not been seen at
# it, is taken for that of its start: CLIs show it before they take the task up, or ask for a login.
_UNSEEN: Final = 10.0


def _status(hosted: Hosted, agent: Agent, shown: str, wanted: Sequence[str]) -> str:
    """An open question on which nothing waits any more keeps nobody from resting, and is none to
    end at."""
    if shown != "waiting_approval" or shown in wanted:
        return shown
    return hosted.states.status_at_work(agent)


def _may_begin(hosted: Hosted, agent: Agent, described: dict[str, Any]) -> bool:
    session = hosted.sessions.of(agent)
    if described["status"] != "idle" or session is None or not session.task:
        return False
    held = described["state"]["age_seconds"] or 0.0
    return not hosted.states.has_worked(agent) and held < _UNSEEN


def _works(hosted: Hosted, agent: Agent) -> bool:
    """Whether its program, without a terminal, is still there: it says that it is done before it
    ends, and can be given no task till then."""
    session = hosted.sessions.of(agent)
    return session is not None and session.purpose in HEADLESS


async def _pause_or_hang_up(caller: Caller, seconds: float) -> None:
    """wire.ConnectionEnded when the caller has gone."""
    try:
        await asyncio.wait_for(caller.connection.gone(), seconds)
    except TimeoutError:
        return
    raise wire.ConnectionEnded("the caller went away")


def _is_over(
    hosted: Hosted, agents: Sequence[Agent], states: Mapping[str, str], wanted: Sequence[str]
) -> bool:
    """Whether one of them has ended in a state nobody waits for: it stays in that."""
    questions = hosted.answering.questions
    asking = {one.agent for one in questions.waiting() if questions.holds(one)}
    return any(
        hosted.sessions.of(agent) is None
        and not hosted.is_running(agent)
        and agent.name not in asking
        and states[agent.name] not in wanted
        for agent in agents
    )
