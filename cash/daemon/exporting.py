"""The hub's branches as agents see them: `hub/main`, `hub/agent/bob`, kept fresh while they work.

The agent's own git takes them, inside its walls; outside, nothing writes to its git directory.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from typing import TYPE_CHECKING, Final

from cash.daemon.errand import run_errand
from cash.daemon.own_git import NEUTRAL
from cash.faults import Fault
from cash.hub.refs import list_refs
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Whoever wants them sooner says `git fetch hub`.
_LOOK_SECONDS: Final = 10.0
# An agent between two commands still works.
_RECENT_SECONDS: Final = 60.0
_FETCH: Final = f"""{NEUTRAL}
for hub in hub polis-hub; do
    [ "$(git config --get-all "remote.$hub.url")" = polis::hub ] || continue
    exec git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c protocol.polis.allow=always \\
        fetch -q --prune --no-tags --no-write-fetch-head --no-auto-maintenance "$hub"
done
"""


class Exporting:
    """Of one repository."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._given: dict[str, tuple[str, ...]] = {}

    async def live(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._look()
            except Exception as fault:  # whatever it is, the next change must be seen
                traceback.print_exception(fault, file=sys.stderr)

    async def _look(self) -> None:
        working = [agent for agent in self._hosted.agents() if self._works(agent)]
        if not working:
            return
        refs = await asyncio.to_thread(list_refs, self._hosted.repository, "refs/heads/")
        for agent in working:
            # What the agent itself has committed is no news to it.
            own = f"refs/heads/{agent.branch}"
            heads = tuple(f"{ref.name} {ref.object}" for ref in refs if ref.name != own)
            if self._given.get(agent.incarnation) != heads:
                self._given[agent.incarnation] = heads
                await self._export(agent)

    def _works(self, agent: Agent) -> bool:
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        if household is None or not household.ready.done() or household.leaving:
            return False
        return bool(household.running) or time.time() - household.since < _RECENT_SECONDS

    async def _export(self, agent: Agent) -> None:
        try:
            await run_errand(self._hosted, agent, _FETCH, ())
        except Fault:
            return  # it stopped just now, or is paused: the next look at it is a new one
        # Its refs have moved, and none of it is work of its own.
        await self._hosted.importing.import_changes(agent)
