"""Commits come out: after a command that moved a ref inside, the hub takes what is new."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from cash.faults import Fault
from cash.hub.importer import ImportReport, fetch_commit, fetch_objects, import_commits
from cash.hub.lfs_carrying import Carried, Known, carry_objects
from cash.hub.repository import Repository
from cash.workspace.agent import Agent
from cash.workspace.roster import is_unimported

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


_Fetched = TypeVar("_Fetched")
# For a commit that no ref holds.
_ANY_COMMIT: Final = (b"-c", b"uploadpack.allowAnySHA1InWant=true")
# An upload-pack whose stream nobody reads any more has nothing left to do.
_GRACE_SECONDS = 2.0
# How long an agent may keep the person waiting who stops it.
_LAST_SECONDS = 10.0
_MOST_AT_ONCE = 128
# git reads the HEAD of every worktree, also of one that is being made just now.
_IN_THE_MAKING: Final = re.compile(r"\bworktrees/")


@dataclass(slots=True)
class _Large:
    """What is known of an agent's objects of Git LFS. left: some are still to come home."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: Known = field(default_factory=Known)
    left: bool = False


class Importing:
    """One import at a time per agent. git-upload-pack runs inside the agent's walls; outside,
    only the pack stream it sends is read, and checked."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._turns: dict[str, asyncio.Lock] = {}
        self._large: dict[str, _Large] = {}
        # Their own: agents that keep their imports waiting must not keep all else waiting too.
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="import")

    async def import_last_changes(self, agent: Agent) -> None:
        """Imports before the walls go, unless the agent keeps that waiting; then it ends with
        them."""
        await asyncio.wait({self._hosted.spawn(self.import_changes(agent))}, timeout=_LAST_SECONDS)

    async def import_changes(self, agent: Agent) -> ImportReport | None:
        """Imports if refs inside have moved since the last time; None when nothing had."""
        turn = self._turns.setdefault(agent.incarnation, asyncio.Lock())
        async with turn:
            if not await asyncio.to_thread(is_unimported, agent):
                if self._large_of(agent).left:
                    with contextlib.suppress(Fault):  # said when its commits came
                        await self.carry_large(agent)
                return None
            try:
                await self.carry_large(agent)
                report = await self._fetch(agent, import_commits)
                if any(_IN_THE_MAKING.search(one.reason) for one in report.refused):
                    report = await self._fetch(agent, import_commits)
            except Fault as fault:
                refused = {"updated": [], "refused": [{"ref": "*", "reason": fault.message}]}
                self._hosted.note(agent, uuid.uuid4().hex, "imported", refused)
                return None
            self._hosted.note(agent, uuid.uuid4().hex, "imported", _describe(report))
            return report

    async def fetch_commit(self, agent: Agent, commit: str) -> None:
        """Brings a commit into the hub that no ref inside holds. Raises Fault."""
        await self.carry_large(agent)
        await self._fetch(agent, partial(fetch_commit, commit=commit), _ANY_COMMIT)

    async def fetch_objects(
        self, agent: Agent, objects: Sequence[str], repository: Repository, source: Path
    ) -> None:
        """The same with several commits or tags, by their ids. repository: the hub, or a
        submodule's. source: the git directory inside that has them; nothing outside looks there."""
        fetch = partial(fetch_objects, objects=objects)
        await self._fetch(agent, fetch, _ANY_COMMIT, (repository, source))

    async def carry_large(
        self, agent: Agent, repository: Repository | None = None, within: str = ""
    ) -> Carried:
        """Copies the objects of Git LFS that the user's store lacks, as many as there is time for.
        One look at a time per agent, so that none takes all threads. within: the git directory
        below the agent's that has them. Raises Fault."""
        wanted, large = repository or self._hosted.repository, self._large_of(agent)
        stop = threading.Event()
        carry = partial(carry_objects, wanted, agent.git_directory, within)
        async with large.turn:
            carried = await self._finish(partial(carry, known=large.known, stop=stop), stop)
            if not within:
                large.left = carried.left
        if carried != Carried():
            found = {"taken": carried.taken, "refused": carried.refused}
            self._hosted.note(agent, uuid.uuid4().hex, "lfs-objects", found)
        return carried

    def _large_of(self, agent: Agent) -> _Large:
        return self._large.setdefault(agent.incarnation, _Large())

    async def _finish(self, carry: Callable[[], Carried], stop: threading.Event) -> Carried:
        """Cancelled, it has ended before the next one begins."""
        running = self._threads.submit(carry)
        ending = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            stop.set()
            if not running.cancel():
                await asyncio.wait({ending}, timeout=_GRACE_SECONDS)
            raise

    async def _fetch(
        self,
        agent: Agent,
        fetch: Callable[..., _Fetched],
        options: tuple[bytes, ...] = (),
        places: tuple[Repository, Path] | None = None,
    ) -> _Fetched:
        """Bridges the hub's fetch and the upload-pack inside by two pipes: git hands the open
        descriptors on to the shell it starts as its "upload-pack"."""
        repository, source = places or (self._hosted.repository, agent.git_directory)
        from_hub, to_agent = os.pipe()
        from_agent, to_hub = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        held = {from_hub, to_agent, from_agent, to_hub, null}
        try:
            serving = asyncio.ensure_future(
                self._hosted.keeping.run_own(
                    self._hosted.key_of(agent),
                    f"import-{uuid.uuid4().hex[:12]}",
                    [b"git", *options, b"upload-pack", os.fsencode(source)],
                    {0: from_hub, 1: to_hub, 2: null},
                )
            )
            await asyncio.sleep(0)
            for descriptor in (from_hub, to_hub, null):
                os.close(descriptor)
                held.discard(descriptor)
            pipes = (from_agent, to_agent)
            fetched = await asyncio.get_running_loop().run_in_executor(
                self._threads,
                partial(fetch, repository, agent, upload_pack=pipes),
            )
        finally:
            for descriptor in held:
                os.close(descriptor)
        # Cancelled, it is hung up: it may wait for ever on something the agent put there.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(serving, _GRACE_SECONDS)
        return fetched


def _describe(report: ImportReport) -> dict[str, object]:
    return {
        "updated": [asdict(update) for update in report.updated],
        "refused": [asdict(refusal) for refusal in report.refused],
        "seconds": round(report.seconds, 3),
    }
