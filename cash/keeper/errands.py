"""polisd's own errands where there are debuggers: each has a starter of its own.

No rule judges what an errand starts, and what it writes nobody looks at, so nobody inside may take
it over. What one starter starts shares a Landlock domain, and there a debugger reaches everything;
it reaches nothing of another.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from functools import partial

from cash.keeper import messages, starter
from cash.keeper.limits import Limits
from cash.keeper.loop import Loop
from cash.keeper.starter import Start
from cash.walls.enter import Walls


@dataclass(slots=True)
class Errands:
    """usual: how many files they may have open. pids: of the starters that have not ended yet."""

    loop: Loop
    usual: Limits
    pids: set[int] = field(default_factory=set)

    def start(self, walls: Walls, start: Start, news: int) -> None:
        """As the keeper's other starter does it. OSError."""
        requests, pid, pidfd = starter.start_starter(walls, self.usual)
        self.pids.add(pid)
        self.loop.watch(pidfd, partial(self._ended, pid, pidfd))
        values, descriptors = starter.request_values(start)
        with requests:  # it ends when there is no more to read
            messages.send_packet(requests, values, [news, *descriptors], flags=socket.MSG_DONTWAIT)

    def _ended(self, pid: int, pidfd: int, _events: int) -> None:
        self.loop.forget(pidfd)
        os.close(pidfd)
        os.waitpid(pid, 0)
        self.pids.discard(pid)
