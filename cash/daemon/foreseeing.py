"""Conflicts between the agents of a repository, foreseen: all at once when somebody asks, and what
has been committed whenever a branch has moved."""

from __future__ import annotations

import asyncio
import sys
import traceback
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.taking import is_here, take_work
from cash.faults import Fault
from cash.hub.foresight import Foresight, Meeting, Work, foresee
from cash.hub.refs import list_refs
from cash.hub.targets import Target, find_target
from cash.workspace.agent import Agent
from cash.workspace.stamp import stamp_work

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Trees that are looked at side by side: git reads each whole.
_MOST_AT_ONCE: Final = 4
_LOOK_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 60.0
# Of the files of a conflict, in the journal.
_MOST_TOLD: Final = 50


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. troubles: agents whose work could not be taken, and why. uncommitted:
    those with something that they have not committed."""

    target: Target
    foresight: Foresight
    troubles: tuple[tuple[str, str], ...]
    uncommitted: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "into": self.target.branch,
            **self.foresight.describe(),
            "uncommitted": list(self.uncommitted),
            "troubles": [{"agent": name, "why": why} for name, why in self.troubles],
        }


@dataclass(frozen=True, slots=True)
class _Taken:
    """What an agent had at its last look: work, on top of its commit head. stamp: of before it was
    taken."""

    head: str = ""
    work: str = ""
    stamp: str = ""


class Foreseeing:
    """Of one repository. What was foreseen last is what rules speak of."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._last = Foresight((), (), ())
        self._taken: dict[str, _Taken] = {}
        self._seen: tuple[str, ...] = ()

    def paths_of(self, agent: Agent) -> frozenset[str]:
        """The files, from the tree's root, in which its work conflicts with another agent's."""
        others = [one for one in self._last.meetings if len(one.agents) > 1]
        if not others:
            return frozenset()
        return replace(self._last, meetings=tuple(others)).paths_of(agent.name)

    async def look(self, cwd: Path, into: str | None) -> Look:
        """All that the agents have, what is not committed too, and the user's branch. Fault when
        there is no such branch; an agent whose work cannot be taken is left out."""
        hosted = self._hosted
        target = await asyncio.to_thread(
            find_target, hosted.repository, hosted.folder / "agents", cwd, into
        )
        turns = asyncio.Semaphore(_MOST_AT_ONCE)
        found = await asyncio.gather(*(self._take(agent, turns) for agent in hosted.agents()))
        works = [one for one in found if isinstance(one, Work)]
        troubles = tuple(one for one in found if not isinstance(one, Work))
        foresight = await self._foresee(target, works)
        return Look(target, foresight, troubles, tuple(self._uncommitted()))

    def _uncommitted(self) -> Iterator[str]:
        for agent in self._hosted.agents():
            taken = self._taken.get(agent.incarnation, _Taken())
            if taken.head != taken.work:
                yield agent.name

    async def _take(self, agent: Agent, turns: asyncio.Semaphore) -> Work | tuple[str, str]:
        async with turns:
            stamp, known = await asyncio.to_thread(self._recall, agent)
            if known is not None:
                return Work(agent.name, known.work)
            try:
                taken = await take_work(self._hosted, agent)
            except Fault as fault:
                return agent.name, fault.message
        self._taken[agent.incarnation] = _Taken(taken.head, taken.work, stamp)
        return Work(agent.name, taken.work)

    def _recall(self, agent: Agent) -> tuple[str, _Taken | None]:
        """How its work stands by now, and what it had at its last look if that is still all."""
        stamp = stamp_work(agent)
        taken = self._taken.get(agent.incarnation)
        is_same = taken is not None and stamp != "" and stamp == taken.stamp
        return stamp, taken if is_same and taken and is_here(self._hosted, taken.work) else None

    async def live(self) -> None:
        """Looks at what is committed whenever that has changed, until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._look_at_commits()
            except Fault:
                # No branch to compare with, or merges that take too long: agents can make such.
                await asyncio.sleep(_PAUSE_SECONDS)
            except Exception as fault:  # whatever it is, the next change must be seen
                traceback.print_exception(fault, file=sys.stderr)

    async def _look_at_commits(self) -> None:
        hosted = self._hosted
        agents = hosted.agents()
        if not agents:
            return
        refs = await asyncio.to_thread(list_refs, hosted.repository, "refs/heads/")
        seen = tuple(f"{ref.name} {ref.object}" for ref in refs)
        if seen == self._seen:
            return
        target = await asyncio.to_thread(
            find_target, hosted.repository, hosted.folder / "agents", hosted.repository.root, None
        )
        tips = {ref.name: ref.object for ref in refs}
        works = [
            Work(agent.name, self._latest(agent, tip))
            for agent in agents
            if (tip := tips.get(f"refs/heads/{agent.branch}"))
        ]
        await self._foresee(target, works)
        self._seen = seen

    def _latest(self, agent: Agent, tip: str) -> str:
        """What was not committed either, as far as it is known."""
        taken = self._taken.get(agent.incarnation, _Taken())
        return taken.work if taken.head == tip else tip

    async def _foresee(self, target: Target, works: Sequence[Work]) -> Foresight:
        found = await asyncio.to_thread(foresee, self._hosted.repository, target, works)
        known = {meeting.agents for meeting in self._last.meetings}
        self._last = found
        for meeting in found.meetings:
            if meeting.agents not in known:
                self._tell(target, meeting)
        return found

    def _tell(self, target: Target, meeting: Meeting) -> None:
        described = meeting.describe()
        body = {
            "agents": described["agents"],
            "into": target.branch,
            "files": described["files"][:_MOST_TOLD],
            "count": len(meeting.files),
        }
        for agent in self._hosted.agents():
            if agent.name in meeting.agents:
                self._hosted.note(agent, uuid.uuid4().hex, "conflict-foreseen", body)
