"""Providers' programs as polisd knows them: asked once, and again when they are renewed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from cash.faults import MachineFault
from cash.places import Places
from cash.providers.manifest import Manifest
from cash.providers.program import Program, find_program, probe_program

# Each may take a processor for seconds.
_AT_ONCE = 2


class ProgramFault(MachineFault):
    """A provider's program is missing or of no use."""

    code = "AGENT_TYPE_UNAVAILABLE"


class Programs:
    """Answers are kept while the program's file and the manifest stay what they were; only good
    ones, so that a program which hung is asked again."""

    def __init__(self, places: Places) -> None:
        self._scratch = places.state / "probing"
        self._known: dict[str, tuple[object, Program]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def look(self, manifest: Manifest, path: str) -> Program:
        """What is found on `path`; seconds where a program is slow, for the first time."""
        basis = (manifest, _stamp(find_program(manifest, path)))
        known = self._known.get(manifest.name)
        if known is not None and known[0] == basis:
            return known[1]
        async with self._turns:
            found = await asyncio.to_thread(probe_program, manifest, path, self._scratch)
        if not found.trouble:
            self._known[manifest.name] = basis, found
        return found

    async def look_at_all(self, manifests: Mapping[str, Manifest], path: str) -> list[Program]:
        """The same for many, in their order."""
        return list(await asyncio.gather(*(self.look(one, path) for one in manifests.values())))

    async def find(self, manifest: Manifest, path: str) -> Program:
        """One that can be started; ProgramFault with the command that mends it."""
        found = await self.look(manifest, path)
        if found.trouble:
            raise ProgramFault(found.trouble, hint=found.hint or None)
        return found


def _stamp(program: str) -> tuple[object, ...]:
    try:
        place = os.path.realpath(program)
        found = os.stat(place)
    except OSError:
        return ()
    return program, place, found.st_mtime_ns, found.st_size, found.st_ino
