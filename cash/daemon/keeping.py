"""Agents' walls as polisd sees them: raised on demand, listened to, replaced when they fall."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cash.daemon.egress import Admit, open_egress
from cash.daemon.household import Household
from cash.daemon.inhabitants import Inhabitants
from cash.faults import Fault, MachineFault
from cash.keeper.forking import Zygote
from cash.keeper.link import (
    Asked,
    Ended,
    Failed,
    Gone,
    Judged,
    KeeperLink,
    Kept,
    LetGo,
    Listening,
    Ready,
    Seen,
    Snapshot,
    Wrote,
    attach,
    keeper_address,
)
from cash.walls.view import View

Claims = Callable[[], list[dict[str, Any]]]

_READY_SECONDS = 20.0
_LEAVE_SECONDS = 10.0
_UNREAD = "its keeper was killed before it had begun"


class Keeping:
    """The households of one polisd, by an opaque key."""

    def __init__(
        self,
        runtime: Path,
        on_ended: Callable[[str, Ended], Awaitable[None]],
        on_lost: Callable[[str, str], Awaitable[None]],
        on_exec: Callable[[str, Household, Asked | Seen | Wrote | Ready], Awaitable[None]],
    ) -> None:
        """on_ended(key, message) must have made the event durable when it returns; the keeper
        keeps it until then. on_lost(key, reason): the walls are gone, and what ran in them.
        on_exec(key, household, message): something was started in the walls; Ready: another
        keeper has taken the place of one that was killed."""
        self._runtime = runtime
        self.inhabitants = Inhabitants()
        self._zygote = Zygote()
        self._on_ended = on_ended
        self._on_lost = on_lost
        self._on_exec = on_exec
        self._households: dict[str, Household] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard_of = -1

    def start(self) -> None:
        """Starts the zygote: early, while polisd is small and has no threads."""
        self._zygote.start()
        self._listen_to_zygote()

    def _listen_to_zygote(self) -> None:
        """After each start of it."""
        loop = asyncio.get_running_loop()
        if self._heard_of >= 0:
            loop.remove_reader(self._heard_of)
        self._heard_of = self._zygote.fileno()
        if self._heard_of >= 0:
            loop.add_reader(self._heard_of, self._hear_orphans)

    def _hear_orphans(self) -> None:
        for pid, end in self._zygote.orphans():
            for household in self._households.values():
                id = household.estate.note_end(pid, end)
                if id is not None:
                    # A keeper that is just being replaced hears it from the estate.
                    with contextlib.suppress(OSError):
                        household.link.tell_end(id, end)
        if not self._zygote.is_heard:
            # It has died; what has ended is readable for ever.
            asyncio.get_running_loop().remove_reader(self._heard_of)
            self._heard_of = -1

    def standing(self, key: str) -> Household | None:
        """The household, if its walls stand."""
        return self._households.get(key)

    async def enter(
        self, key: str, view: View, admit: Admit, claims: Claims, snapshot: Snapshot
    ) -> Household:
        """The agent's walls, raised if they do not stand; what runs in them is judged by the
        snapshot until another comes. Fault when they cannot be."""
        async with self._turn(key):
            household = self._households.get(key)
            if household is None:
                before = self._zygote.pid
                link = self._zygote.spawn(view, keeper_address(self._runtime, key))
                if self._zygote.pid != before:
                    self._listen_to_zygote()
                household = self._take_up(key, link, view, admit, claims, snapshot)
                household.since = time.time()
                await self._wait_until_ready(key, household)
        return household

    async def rejoin(
        self, key: str, view: View, admit: Admit, claims: Claims, snapshot: Snapshot
    ) -> bool:
        """Takes up walls that outlived an earlier polisd; whether there were any."""
        async with self._turn(key):
            link = attach(keeper_address(self._runtime, key))
            if link is None:
                return False
            await self._wait_until_ready(
                key, self._take_up(key, link, view, admit, claims, snapshot)
            )
        return True

    def _turn(self, key: str) -> asyncio.Lock:
        return self._turns.setdefault(key, asyncio.Lock())

    def _take_up(
        self,
        key: str,
        link: KeeperLink,
        view: View,
        admit: Admit,
        claims: Claims,
        snapshot: Snapshot,
    ) -> Household:
        loop = asyncio.get_running_loop()
        household = Household(
            view, link, admit, snapshot, loop.create_future(), loop.create_future(), claims
        )
        self._households[key] = household
        loop.add_reader(link.fileno(), self._hear, key, household)
        return household

    async def _wait_until_ready(self, key: str, household: Household) -> None:
        try:
            await asyncio.wait_for(asyncio.shield(household.ready), _READY_SECONDS)
        except TimeoutError:
            with contextlib.suppress(OSError):
                household.link.stop()
            self._put_out(key, household)
            raise Fault(
                f"the walls of {household.view.agent} did not stand within {_READY_SECONDS:.0f} s",
                hint="polis doctor",
            ) from None

    def _hear(self, key: str, household: Household) -> None:
        descriptor = household.link.fileno()
        messages = household.link.receive()
        is_gone = Gone() in messages
        for message in messages:
            match message:
                case Asked() if is_gone:
                    pass  # what it asked for has died with it, or is asked about again
                case Ready(running=running):
                    household.running.update(running)
                    for id in household.missing(running):
                        self._take_end(key, household, Ended(id, 125, b"", 0.0, lost=_UNREAD))
                    with contextlib.suppress(OSError):  # then it is heard to be gone
                        household.link.claim(household.claims(), whole=True)
                        household.link.enforce(household.snapshot)
                        if household.egress is None:
                            household.link.listen(household.view.proxy_port)
                    if household.generations:
                        self._spawn(self._on_exec(key, household, message))
                case Kept():
                    household.estate.keep(message)
                case LetGo(what, id):
                    household.estate.let_go(what, id)
                case Gone():
                    asyncio.get_running_loop().remove_reader(descriptor)
                    self._replace(key, household)
                case Listening(descriptor=listener):
                    self._spawn(self._open_way_out(household, listener))
                case Asked() | Seen() | Wrote():
                    self._spawn(self._on_exec(key, household, message))
                case Ended():
                    self._take_end(key, household, message)
                case Failed(fatal=True):
                    asyncio.get_running_loop().remove_reader(descriptor)
                    self._spawn(self._note_fall(key, household, message))
                case Failed():
                    print(f"{key}: {message.message}", file=sys.stderr, flush=True)

    def _replace(self, key: str, household: Household) -> None:
        """The keeper was killed. What it held stands, and waits for the next."""
        for task in household.waiting.values():
            task.cancel()
        household.waiting.clear()
        household.inherited = {*household.running, *household.own}
        while household.may_be_replaced:
            household.generations.append(time.monotonic())
            before = self._zygote.pid
            try:
                address = keeper_address(self._runtime, key)
                household.link = self._zygote.succeed(
                    household.view,
                    address,
                    household.estate,
                    household.snapshot,
                    household.claims(),
                )
            except ConnectionError:
                continue  # killed before it had all
            except OSError as fault:
                print(f"{key}: the keeper was not replaced: {fault}", file=sys.stderr, flush=True)
                break
            finally:
                if self._zygote.pid != before:
                    self._listen_to_zygote()
            loop = asyncio.get_running_loop()
            loop.add_reader(household.link.fileno(), self._hear, key, household)
            return
        self._spawn(self._note_fall(key, household, Failed("the keeper has ended")))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_way_out(self, household: Household, listener: int) -> None:
        household.egress = await open_egress(socket.socket(fileno=listener), household.admit)
        if not household.ready.done():
            household.ready.set_result(None)

    def _take_end(self, key: str, household: Household, ended: Ended) -> None:
        household.forget(ended.id)
        household.estate.forget(ended.id)
        own = household.own.pop(ended.id, None)
        self._spawn(self._note_end(key, household, ended, own))

    async def _note_end(
        self, key: str, household: Household, ended: Ended, own: asyncio.Future[Ended] | None
    ) -> None:
        if own is None:
            await self._on_ended(key, ended)
        elif not own.done():
            own.set_result(ended)
        with contextlib.suppress(OSError):
            household.link.acknowledge(ended.id)

    async def _note_fall(self, key: str, household: Household, failed: Failed) -> None:
        """The keeper's last word: said because it was told to go, or because it fell."""
        self._put_out(key, household)
        if not household.ready.done():
            household.ready.set_exception(MachineFault(failed.message, hint=failed.hint or None))
        elif not household.leaving:
            await self._on_lost(key, failed.message)

    def _put_out(self, key: str, household: Household) -> None:
        """Forgets a household; what still waits for something of it hears that it is gone."""
        if self._households.get(key) is household:
            del self._households[key]
        if household.link.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(household.link.fileno())
            household.link.close()
        household.estate.close()
        if household.egress is not None:
            household.egress.close()
        for own in household.own.values():
            if not own.done():
                own.set_exception(Fault(f"the walls of {household.view.agent} are gone"))
        if not household.gone.done():
            household.gone.set_result(None)

    async def leave(self, key: str) -> bool:
        """Takes an agent's walls down with all that runs in them; whether they stood."""
        async with self._turn(key):
            household = self._households.get(key)
            if household is None:
                return False
            household.leaving = True
            with contextlib.suppress(OSError):
                household.link.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(household.gone), _LEAVE_SECONDS)
            self._put_out(key, household)
        return True

    async def run_own(
        self, key: str, number: str, argv: list[bytes], descriptors: dict[int, int]
    ) -> Ended:
        """Runs a command of polisd's own inside standing walls, by no rule, and waits for it.
        Fault when the walls do not stand."""
        client, ended = self.start_own(key, number, argv, descriptors, "errand")
        with client:
            return await ended

    def start_own(
        self, key: str, number: str, argv: list[bytes], descriptors: dict[int, int], judged: Judged
    ) -> tuple[socket.socket, asyncio.Future[Ended]]:
        """The same without waiting: its client, whose end hangs it up, and how it will have ended.
        Fault when the walls do not stand, OSError when their keeper is gone."""
        household = self._households.get(key)
        if household is None:
            raise Fault("the walls do not stand")
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        household.own[number] = ended
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                household.link.run(
                    id=number,
                    argv=argv,
                    environment=[b"LC_ALL=C"],
                    cwd=os.fsencode(household.view.tree),
                    client=theirs.fileno(),
                    descriptors=descriptors,
                    judged=judged,
                )
        except OSError:
            ours.close()
            household.own.pop(number, None)
            raise
        return ours, ended

    async def close(self) -> None:
        """Takes all walls down and ends the zygote."""
        await asyncio.gather(*(self.leave(key) for key in list(self._households)))
        self._zygote.stop()
