"""What polisd does when a repository has been moved."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from cash.faults import Fault
from cash.hub.repository import Repository
from cash.workspace.agent import Agent
from cash.workspace.roster import is_unimported

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


async def settle(hosted: Hosted, repository: Repository, before: Path, *, keep_walls: bool) -> None:
    """The repository is elsewhere now; before: where it was. Walls that stand show the hub's
    objects where they were, and go on when these are the same files (keep_walls)."""
    hosted.lie_at(repository)
    body = {"from": str(before), "to": str(repository.root)}
    await hosted.journal(None, uuid.uuid4().hex, "moved", body)
    for agent in hosted.agents():
        if not hosted.is_inside(agent):  # they may have outlived an earlier polisd
            await hosted.rejoin(agent)
        if not keep_walls:
            await hosted.leave(agent, "the repository was moved to another disk")
        hosted.spawn(_catch_up(hosted, agent))


async def _catch_up(hosted: Hosted, agent: Agent) -> None:
    """Imports what could not be while the repository was away."""
    with contextlib.suppress(Fault):  # then the end of the next command brings it
        if await asyncio.to_thread(is_unimported, agent):
            await hosted.enter(agent)
            await hosted.importing.import_changes(agent)
