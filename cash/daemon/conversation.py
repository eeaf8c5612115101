"""What a program inside is told while polisd works for it, and that it has hung up.

The request is whole before this begins. From then on each side only waits: polisd says frames, the
program says nothing, and when it is gone, so is what was done for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

# Of the stream, before its four bytes of length.
FIRST_LINE: Final = b"remote\n"
_HEAD: Final = struct.Struct(">cI")
_LENGTH: Final = 4
# A program that reads nothing is not waited for longer.
_SECONDS: Final = 30.0


class Listener:
    """The program inside that waits."""

    def __init__(self, endpoint: socket.socket) -> None:
        self._endpoint = endpoint
        self._turn = asyncio.Lock()

    async def tell(self, text: str) -> None:
        """For its standard error, at once."""
        await self._say(b"E", text)

    async def answer(self, text: str) -> None:
        """For git."""
        await self._say(b"O", text)

    async def borrow(self, objects: str) -> None:
        """The object store from which git inside is to borrow."""
        await self._say(b"A", objects)

    async def end(self, status: int) -> None:
        """The last word."""
        await self._say(b"X", str(status))

    async def gone(self) -> None:
        """Until it has hung up, or speaks out of turn: nobody listens to a flood."""
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_recv(self._endpoint, 1)

    async def give(self, data: bytes) -> None:
        """A piece of a file."""
        await self._send(b"D", data)

    async def _say(self, kind: bytes, text: str) -> None:
        await self._send(kind, text.encode("utf-8", "surrogateescape"))

    async def _send(self, kind: bytes, data: bytes) -> None:
        # One frame after another: a write of two halves is none.
        async with self._turn, asyncio.timeout(_SECONDS):
            packed = _HEAD.pack(kind, len(data)) + data
            await asyncio.get_running_loop().sock_sendall(self._endpoint, packed)


# The fields of the request; its status.
Converse = Callable[[list[str], Listener], Awaitable[int]]


def is_whole(found: bytes | bytearray) -> bool:
    """Whether that is a whole request."""
    start = len(FIRST_LINE) + _LENGTH
    if not found.startswith(FIRST_LINE) or len(found) < start:
        return False
    length = int.from_bytes(found[len(FIRST_LINE) : start], "big")
    return len(found) >= start + length


def fields_of(found: bytes) -> list[str]:
    """The fields of a whole request."""
    text = found[len(FIRST_LINE) + _LENGTH :].decode("utf-8", "surrogateescape")
    return text.split("\0")[:-1]


async def converse(endpoint: socket.socket, fields: list[str], work: Converse) -> None:
    """Does the work for as long as somebody waits for it."""
    with endpoint:
        listener = Listener(endpoint)
        working = asyncio.ensure_future(work(fields, listener))
        hanging = asyncio.ensure_future(listener.gone())
        try:
            await asyncio.wait({working, hanging}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                with contextlib.suppress(OSError, TimeoutError):
                    await listener.end(working.result())
        finally:
            for one in (hanging, working):
                one.cancel()
            await asyncio.gather(hanging, working, return_exceptions=True)
