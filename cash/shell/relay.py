"""Copies bytes between the user's terminal and the one a command has inside the walls."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Mapping
from typing import TypeVar

from cash.shell.keyboard import Keyboard

Ended = TypeVar("Ended")

_CHUNK = 65536
# How soon a keyboard that was not ours is looked at again: nothing announces `fg`.
_AGAIN_MS = 500


class Relay:
    """screen: where output goes. Until a master is attached only what is watched is served.
    wrote: output has come since somebody last cleared it. muted: output is thrown away.
    filter_keys: what of the typed keys is passed on."""

    def __init__(
        self,
        *,
        screen: int,
        keyboard: Keyboard | None = None,
        filter_keys: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.master: int | None = None
        self.wrote = False
        self.muted = False
        self._screen = screen
        self.keyboard = keyboard
        self.was_attached = False
        self._filter_keys = filter_keys
        self._typed = b""

    def attach(self, master: int) -> None:
        """Copies from and to this pty master from now on; it is closed when it has hung up."""
        os.set_blocking(master, False)
        self.master = master
        self.was_attached = True

    def until(self, watched: Mapping[int, Callable[[], Ended | None]]) -> Ended:
        """Copies until one of the watched descriptors' callbacks, run when there is something
        to read, answers a value; output written before that is on the screen then."""
        while True:
            for descriptor, event in self._poll(watched):
                if descriptor in watched:
                    ended = watched[descriptor]()
                    if ended is not None:
                        self.drain()
                        return ended
                elif descriptor == self.master:
                    self._copy(event)
                elif self.keyboard is not None and self.keyboard.take():
                    self._typed = self._filter_keys(self.keyboard.read())
                    self._pass_on()

    def drain(self) -> None:
        """Copies the output that was written before now. poll(2) on a pty master carries the
        kernel's own queue over first, so nothing has to be waited for."""
        poll = select.poll()
        if self.master is not None:
            poll.register(self.master, select.POLLIN)
        while self.master is not None and poll.poll(0):
            self._show()

    def read_now(self) -> bytes:
        """Output that is there now, b"" if none; it is the caller's to show."""
        if self.master is None:
            return b""
        try:
            data = os.read(self.master, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        if not data:
            os.close(self.master)
            self.master = None
        return data

    def _poll(self, watched: Mapping[int, object]) -> list[tuple[int, int]]:
        poll = select.poll()
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        if self.master is None:
            return poll.poll()
        poll.register(self.master, select.POLLIN | (select.POLLOUT if self._typed else 0))
        if self.keyboard is None or self.keyboard.ended or self._typed:
            return poll.poll()
        if not self.keyboard.take():
            return poll.poll(_AGAIN_MS)
        poll.register(self.keyboard.terminal, select.POLLIN)
        return poll.poll()

    def _copy(self, event: int) -> None:
        if event & select.POLLOUT:
            self._pass_on()
        if event & ~select.POLLOUT:
            self._show()

    def _pass_on(self) -> None:
        assert self.master is not None
        try:
            self._typed = self._typed[os.write(self.master, self._typed) :]
        except BlockingIOError:
            return
        except OSError:
            self._typed = b""

    def _show(self) -> None:
        data = self.read_now()
        if data and not self.muted:
            self.wrote = True
            write_whole(self._screen, data)


def is_readable(connection: socket.socket, seconds: float = 0) -> bool:
    """Whether there is something to read within the time."""
    return bool(select.select([connection], [], [], seconds)[0])


def write_whole(descriptor: int, data: bytes) -> None:
    """Writes all of it, also to a terminal that somebody left non-blocking; what nobody can read
    any more is dropped."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
        except OSError:
            return
