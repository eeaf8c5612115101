"""Calls about polis' removal from a repository: what would go, and then that it goes."""

from __future__ import annotations

import asyncio
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.daemon.last_things import find_last_parts, save_last_things
from cash.hub.repository import Repository
from cash.workspace.agent import Agent
from cash.workspace.ignored import list_archives
from cash.workspace.roster import look_at
from cash.workspace.uninstall import uninstall


async def uninstall_look(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The agents, and what of their work is not on the user's own branch; nothing is changed."""
    hosted = caller.hosted(fields)
    for agent in hosted.agents():
        if hosted.is_inside(agent) and not hosted.is_running(agent):
            await hosted.importing.import_last_changes(agent)
    return {
        "root": str(hosted.repository.root),
        "journal": str(hosted.folder),
        "archives": len(list_archives(hosted.folder)),
        "agents": [
            {**(await asyncio.to_thread(_look, hosted.repository, one)), **_tell(hosted, one)}
            for one in hosted.agents()
        ],
    }


async def uninstall_repository(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Takes all walls down, then polis away."""
    hosted = caller.hosted(fields)
    parts = {}
    for agent in hosted.agents():
        await save_last_things(hosted, agent)
        parts[agent.name] = await find_last_parts(hosted, agent, force=True)
        await hosted.leave(agent, "removed")
    await hosted.sessions.close()
    caller.repositories.forget(hosted)
    report = await asyncio.to_thread(
        uninstall,
        hosted.repository,
        caller.repositories.places,
        purge=bool(fields.get("purge")),
        parts=parts,
    )
    others = len(caller.repositories.all()) + len(caller.repositories.broken)
    return {"root": str(hosted.repository.root), "others": others, **report.describe()}


def _tell(hosted: Hosted, agent: Agent) -> dict[str, Any]:
    return {"name": agent.name, "branch": agent.branch, "running": hosted.is_running(agent)}


def _look(repository: Repository, agent: Agent) -> dict[str, Any]:
    look = look_at(repository, agent)
    # "" for a branch that was deleted, and where nothing was committed yet.
    span = (f"refs/heads/{agent.branch}", "--not", "HEAD", "--")
    _, out, _ = repository.git.try_run("rev-list", "--count", *span)
    return {
        "dirty": look.dirty,
        "unimported": look.unimported,
        "unmerged": int(out.strip() or 0),
        "trouble": look.trouble,
    }
