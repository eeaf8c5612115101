"""Calls about hooks in agents' own settings: put in, taken out."""

from __future__ import annotations

import uuid
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.daemon.equipping import equip, strip
from cash.daemon.hosting import Hosted
from cash.workspace.agent import Agent


async def hook_install(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    files = equip(hosted, agent, str(fields["provider"]))
    return await _done(hosted, agent, fields, "hooks-installed", files)


async def hook_remove(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    files = strip(hosted, agent, str(fields["provider"]))
    return await _done(hosted, agent, fields, "hooks-removed", files)


async def _done(
    hosted: Hosted, agent: Agent, fields: Fields, kind: str, files: list[str]
) -> dict[str, Any]:
    body = {"provider": str(fields["provider"]), "files": files}
    if files:
        await hosted.journal(agent, uuid.uuid4().hex, kind, body)
    return {"agent": agent.name, **body}
