"""The one way tools write files: lock, check, put in place, journal, release."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Protocol

from cash.guard.change import Append, Delete, Kind, Move, Order, Replace, Write, kind_of
from cash.guard.draft import Hashes
from cash.guard.hand import Hand


@dataclass(frozen=True, slots=True)
class Written:
    """What was done. paths: the file, from the tree's top and without links; of a move, the new
    name too. fence: the number of the lock under which it was done, since: when that was had, in
    Unix seconds."""

    paths: tuple[str, ...]
    kind: Kind
    hashes: Hashes
    fence: int
    since: float


class Held(Protocol):
    """A lock that is held."""

    @property
    def fence(self) -> int:
        """Its number; a later lock has a greater one."""
        ...

    @property
    def since(self) -> float:
        """When it was had, in Unix seconds."""
        ...

    def check(self) -> None:
        """Fault when it was lost meanwhile: the file may be another's by now."""
        ...


class Warden(Protocol):
    """Who decides about an agent's writes, and keeps account of them."""

    def judge(self, order: Order, paths: tuple[str, ...]) -> None:
        """Fault when the policy does not let it be done."""
        ...

    def hold(self, paths: tuple[str, ...]) -> AbstractContextManager[Held]:
        """The lock of these files, from enter to exit. Fault that names who holds one."""
        ...

    def note(self, written: Written) -> None:
        """Journals it; on the disk when this returns."""
        ...


def carry_out(order: Order, hand: Hand, warden: Warden) -> Written:
    """One write, from its order to the journal. Fault when it is not done: then nothing is."""
    paths = hand.find()
    warden.judge(order, paths)
    # The hand is at rest before the lock is let go.
    with warden.hold(paths) as held, closing(hand):
        hashes = hand.draft()
        held.check()
        hand.commit()
        kind = kind_of(order.change)
        written = Written(paths, kind, hashes, held.fence, held.since)
        warden.note(written)
    return written


@dataclass(frozen=True, slots=True)
class ToolFileWriter:
    """One agent's writer. carry: has an order carried out; writer_of() makes one by polisd. Paths
    are of the agent's tree, content is bytes. Every method raises Fault when the file is as it was:
    it says why, and what to do; where another agent holds the file, which and since when."""

    carry: Callable[[Order], Written]

    def write(self, path: str, content: bytes) -> Written:
        """The file has this content."""
        return self.carry(Order(path, Write(content)))

    def append(self, path: str, content: bytes) -> Written:
        """This stands behind what was there."""
        return self.carry(Order(path, Append(content)))

    def replace(self, path: str, old: bytes, new: bytes) -> Written:
        """`new` stands where `old` stood, which was just once."""
        return self.carry(Order(path, Replace(old, new)))

    def delete(self, path: str) -> Written:
        """The file is gone."""
        return self.carry(Order(path, Delete()))

    def move(self, path: str, to: str) -> Written:
        """The file bears a name that nothing had."""
        return self.carry(Order(path, Move(to)))
