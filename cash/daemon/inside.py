"""The one thing of polisd that an agent can reach: a socket of its own, inside its walls.

Who asks is the agent whose socket it is, whatever it says. What it may ask is the table INSIDE of
inside_calls.py. An agent may send what it likes, as often as it likes: it gets one line back, and
uses up no more of polisd than is written here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cash.daemon.conversation import Converse, Listener, converse, fields_of, is_whole
from cash.faults import FAILED_CLOSED, USAGE, Fault
from cash.walls.plan import PARTS_NAME, REMOTES_NAME, SOCKET_NAME

# A hook's input holds the whole text of a file that is to be written.
LONGEST = 1 << 20
# At once, of one agent: whoever comes then waits in the kernel's queue, at no cost of polisd's.
MOST_AT_ONCE = 8
# The same, of those that are worked for while they wait (cash.daemon.conversation).
MOST_CONVERSATIONS = 8
_WAITING = 32
# For a request to arrive, and for its answer to be taken.
_SECONDS = 10.0
# Requests, after so many at once: more than that wait.
_A_SECOND = 50.0
_BURST = 200.0
_HEAD = re.compile(rb"[a-z]{1,16}(?: [A-Za-z-]{1,40}){0,3}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the program inside prints, and its exit status."""

    status: int
    out: str = ""
    err: str = ""

    def encode(self) -> bytes:
        """As it is sent: two numbers on a line, what goes to standard output, the rest."""
        out, err = (text.encode("utf-8", "surrogateescape") for text in (self.out, self.err))
        return b"%d %d\n" % (self.status, len(out)) + out + err


# The words of the first line, and what follows it.
Answer = Callable[[tuple[str, ...], bytes], Awaitable[Reply]]


def door_folder(runtime: Path, key: str) -> Path:
    """Where the socket of the agent `key` lies; short enough for the 108 bytes of its name."""
    name = hashlib.blake2b(key.encode(), digest_size=7).hexdigest()
    return runtime / "doors" / name


class Door:
    """One agent's socket. It listens from open() until close(), which a polisd that is killed
    never comes to: the next one listens in the same folder, which the walls show."""

    def __init__(self, folder: Path, answer: Answer, converse: Converse | None = None) -> None:
        self._folder = folder
        self._answer = answer
        self._converse = converse
        self._conversing: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._free = asyncio.Semaphore(MOST_AT_ONCE)
        self._serving: set[asyncio.Task[None]] = set()
        self._allowance = _BURST
        self._counted = time.monotonic()

    def open(self) -> None:
        """Listens, if it does not yet. OSError when the folder or the socket cannot be made."""
        if self._listener is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self._folder, 0o755)  # whatever the umask
        place = self._folder / SOCKET_NAME
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.fspath(place))
        # The agent's uid may be another one; nobody but it and the user can come here.
        os.chmod(place, 0o666)
        listener.listen(_WAITING)
        listener.setblocking(False)
        self._listener = listener
        self._accepting = asyncio.ensure_future(self._accept(listener))

    def close(self) -> None:
        """Listens no more. The folder goes: what showed it is gone, or gets another."""
        if self._listener is None:
            return
        for task in (self._accepting, *self._serving, *self._conversing):
            if task is not None:
                task.cancel()
        self._listener.close()
        self._listener = None
        for name in (SOCKET_NAME, REMOTES_NAME, PARTS_NAME):
            with contextlib.suppress(OSError):
                os.unlink(self._folder / name)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._free.acquire()
            try:
                endpoint, _ = await loop.sock_accept(listener)
            except OSError:  # no descriptor is free just now, or the caller hung up already
                self._free.release()
                await asyncio.sleep(0.05)
                continue
            serving = asyncio.ensure_future(self._serve(endpoint))
            self._serving.add(serving)
            serving.add_done_callback(self._done)

    def _done(self, serving: asyncio.Task[None]) -> None:
        self._serving.discard(serving)
        self._free.release()

    async def _serve(self, endpoint: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with endpoint, contextlib.suppress(OSError, TimeoutError):
            endpoint.setblocking(False)
            async with asyncio.timeout(_SECONDS):
                asked = await self._receive(endpoint)
            await self._pace()
            if asked is not None and is_whole(asked) and self._converse is not None:
                await self._begin(endpoint, asked, self._converse)
                return
            reply = await self._reply(asked)
            async with asyncio.timeout(_SECONDS):
                await loop.sock_sendall(endpoint, reply.encode())

    async def _receive(self, endpoint: socket.socket) -> bytes | None:
        """All that was sent; None when that is too much."""
        loop = asyncio.get_running_loop()
        found = bytearray()
        while chunk := await loop.sock_recv(endpoint, 1 << 16):
            found += chunk
            if len(found) > LONGEST + 200:
                return None
            if is_whole(found):  # who waits does not say that it has said all
                break
        return bytes(found)

    async def _begin(self, endpoint: socket.socket, asked: bytes, work: Converse) -> None:
        """Takes up a conversation, if there is room for one; it goes on by itself."""
        own = endpoint.dup()
        own.setblocking(False)
        if len(self._conversing) >= MOST_CONVERSATIONS:
            await converse(own, [], _refuse)
            return
        talking = asyncio.ensure_future(converse(own, fields_of(asked), work))
        self._conversing.add(talking)
        talking.add_done_callback(self._conversing.discard)

    async def _pace(self) -> None:
        """Waits for its turn, when there are too many."""
        now = time.monotonic()
        self._allowance = min(_BURST, self._allowance + (now - self._counted) * _A_SECOND) - 1
        self._counted = now
        if self._allowance < 0:
            await asyncio.sleep(-self._allowance / _A_SECOND)

    async def _reply(self, asked: bytes | None) -> Reply:
        if asked is None:
            return Reply(USAGE, "", f"polis: a request has at most {LONGEST} bytes\n")
        head, _, body = asked.partition(b"\n")
        if not _HEAD.fullmatch(head):
            return Reply(USAGE, "", "polis: that is no request\n")
        try:
            return await self._answer(tuple(head.decode().split()), body)
        except Fault as fault:
            hint = f"hint: {fault.hint}\n" if fault.hint else ""
            return Reply(fault.status, "", f"polis: {fault.message}\n{hint}")
        except Exception as fault:
            traceback.print_exception(fault, file=sys.stderr)
            return Reply(FAILED_CLOSED, "", "polis: internal fault\n")


async def _refuse(_fields: list[str], listener: Listener) -> int:
    await listener.tell(f"polis: {MOST_CONVERSATIONS} of this agent's wait already\n")
    return FAILED_CLOSED


def point_to(folder: Path, link: Path) -> None:
    """Makes a link there, for programs outside that know the agent's folder alone."""
    with contextlib.suppress(FileNotFoundError):
        if os.readlink(link) == os.fspath(folder):
            return
        os.unlink(link)
    os.symlink(folder, link)
