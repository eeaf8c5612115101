"""The standing walls of one agent, as polisd knows them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cash.daemon.egress import Admit
from cash.keeper.link import Ended, Estate, KeeperLink, Snapshot
from cash.walls.view import View

# So many keepers in so many seconds die of something that the next would die of too.
_MOST_REPLACED = 40
_SHORT_LIFE = 60.0


@dataclass(slots=True)
class Household:
    """The standing walls of one agent.

    ready: settled when they stand and the way out is open. gone: settled with the keeper's last
    word. claims: tells what others hold of the tree, packed. snapshot: what execs are judged by.
    running: ids of commands. session: an id of this stand; answers "for the session" end with it.
    own: polisd's own commands in there, by id, which nobody else hears of (git-upload-pack).
    shells: ids of resident shells; lines: of the lines that run in them; granted: what else was let
    through below a command, by its id. waiting: for answers to questions about execs, by number.
    estate: what the keeper leaves to the next; generations: when each keeper but the first took
    over; inherited: what the keeper that was killed was to run. since: when the walls were raised,
    or the first command began, or the last one ended; 0 for before polisd.
    """

    view: View
    link: KeeperLink
    admit: Admit
    snapshot: Snapshot
    ready: asyncio.Future[None]
    gone: asyncio.Future[None]
    claims: Callable[[], list[dict[str, Any]]] = list
    egress: asyncio.Server | None = None
    leaving: bool = False
    running: set[str] = field(default_factory=set)
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    own: dict[str, asyncio.Future[Ended]] = field(default_factory=dict)
    shells: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    granted: dict[str, set[str]] = field(default_factory=dict)
    waiting: dict[int, asyncio.Task[object]] = field(default_factory=dict)
    estate: Estate = field(default_factory=Estate)
    generations: list[float] = field(default_factory=list)
    inherited: set[str] = field(default_factory=set)
    since: float = 0.0

    @property
    def roots(self) -> tuple[int, ...]:
        """The processes below which everything lies that runs inside, the holder first; as
        numbered outside."""
        return self.estate.roots()

    @property
    def may_be_replaced(self) -> bool:
        """Whether another keeper can take this one's place: not for ever, if it cannot live."""
        recent = [one for one in self.generations if time.monotonic() - one < _SHORT_LIFE]
        return self.estate.stands and not self.leaving and len(recent) < _MOST_REPLACED

    def lines_of(self, command: str) -> set[str]:
        """The lines that a process below this command belongs to."""
        own = {command} | self.granted.get(command, set())
        return own | self.lines if command in self.shells else own

    def grant(self, command: str, line: str) -> None:
        """Something below this command was let through by a person."""
        self.granted.setdefault(command, set()).add(line)

    def begin(self, command: str) -> None:
        """A command was started."""
        if not self.running:
            self.since = time.time()
        self.running.add(command)

    def missing(self, running: Iterable[str]) -> set[str]:
        """What a keeper that was killed had not begun, once the next tells what runs: nobody else
        will tell its end."""
        lost = self.inherited & {*self.running, *self.own} - set(running)
        self.inherited.clear()
        return lost

    def forget(self, command: str) -> None:
        """The command has ended."""
        if self.running == {command}:
            self.since = time.time()
        self.running.discard(command)
        self.shells.discard(command)
        self.granted.pop(command, None)
