"""One client's connection in polisd: frames of cash.wire over asyncio, descriptors included."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import struct
from functools import cache

from cash import wire

# getsockopt(SOL_SOCKET, …) of Linux 6.5; the standard library does not name it yet.
_SO_PEERPIDFD = 77


class Connection:
    """A non-blocking unix stream. asyncio's streams cannot carry descriptors, so the head of a
    frame is read with recvmsg and only the rest through the event loop."""

    def __init__(self, endpoint: socket.socket) -> None:
        endpoint.setblocking(False)
        self.endpoint = endpoint
        # Whoever connects has usually said already what it wants; from then on each frame waits
        # for its turn of the loop, so that a client that never stops keeps nobody waiting.
        self._is_new = True

    async def receive(self, most_descriptors: int = 0) -> tuple[bytes, bytes, list[int]]:
        """The next frame: kind, payload, descriptors. wire.ConnectionEnded at the end."""
        if self._is_new:
            self._is_new = False
        else:
            await _readable(self.endpoint)
        self.endpoint.setblocking(False)
        try:
            head, descriptors = wire.receive_head(self.endpoint, most_descriptors)
        except BlockingIOError:
            return await self.receive(most_descriptors)
        except OSError as fault:
            raise wire.ConnectionEnded(str(fault)) from fault
        try:
            rest = await self._receive_exactly(wire.HEAD.size - len(head))
            kind, length = wire.HEAD.unpack(head + rest)
            if length > wire.LONGEST_FRAME:
                raise wire.ConnectionEnded("frame too long")
            return kind, await self._receive_exactly(length), descriptors
        except wire.ConnectionEnded:
            for descriptor in descriptors:
                os.close(descriptor)
            raise

    async def _receive_exactly(self, length: int) -> bytes:
        loop = asyncio.get_running_loop()
        chunks = []
        while length:
            try:
                chunk = await loop.sock_recv(self.endpoint, min(length, 1 << 20))
            except OSError as fault:
                raise wire.ConnectionEnded(str(fault)) from fault
            if not chunk:
                raise wire.ConnectionEnded("closed in mid-frame")
            chunks.append(chunk)
            length -= len(chunk)
        return b"".join(chunks)

    async def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Writes one frame; wire.ConnectionEnded when the client is gone."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self.endpoint, wire.pack_frame(kind, payload))
        except OSError as fault:
            raise wire.ConnectionEnded(str(fault)) from fault

    async def gone(self) -> None:
        """Returns when the client hangs up or says something more (which stays unread)."""
        await _readable(self.endpoint)

    @property
    def is_hung_up(self) -> bool:
        """Whether the client has gone, whatever it has said before that is still unread."""
        poll = select.poll()
        poll.register(self.endpoint, 0)  # POLLHUP is told in any case
        return bool(poll.poll(0))

    def close(self) -> None:
        """Closes our end; a descriptor passed on to a runner keeps the connection itself open."""
        self.endpoint.close()


async def _readable(endpoint: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(endpoint, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(endpoint)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def peer_is_outside(endpoint: socket.socket) -> bool:
    """Whether the peer is this user's process in polisd's own pid namespace: what runs inside an
    agent's walls is in another one, even where it has the same uid."""
    credentials = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", credentials)
    if uid not in (os.geteuid(), 0):
        return False
    pidfd = _peer_pidfd(endpoint)
    try:
        same = os.readlink(f"/proc/{pid}/ns/pid") == _own_namespace()
        # The pidfd still signals: the pid was not reused while its namespace was looked at.
        return same and (pidfd is None or _alive(pidfd))
    except OSError:
        return False
    finally:
        if pidfd is not None:
            os.close(pidfd)


@cache
def _own_namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _peer_pidfd(endpoint: socket.socket) -> int | None:
    try:
        return endpoint.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:  # before Linux 6.5
        return None


def _alive(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return not poll.poll(0)
