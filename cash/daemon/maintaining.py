"""Maintenance of the hubs and of the agents' git directories: one scheduler for all of them, so
that two never work at once."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from cash.daemon.tidying import tidy
from cash.faults import Fault
from cash.hub.maintenance import TASKS, is_due, maintain
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Not while agents rejoin and the user's first commands come.
_FIRST_SECONDS: Final = 60.0
_EVERY_SECONDS: Final = 600.0


class Maintaining:
    """Looks at every repository under care now and then, and does what is due. git's own start of
    it, beside whatever runs, is switched off wherever polis starts git."""

    def __init__(self, hosted: Callable[[], Iterable[Hosted]]) -> None:
        self._hosted = hosted
        self._live: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on, until close()."""
        self._live = asyncio.ensure_future(self._look_on())

    def close(self) -> None:
        """A task that runs ends by itself: it holds the hub until then."""
        if self._live is not None:
            self._live.cancel()

    async def look(self) -> None:
        """Does what is due now. A hub that somebody holds is looked at again next time."""
        for hosted in tuple(self._hosted()):
            began = time.monotonic()
            try:
                if not await asyncio.to_thread(is_due, hosted.repository):
                    continue
                tasks = await asyncio.to_thread(maintain, hosted.repository)
                body: dict[str, object] = {"tasks": list(tasks)}
            except Fault as fault:
                body = {"refused": fault.message}
            _tell(hosted, None, body, began)
        for hosted in tuple(self._hosted()):
            for agent in hosted.agents():
                await self._tidy(hosted, agent)

    @staticmethod
    async def _tidy(hosted: Hosted, agent: Agent) -> None:
        began = time.monotonic()
        try:
            if await tidy(hosted, agent):
                _tell(hosted, agent, {"tasks": list(TASKS)}, began)
        except Fault as fault:
            _tell(hosted, agent, {"refused": fault.message}, began)

    async def _look_on(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            try:
                await self.look()
            except Exception as fault:  # whatever it is, the next hub is looked at all the same
                traceback.print_exception(fault, file=sys.stderr)
            await asyncio.sleep(_EVERY_SECONDS)


def _tell(hosted: Hosted, agent: Agent | None, body: dict[str, object], began: float) -> None:
    told = {**body, "seconds": round(time.monotonic() - began, 3)}
    hosted.note(agent, uuid.uuid4().hex, "maintained", told)
