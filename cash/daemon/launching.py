"""Everything that must be so before an agent's own program starts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cash.daemon.equipping import equip
from cash.providers.accounts import has_copies
from cash.providers.facets import Purpose
from cash.providers.launch import Launch, plan_launch
from cash.providers.manifest import Manifest, ProviderFault, find_manifest
from cash.providers.program import Program, find_program
from cash.providers.settling import settle_files
from cash.workspace.agent import Agent
from cash.workspace.sight import home_inside

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


@dataclass(frozen=True, slots=True)
class Prepared:
    """A start that may be carried out now. launch.argv and launch.environment hold no secret: an
    API key is added by polisd where the command is started (cash/daemon/lending.py)."""

    manifest: Manifest
    program: Program
    launch: Launch
    is_logged_in: bool


async def prepare_launch(
    hosted: Hosted,
    agent: Agent,
    purpose: Purpose,
    *,
    prompt: str = "",
    model: str = "",
    resume: str = "",
    session: str = "",
    hooked: bool = True,
) -> Prepared:
    """Finds and probes the agent's program, lends it its account, and settles the files that keep
    it from waiting in a question of its own, with polis' hooks among its settings. The words are
    those of plan_launch. ProgramFault when the program is missing or of no use, Fault when the
    agent's home cannot be written."""
    manifest = find_manifest(agent.provider, hosted.manifests)
    program = await hosted.programs.find(manifest, hosted.path())
    held = await hosted.lending.prepare(hosted, agent)
    try:
        launch = plan_launch(
            manifest,
            program=program.path,
            version=program.version,
            purpose=purpose,
            prompt=prompt,
            model=model,
            resume=resume,
            session=session,
            tree=str(agent.tree),
            home=str(home_inside(hosted.repository)),
            lacking=program.lacking,
            account=held.sort if held else "",
            key_tail=held.key_tail if held else "",
            hooked=hooked,
        )
    except ProviderFault as fault:
        raise no_prompt(hosted, agent.name, fault) from fault
    owner = hosted.repository.owner
    await asyncio.to_thread(settle_files, agent.home, launch.files, (owner.uid, owner.gid))
    if launch.hooks:
        await asyncio.to_thread(equip, hosted, agent, launch.hooks)
    if held is None and not await asyncio.to_thread(_has_own, manifest, agent):
        launch = replace(launch, notes=(_lacks_account(manifest, agent), *launch.notes))
    return Prepared(manifest, program, launch, held is not None)


def no_prompt(hosted: Hosted, name: str, fault: ProviderFault) -> ProviderFault:
    """The same fault; where a plain shell was given a task, with the command that makes an agent
    which takes it. name: of the agent that does not."""
    if fault.hint:
        return fault
    able = [one for one in hosted.manifests.values() if one.typed or "prompt" in one.starts]
    there = [one.name for one in able if find_program(one, hosted.path())]
    provider = there[0] if there else "claude"
    return ProviderFault(
        fault.message,
        hint=f"polis agents add {name}-{provider} --provider {provider}, and give it the task",
    )


def _has_own(manifest: Manifest, agent: Agent) -> bool:
    """Whether it needs no account of ours: it knows none, or was logged in inside."""
    return manifest.account is None or has_copies(manifest.account, agent.home)


def _lacks_account(manifest: Manifest, agent: Agent) -> str:
    """A word and no refusal: its own settings may name an endpoint that asks for no account."""
    way = manifest.account.way(manifest.name) if manifest.account else ""
    return f"no account of {manifest.name} is lent to {agent.name}; {way} lends one"
