"""A warden over the table of claims, in threads of one process: what polisd's is, without walls."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from cash.faults import Fault
from cash.guard.change import Order
from cash.guard.claim import Claim, Holder, Wish
from cash.guard.clock import read_clock
from cash.guard.hand import LocalHand
from cash.guard.pattern import of_path
from cash.guard.table import Table
from cash.guard.tool_file_writer import ToolFileWriter, Written, carry_out


def _new_table() -> Table:
    numbers = itertools.count(1)
    return Table(lambda: next(numbers))


@dataclass
class Desk:
    """One table, and what was journaled: agent, path, fence, from, until. acquires: False takes
    acquisition out, for a test that must then fail."""

    table: Table = field(default_factory=_new_table)
    turn: threading.Condition = field(default_factory=threading.Condition)
    sessions: list[tuple[str, str, int, float, float]] = field(default_factory=list)
    acquires: bool = True

    def writer(self, agent: str, tree: str) -> ToolFileWriter:
        """An agent's, whose tree this is."""

        def carry(order: Order) -> Written:
            hand = LocalHand(tree, order)
            try:
                return carry_out(order, hand, Warden(self, agent))
            finally:
                hand.close()

        return ToolFileWriter(carry)


@dataclass
class Held:
    desk: Desk
    claims: list[Claim]
    since: float = 0.0

    @property
    def fence(self) -> int:
        return max((claim.fence for claim in self.claims), default=0)

    def check(self) -> None:
        if any(self.desk.table.get(claim.fence) is None for claim in self.claims):
            raise Fault("the lock was lost")


@dataclass
class Warden:
    """See cash.guard.tool_file_writer."""

    desk: Desk
    agent: str

    def judge(self, order: Order, paths: tuple[str, ...]) -> None:
        pass

    @contextlib.contextmanager
    def hold(self, paths: tuple[str, ...]) -> Iterator[Held]:
        desk = self.desk
        held = Held(desk, [])
        if desk.acquires:
            for path in sorted(set(paths)):
                held.claims.append(self._take(path))
        held.since = time.monotonic()
        try:
            yield held
        finally:
            with desk.turn:
                for claim in held.claims:
                    desk.table.release(claim.fence)
                desk.turn.notify_all()

    def _take(self, path: str) -> Claim:
        wish = Wish("lock", of_path(path), Holder(self.agent, self.agent))
        with self.desk.turn:
            while True:
                claim = self.desk.table.take(wish, read_clock())
                if claim is not None:
                    return claim
                self.desk.turn.wait(10)

    def note(self, written: Written) -> None:
        for path in written.paths:
            session = (self.agent, path, written.fence, written.since, time.monotonic())
            self.desk.sessions.append(session)


def overlapping(sessions: list[tuple[str, str, int, float, float]]) -> list[tuple[object, object]]:
    """Pairs on one path of which the second began before the first had ended."""
    found = []
    for path in {session[1] for session in sessions}:
        own = sorted((one for one in sessions if one[1] == path), key=lambda one: one[3])
        found += [(one, other) for one, other in itertools.pairwise(own) if other[3] < one[4]]
    return found
