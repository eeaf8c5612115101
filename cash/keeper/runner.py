"""One command: from the keeper's request to the starter until its status is with the client.

After polisd has handed the client's connection over, the runner alone speaks on it (cash/wire.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import socket
import struct
import termios
import time
from collections.abc import Callable
from typing import Final

from cash import wire
from cash.keeper import starter
from cash.keeper.loop import Loop
from cash.keeper.messages import Ended
from cash.keeper.processes import session_members
from cash.walls.passing import receive_with, send_with

# How long a command whose client is gone may take to end after SIGHUP.
GRACE: Final = 2.0
_LOST: Final = 125
_FORWARDED: Final = {
    name.removeprefix("SIG"): number for name, number in signal.Signals.__members__.items()
}


class Runner:
    """The state of one running command. client: where its user listens. news: where the starter
    and the command, until its exec, tell how it goes. `ended` is called once, at its end; `watched`
    with the listener of its execs, before the first of them. pid: 0 until it is known."""

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        news: socket.socket,
        ended: Callable[[Ended], None],
        *,
        id: str,
        report: bytes,
        has_terminal: bool,
        watched: Callable[[int], None],
    ) -> None:
        self.id = id
        self._watched = watched
        self._loop = loop
        self._client: socket.socket | None = client
        self._news = news
        self._ended = ended
        self._report = report
        self._awaits_master = has_terminal
        self._master = -1
        self.pid = 0
        self._pidfd = -1
        self._begun = False
        self._hung_up = False
        self._from = time.monotonic()
        self._buffer = bytearray()
        client.setblocking(False)
        loop.watch(client.fileno(), self._hear_client)
        news.setblocking(False)
        loop.watch(news.fileno(), self._hear_news)

    def refuse(self, words: str) -> None:
        """Ends a command that never began, with one line for the client's standard error."""
        self._send(wire.TEXT, f"polis: {words}\n".encode())
        self._finish(_LOST, None, words)

    def hang_up(self) -> None:
        """What a terminal does when its line is cut; what does not end soon is killed."""
        self._hung_up = True
        self._drop_client()
        if self.pid:
            for number in (signal.SIGHUP, signal.SIGCONT):
                self._signal_group(self.pid, number)
            self._loop.call_later(GRACE, self._kill_session)

    def _hear_news(self, _events: int) -> None:
        while True:
            try:
                data, descriptors = receive_with(self._news, 4096, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if data == starter.PIDFD:
                self._pidfd = descriptors[0]
                self.pid = starter.process_of(self._pidfd)
                self._loop.watch(self._pidfd, self._reap)
            elif data == starter.MASTER:
                self._master = descriptors[0]
            elif data == starter.LISTENER:
                self._watched(descriptors[0])
            else:
                self._close_news()
                if not self.pid:
                    words = data.decode(errors="replace") or "the starter inside its walls died"
                    self.refuse(words)
                    return
                self._awaits_master = False
            self._begin_when_ready()
            if not data:
                return

    def _begin_when_ready(self) -> None:
        has_master = self._master >= 0
        if self._begun or not self.pid or (self._awaits_master and not has_master):
            return
        self._begun = True
        if has_master:
            self._send(wire.TERMINAL, descriptor=self._master)
        self._send(wire.STARTED, self.id.encode())
        if self._hung_up:
            self.hang_up()

    def _hear_client(self, _events: int) -> None:
        assert self._client is not None
        try:
            data = self._client.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            self._buffer += data
            for kind, payload in wire.split_frames(self._buffer):
                self._obey(kind, payload)
        except wire.ConnectionEnded:
            data = b""
        if not data:
            self.hang_up()

    def _obey(self, kind: bytes, payload: bytes) -> None:
        if kind == wire.SIGNAL:
            number = _FORWARDED.get(payload.decode(errors="replace"))
            if number is not None and self.pid:
                self._signal_group(self._foreground(), number)
        elif kind == wire.WINDOW and self._master >= 0:
            with contextlib.suppress(ValueError, OSError):
                rows, columns = (int(field) for field in payload.split(b"\0"))
                size = struct.pack("HHHH", rows, columns, 0, 0)
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def _foreground(self) -> int:
        """Whom a key on the terminal would reach; without one, the command's own group."""
        if self._master >= 0:
            with contextlib.suppress(OSError):
                return os.tcgetpgrp(self._master) or self.pid
        return self.pid

    def _signal_group(self, group: int, number: int) -> None:
        # The command is not reaped yet, so its number cannot be another's. Just forked, it may not
        # lead its group yet: then it is all there is.
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _kill_session(self) -> None:
        if self.pid:
            for pid in session_members(self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _reap(self, _events: int) -> None:
        _, status, usage = os.wait4(self.pid, 0)
        self._begin_when_ready()
        code = os.waitstatus_to_exitcode(status)
        self._loop.forget(self._pidfd)
        os.close(self._pidfd)
        self.pid, self._pidfd = 0, -1
        self._finish(code if code >= 0 else 128 - code, usage, "")

    def _finish(self, status: int, usage: resource.struct_rusage | None, lost: str) -> None:
        self._close_news()
        self._send(wire.EXIT, b"%d" % status)
        self._drop_client()
        self._ended(
            Ended(
                id=self.id,
                status=status,
                report=self._report,
                seconds=time.monotonic() - self._from,
                user=usage.ru_utime if usage else 0.0,
                system=usage.ru_stime if usage else 0.0,
                memory=usage.ru_maxrss * 1024 if usage else 0,
                lost=lost,
            )
        )

    def _send(self, kind: bytes, payload: bytes = b"", *, descriptor: int = -1) -> None:
        if self._client is None:
            return
        descriptors = [descriptor] if descriptor >= 0 else []
        try:
            # A few hundred bytes at most: a client that has no room for them is gone.
            send_with(self._client, wire.pack_frame(kind, payload), descriptors)
        except OSError:
            self.hang_up()

    def _drop_client(self) -> None:
        if self._client is not None:
            self._loop.forget(self._client.fileno())
            self._client.close()
            self._client = None
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _close_news(self) -> None:
        if self._news.fileno() >= 0:
            self._loop.forget(self._news.fileno())
            self._news.close()
