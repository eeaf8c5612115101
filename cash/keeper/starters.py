"""The starters of one keeper: one lives at a time, and the next is made when it is needed."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cash.keeper import messages, starter
from cash.keeper.errands import Errands
from cash.keeper.limits import Limits
from cash.keeper.loop import Loop
from cash.keeper.processes import children_of
from cash.keeper.starter import Start
from cash.walls.enter import Walls

_MOMENT: Final = 0.02


@dataclass(slots=True)
class Starters:
    """commands: the pids of the commands that run, 0 for one that is just being started; and of
    what else the keeper has started. usual: how many files they may have open."""

    loop: Loop
    walls: Walls
    commands: Callable[[], list[int]]
    usual: Limits
    _requests: socket.socket | None = None
    _pid: int = 0
    _pidfd: int = -1
    _errands: Errands = field(init=False)

    def __post_init__(self) -> None:
        self._errands = Errands(self.loop, self.usual)

    @property
    def is_there(self) -> bool:
        """Whether one lives."""
        return self._requests is not None

    def start(self) -> None:
        """Makes one. OSError."""
        self._requests, self._pid, self._pidfd = starter.start_starter(self.walls, self.usual)
        self.loop.watch(self._pidfd, self._ended)

    def ask(self, start: Start, news: int) -> None:
        """Has a command started, which tells over `news` how that goes. OSError."""
        if self.walls.view.debug and start.errand:
            self._errands.start(self.walls, start, news)
            return
        if self._requests is None:
            self.start()
        assert self._requests is not None
        # An agent can stop what runs under its uid; asking makes it go on.
        signal.pidfd_send_signal(self._pidfd, signal.SIGCONT)
        values, descriptors = starter.request_values(start)
        # Never waiting: an agent that stops it again and again must not stop the keeper.
        flags = socket.MSG_DONTWAIT
        messages.send_packet(self._requests, values, [news, *descriptors], flags=flags)

    def _ended(self, _events: int) -> None:
        os.waitpid(self._pid, 0)
        self.loop.forget(self._pidfd)
        os.close(self._pidfd)
        assert self._requests is not None
        self._requests.close()
        self._requests = None
        self._pid = 0
        self.loop.call_later(_MOMENT, self._bury_strangers)

    def _bury_strangers(self) -> None:
        """A starter that is killed between forking a command and saying so leaves a child that no
        runner knows. It must be reaped: the holder cannot end before."""
        commands = self.commands()
        if not all(commands):
            self.loop.call_later(_MOMENT, self._bury_strangers)
            return
        known = {self.walls.holder, self._pid, *self._errands.pids, *commands}
        for pid in children_of(os.getpid()):
            if pid not in known:
                os.kill(pid, signal.SIGKILL)
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    self.loop.call_later(_MOMENT, self._bury_strangers)
