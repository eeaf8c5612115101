"""Writes that polisd is asked about. A call cannot wait for a person; for polisd it waits a moment,
and fails then."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cash.keeper import notification
from cash.keeper.loop import Loop
from cash.keeper.notification import Notification
from cash.keeper.watch import Watch
from cash.policy.action import WriteKind

_PATIENCE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that waits. path, kind: of what it changes. go_on: what is done when it may. session:
    the path in the tree of a file that is to be written by one agent alone, "" for none."""

    watch: Watch
    note: Notification
    path: str
    kind: WriteKind
    go_on: Callable[[], None]
    session: str = ""


class Pending:
    """Those that wait now. tell: asks polisd; False when it is not there. hold: has it known that
    a call waits, if there is room for it. first: below the numbers of its questions; none was
    asked before by another."""

    def __init__(
        self,
        loop: Loop,
        tell: Callable[[dict[str, Any]], bool],
        hold: Callable[[Watch, Notification], bool],
        first: int,
    ) -> None:
        self._loop = loop
        self._tell = tell
        self.hold = hold
        self._asked: dict[int, Asked] = {}
        self._last = first

    def ask(self, asked: Asked, *, known_as: str, program: str, identity: tuple[int, int]) -> None:
        """known_as: the path as rules know it. program: who writes; identity: its (device,
        inode), for a name alone excuses nobody."""
        self._last += 1
        number = self._last
        self._asked[number] = asked
        question = {
            "write": known_as,
            "kind": asked.kind,
            "count": asked.watch.counted_before(asked.kind),
            "command": asked.watch.id,
            "program": program,
            "identity": identity,
            "number": number,
            "session": asked.session,
        }
        if self.hold(asked.watch, asked.note) and self._tell(question):
            self._loop.call_later(_PATIENCE, lambda: self.refuse(number))
        else:
            self.refuse(number)

    def take(self, values: dict[str, Any]) -> Asked | None:
        """What polisd's word is about, if it still waits."""
        return self._asked.pop(values["write"], None)

    def take_allowed(self, values: dict[str, Any]) -> Asked | None:
        """What polisd's word lets go on; what it refuses has failed."""
        if values["verdict"] == "allow":
            return self._asked.pop(values["write"], None)
        self.refuse(values["write"])
        return None

    def refuse(self, number: int) -> None:
        """It fails, unless it has been answered."""
        asked = self._asked.pop(number, None)
        if asked is not None:
            notification.fail(asked.watch.listener, asked.note.id, errno.EACCES)

    def refuse_all(self) -> None:
        """Nobody answers any more."""
        for number in list(self._asked):
            self.refuse(number)

    def forget(self, watch: Watch) -> None:
        """Nothing of this command waits any more: its listener is closed."""
        for number, asked in list(self._asked.items()):
            if asked.watch is watch:
                del self._asked[number]
