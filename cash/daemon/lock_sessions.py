"""Which agent is writing which file just now: by itself, where policy says `lock`; beside others,
who are told, where it does not."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cash.guard.claim import Claim, Holder, Wish
from cash.guard.clock import read_clock
from cash.guard.descriptors import hash_file, is_written
from cash.guard.pattern import of_path
from cash.guard.wording import Held
from cash.policy.clashes import clash_of
from cash.policy.paths import Ground
from cash.sessions.census import read_table
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# From the last write on; keepers ask again after half of it (cash/keeper/claims.py).
LINGERS: Final = 2.0
_LOOK_SECONDS: Final = 0.5
# Of the files that were written in somebody's tree: so many, for so long.
_MOST_WRITTEN: Final = 10_000
_REMEMBERED: Final = 3600.0
_MOST_SHOWN: Final = 20
_MOST_TOLD: Final = 200


@dataclass(slots=True)
class _Session:
    """last: when it was written, in seconds since the machine's start."""

    agent: Agent
    claim: Claim
    commands: set[str]
    last: float


class LockSessions:
    """Of one repository."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._sessions: dict[tuple[str, str], _Session] = {}
        # By path: who wrote it last in its own tree, and when.
        self._written: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self.clashes: list[dict[str, Any]] = []

    def take_up(self) -> None:
        """Goes on with what an earlier polisd had begun."""
        agents = {agent.incarnation: agent for agent in self._hosted.agents()}
        for claim in self._hosted.locks.claims():
            agent = agents.get(claim.holder.incarnation)
            if claim.wish.kind == "session" and agent is not None:
                (place,) = claim.wish.pattern.sources
                session = _Session(agent, claim, set(), read_clock().boot)
                self._sessions[agent.incarnation, place] = session

    # Where policy says `lock`

    async def begin(self, agent: Agent, command: str, place: str) -> Held | None:
        """The agent writes this file alone, from now until it is done with it; what is in the
        way, if that cannot be."""
        key, now = (agent.incarnation, place), read_clock()
        session = self._sessions.get(key)
        locks = self._hosted.locks
        if session is not None and locks.beat(session.claim.fence, session.claim.holder):
            session.commands.add(command)
            session.last = now.boot
            return None
        holder = Holder(agent.name, agent.incarnation)
        granted = await locks.acquire(Wish("session", of_path(place), holder))
        if isinstance(granted, Held):
            return granted
        self._sessions[key] = _Session(agent, granted, {command}, read_clock().boot)
        return None

    async def live(self) -> None:
        """Ends what is over, until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                for session in list(self._sessions.values()):
                    if read_clock().boot - session.last >= LINGERS:
                        await self._end_if_over(session)
            except Exception as fault:  # whatever it is, the next one must end
                traceback.print_exception(fault, file=sys.stderr)

    async def _end_if_over(self, session: _Session) -> None:
        agent, (place,) = session.agent, session.claim.wish.pattern.sources
        await self._hosted.rejoined()
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        if household is not None:
            roots = household.roots
            # Walls that outlived an earlier polisd tell what runs in them a moment later.
            if not roots or await asyncio.to_thread(_is_open, place, str(agent.tree), roots):
                return
        after = await asyncio.to_thread(hash_file, place, str(agent.tree))
        if read_clock().boot - session.last < LINGERS:
            return  # it was written once more
        del self._sessions[agent.incarnation, place]
        claim = session.claim
        body = {
            "path": place,
            "fence": claim.fence,
            "commands": sorted(session.commands),
            "since": claim.since.wall,
            "sha256": after,
        }
        self._hosted.note(agent, uuid.uuid4().hex, "lock-session", body)
        self._hosted.locks.release(claim.fence, claim.holder)

    # What is written anyhow

    async def wrote(self, agent: Agent, command: str, files: Sequence[tuple[str, str]]) -> None:
        """A command has changed these files, by absolute path: whoever has written them in another
        tree is told, and so is this agent."""
        now, below = read_clock(), f"{agent.tree}/"
        met: dict[str, list[str]] = {}
        for path, kind in files:
            place = path.removeprefix(below)
            if place == path or place == ".git" or place.startswith(".git/") or kind == "metadata":
                continue
            session = self._sessions.get((agent.incarnation, place))
            if session is not None:
                session.last = now.boot
            others = self._note_writer(place, agent, now.boot)
            if others and self._clash_of(agent, path) in ("warn", None):
                met[place] = others
        if met:
            await self._tell(agent, command, met)

    def _note_writer(self, place: str, agent: Agent, now: float) -> list[str]:
        """The others who have written it in their own trees of late."""
        writers = self._written.pop(place, {})
        others = [
            one
            for one, at in writers.items()
            if one != agent.incarnation and now - at < _REMEMBERED
        ]
        writers[agent.incarnation] = now
        self._written[place] = writers
        while len(self._written) > _MOST_WRITTEN:
            self._written.popitem(last=False)
        return [one for one in others if self._is_news(place, agent.incarnation, one, now)]

    def _is_news(self, place: str, one: str, other: str, now: float) -> bool:
        key = (place, min(one, other), max(one, other))
        if now - self._told.get(key, -_REMEMBERED) < _REMEMBERED:
            return False
        self._told[key] = now
        while len(self._told) > _MOST_WRITTEN:
            self._told.popitem(last=False)
        return True

    def _clash_of(self, agent: Agent, path: str) -> str | None:
        ground = Ground(str(agent.tree), str(agent.home), agent.name, agent.branch)
        return clash_of(self._hosted.in_force.policy().clashes, path, ground)

    async def _tell(self, agent: Agent, command: str, met: dict[str, list[str]]) -> None:
        tracked = await asyncio.to_thread(self._tracked, agent, sorted(met))
        by_incarnation = {one.incarnation: one for one in self._hosted.agents()}
        for place in tracked:
            for other in (by_incarnation.get(one) for one in met[place]):
                if other is not None:
                    self._note_clash(agent, other, command, place)

    def _note_clash(self, agent: Agent, other: Agent, command: str, place: str) -> None:
        body = {"path": place, "done": "warned", "command": command, "holder": other.name}
        for told, about in ((agent, other), (other, agent)):
            mine = body | {"holder": about.name}
            self._hosted.note(told, uuid.uuid4().hex, "lock-clash", mine)
        shown = {"path": place, "agents": [other.name, agent.name], "time": read_clock().wall}
        self.clashes = [*self.clashes[-_MOST_SHOWN + 1 :], shown]
        self._hosted.locks.note_change()

    def _tracked(self, agent: Agent, places: Sequence[str]) -> list[str]:
        """Those that are in the commit it started from: what is not, is merged with nothing."""
        names = [f":(literal){place}" for place in places[:_MOST_TOLD]]
        asked = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", agent.base, "--", *names)
        _, out, _ = self._hosted.repository.git.try_run(*asked)
        return [os.fsdecode(name) for name in out.split(b"\0") if name]


def _is_open(place: str, tree: str, roots: Sequence[int]) -> bool:
    inside = read_table(0.0).inside(roots)
    return is_written(place, tree, [process.pid for process in inside])
