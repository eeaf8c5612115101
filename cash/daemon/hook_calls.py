"""Calls about hooks in agents' own settings: put in, taken out."""

from __future__ import annotations

import uuid
from typing import Any

from cash.content import content_folder
from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.faults import UsageFault
from cash.providers.hooks import PROTOCOLS
from cash.providers.hooks.event import Protocol
from cash.providers.hooks.settings import put_in, take_out
from cash.workspace.agent import Agent
from cash.workspace.home_files import read_home_file, remove_home_file, write_home_file


def equip(hosted: Hosted, agent: Agent, provider: str) -> list[str]:
    """Puts polis' hooks and its skill into the agent's home, for that provider's program; again is
    fine. The files, from the home. Fault when they cannot be written: nothing depends on them."""
    protocol = find_protocol(provider)
    template = (content_folder("hooks") / protocol.template).read_bytes()
    settings = put_in(read_home_file(agent.home, protocol.place), template)
    files = {protocol.place: settings}
    if protocol.skill:
        files[protocol.skill] = (content_folder("hooks") / "SKILL.md").read_bytes()
    owner = (hosted.repository.owner.uid, hosted.repository.owner.gid)
    for place, content in files.items():
        write_home_file(agent.home, place, content, owner)
    return list(files)


def strip(hosted: Hosted, agent: Agent, provider: str) -> list[str]:
    """Takes them out again; what was changed."""
    protocol = find_protocol(provider)
    current = read_home_file(agent.home, protocol.place)
    left = take_out(current) if current else b""
    owner = (hosted.repository.owner.uid, hosted.repository.owner.gid)
    changed = [protocol.place] if left != current else []
    if left:
        write_home_file(agent.home, protocol.place, left, owner)
    else:
        remove_home_file(agent.home, protocol.place)
    if protocol.skill and read_home_file(agent.home, protocol.skill):
        remove_home_file(agent.home, protocol.skill)
        changed.append(protocol.skill)
    return changed


def find_protocol(provider: str) -> Protocol:
    """UsageFault that lists what there is when there is none."""
    if provider not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise UsageFault(f"polis knows no hooks of {provider!r}", hint=f"one of {known}")
    return PROTOCOLS[provider]


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
