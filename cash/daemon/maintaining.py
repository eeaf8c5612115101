"""The hubs' maintenance: one scheduler for all repositories, so that two never work at once."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from cash.faults import Fault
from cash.hub.maintenance import is_due, maintain

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
            body["seconds"] = round(time.monotonic() - began, 3)
            hosted.note(None, uuid.uuid4().hex, "maintained", body)

    async def _look_on(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            try:
                await self.look()
            except Exception as fault:  # whatever it is, the next hub is looked at all the same
                traceback.print_exception(fault, file=sys.stderr)
            await asyncio.sleep(_EVERY_SECONDS)
