"""The claims on one repository's paths, as polisd holds them: granted in turn, journaled, kept over
restarts, ended with their holders."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cash.faults import Fault, HeldFault
from cash.guard.claim import Claim, Holder, Wish, carry_over, pack_claim, unpack_claim
from cash.guard.clock import read_clock
from cash.guard.others import Others
from cash.guard.table import End, Granted, Table
from cash.guard.wording import Held, release
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Of one agent, held and waited for: whoever wants more is lost, or means harm.
MOST_OF_ONE: Final = 2000
# Of the globs of one agent's reservations (cash/guard/pattern.py): every write of the others is
# compared with them.
MOST_EDGES_OF_ONE: Final = 4000
_RESERVE_SECONDS: Final = 0.1
# Numbers are taken from the store so many at a time; what is left of them at the end, is lost.
_FENCES: Final = 1000
_LAPSE_SECONDS: Final = 1.0
# A lock that is given back sooner was never in the store: its holder is told by the check.
_KEEP_SECONDS: Final = 0.05

PERSON: Final = Holder("", "")


class Locks:
    """See the module. Belongs to the event loop."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._table = Table(self._next_fence)
        self._fences: Iterator[int] = iter(())
        self._tickets: dict[int, asyncio.Future[Claim]] = {}
        self._pidfds: dict[int, int] = {}
        # What is still to be written to the store, None: to be taken out of it; what is in it.
        self._unkept: dict[int, Claim | None] = {}
        self._kept: set[int] = set()
        self._keeping = asyncio.Lock()
        self._paces: dict[str, asyncio.Lock] = {}
        self._change = asyncio.Event()

    # What there is

    def claims(self) -> tuple[Claim, ...]:
        """All that is held, the oldest first."""
        return self._table.claims()

    def describe(self) -> dict[str, Any]:
        """The same and the queue, as JSON values."""
        waiting = [one.wish for one in self._table.waiting()]
        return {
            "locks": [claim.describe() for claim in self.claims()],
            "waiting": [
                {"agent": wish.holder.agent, "paths": list(wish.pattern.sources)}
                for wish in waiting
            ],
        }

    def against(self, agent: Agent, path: str) -> Claim | None:
        """What somebody else holds that has this path, relative to the tree."""
        return self._table.against(agent.incarnation, path)

    def holds(self, fence: int, holder: Holder) -> bool:
        """Whether a claim still is this holder's: to be asked right before what it is for."""
        claim = self._table.get(fence)
        return claim is not None and claim.holder.incarnation == holder.incarnation

    def others(self, agent: Agent) -> Others:
        """What others hold, as rules ask for it."""
        return Others(self._table, agent.incarnation, str(agent.tree))

    def told_to(self, agent: Agent) -> list[dict[str, Any]]:
        """What others hold, as the agent's keeper is told."""
        return [
            pack_claim(claim)
            for claim in self.claims()
            if claim.holder.incarnation != agent.incarnation
        ]

    def note_change(self) -> None:
        """There is something new to be shown."""
        self._change.set()
        self._change = asyncio.Event()

    async def wait_change(self) -> None:
        """Returns when something has come or gone."""
        await self._change.wait()

    # Taking and giving back

    async def acquire(self, wish: Wish, *, wait: float = 0.0) -> Claim | Held:
        """The claim, in turn with all who want the same; what is in the way, when it does not come
        within `wait` seconds. Fault when the holder has too many, or the claim cannot be kept."""
        if self._table.count_of(wish.holder.incarnation) >= MOST_OF_ONE:
            raise Fault(
                f"{wish.holder.shown} holds {MOST_OF_ONE} locks and reservations already",
                hint="polis release --all gives back what it has reserved",
                outside=f"{release((), wish.holder.agent)} gives back what it has reserved",
            )
        claim = self._table.take(wish, read_clock()) or await self._queue(wish, wait)
        if claim is None:
            return self._in_the_way(wish)
        self._note_taken(claim)
        return claim

    async def _pace(self, wish: Wish) -> None:
        """An agent's reservations cost everybody who writes, and comparing them costs polisd."""
        of_one = wish.holder.incarnation
        async with self._paces.setdefault(of_one, asyncio.Lock()):
            await asyncio.sleep(_RESERVE_SECONDS)
        size = sum(claim.wish.pattern.size for claim in self.reservations(wish.holder))
        if size + wish.pattern.size > MOST_EDGES_OF_ONE:
            raise Fault(
                f"{wish.holder.shown} has reserved as much as one agent may",
                hint="polis release GLOB gives back; a folder (src/) costs less than many globs",
                outside=f"{release((), wish.holder.agent)} gives back; "
                "a folder (src/) costs less than many globs",
            )

    async def _queue(self, wish: Wish, wait: float) -> Claim | None:
        if wait <= 0:
            return None
        ticket = self._table.queue(wish)
        turn = self._tickets[ticket] = asyncio.get_running_loop().create_future()
        self._settle()  # what was in the way may just have lapsed
        try:
            await asyncio.wait({turn}, timeout=wait)
        except asyncio.CancelledError:
            if turn.done():
                self._table.release(turn.result().fence)
            raise
        finally:
            del self._tickets[ticket]
            self._table.withdraw(ticket)
            self._settle()
        return turn.result() if turn.done() else None

    def _in_the_way(self, wish: Wish) -> Held:
        claim = self._table.obstacle(wish)
        if claim is not None:
            return Held.of(claim)
        return Held("others who wait for it", "lock", str(wish.pattern), 0.0, None, "", 0)

    def release(self, fence: int, holder: Holder, end: End = "released") -> Claim | None:
        """Gives back what is this holder's; what it was, None if it was not held any more."""
        if not self.holds(fence, holder):
            return None
        claim = self._table.release(fence)
        if claim is not None:
            self._note_ended(claim, end)
            self._settle()
        return claim

    def beat(self, fence: int, holder: Holder) -> bool:
        """Its holder is there; False: it is held no more."""
        return self.holds(fence, holder) and self._table.beat(fence, read_clock())

    async def reserve(self, wish: Wish) -> Claim:
        """The reservation, in place of an earlier one of the same paths; durable. HeldFault; Fault
        when the holder has too many."""
        if wish.holder != PERSON:
            await self._pace(wish)
        granted = await self.acquire(wish)
        if isinstance(granted, Held):
            raise HeldFault(
                granted.tell(str(wish.pattern)), hint=granted.hint(), outside=granted.hint_outside()
            )
        try:
            await self.keep()
        except Fault:
            self.release(granted.fence, wish.holder)
            raise
        for claim in self.reservations(wish.holder):
            is_same = claim.wish.pattern == wish.pattern
            if is_same and claim.fence != granted.fence:
                self.release(claim.fence, wish.holder)
        return granted

    def reservations(self, holder: Holder) -> list[Claim]:
        """What this holder has reserved."""
        return [
            claim
            for claim in self.claims()
            if claim.wish.kind == "reservation" and claim.holder.incarnation == holder.incarnation
        ]

    def end_all(self, agent: Agent) -> None:
        """The agent is gone, and what it held."""
        for claim in self.claims():
            if claim.holder.incarnation == agent.incarnation:
                self.release(claim.fence, claim.holder, "gone")

    # How it ends by itself

    async def live(self) -> None:
        """Ends what has had its time, until it is cancelled."""
        while True:
            await asyncio.sleep(_LAPSE_SECONDS)
            if not self._table.claims():
                await self.wait_change()
            try:
                self._lapse()
            except Exception as fault:  # whatever it is, the next one must end
                traceback.print_exception(fault, file=sys.stderr)

    def _lapse(self) -> None:
        ended = self._table.lapse(read_clock())
        for claim, end in ended:
            self._note_ended(claim, end)
        if ended:
            self._settle()

    def _settle(self) -> None:
        for granted in self._table.settle(read_clock()):
            self._hand_over(granted)

    def _hand_over(self, granted: Granted) -> None:
        turn = self._tickets.get(granted.ticket)
        if turn is None or turn.done():  # it has just given up
            self._table.release(granted.claim.fence)
            self._settle()
        else:
            turn.set_result(granted.claim)

    def _watch_holder(self, claim: Claim) -> bool:
        """Ends it at once when its process does; False: that has happened already."""
        holder = claim.holder
        if not holder.pid:
            return True
        try:
            pidfd = os.pidfd_open(holder.pid)
        except OSError:
            return False
        if began_at(holder.pid) != holder.started:
            os.close(pidfd)
            return False
        self._pidfds[claim.fence] = pidfd
        loop = asyncio.get_running_loop()
        loop.add_reader(pidfd, self.release, claim.fence, holder, "gone")
        return True

    # Journal, store, others

    def _note_taken(self, claim: Claim) -> None:
        self._note_soon(claim, "lock-taken", claim.describe())
        self._note_change([claim], [])
        if not self._watch_holder(claim):
            self.release(claim.fence, claim.holder, "gone")

    def _note_ended(self, claim: Claim, end: End) -> None:
        pidfd = self._pidfds.pop(claim.fence, None)
        if pidfd is not None:
            asyncio.get_running_loop().remove_reader(pidfd)
            os.close(pidfd)
        seconds = round(read_clock().boot - claim.since.boot, 4)
        body = claim.describe() | {"end": end, "seconds": seconds}
        self._note_soon(claim, "lock-released", body)
        self._note_change([], [claim])

    def note_clash(self, agent: Agent, news: Mapping[str, Any]) -> None:
        """The agent's keeper has met a write of what somebody else holds."""
        names = ("kind", "command", "done", "fence", "holder", "held")
        body = {"path": news["clash"]} | {name: news[name] for name in names}
        self._hosted.note(agent, uuid.uuid4().hex, "lock-clash", body)

    def _tell_keepers(self, came: Sequence[Claim], went: Sequence[Claim]) -> None:
        hosted = self._hosted
        for agent in hosted.agents():
            household = hosted.keeping.standing(hosted.key_of(agent))
            if household is None:
                continue
            news = [one for one in came if one.holder.incarnation != agent.incarnation]
            gone = [one.fence for one in went if one.holder.incarnation != agent.incarnation]
            if news or gone:
                with contextlib.suppress(OSError):  # the next keeper is told all of it
                    household.link.claim([pack_claim(one) for one in news], gone)

    def _note_soon(self, claim: Claim, kind: str, body: Mapping[str, Any]) -> None:
        """Once whoever waits for the lock has heard of it: to redact an event takes longer."""
        agent, key = self._agent_of(claim), uuid.uuid4().hex
        asyncio.get_running_loop().call_soon(self._hosted.note, agent, key, kind, body)

    def _agent_of(self, claim: Claim) -> Agent | None:
        incarnation = claim.holder.incarnation
        agents = self._hosted.agents()
        return next((one for one in agents if one.incarnation == incarnation), None)

    def _note_change(self, came: Sequence[Claim], went: Sequence[Claim]) -> None:
        if not self._unkept:
            asyncio.get_running_loop().call_later(_KEEP_SECONDS, self._keep_soon)
        for claim in came:
            self._unkept[claim.fence] = claim
        for claim in went:
            if claim.fence in self._kept:
                self._unkept[claim.fence] = None
            else:
                self._unkept.pop(claim.fence, None)
        self._tell_keepers(came, went)
        self.note_change()

    def _keep_soon(self) -> None:
        if self._unkept:
            self._hosted.spawn(self._keep_quietly())

    async def _keep_quietly(self) -> None:
        try:
            await self.keep()
        except Fault as fault:  # whoever reserves is told; locks do without
            print(f"{fault.message}", file=sys.stderr, flush=True)

    async def keep(self) -> None:
        """Everything that is held is in the store when it returns. Fault."""
        async with self._keeping:
            unkept, self._unkept = self._unkept, {}
            kept = {fence: pack_claim(one) for fence, one in unkept.items() if one is not None}
            gone = [fence for fence, one in unkept.items() if one is None]
            if not kept and not gone:
                return
            self._kept |= kept.keys()
            try:
                await asyncio.to_thread(self._hosted.state.keep_claims, kept, gone)
            except Fault:
                self._unkept = unkept | self._unkept
                raise
            self._kept -= set(gone)

    def take_up(self) -> None:
        """What an earlier polisd had granted, less what has ended meanwhile."""
        now = read_clock()
        alive = {agent.incarnation for agent in self._hosted.agents()} | {PERSON.incarnation}
        for values in self._hosted.state.claims():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                claim = carry_over(unpack_claim(values), now)
                self._table.restore(claim)
                self._kept.add(claim.fence)
                is_over = claim.since.machine != now.machine and claim.holder.pid
                is_gone = claim.holder.incarnation not in alive or is_over
                if is_gone or not self._watch_holder(claim):
                    self.release(claim.fence, claim.holder, "gone")
        self._lapse()

    def _next_fence(self) -> int:
        fence = next(self._fences, 0)
        if not fence:
            first = self._hosted.state.next_fences(_FENCES)
            self._fences = iter(range(first, first + _FENCES))
            fence = next(self._fences)
        return fence

    def close(self) -> None:
        """Writes what waits, and watches nobody any more."""
        for pidfd in self._pidfds.values():
            os.close(pidfd)
        kept = {fence: pack_claim(one) for fence, one in self._unkept.items() if one is not None}
        gone = [fence for fence, one in self._unkept.items() if one is None]
        with contextlib.suppress(Fault):
            self._hosted.state.keep_claims(kept, gone)


def began_at(pid: int) -> int:
    """When a process began, in clock ticks since the machine's start; 0: there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0
