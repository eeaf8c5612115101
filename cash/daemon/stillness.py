"""Pausing agents, and ending what a program leaves running behind itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Final

from cash.faults import Fault, UsageFault
from cash.sessions.census import read_table, space_of
from cash.sessions.freezing import freeze, send_signal, thaw
from cash.sessions.session import Session
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# After so long what a program left running is killed.
_LEFTOVERS: Final = 2.0


class Stillness:
    """Which agents of a repository are paused. A file in the agent's folder says so: it outlives
    polisd, and so does the pause."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._paused: set[str] = set()

    def is_paused(self, agent: Agent) -> bool:
        """Whether everything of the agent stands still."""
        return agent.name in self._paused

    def take_up(self, agent: Agent) -> None:
        """Knows again what an earlier polisd has paused."""
        if (agent.folder / "paused").exists():
            if self._hosted.is_inside(agent):
                self._paused.add(agent.name)
                self._tell(agent, paused=True)
            else:
                self.forget(agent)

    async def pause(self, agent: Agent) -> str:
        """Holds everything still that the agent runs; how ("freezer" or "signal"). Questions stay
        open, and nothing new is started. UsageFault when nothing runs."""
        if self.is_paused(agent):
            raise UsageFault(f"{agent.name} is paused already", hint=_way_on(agent))
        if not self.inside(agent):
            raise UsageFault(f"{agent.name} runs nothing", hint=f"polis agents start {agent.name}")
        self._paused.add(agent.name)  # from now on nothing is started that would be missed
        try:
            (agent.folder / "paused").touch(mode=0o600)
            how = await asyncio.to_thread(freeze, self._name(agent), partial(self.inside, agent))
        except (Fault, OSError):
            self.forget(agent)
            raise
        self._tell(agent, paused=True)
        await self._hosted.journal(agent, uuid.uuid4().hex, "paused", {"how": how})
        return how

    async def resume(self, agent: Agent) -> bool:
        """Lets everything go on; whether it was paused."""
        if not self.is_paused(agent):
            return False
        await asyncio.to_thread(thaw, self._name(agent), partial(self.inside, agent))
        self.forget(agent)
        await self._hosted.journal(agent, uuid.uuid4().hex, "resumed", {})
        return True

    def forget(self, agent: Agent) -> None:
        """The agent is not paused any more."""
        self._paused.discard(agent.name)
        self._tell(agent, paused=False)
        with contextlib.suppress(OSError):
            (agent.folder / "paused").unlink()

    def _tell(self, agent: Agent, *, paused: bool) -> None:
        for observer in self._hosted.sessions.observers:
            observer.pause(agent, paused=paused)

    def check(self, agent: Agent) -> None:
        """UsageFault when the agent is paused."""
        if self.is_paused(agent):
            raise UsageFault(f"{agent.name} is paused", hint=_way_on(agent))

    def inside(self, agent: Agent) -> frozenset[int]:
        """The processes the agent runs."""
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        roots = household.roots if household is not None else ()
        if not roots:
            return frozenset()
        found = read_table(time.monotonic()).inside(roots)
        # They are signalled: a number among the roots may be a stranger's since.
        space = space_of(roots[0])
        return frozenset(one.pid for one in found if space and space_of(one.pid) == space)

    async def end_leftovers(self, session: Session) -> None:
        """Ends what is still running when an agent's program is gone, unless somebody else is at
        work in there: a program that forks and leaves would go on unseen."""
        agent = session.agent
        deadline = time.monotonic() + _LEFTOVERS
        number = signal.SIGTERM
        while not self._is_in_use(session) and (left := self.inside(agent)):
            for pid in left:
                send_signal(pid, number)
            await asyncio.sleep(0.1)
            if time.monotonic() > deadline + _LEFTOVERS:
                return
            if time.monotonic() > deadline:
                number = signal.SIGKILL

    def _is_in_use(self, session: Session) -> bool:
        """Whether a command of somebody else's runs in there, or polisd's own."""
        household = self._hosted.keeping.standing(self._hosted.key_of(session.agent))
        if household is None:
            return True
        return bool(household.running - {session.command} or household.own)

    def _name(self, agent: Agent) -> str:
        return f"{self._hosted.repository.id}-{agent.name}"


def _way_on(agent: Agent) -> str:
    return f"polis agents resume {agent.name}"
