"""What of an agent only its own git knows, carried to the hub before the agent is removed: commits
that were not yet, and its stash."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from cash.daemon.errand import run_errand
from cash.daemon.unpushed import find_unpushed
from cash.faults import Fault
from cash.hub.arrival import printable
from cash.hub.levels import writing
from cash.hub.mutex import hold_hub
from cash.hub.reading import read_small
from cash.hub.refs import PREFIX, write_refs
from cash.workspace.agent import Agent, AgentFault
from cash.workspace.roster import is_unimported

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

_STASH: Final = "refs/stash"
_LIST: Final = "git -c core.hooksPath=/dev/null -c log.showSignature=false stash list --format=%H"
_MOST: Final = 100
_LONGEST: Final = 1 << 24


async def save_last_things(hosted: Hosted, agent: Agent) -> tuple[str, ...]:
    """What could not be carried over, in words. The walls are raised where there is anything."""
    has_stash = await asyncio.to_thread(_has_stash, agent)
    if not has_stash and not await asyncio.to_thread(is_unimported, agent):
        return ()
    left: list[str] = []
    try:
        await hosted.enter(agent)
        await hosted.importing.import_last_changes(agent)
        if has_stash:
            await _save_stash(hosted, agent)
    except Fault as fault:
        left.append(f"its own git: {fault.message}")
    return tuple(left)


async def find_last_parts(hosted: Hosted, agent: Agent, *, force: bool) -> tuple[str, ...]:
    """The submodules that are to be kept with the agent's removal. Raises AgentFault where there
    are any, or nobody knows, unless force: then they are kept in doubt."""
    try:
        found = await find_unpushed(hosted, agent)
    except Fault as fault:
        if not force:
            raise
        return (fault.message,)
    if found and not force:
        raise AgentFault(
            "AGENT_DIRTY",
            f"{agent.name} has work in {printable(found[0])} that was not pushed from there",
            hint=f"push it, or polis agents remove {agent.name} --force: an archive is kept",
        )
    return found


def _has_stash(agent: Agent) -> bool:
    """By a look from outside, where no git runs on what an agent can write."""
    if read_small(agent.git_directory / _STASH, _LONGEST) is not None:
        return True
    packed = read_small(agent.git_directory / "packed-refs", _LONGEST) or b""
    return any(line.endswith(b" refs/stash") for line in packed.splitlines())


async def _save_stash(hosted: Hosted, agent: Agent) -> None:
    """Each entry as a ref below refs/polis/trash/, where the rest of a removed agent's is."""
    told = await run_errand(hosted, agent, _LIST, [])
    if told.status:
        raise Fault(f"the stash of {agent.name} cannot be read: {told.err}")
    place = f"{PREFIX}trash/{agent.name}-{agent.incarnation}/stash/"
    entries = told.out.decode("ascii", "replace").split()[:_MOST]
    if not entries:  # git says nothing of one that it cannot read
        raise Fault(f"the stash of {agent.name} cannot be read")
    for entry in entries:
        await hosted.importing.fetch_commit(agent, entry)
    refs = [(f"{place}{number}", entry) for number, entry in enumerate(entries)]
    await asyncio.to_thread(_write, hosted, place, refs)


def _write(hosted: Hosted, place: str, refs: list[tuple[str, str]]) -> None:
    with hold_hub(hosted.repository, writing(place), "removing an agent") as held:
        write_refs(held, refs, "polis: stashed by a removed agent")
