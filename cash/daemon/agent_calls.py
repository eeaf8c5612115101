"""Calls about agents: add, list, follow, explain, show, stop, remove."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any

from cash import wire
from cash.daemon.caller import Caller, Fields
from cash.daemon.describing import describe_agent, describe_lost, describe_weighed
from cash.daemon.hosting import Hosted
from cash.daemon.last_things import find_last_parts, save_last_things
from cash.daemon.setup_calls import has_setup
from cash.hub.lfs import is_installed
from cash.hub.worktree import count_pointers
from cash.providers.program import find_program
from cash.workspace.agent import Agent, AgentFault
from cash.workspace.removal import check_removal, forget_agents_lost, remove_agent
from cash.workspace.roster import Lost, find_lost, look_at
from cash.workspace.sight import choose_mode
from cash.workspace.tree import add_tree

# A list that is followed: how long until it is looked at again, and at least.
_LOOK_SECONDS = 1.0
_LEAST_SECONDS = 0.1


async def agents_add(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    mode = str(fields.get("mode") or "auto")
    choose_mode(str(fields["name"]), mode)  # before anything is made
    agent = await asyncio.to_thread(
        add_tree,
        hosted.repository,
        caller.repositories.places,
        str(fields["name"]),
        provider=str(fields.get("provider") or hosted.settings.value("provider")),
        start=fields.get("from"),
        branch=fields.get("branch"),
        mode=mode,
        most=int(hosted.settings.value("max-agents")),
        providers=hosted.manifests,
    )
    hosted.forget_agents()
    body = {"provider": agent.provider, "branch": agent.branch, "base": agent.base}
    await hosted.journal(agent, f"{agent.incarnation}:added", "agent-added", body)
    notes = [*_notes(hosted, agent), *await asyncio.to_thread(_pointers, hosted, agent)]
    more = {"notes": notes, "has_setup": has_setup(hosted)}
    return describe_agent(hosted, agent) | more


def _notes(hosted: Hosted, agent: Agent) -> list[dict[str, str]]:
    """What its user should know before it is started."""
    manifest = hosted.manifests[agent.provider]
    if find_program(manifest, hosted.path()):
        return []
    names = " or ".join(manifest.programs)
    what = f"{manifest.description} is not installed: no {names} on the PATH of {agent.name}"
    return [{"message": what, "hint": manifest.install}]


def _pointers(hosted: Hosted, agent: Agent) -> list[dict[str, str]]:
    """Of Git LFS: what the new tree lacks."""
    count = count_pointers(hosted.repository, agent.tree)
    if not count:
        return []
    files = "1 file is a pointer" if count == 1 else f"{count} files are pointers"
    what = f"{files} of Git LFS: your store has not what it stands for"
    if not is_installed(hosted.repository):
        return [{"message": what, "hint": "apt install git-lfs"}]
    return [{"message": what, "hint": f"polis shell {agent.name} -c 'git lfs pull'"}]


async def agents_list(caller: Caller, fields: Fields) -> dict[str, Any]:
    chosen = [caller.hosted(fields)] if fields.get("cwd") else caller.repositories.all()
    found = []
    for hosted in chosen:
        lost = await find_lost_agents(hosted)
        await hosted.ports.look(hosted.agents())
        found += [describe_agent(hosted, one) for one in hosted.agents()]
        found += [describe_lost(hosted, one) for one in lost]
    return {
        "agents": sorted(found, key=lambda one: str(one["name"])) if len(chosen) == 1 else found
    }


async def find_lost_agents(hosted: Hosted) -> tuple[Lost, ...]:
    """The agents whose folder was deleted by hand; they are none of the others any more."""
    lost = await asyncio.to_thread(find_lost, hosted.repository, hosted.folder)
    if {one.name for one in lost} & {agent.name for agent in hosted.agents()}:
        for agent in hosted.agents():
            if agent.name in {one.name for one in lost}:
                await hosted.leave(agent, "removed")
                _forget(hosted, agent)
        hosted.forget_agents()
    return lost


async def agents_follow(caller: Caller, fields: Fields) -> None:
    """The list, again each time it has changed, until the caller hangs up."""
    hanging = asyncio.ensure_future(caller.connection.gone())
    last: list[dict[str, Any]] | None = None
    try:
        while not hanging.done():
            now = await agents_list(caller, fields)
            if (lasting := _without_ages(now["agents"])) != last:
                await caller.connection.send(wire.REPLY, json.dumps(now).encode())
                last = lasting
            await _wait_change(caller.hosted(fields), hanging)
    finally:
        hanging.cancel()


def _without_ages(agents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [agent | {"state": agent["state"] | {"age_seconds": None}} for agent in agents]


async def _wait_change(hosted: Hosted, hanging: asyncio.Future[None]) -> None:
    """Until something changed or a second has passed: figures of the processes tell nobody."""
    change = asyncio.ensure_future(hosted.states.wait_change(_LOOK_SECONDS))
    await asyncio.wait({change, hanging}, return_when=asyncio.FIRST_COMPLETED)
    change.cancel()
    await asyncio.sleep(_LEAST_SECONDS)


async def agents_explain(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    return describe_weighed(hosted.states.explain(agent), time.time()) | {"name": agent.name}


async def agents_show(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    look = await asyncio.to_thread(look_at, hosted.repository, agent)
    await hosted.ports.look([agent])
    return describe_agent(hosted, agent) | {
        "dirty": look.dirty,
        "ahead": look.ahead,
        "behind": look.behind,
        "unimported": look.unimported,
        "trouble": look.trouble,
    }


async def agents_remove(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Takes the walls down, then the tree away; what was on no branch is kept as a snapshot."""
    for one in await find_lost_agents(caller.hosted(fields)):
        if one.name == fields["name"]:
            return await _remove_lost(caller, fields, one)
    hosted, agent, _ = caller.agent({**fields, "agent": fields["name"]})
    running = hosted.is_running(agent)
    if hosted.is_inside(agent) and not running:
        await hosted.importing.import_last_changes(agent)
    if not fields.get("force"):
        await asyncio.to_thread(check_removal, hosted.repository, agent, running=running)
    lost = await save_last_things(hosted, agent)
    if lost and not fields.get("force"):
        raise AgentFault(
            "AGENT_DIRTY",
            f"not all of {agent.name} can be kept: {lost[0]}",
            hint=f"polis agents remove {agent.name} --force removes it without that",
        )
    parts = await find_last_parts(hosted, agent, force=bool(fields.get("force")))
    await hosted.leave(agent, "removed")
    removal = await asyncio.to_thread(
        remove_agent,
        hosted.repository,
        caller.repositories.places,
        agent,
        delete_branch=bool(fields.get("delete_branch")),
        parts=parts,
    )
    hosted.forget_agents()
    _forget(hosted, agent)
    body = {"name": agent.name, **removal.describe()}
    body["left_out"] += lost
    await hosted.journal(agent, f"{agent.incarnation}:removed", "agent-removed", body)
    return body


async def _remove_lost(caller: Caller, fields: Fields, lost: Lost) -> dict[str, Any]:
    """What git has of an agent whose folder was deleted by hand; its branch stays."""
    hosted = caller.hosted(fields)
    await asyncio.to_thread(forget_agents_lost, hosted.repository, caller.repositories.places)
    body = {"name": lost.name, "branch": lost.branch, "saved": [], "left_out": []}
    body |= {"ignored": "", "parts": ""}
    await hosted.journal(None, uuid.uuid4().hex, "agent-removed", body)
    return body


def _forget(hosted: Hosted, agent: Agent) -> None:
    hosted.states.forget(agent)
    hosted.locks.end_all(agent)
    hosted.state.forget_answers(agent.incarnation)
