"""Who talks to a keeper: polisd, over one of the connections to its door.

What the keeper has to say waits here until somebody who has said "attach" takes it. Ends of
commands are said again until they are acknowledged.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections import deque
from typing import Any, Protocol

from cash.keeper import messages
from cash.keeper.loop import READ, WRITE, Loop
from cash.keeper.messages import Ended, Kept, LinkEnded, Listening, Message, Seen, Wrote


class Listener(Protocol):
    """The keeper, as its links see it."""

    def obey(self, values: dict[str, Any], descriptors: list[int]) -> None:
        """Does what polisd asks for."""

    def attached(self) -> list[Message]:
        """Somebody listens now: what they hear first."""

    def detached(self) -> None:
        """Nobody listens any more."""


class Links:
    """See the module."""

    def __init__(self, loop: Loop, address: str, listener: Listener) -> None:
        self._loop = loop
        self._address = address
        self._listener = listener
        self._attached: socket.socket | None = None
        self._links: dict[int, socket.socket] = {}
        self._unsent: deque[Message] = deque()
        self._unacknowledged: dict[str, Ended] = {}

    @property
    def is_attached(self) -> bool:
        """Whether somebody listens."""
        return self._attached is not None

    @property
    def is_told(self) -> bool:
        """Whether everything that was to be said was taken."""
        return not self._unacknowledged and not (self._unsent and self._attached)

    @property
    def is_quiet(self) -> bool:
        """Whether polisd has all that was said."""
        return self.is_attached and not self._unsent

    def open_door(self) -> None:
        """Listens at the address, to this user only. OSError."""
        door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._address)
        before = os.umask(0o177)
        try:
            door.bind(self._address)
        finally:
            os.umask(before)
        door.listen(16)
        self._door = door
        self._door_inode = os.stat(self._address).st_ino
        self._loop.watch(door.fileno(), self._admit)

    def close_door(self) -> None:
        """Takes the address away, unless another keeper has it by now."""
        with contextlib.suppress(OSError):
            if os.stat(self._address).st_ino == self._door_inode:
                os.unlink(self._address)

    def _admit(self, _events: int) -> None:
        try:
            link, _ = self._door.accept()
        except OSError:
            return  # gone again, or no descriptor left for it
        credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, uid, _ = struct.unpack("iII", credentials)
        if uid == os.geteuid():
            self.add(link)
        else:
            link.close()

    def add(self, link: socket.socket) -> None:
        """Hears what comes over a connection."""
        link.setblocking(False)
        self._links[link.fileno()] = link
        # What polisd says of a line comes before what the line does.
        self._loop.watch(link.fileno(), lambda events: self._hear(link, events), first=True)

    def attach(self, link: socket.socket) -> None:
        """Says everything over this connection from now on."""
        self._attached = link
        observed = [one for one in self._unsent if isinstance(one, Seen | Wrote)]
        for message in self._unsent:
            _close(message)
        first = self._listener.attached()
        self._unsent = deque([*first, *observed, *self._unacknowledged.values()])
        self._flush()

    def tell(self, message: Message) -> None:
        """Says something, now or when somebody listens."""
        self._unsent.append(message)
        self._flush()

    def report(self, ended: Ended) -> None:
        """Says that a command has ended, until it is acknowledged."""
        self._unacknowledged[ended.id] = ended
        self.tell(ended)

    def forget_reports(self) -> None:
        """Nobody will take them any more."""
        self._unacknowledged.clear()

    def _drop(self, link: socket.socket) -> None:
        self._loop.forget(link.fileno())
        self._links.pop(link.fileno(), None)
        link.close()
        if link is self._attached:
            self._attached = None
            self._listener.detached()

    def _hear(self, link: socket.socket, events: int) -> None:
        if events & WRITE:
            self._flush()
        while link.fileno() >= 0:
            try:
                values, descriptors = messages.receive_packet(link, flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except (LinkEnded, OSError, ValueError):
                self._drop(link)
                return
            match values.get("do"):
                case "acknowledge":
                    self._unacknowledged.pop(values["id"], None)
                case "attach":
                    self.attach(link)
                case _:
                    self._listener.obey(values, descriptors)

    def _flush(self) -> None:
        link = self._attached
        while link is not None and self._unsent:
            values, descriptors = messages.pack_message(self._unsent[0])
            try:
                messages.send_packet(link, values, descriptors, flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._loop.change(link.fileno(), READ | WRITE)
                return
            except OSError:
                self._drop(link)
                return
            _close(self._unsent.popleft())
        if link is not None:
            self._loop.change(link.fileno(), READ)


def _close(message: Message) -> None:
    """What rides on a message is its receiver's once it has gone."""
    match message:
        case Kept(descriptors=descriptors):
            for descriptor in descriptors:
                os.close(descriptor)
        case Listening(descriptor=descriptor):
            os.close(descriptor)
        case _:
            pass
