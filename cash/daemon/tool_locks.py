"""Locks on what agents' own tools write: from the hook before a call to the one after it.

The tool writes by itself; what polis does around it is what its own writer does: nobody else has
the file meanwhile, and the journal knows what it was before and after.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cash.daemon.locks import began_at
from cash.faults import Fault
from cash.guard.claim import BEAT_SECONDS, Claim, Holder, Wish
from cash.guard.digest import hash_content
from cash.guard.draft import read
from cash.guard.finding import find
from cash.guard.naming import name_in_tree
from cash.guard.pattern import of_path
from cash.guard.wording import Held
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A call whose end nobody tells: its program asks its person first, who may be away.
_LONGEST: Final = 600.0


@dataclass(slots=True)
class _Session:
    """A file that calls of one agent write. before: its hash when the first of them began."""

    agent: Agent
    claim: Claim
    tool: str
    before: str | None
    calls: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.time)


class ToolLocks:
    """Of one repository's agents."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._sessions: dict[tuple[str, str], _Session] = {}

    async def begin(self, agent: Agent, call: str, tool: str, paths: Sequence[str]) -> Held | None:
        """A call is about to write these files (absolute); what somebody else holds of them. What
        lies outside the tree is nobody's here."""
        for path in paths:
            found = await asyncio.to_thread(_look, os.fspath(agent.tree), path)
            if found is None:
                continue
            held = await self._join(agent, call, tool, *found)
            if held is not None:
                await self.end(agent, call)
                return held
        return None

    async def _join(
        self, agent: Agent, call: str, tool: str, path: str, before: str | None
    ) -> Held | None:
        key = (agent.incarnation, path)
        if key not in self._sessions:
            holder = Holder(agent.name, agent.incarnation, *own_process())
            wish = Wish("lock", of_path(path), holder, why=tool, seconds=_LONGEST)
            claim = await self._hosted.locks.acquire(wish)
            if isinstance(claim, Held):
                return claim
            self._sessions[key] = _Session(agent, claim, tool, before)
        self._sessions[key].calls.add(call)
        return None

    async def end(self, agent: Agent, call: str) -> None:
        """The call has its result, or is not made."""
        for key, session in list(self._sessions.items()):
            if key[0] == agent.incarnation and call in session.calls:
                session.calls.discard(call)
                if not session.calls:
                    del self._sessions[key]
                    await self._close(session, key[1], call)

    async def end_all(self, agent: Agent) -> None:
        """None of its calls is under way."""
        own = [one for key, one in self._sessions.items() if key[0] == agent.incarnation]
        for call in {call for session in own for call in session.calls}:
            await self.end(agent, call)

    async def _close(self, session: _Session, path: str, call: str) -> None:
        """Journals what became of the file, if anything did, then lets go of it."""
        tree = os.fspath(session.agent.tree)
        found = await asyncio.to_thread(_look, tree, f"{tree}/{path}")
        after = found[1] if found is not None and found[0] == path else None
        if after != session.before:
            body = {
                "call": call,
                "tool": session.tool,
                "change": "write" if after else "delete",
                "paths": [f"{tree}/{path}"],
                "before": session.before,
                "after": after,
                "fence": session.claim.fence,
                "since": session.began,
            }
            self._hosted.note(session.agent, uuid.uuid4().hex, "tool-wrote", body)
        self._hosted.locks.release(session.claim.fence, session.claim.holder)

    async def live(self) -> None:
        """Keeps their locks from going stale, until it is cancelled; forgets calls without end."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for key, session in list(self._sessions.items()):
                is_over = time.time() - session.began > _LONGEST
                if is_over or not self._hosted.locks.beat(
                    session.claim.fence, session.claim.holder
                ):
                    self._sessions.pop(key, None)


def own_process() -> tuple[int, int]:
    """polisd, which looks after such a lock: with it the lock goes, at once."""
    return os.getpid(), began_at(os.getpid())


def _look(tree: str, path: str) -> tuple[str, str | None] | None:
    """The file's real path from the tree's top and its hash, by no link out of the tree; without a
    hash where it cannot be read. None: no file of the tree."""
    try:
        name = name_in_tree(path, tree, tree)
    except Fault:
        return None
    try:
        top = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            spot = find(top, tree, name, follow=True)
        finally:
            os.close(top)
        try:
            old = read(spot)
        finally:
            spot.close()
    except (Fault, OSError):
        return name, None
    return spot.path, hash_content(old.content) if old else None
