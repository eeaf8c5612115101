"""Accounts that are used up for now: whoever would only be refused is held back."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import re2

from cash.faults import Fault
from cash.sessions.ansi import strip
from cash.sessions.log import read_screen
from cash.sessions.session import Session

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# So long nobody else tries. Providers name a time in many ways, or none; whoever knows better
# says so (--anyway).
_HELD_SECONDS: Final = 600.0
# The words stand where a program has stopped, not in the middle of what it is doing.
_LINES: Final = 12
_SILENCE: Final = 2.0
_PATIENCE: Final = 60.0
_TAIL: Final = 512


@dataclass(frozen=True, slots=True)
class UsedUp:
    """Who was told so, when (seconds since the epoch)."""

    agent: str
    at: float

    @property
    def is_over(self) -> bool:
        """Whether it may be tried again."""
        return time.time() - self.at > _HELD_SECONDS


class Quotas:
    """Of one user: all agents of a provider use one account."""

    def __init__(self) -> None:
        self._used_up: dict[str, UsedUp] = {}

    def note(self, provider: str, agent: str) -> None:
        """The provider has told this agent so."""
        self._used_up[provider] = UsedUp(agent, time.time())

    def forget(self, provider: str) -> None:
        """Somebody tries all the same."""
        self._used_up.pop(provider, None)

    def check(self, provider: str) -> None:
        """Fault while the account of the provider is used up."""
        found = self._used_up.get(provider)
        if found is None or found.is_over:
            return
        ago = max(0, round((time.time() - found.at) / 60))
        left = max(1, round((_HELD_SECONDS - (time.time() - found.at)) / 60))
        raise Fault(
            f"the {provider} account is used up for now: {found.agent} was told so {ago} min ago",
            hint=f"wait {left} min, or try all the same: polis agents run NAME TASK --anyway",
        )


class QuotaWatch:
    """Reads what programs write for their providers' words."""

    def __init__(self, hosted: Hosted, quotas: Quotas) -> None:
        self._hosted = hosted
        self._quotas = quotas
        self._tails: dict[str, str] = {}
        self._looking: set[str] = set()
        hosted.sessions.listen(self._hear)

    def _hear(self, session: Session, data: bytes) -> None:
        patterns = self._patterns(session.agent.provider)
        if not patterns:
            return
        text = self._tails.get(session.agent.name, "") + data.decode("utf-8", "replace")
        self._tails[session.agent.name] = text[-_TAIL:]
        if session.number not in self._looking and _says(patterns, strip(text)):
            self._looking.add(session.number)
            self._hosted.spawn(self._look(session, patterns))

    def _patterns(self, provider: str) -> tuple[str, ...]:
        manifests: Mapping[str, object] = self._hosted.manifests
        return self._hosted.manifests[provider].quota if provider in manifests else ()

    async def _look(self, session: Session, patterns: tuple[str, ...]) -> None:
        """A program that stands still with these words has been told so."""
        deadline = time.monotonic() + _PATIENCE
        while not session.ended.done() and time.monotonic() < deadline:
            if time.monotonic() - session.written > _SILENCE:
                break
            await asyncio.sleep(0.2)
        if _says(patterns, "\n".join(await self._shown(session))):
            agent = session.agent
            self._quotas.note(agent.provider, agent.name)
            body = {"provider": agent.provider, "session": session.number}
            await self._hosted.journal(agent, uuid.uuid4().hex, "quota", body)
        self._looking.discard(session.number)

    async def _shown(self, session: Session) -> list[str]:
        with contextlib.suppress(Fault):
            return (await self._hosted.sessions.screen(session))[-_LINES:]
        return await asyncio.to_thread(read_screen, session.agent.folder, _LINES)


def _says(patterns: tuple[str, ...], text: str) -> bool:
    return any(re2.search(pattern, text) for pattern in patterns)
