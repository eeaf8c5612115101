"""Agents' walls as polisd sees them: started on demand, listened to, replaced when they fall."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cash.daemon.egress import Admit, open_egress
from cash.faults import Fault
from cash.keeper.link import Ended, Failed, KeeperLink, Listening, Ready, Zygote
from cash.walls.plan import inside_environment
from cash.walls.view import View

_READY_SECONDS = 20.0


@dataclass(slots=True)
class Household:
    """The standing walls of one agent. session: an id of this stand; answers "for the session"
    end with it. environment: what every command starts from. running: ids of the commands that
    run now. own: polisd's own commands in there, by id, which nobody else hears of
    (git-upload-pack)."""

    view: View
    link: KeeperLink
    ready: asyncio.Future[None]
    environment: dict[str, str]
    egress: asyncio.Server | None = None
    running: set[str] = field(default_factory=set)
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    own: dict[str, asyncio.Future[Ended]] = field(default_factory=dict)


class Keeping:
    """The households of one polisd, by an opaque key."""

    def __init__(
        self,
        zygote: Zygote,
        on_ended: Callable[[str, Ended], Awaitable[None]],
        on_lost: Callable[[str, str], Awaitable[None]],
    ) -> None:
        """on_ended(key, message) must have made the event durable when it returns; the keeper
        keeps it until then. on_lost(key, reason): the walls are gone, and what ran in them."""
        self._zygote = zygote
        self._on_ended = on_ended
        self._on_lost = on_lost
        self._households: dict[str, Household] = {}
        self._entering: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Starts the zygote: early, while the caller is small and has no threads."""
        self._zygote.start()

    def standing(self, key: str) -> Household | None:
        """The household, if its walls stand."""
        return self._households.get(key)

    async def enter(self, key: str, view: View, admit: Admit) -> Household:
        """The agent's walls, raised if they do not stand. Fault when they cannot be."""
        lock = self._entering.setdefault(key, asyncio.Lock())
        async with lock:
            household = self._households.get(key)
            if household is None:
                household = await self._raise_walls(key, view, admit)
        return household

    async def _raise_walls(self, key: str, view: View, admit: Admit) -> Household:
        if not self._zygote.alive:
            self._zygote.start()
        loop = asyncio.get_running_loop()
        household = Household(
            view, self._zygote.spawn(view), loop.create_future(), inside_environment(view)
        )
        self._attach(key, household, admit)
        try:
            await asyncio.wait_for(household.ready, _READY_SECONDS)
        except TimeoutError:
            await self._drop(key, household)
            raise Fault(
                f"the walls of {view.agent} did not stand within {_READY_SECONDS:.0f} s"
            ) from None
        return household

    def _attach(self, key: str, household: Household, admit: Admit) -> None:
        self._households[key] = household
        loop = asyncio.get_running_loop()
        loop.add_reader(household.link.fileno(), self._hear, key, household, admit)

    def _hear(self, key: str, household: Household, admit: Admit) -> None:
        try:
            messages = household.link.receive()
        except (OSError, EOFError) as fault:
            messages = [Failed(f"the keeper ended: {fault}")]
        for message in messages:
            match message:
                case Ready():
                    household.link.listen(household.view.proxy_port)
                case Listening(descriptor=descriptor):
                    self._spawn(self._open_way_out(household, descriptor, admit))
                case Ended():
                    self._spawn(self._note_end(key, household, message))
                case Failed():
                    self._spawn(self._note_fall(key, household, message))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_way_out(self, household: Household, descriptor: int, admit: Admit) -> None:
        household.egress = await open_egress(socket.socket(fileno=descriptor), admit)
        if not household.ready.done():
            household.ready.set_result(None)

    async def _note_end(self, key: str, household: Household, ended: Ended) -> None:
        household.running.discard(ended.id)
        own = household.own.pop(ended.id, None)
        if own is not None:
            if not own.done():
                own.set_result(ended)
        else:
            await self._on_ended(key, ended)
        with contextlib.suppress(OSError):
            household.link.acknowledge(ended.id)

    async def _note_fall(self, key: str, household: Household, failed: Failed) -> None:
        if self._households.get(key) is not household:
            return
        first = not household.ready.done()
        await self._drop(key, household)
        if first:
            household.ready.set_exception(Fault(failed.message))
        else:
            await self._on_lost(key, failed.message)

    async def _drop(self, key: str, household: Household) -> None:
        self._households.pop(key, None)
        asyncio.get_running_loop().remove_reader(household.link.fileno())
        household.link.stop()
        if household.egress is not None:
            household.egress.close()
        for own in household.own.values():
            if not own.done():
                own.set_exception(Fault("the walls fell"))

    async def leave(self, key: str) -> bool:
        """Takes an agent's walls down with all that runs in them; whether they stood."""
        household = self._households.get(key)
        if household is None:
            return False
        await self._drop(key, household)
        return True

    async def run_own(
        self, key: str, number: str, argv: list[bytes], descriptors: dict[int, int]
    ) -> Ended:
        """Runs a command of polisd's own inside standing walls, unjudged, and waits for it."""
        household = self._households[key]
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        household.own[number] = ended
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                household.link.run(
                    id=number,
                    argv=argv,
                    environment=[b"PATH=/usr/bin:/bin", b"LC_ALL=C"],
                    cwd=os.fsencode(household.view.tree),
                    client=theirs.fileno(),
                    descriptors=descriptors,
                )
            return await ended

    async def close(self) -> None:
        """Takes all walls down and ends the zygote."""
        for key in list(self._households):
            await self.leave(key)
        self._zygote.stop()
