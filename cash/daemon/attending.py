"""What agents' own programs show and write of their state, told to those who weigh it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cash.faults import Fault
from cash.providers.manifest import Manifest
from cash.sessions.screens import read_screen
from cash.sessions.session import Session
from cash.sessions.streams.reading import read_line

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A screen is read once it has stood still for so long: half a redraw is no screen. One that never
# does (a spinner turns) is read this often.
_STILL: Final = 0.3
_AT_LEAST: Final = 2.0
# One on which nothing changes is looked at again before the last look is too old to be believed
# (cash/sessions/state.py).
_AGAIN: Final = 12.0
# A line of a stream that is longer is not read: with a tool's whole output in it, it may be any.
_LONGEST_LINE: Final = 1 << 20


class Attending:
    """Of one repository's sessions: streams of those without a terminal, screens of the others."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._halves: dict[str, bytes] = {}
        self._looking: set[str] = set()
        hosted.sessions.listen(self._hear)

    async def live(self) -> None:
        """Looks at the screens on which nothing is written."""
        while True:
            await asyncio.sleep(_AGAIN)
            still: list[tuple[Session, Manifest]] = []
            for session in self._hosted.sessions.living():
                manifest = self._hosted.manifests.get(session.agent.provider)
                if manifest is not None and self._stands_still(session, manifest):
                    still.append((session, manifest))
                else:
                    self._hear(session, b"")
            await self._look_at_all(still)

    def _hear(self, session: Session, data: bytes) -> None:
        manifest = self._hosted.manifests.get(session.agent.provider)
        if manifest is None:
            return
        if output := manifest.stream_of(session.purpose):
            self._read_lines(session, output, data)
        elif manifest.signs and session.number not in self._looking:
            self._looking.add(session.number)
            self._hosted.spawn(self._look(session, manifest))

    def _read_lines(self, session: Session, output: str, data: bytes) -> None:
        *lines, half = (self._halves.get(session.number, b"") + data).split(b"\n")
        for line in lines:
            signal = read_line(output, line, time.time())
            if signal is not None:
                self._hosted.states.hear(session.agent, signal)
        self._halves[session.number] = half[:_LONGEST_LINE]
        if not half or session.ended.done():
            del self._halves[session.number]

    async def _look(self, session: Session, manifest: Manifest) -> None:
        try:
            deadline = time.monotonic() + _AT_LEAST
            while time.monotonic() < deadline:
                still = time.monotonic() - session.written
                if still >= _STILL:
                    break
                await asyncio.sleep(_STILL - still)
        finally:
            self._looking.discard(session.number)
        if session.ended.done():
            return
        with contextlib.suppress(Fault):  # its window has just gone
            self._read_screen(session, manifest, await self._hosted.sessions.screen(session))

    def _stands_still(self, session: Session, manifest: Manifest) -> bool:
        """Whether its screen can be read as it is; else it is looked at when it can."""
        is_screen = bool(manifest.signs) and not manifest.stream_of(session.purpose)
        is_still = time.monotonic() - session.written >= _STILL
        return is_screen and is_still and session.number not in self._looking

    async def _look_at_all(self, still: Sequence[tuple[Session, Manifest]]) -> None:
        manifests = {session.number: manifest for session, manifest in still}
        with contextlib.suppress(Fault):  # tmux has just gone
            for session, lines in await self._hosted.sessions.screens([one for one, _ in still]):
                self._read_screen(session, manifests[session.number], lines)

    def _read_screen(self, session: Session, manifest: Manifest, lines: Sequence[str]) -> None:
        signal = read_screen(manifest, "\n".join(lines), time.time())
        if signal is not None:
            self._hosted.states.hear(session.agent, signal)
