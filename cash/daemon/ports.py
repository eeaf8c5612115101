"""At which ports agents' programs listen, as it was at most some seconds ago.

The kernel walks all sockets of the machine for one namespace's table: 3.5 ms with the hash of a
machine of 24 GB, twice an agent. So nobody looks but for who is shown it, in threads, and not for
each time that a list is asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cash.sessions.ports import listening_ports
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted
    from cash.daemon.household import Household

_FRESH_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """stand: of which walls. at: time.monotonic()."""

    stand: str
    at: float
    ports: tuple[int, ...]


@dataclass(slots=True)
class Ports:
    """Of one repository's agents."""

    hosted: Hosted
    _seen: dict[str, _Seen] = field(default_factory=dict)

    async def look(self, agents: Iterable[Agent]) -> None:
        """Has of() tell what is no older than three seconds."""
        now = time.monotonic()
        old = [
            (agent, household)
            for agent in agents
            if (household := self._household(agent)) and not self._is_fresh(agent, household, now)
        ]
        found = await asyncio.gather(*(asyncio.to_thread(_look, one) for _, one in old))
        for (agent, household), ports in zip(old, found, strict=True):
            self._seen[agent.name] = _Seen(household.session, now, ports)

    def of(self, agent: Agent) -> tuple[int, ...]:
        """Where something inside listens, but for polis' way out; as look() has seen it last."""
        seen, household = self._seen.get(agent.name), self._household(agent)
        is_of_these = seen is not None and household is not None and seen.stand == household.session
        return seen.ports if seen is not None and is_of_these else ()

    def _is_fresh(self, agent: Agent, household: Household, now: float) -> bool:
        seen = self._seen.get(agent.name)
        return (
            seen is not None and seen.stand == household.session and now - seen.at < _FRESH_SECONDS
        )

    def _household(self, agent: Agent) -> Household | None:
        return self.hosted.keeping.standing(self.hosted.key_of(agent))


def _look(household: Household) -> tuple[int, ...]:
    if not household.roots:
        return ()
    return listening_ports(household.roots[0], frozenset({household.view.proxy_port}))
