"""One command: from the keeper's request to the starter until its status is with the client.

After polisd has handed the client's connection over, the runner alone speaks on it (cash/wire.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import struct
import termios
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from cash import wire
from cash.keeper import processes, starter
from cash.keeper.estate import Will
from cash.keeper.loop import Loop
from cash.keeper.messages import Ended, to_bytes
from cash.walls.passing import receive_with, send_with

# How long a command whose client is gone may take to end after SIGHUP.
GRACE: Final = 2.0
_LOST: Final = 125
# How long the parent of an adopted process may take to say how it ended.
_WORD: Final = 2.0
_UNKNOWN_END: Final[dict[str, Any]] = {
    "status": _LOST,
    "user": 0.0,
    "system": 0.0,
    "memory": 0,
    "lost": "its keeper was killed, and nobody knows how it ended",
}
_NEWS: Final = (starter.PIDFD, starter.MASTER, starter.LISTENER)
_FORWARDED: Final = {
    name.removeprefix("SIG"): number for name, number in signal.Signals.__members__.items()
}


class Runner:
    """The state of one running command. client: where its user listens. news: where the starter
    and the command, until its exec, tell how it goes. `ended` is called once, at its end; `watched`
    with the listener of its execs, before the first of them. pid: 0 until it is known.
    known: what an earlier keeper knew of it."""

    def __init__(
        self,
        loop: Loop,
        will: Will,
        ended: Callable[[Ended], None],
        watched: Callable[[int], None],
        *,
        id: str,
        known: Mapping[str, Any],
        client: socket.socket | None,
        news: socket.socket | None,
    ) -> None:
        self.id = id
        self._known = dict(known)
        self._watched = watched
        self._loop = loop
        self._will = will
        self._client = client
        self._news = news
        self._ended = ended
        self._master = -1
        self.pid = 0
        self._pidfd = -1
        self._end: Mapping[str, Any] | None = None
        self._is_adopted = False
        self._hung_up = False
        self._from = time.monotonic() if "from" not in known else float(known["from"])
        self._known["from"] = self._from
        self._buffer = bytearray()
        self._leave()
        if client is not None:
            will.leave("client", id, {}, client.fileno())
            client.setblocking(False)
            loop.watch(client.fileno(), self._hear_client)
        if news is not None:
            news.setblocking(False)
            loop.watch(news.fileno(), self._hear_news)

    def _leave(self) -> None:
        """What the next keeper is to know."""
        news = [] if self._news is None else [self._news.fileno()]
        self._will.leave("command", self.id, self._known, *news)

    def inherit(self, process: tuple[int, int, Mapping[str, Any] | None] | None, tty: int) -> None:
        """It was started for an earlier keeper: whoever is its parent now tells how it ends
        (cash/keeper/zygote.py). process: its pid, pidfd and end, as far as they are known; tty: the
        master of its terminal, -1 for none."""
        self._is_adopted, self._hung_up = True, self._client is None
        if tty >= 0:
            self.take_terminal(tty)
        if process is not None:
            pid, pidfd, self._end = process
            self._set_process(pid, pidfd)
            if self._hung_up:
                self.hang_up()
        elif self._news is None:
            self.refuse(_UNKNOWN_END["lost"])

    @property
    def is_own(self) -> bool:
        """Whether this process is its parent."""
        return not self._is_adopted

    def _set_process(self, pid: int, pidfd: int) -> None:
        self.pid, self._pidfd = pid, pidfd
        self._will.leave("process", self.id, {"pid": pid}, pidfd)
        self._loop.watch(pidfd, self._reap)

    def take_terminal(self, master: int) -> None:
        """The master of the terminal made for it."""
        self._master = master
        self._will.leave("terminal", self.id, {}, master)

    def refuse(self, words: str) -> None:
        """Ends a command that never began, with one line for the client's standard error."""
        self._send(wire.TEXT, f"polis: {words}\n".encode())
        self._finish(_LOST, None, words)

    def say(self, text: str) -> None:
        """Tells the client something for its standard error."""
        self._send(wire.TEXT, text.encode())

    def hang_up(self) -> None:
        """What a terminal does when its line is cut; what does not end soon is killed."""
        self._hung_up = True
        self._drop_client()
        if self.pid:
            for number in (signal.SIGHUP, signal.SIGCONT):
                self._signal_group(self.pid, number)
            self._loop.call_later(GRACE, self._kill_session)

    def _hear_news(self, _events: int) -> None:
        assert self._news is not None
        while True:
            try:
                # Taken only once polisd holds what came: a keeper that is killed between would
                # leave a command that nobody knows.
                data, descriptors = receive_with(self._news, 4096, 1, flags=socket.MSG_PEEK)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if data in _NEWS and descriptors:
                self._take_news(data, descriptors[0])
                self._news.recv(4096)
            else:
                self._close_news()
                if not self.pid:
                    words = data.decode(errors="replace") or "the starter inside its walls died"
                    self.refuse(words)
                    return
                self._known["awaits_master"] = False
            self._begin_when_ready()
            if not data:
                return

    def _take_news(self, data: bytes, descriptor: int) -> None:
        if (data == starter.PIDFD and self.pid) or (data == starter.MASTER and self._master >= 0):
            os.close(descriptor)  # an earlier keeper had looked at it
        elif data == starter.PIDFD:
            self._set_process(starter.process_of(descriptor), descriptor)
        elif data == starter.MASTER:
            self.take_terminal(descriptor)
        else:
            self._watched(descriptor)

    def _begin_when_ready(self) -> None:
        has_master = self._master >= 0
        is_early = not self.pid or (self._known["awaits_master"] and not has_master)
        if self._known["begun"] or is_early:
            return
        self._known["begun"] = True
        if has_master:
            self._send(wire.TERMINAL, descriptor=self._master)
        self._send(wire.STARTED, self.id.encode())
        self._leave()
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
        if self._is_adopted and processes.has_ended(self._pidfd):
            return  # and another reaps it
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _kill_session(self) -> None:
        if self.pid:
            for pid in processes.session_members(self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _reap(self, _events: int) -> None:
        self._loop.forget(self._pidfd)
        if not self._is_adopted:
            _, status, usage = os.wait4(self.pid, 0)
            self._begin_when_ready()
            self._end_process(processes.describe_end(status, usage))
        elif self._end is not None:
            self._end_process(self._end)
        else:
            self._await_end(time.monotonic() + _WORD)

    def _await_end(self, until: float) -> None:
        """The zygote tells it at once; where that has died too, the kernel may know."""
        if self._end is not None:
            return
        left = until - time.monotonic()
        status = processes.status_of(self._pidfd) if left < _WORD / 2 else None
        if status is not None:
            self.hear_end(processes.describe_end(status))
        elif left < 0:
            self.hear_end(_UNKNOWN_END)
        else:
            self._loop.call_later(_WORD / 20, lambda: self._await_end(until))

    def hear_end(self, end: Mapping[str, Any]) -> None:
        """How an adopted process ended, once; its parent has reaped it."""
        if self.pid and self._end is None:
            self._end = end
            self._loop.forget(self._pidfd)
            self._end_process(end)

    def _end_process(self, end: Mapping[str, Any]) -> None:
        # Until polisd has heard of it: a keeper that is killed here leaves it to the next.
        pidfd, values = self._pidfd, {"pid": self.pid, "ended": dict(end)}
        self._will.leave("process", self.id, values, pidfd)
        self.pid, self._pidfd = 0, -1
        self._finish(end["status"], end, end.get("lost", ""))
        self._will.take_back("process", self.id)
        os.close(pidfd)

    def _finish(self, status: int, end: Mapping[str, Any] | None, lost: str) -> None:
        self._close_news()
        self._send(wire.EXIT, b"%d" % status)
        self._drop_client()
        self._ended(
            Ended(
                id=self.id,
                status=status,
                report=to_bytes(self._known["report"]),
                seconds=time.monotonic() - self._from,
                user=end["user"] if end else 0.0,
                system=end["system"] if end else 0.0,
                memory=end["memory"] if end else 0,
                lost=lost,
            )
        )
        self._will.take_back("command", self.id)

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
            self._will.take_back("client", self.id)
            self._client.close()
            self._client = None
        if self._master >= 0:
            self._will.take_back("terminal", self.id)
            os.close(self._master)
            self._master = -1

    def _close_news(self) -> None:
        if self._news is not None:
            self._loop.forget(self._news.fileno())
            self._news.close()
            self._news = None
            if self.pid:
                self._leave()
