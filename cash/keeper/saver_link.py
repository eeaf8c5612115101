"""The process that keeps what is about to be changed, as its keeper sees it.

It is started when there is something to keep, and again when it was killed. What no saver is known
to have done by then is asked for anew, in the same order: twice does no harm.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from cash.keeper.loop import READ, WRITE, Loop
from cash.undo import saver
from cash.undo.store import Store
from cash.walls import syscalls

_LONGEST: Final = 1 << 16
# How many notes go by before the saver is asked whether it has them.
_MOST_NOTES: Final = 200
# How many may die one after the other without having done anything.
_MOST_DEATHS: Final = 5


@dataclass(slots=True)
class SaverLink:
    """answered: told what the saver answers. lost: told that it was killed, before another is
    asked. failed: told the number of what nobody will do, and why. pid: 0 while there is none."""

    loop: Loop
    store: Store | None
    answered: Callable[[dict[str, Any]], None]
    lost: Callable[[], None]
    failed: Callable[[int, int], None]
    pid: int = 0
    _pidfd: int = -1
    _number: int = 0
    _deaths: int = 0
    _link: socket.socket | None = None
    _undone: dict[int, bytes] = field(default_factory=dict)
    _unsent: deque[bytes] = field(default_factory=deque)

    @property
    def is_there(self) -> bool:
        """Whether one lives."""
        return self._link is not None

    def send(self, asked: dict[str, Any]) -> int:
        """Its number. OSError: there is no saver, and cannot be."""
        if self._link is None:
            self._start()
        self._number += 1
        if self._number % _MOST_NOTES == 0:
            asked["waits"] = True
        packet = json.dumps({"number": self._number, **asked}, separators=(",", ":")).encode()
        if len(packet) > _LONGEST:  # a path of bytes that are no text takes six times its length
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        self._undone[self._number] = packet
        self._unsent.append(packet)
        self._flush()
        return self._number

    def _start(self) -> None:
        assert self.store is not None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                pid, pidfd = syscalls.clone()
                if pid == 0:
                    saver.live(theirs, self.store)
        except OSError:
            ours.close()
            raise
        ours.setblocking(False)
        self._link, self.pid, self._pidfd = ours, pid, pidfd
        self.loop.watch(ours.fileno(), self._hear)

    def _flush(self) -> None:
        link = self._link
        while link is not None and self._unsent:
            try:
                link.send(self._unsent[0])
            except BlockingIOError:
                self.loop.change(link.fileno(), READ | WRITE)
                return
            except OSError:
                return  # it is heard to be gone
            self._unsent.popleft()

    def _hear(self, events: int) -> None:
        if events & WRITE and self._link is not None:
            self.loop.change(self._link.fileno(), READ)
            self._flush()
        while self._link is not None:
            try:
                data = self._link.recv(_LONGEST)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._lose()
                return
            self._take(json.loads(data))

    def _take(self, answer: dict[str, Any]) -> None:
        number, self._deaths = int(answer["number"]), 0
        while self._undone and next(iter(self._undone)) <= number:
            del self._undone[next(iter(self._undone))]  # it does one after the other
        self.answered(answer)

    def _lose(self) -> None:
        assert self._link is not None
        self.loop.forget(self._link.fileno())
        self._link.close()
        self._link = None
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._pidfd)
        self.pid, self._pidfd = 0, -1
        self.lost()
        self._deaths += 1
        self._unsent = deque(self._undone.values())
        if self._unsent:
            try:
                if self._deaths >= _MOST_DEATHS:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                self._start()
                self._flush()
            except OSError as fault:
                self._give_up(fault.errno or errno.EIO)

    def _give_up(self, error: int) -> None:
        for number in list(self._undone):
            self.failed(number, error)
        self._undone.clear()
        self._unsent.clear()
        self._deaths = 0
