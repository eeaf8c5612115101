"""Writes of tools (cash.guard.tool_file_writer), done by a hand inside their agent's walls."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cash.daemon.foretelling import Foretold, foretell_write
from cash.daemon.tool_locks import own_process
from cash.faults import Fault, HeldFault, RefusedFault, UnansweredFault
from cash.guard.change import Delete, Move, Order
from cash.guard.claim import Claim, Holder, Wish
from cash.guard.hand import Hand
from cash.guard.naming import shown
from cash.guard.pattern import of_path
from cash.guard.tool_file_writer import Warden, Written, carry_out
from cash.guard.wording import Held
from cash.keeper.remote_hand import HandLost, RemoteHand
from cash.keeper.starter import ORDERS
from cash.policy.action import Exec, Write, WriteKind
from cash.syntax.command import Command
from cash.syntax.word import literal_word
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted
    from cash.keeper.link import Ended

_Done = TypeVar("_Done")
# Writes of one repository that go on at once, and of one agent, which can stop its hands: others
# wait.
_MOST_AT_ONCE: Final = 64
_MOST_OF_ONE: Final = 4
# After so long an order that a keeper did not take is given to whoever is there then.
_PAUSES: Final = (0.05, 0.5, 0.0)
# A hand that is hung up ends by itself in milliseconds; after that its client hangs up as well, and
# its runner kills it (cash/keeper/runner.py).
_BY_ITSELF: Final = 2.0
_KILLED: Final = 8.0
# For another tool's lock, which is held while one file is written. What is reserved is told at
# once; what is held by a tool that waits for its person, after that.
_TURN_SECONDS: Final = 2.0
_PROGRAM: Final = Command((literal_word("polis"), literal_word("write")))
_LAUNCH: Final = Exec(_PROGRAM, "polis", None, "polis")


@dataclass(slots=True)
class Started:
    """A hand that waits for its order. over: set when its process has ended."""

    link: socket.socket
    client: socket.socket
    over: threading.Event

    def ended(self, how: asyncio.Future[Ended]) -> None:
        """Its process has ended, or its walls have fallen."""
        if not how.cancelled():
            how.exception()  # looked at; what it came to, its link tells
        self.over.set()

    def end(self) -> bool:
        """Waits for its end; whether it came."""
        if not self.over.wait(_BY_ITSELF):
            self.client.close()
            self.over.wait(_KILLED)
        self.client.close()
        return self.over.is_set()


class Writing:
    """The writes of one repository's agents."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="write")
        self._turns: dict[str, asyncio.Semaphore] = {}

    async def carry_out(self, agent: Agent, order: Order) -> Written:
        """See the function of that name. Fault."""
        async with self._turns.setdefault(agent.incarnation, asyncio.Semaphore(_MOST_OF_ONE)):
            try:
                return await self._with_hand(agent, order, carry_out)
            except HandLost:
                # It may have left a draft.
                with contextlib.suppress(Fault):
                    await self._with_hand(agent, order, _tidy)
                raise

    async def _with_hand(
        self, agent: Agent, order: Order, work: Callable[[Order, Hand, Warden], _Done]
    ) -> _Done:
        number = f"write-{uuid.uuid4().hex[:12]}"
        started = await self._start(agent, number)
        loop = asyncio.get_running_loop()
        warden = AgentWarden(self._hosted, agent, loop, number, started)
        return await loop.run_in_executor(self._threads, _work, started, order, warden, work)

    async def _start(self, agent: Agent, number: str) -> Started:
        """A hand in the agent's walls, which are raised if they do not stand."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                client, ended = await self._order(agent, number, theirs.fileno())
            except BaseException:
                ours.close()
                raise
        started = Started(ours, client, threading.Event())
        ended.add_done_callback(started.ended)
        return started

    async def _order(
        self, agent: Agent, number: str, orders: int
    ) -> tuple[socket.socket, asyncio.Future[Ended]]:
        key, argv = self._hosted.key_of(agent), [b"polis-write"]
        for pause in _PAUSES:
            await self._hosted.enter(agent)
            with contextlib.suppress(OSError):
                return self._hosted.keeping.start_own(key, number, argv, {ORDERS: orders}, "write")
            await asyncio.sleep(pause)
        raise Fault(f"the walls of {agent.name} take no orders", hint="try again")


def _work(
    started: Started, order: Order, warden: Warden, work: Callable[[Order, Hand, Warden], _Done]
) -> _Done:
    """In a thread of its own."""
    with closing(RemoteHand(started.link, order, started.end)) as hand:
        return work(order, hand, warden)


def _tidy(_order: Order, hand: Hand, warden: Warden) -> None:
    with warden.hold(hand.find()), closing(hand):
        hand.tidy()


@dataclass(frozen=True, slots=True)
class AgentWarden:
    """See cash.guard.tool_file_writer.Warden. Its methods are called in threads, and have the loop
    do what is the loop's. number: of the command that writes; started: its hand."""

    hosted: Hosted
    agent: Agent
    loop: asyncio.AbstractEventLoop
    number: str
    started: Started

    def judge(self, order: Order, paths: tuple[str, ...]) -> None:
        """See Warden."""
        self.do(self._judge(order, paths))

    async def _judge(self, order: Order, paths: tuple[str, ...]) -> None:
        policy = await self.hosted.in_force.current()
        context = self.hosted.context_of(self.agent, str(self.agent.tree))
        for path, kind in zip(paths, _kinds(order), strict=True):
            whole = f"{self.agent.tree}/{path}"
            write = Write(literal_word(whole), kind, _PROGRAM)
            verdict = policy.judge_write(write, _LAUNCH, context)
            foretold = await foretell_write(self.hosted, self.agent, whole, verdict)
            if foretold.why_not:
                body = {
                    "command": self.number,
                    "path": whole,
                    "kind": kind,
                    "program": "polis",
                    "decision": verdict.decision.word,
                    "approval": foretold.approval,
                    "rules": [match.rule for match in verdict.matches],
                    "reason": verdict.matches[0].reason if verdict.matches else None,
                }
                await self.hosted.journal(self.agent, uuid.uuid4().hex, "write", body)
                raise _as_fault(foretold)

    @contextlib.contextmanager
    def hold(self, paths: tuple[str, ...]) -> Iterator[ToolLock]:
        """See Warden."""
        lock = ToolLock(self)
        try:
            # In one order, so that no two wait for each other.
            for path in sorted(set(paths)):
                lock.claims.append(self.do(self._acquire(path)))
            lock.since = time.time()
            try:
                yield lock
            finally:
                # The hand was told to end. Where it cannot be killed just now, what it does still
                # is done under its lock.
                self.started.over.wait()
        finally:
            self.do(self._release(lock.claims))

    async def _acquire(self, path: str) -> Claim:
        holder = Holder(self.agent.name, self.agent.incarnation, *own_process())
        wish = Wish("lock", of_path(path), holder, why="polis write")
        held = self.hosted.locks.against(self.agent, path)
        is_reserved = held is not None and held.wish.kind == "reservation"
        found = await self.hosted.locks.acquire(wish, wait=0.0 if is_reserved else _TURN_SECONDS)
        if isinstance(found, Held):
            raise HeldFault(
                found.tell(shown(path)), hint=found.hint(), outside=found.hint_outside()
            )
        return found

    async def _release(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self.hosted.locks.release(claim.fence, claim.holder)

    async def check(self, claims: Sequence[Claim]) -> None:
        """Fault when a claim was lost."""
        for claim in claims:
            if not self.hosted.locks.holds(claim.fence, claim.holder):
                raise Fault(
                    f"the lock of {claim.wish.pattern} was lost; nothing was changed",
                    hint="try again",
                )

    def note(self, written: Written) -> None:
        """See Warden."""
        body = {
            "command": self.number,
            "change": written.kind,
            "paths": [f"{self.agent.tree}/{path}" for path in written.paths],
            "before": written.hashes.before,
            "after": written.hashes.after,
            "fence": written.fence,
            "since": written.since,
        }
        key = f"{self.number}:wrote"
        self.do(self.hosted.journal(self.agent, key, "tool-wrote", body))

    def do(self, work: Coroutine[Any, Any, _Done]) -> _Done:
        """In the loop, from a thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


@dataclass(slots=True)
class ToolLock:
    """See cash.guard.tool_file_writer.Held."""

    warden: AgentWarden
    claims: list[Claim] = field(default_factory=list)
    since: float = 0.0

    @property
    def fence(self) -> int:
        """See Held."""
        return max(claim.fence for claim in self.claims)

    def check(self) -> None:
        """See Held."""
        self.warden.do(self.warden.check(self.claims))


def _kinds(order: Order) -> tuple[WriteKind, ...]:
    """How rules speak of it; a draft takes the place of what is there, or is not."""
    match order.change:
        case Delete():
            return ("delete",)
        case Move():
            return ("rename", "overwrite")
        case _:
            return ("overwrite",)


def _as_fault(foretold: Foretold) -> Fault:
    first, _, rest = foretold.why_not.removeprefix("polis: ").partition("\n")
    hint = rest.removeprefix("hint: ").rstrip("\n") or None
    kind = UnansweredFault if foretold.approval == "unanswered" else RefusedFault
    return kind(first, hint=hint)
