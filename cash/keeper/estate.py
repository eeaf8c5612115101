"""What a keeper holds that the next one needs, should it be killed: polisd holds it too.

Without that, every call that waits at a listener fails as the last copy of it closes, and what the
keeper alone knew is lost. With it, calls wait for the next keeper, which takes up all there is.

| what | descriptors | of |
|---|---|---|
| walls | the holder, the proxy's socket, the lifeline, the recorder, the ruleset | the agent |
| command | the socket on which its starter tells how it goes, until it has | a command |
| client | the connection of whoever started it | a command |
| process | its pidfd | a command |
| terminal | the master | a command |
| listener | where calls wait | a command, and what it leaves running |
| prediction | none | what judged lines named of that; it grows |
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cash.keeper.messages import Kept, LetGo, Message
from cash.keeper.processes import has_ended, pid_behind


@dataclass(slots=True)
class Will:
    """A keeper's side. tell: says something to polisd; is_heard: whether it is there."""

    tell: Callable[[Message], None]
    is_heard: Callable[[], bool]
    _pieces: dict[tuple[str, str], tuple[dict[str, Any], tuple[int, ...]]] = field(
        default_factory=dict
    )

    def leave(self, what: str, id: str, values: dict[str, Any], *descriptors: int) -> None:
        """Has polisd hold this; what stood under the name before is replaced. The descriptors
        stay the caller's: take_back() before they are closed."""
        self._pieces[what, id] = (values, descriptors)
        if self.is_heard():
            self.tell(self._kept(what, id))

    def add(self, what: str, id: str, more: dict[str, list[Any]]) -> None:
        """More of something that grows."""
        values, _ = self._pieces.setdefault((what, id), ({}, ()))
        _extend(values, more)
        if self.is_heard():
            self.tell(Kept(what, id, more, ()))

    def take_back(self, what: str, id: str) -> None:
        """No keeper will need it."""
        if self._pieces.pop((what, id), None) is not None and self.is_heard():
            self.tell(LetGo(what, id))

    def read(self) -> list[Message]:
        """All of it, for a polisd that has just come."""
        return [self._kept(what, id) for what, id in self._pieces]

    def _kept(self, what: str, id: str) -> Kept:
        values, descriptors = self._pieces[what, id]
        return Kept(what, id, values, tuple([os.dup(one) for one in descriptors]))


@dataclass(slots=True)
class Estate:
    """polisd's side. Its descriptors are its own until close()."""

    _pieces: dict[tuple[str, str], Kept] = field(default_factory=dict)

    def keep(self, kept: Kept) -> None:
        """Holds a piece, in the place of the one before; what grows, grows."""
        key = (kept.what, kept.id)
        before = self._pieces.get(key)
        if before is not None and kept.what == "prediction":
            _extend(before.values, kept.values)
        else:
            _close(before)
            self._pieces[key] = kept

    def let_go(self, what: str, id: str) -> None:
        """Forgets a piece."""
        _close(self._pieces.pop((what, id), None))

    def forget(self, command: str) -> None:
        """Its end is told: no keeper has to tell it again."""
        for what in ("command", "client", "process", "terminal"):
            self.let_go(what, command)

    def note_end(self, pid: int, ended: dict[str, Any]) -> str | None:
        """How a process ended whose keeper had been killed: the id of its command, None when it
        is none of these."""
        for kept in self._pieces.values():
            if kept.what == "process" and kept.values["pid"] == pid:
                kept.values["ended"] = ended
                return kept.id
        return None

    def roots(self) -> tuple[int, ...]:
        """The walls' first process, then those that commands began with, as numbered here; ()
        before the walls stand."""
        walls = self._pieces.get(("walls", ""))
        if walls is None:
            return ()
        began = [one.values["pid"] for one in self._pieces.values() if one.what == "process"]
        return (pid_behind(walls.descriptors[0]), *began)

    @property
    def stands(self) -> bool:
        """Whether there is anything left to keep: the first process of the walls is alive."""
        walls = self._pieces.get(("walls", ""))
        return walls is not None and not has_ended(walls.descriptors[0])

    @property
    def processes(self) -> dict[str, int]:
        """The pid of each command that runs, by its id."""
        return {
            kept.id: int(kept.values["pid"])
            for kept in self._pieces.values()
            if kept.what == "process"
        }

    def pieces(self) -> Iterator[tuple[dict[str, Any], Sequence[int]]]:
        """What the next keeper is told, in an order in which it can take it up."""
        for kept in sorted(self._pieces.values(), key=lambda one: _ORDER.index(one.what)):
            yield {"what": kept.what, "id": kept.id, "values": kept.values}, kept.descriptors

    def close(self) -> None:
        """Lets everything go: what nobody else holds ends."""
        while self._pieces:
            _close(self._pieces.popitem()[1])


_ORDER = ("walls", "command", "client", "process", "terminal", "listener", "prediction")


def _extend(values: dict[str, Any], more: dict[str, list[Any]]) -> None:
    for name, added in more.items():
        values.setdefault(name, []).extend(added)


def _close(kept: Kept | None) -> None:
    for descriptor in kept.descriptors if kept else ():
        with contextlib.suppress(OSError):
            os.close(descriptor)
