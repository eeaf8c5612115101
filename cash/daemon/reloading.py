"""What is saved is in force: one repository's policy files are watched, and what keepers judge by
is renewed when it changes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cash.daemon.enforcing import is_same
from cash.daemon.household import Household
from cash.daemon.watching import Names, Place, Watching, places_of
from cash.faults import Fault
from cash.policy.layers import layer_folders
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A save is often several steps; what comes within this belongs to it.
_SETTLE_SECONDS = 0.05
# The net under inotify: its limits may be reached, and it does not see every file system.
_LOOK_SECONDS = 5.0


class Loading:
    """What all repositories share: threads that load, and the watching of folders."""

    def __init__(self) -> None:
        # Their own: whatever else keeps threads waiting must not keep policies waiting too.
        self.threads = ThreadPoolExecutor(2, thread_name_prefix="policy")
        self.watching = Watching()

    def close(self) -> None:
        """Watches nothing any more."""
        self.watching.stop()
        self.threads.shutdown(wait=False)


class Reloading:
    """See the module. Looks when it is woken, and sometimes without."""

    def __init__(self, hosted: Hosted, loading: Loading) -> None:
        self._hosted = hosted
        self._loading = loading
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._basis: tuple[object, ...] = ()

    async def live(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception as fault:  # whatever it is, the next change must be seen
                traceback.print_exception(fault, file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _LOOK_SECONDS)
                await asyncio.sleep(_SETTLE_SECONDS)
            self._woken.clear()

    async def look(self) -> None:
        """Sees what is there now, and has it seen by keepers."""
        hosted = self._hosted
        folders = layer_folders(hosted.places, hosted.repository.root)
        places: Mapping[Place, Names] = {}
        # Watched first, and looked at then: what happens in between wakes again. Once more for
        # what has appeared by then, and for files that are links to elsewhere.
        while places != (places := places_of(folders, hosted.in_force.files())):
            watch = self._loading.watching.watch
            await self._loop.run_in_executor(self._loading.threads, watch, self.wake, places)
            await hosted.in_force.look()
        try:
            basis = (hosted.in_force.policy().version, hosted.level, hosted.path())
        except Fault:
            return  # there is no policy at all, which whoever needs one is told
        if basis != self._basis:
            self._basis = basis
            await self.renew()

    async def renew(self) -> None:
        """Has every keeper judge by what is in force now."""
        hosted = self._hosted
        for agent in hosted.agents():
            household = hosted.keeping.standing(hosted.key_of(agent))
            if household is not None:
                self.renew_one(agent, household)
                await asyncio.sleep(0)  # others may go on between two

    def renew_one(self, agent: Agent, household: Household) -> None:
        """The same for one agent whose walls stand."""
        snapshot = self._hosted.snapshot(agent)
        if not is_same(snapshot, household.snapshot):
            household.snapshot = snapshot
            with contextlib.suppress(OSError):  # it ends, and hears nothing any more
                household.link.enforce(snapshot)

    def end(self) -> None:
        """Watches nothing for this repository any more."""
        self._loading.threads.submit(self._loading.watching.watch, self.wake, {})

    def wake(self) -> None:
        """Something may have changed. From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._woken.set)
