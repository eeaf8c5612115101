"""The same task for many new agents: all that can be known beforehand is looked at before the first
of them is made, and what was made goes again when one of them cannot begin."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cash.daemon.launching import no_prompt
from cash.daemon.starting import Task
from cash.faults import UsageFault
from cash.hub.refs import list_refs
from cash.providers.launch import plan_launch
from cash.providers.manifest import ProviderFault, find_manifest
from cash.workspace.agent import AgentFault, check_name
from cash.workspace.branch import plan_branch

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fanout is to make. provider: "" for the usual one; start: where their branches
    begin, None for here."""

    count: int
    prefix: str
    provider: str
    start: str | None
    task: Task


async def plan_fanout(hosted: Hosted, wanted: Wanted) -> Sequence[str]:
    """The names of the agents to add; nothing is made. Raises Fault where it is known already that
    one of them could not be made, or not begin."""
    if not 1 <= wanted.count <= MOST:
        raise UsageFault(f"1 to {MOST} agents, not {wanted.count}")
    provider = wanted.provider or str(hosted.settings.value("provider"))
    manifest = find_manifest(provider, hosted.manifests)
    names = await asyncio.to_thread(_free_names, hosted, wanted)
    most, there = int(hosted.settings.value("max-agents")), len(hosted.agents())
    if there + len(names) > most:
        raise AgentFault(
            "MAX_AGENTS",
            f"{there + len(names)} agents would be more than the setting max-agents, {most}",
            hint=f"polis config set max-agents {there + len(names)}, or polis agents remove NAME",
        )
    if not wanted.task.anyway:
        hosted.quotas.check(provider)
    program = await hosted.programs.find(manifest, hosted.path())
    try:
        plan_launch(
            manifest,
            program=program.path,
            version=program.version,
            purpose=wanted.task.purpose,
            prompt=wanted.task.text,
            lacking=program.lacking,
        )
    except ProviderFault as fault:
        raise no_prompt(hosted, wanted.prefix, fault) from fault
    return names


def _free_names(hosted: Hosted, wanted: Wanted) -> list[str]:
    """Of agents and branches that are not there yet: what is made here can be taken back whole."""
    agents = hosted.agents()
    taken = {agent.name for agent in agents}
    branches = {ref.name for ref in list_refs(hosted.repository, "refs/heads/agent/")}
    names, number = list[str](), 0
    while len(names) < wanted.count:
        number += 1
        name = check_name(f"{wanted.prefix}-{number}", ())
        if name not in taken and f"refs/heads/agent/{name}" not in branches:
            names.append(name)
    plan_branch(hosted.repository, names[0], wanted.start, None, agents)
    return names
