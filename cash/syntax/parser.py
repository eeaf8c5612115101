"""The parser process: a child of polisd that reads lines, and the client that asks it.

What agents write is read in a process of its own, so that a crash, a hang or a subverted reader
costs one answer (which is then trouble, never allow) and nothing of polisd. A frame is four bytes
of length and JSON: a request [verb, text or words, entry], an answer as in coding.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from cash.faults import Fault
from cash.syntax.coding import CodingFault, decode_line, encode_line
from cash.syntax.command import Line

SILENCE = 1.0  # seconds a line may take
_STARTING = 15.0  # seconds until a new process must be ready, on a busy machine
_SUICIDE = 2.0  # seconds after which a hung process ends itself, whoever still watches
_LENGTH = struct.Struct(">I")
_LONGEST_ANSWER = 64 * 1024 * 1024
_READY = b"ready"
_PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from cash.syntax.parser import main; main(int(sys.argv[1]))"
)

COMMAND = (sys.executable, "-I", "-S", "-c", _PROGRAM)


class Parser:
    """One parser process; requests take turns. Belongs to one event loop."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command or COMMAND
        self._turn = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The process that reads now, if one does."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Starts the process and waits until it can read."""
        async with self._turn:
            with suppress(OSError, TimeoutError):
                await self._make_ready()

    async def stop(self) -> None:
        """Ends the process."""
        async with self._turn:
            self._discard()

    async def read(self, text: str, entry: bool = True) -> Line:
        """cash.syntax.read, in the parser process. Never raises."""
        return await self._ask(text, ["read", text, entry])

    async def read_argv(self, argv: Sequence[str | bytes], entry: bool = True) -> Line:
        """cash.syntax.read_argv, in the parser process. Never raises."""
        words = [os.fsdecode(word) for word in argv]
        return await self._ask(shlex.join(words), ["argv", words, entry])

    async def _ask(self, text: str, request: list[object]) -> Line:
        async with self._turn:
            try:
                await self._make_ready()
                async with asyncio.timeout(SILENCE):
                    answer = await self._exchange(json.dumps(request).encode())
                return decode_line(text, answer)
            except TimeoutError:
                trouble = "the parser did not answer in time"
            except (OSError, CodingFault, EOFError):
                trouble = "the parser failed"
            except BaseException:
                # Cancelled in the middle: the answer still to come is nobody's.
                self._discard()
                raise
            self._discard()
            with suppress(OSError):
                self._spawn()
            return Line(text, trouble=trouble, entry=text)

    async def _exchange(self, request: bytes) -> bytes:
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, _LENGTH.pack(len(request)) + request)
        return await self._receive(loop, self._socket)

    async def _receive(self, loop: asyncio.AbstractEventLoop, connection: socket.socket) -> bytes:
        data = b""
        wanted = _LENGTH.size
        while len(data) < wanted:
            chunk = await loop.sock_recv(connection, 1 << 16)
            if not chunk:
                raise EOFError
            data += chunk
            if wanted == _LENGTH.size and len(data) >= wanted:
                wanted += _LENGTH.unpack_from(data)[0]
                if wanted > _LONGEST_ANSWER:
                    raise CodingFault("too long")
        if len(data) > wanted:
            raise CodingFault("an answer nobody asked for")
        return data[_LENGTH.size :]

    async def _make_ready(self) -> None:
        if self._process is not None and self._ready and self._process.poll() is not None:
            self._discard()  # it died while nobody asked
        if self._process is None:
            self._spawn()
        if not self._ready:
            assert self._socket is not None
            async with asyncio.timeout(_STARTING):
                hello = await self._receive(asyncio.get_running_loop(), self._socket)
            if hello != _READY:
                raise CodingFault("no greeting")
            self._ready = True

    def _spawn(self) -> None:
        self._process, self._socket = _spawn(self._command)
        self._socket.setblocking(False)
        self._ready = False

    def _discard(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._ready = False


@contextmanager
def reading_apart(
    command: Sequence[str] = COMMAND, *, silence: float = SILENCE
) -> Iterator[Callable[[str], Line]]:
    """cash.syntax.read of nested texts in a parser process of its own, for a caller that waits:
    polisd, when it tries a policy's examples. The function never raises; after a crash or a
    silence of so many seconds all it gives is trouble. Fault when there can be no process."""
    try:
        process, connection = _spawn(command)
    except OSError as fault:
        raise Fault(f"the parser cannot start: {fault.strerror}") from fault
    alive = False

    def read(text: str) -> Line:
        nonlocal alive
        try:
            if not alive:
                return Line(text, trouble="the parser failed", entry=text)
            _send(connection, json.dumps(["read", text, False]).encode())
            return decode_line(text, _receive(connection))
        except TimeoutError:
            trouble = "the parser did not answer in time"
        except (OSError, CodingFault, EOFError):
            trouble = "the parser failed"
        alive = False
        return Line(text, trouble=trouble, entry=text)

    try:
        with suppress(OSError, EOFError):
            connection.settimeout(_STARTING)
            alive = _receive(connection) == _READY
            connection.settimeout(silence)
        yield read
    finally:
        connection.close()
        process.kill()
        process.wait()


def _spawn(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A new parser process, and our end of its connection."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        paths = [path for path in sys.path if os.path.isabs(path)]
        try:
            process = subprocess.Popen(
                [*command, str(theirs.fileno()), *paths],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )
        except BaseException:
            ours.close()
            raise
    return process, ours


def main(descriptor: int) -> None:
    """The process: answers until the other side is gone."""
    # Else every shfmt held the socket, and nobody would see its end.
    os.set_inheritable(descriptor, False)
    # A terminal's Ctrl-C is for the command that runs, not for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from cash.syntax.line import LineReader

    reader = LineReader()
    reader.prepare()
    with socket.socket(fileno=descriptor) as connection, suppress(OSError, EOFError):
        _send(connection, _READY)
        while True:
            verb, what, entry = json.loads(_receive(connection))
            # The default action of SIGALRM ends the process, also inside a library's C code.
            signal.setitimer(signal.ITIMER_REAL, _SUICIDE)
            line = (
                reader.read(what, entry=entry)
                if verb == "read"
                else reader.read_argv(what, entry=entry)
            )
            answer = encode_line(line)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _send(connection, answer)
            reader.prepare()
    reader.close()


def _send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(data)) + data)


def _receive(connection: socket.socket) -> bytes:
    data = b""
    wanted = _LENGTH.size
    while len(data) < wanted:
        chunk = connection.recv(1 << 16)
        if not chunk:
            raise EOFError
        data += chunk
        if wanted == _LENGTH.size and len(data) >= wanted:
            wanted += _LENGTH.unpack_from(data)[0]
    return data[_LENGTH.size :]
