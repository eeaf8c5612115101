"""Frames between the user's programs and polisd, and what a client says to start a command.

A frame is one kind byte, four bytes of length (big-endian) and the payload. Descriptors ride on
the frame's first byte (SCM_RIGHTS). The fields of a RUN are separated by NUL, which no argv,
path or environment entry can hold, so that a client of a few lines of perl can write it and
invalid UTF-8 passes through unchanged. Only os and socket: a client starts in milliseconds.
"""

from __future__ import annotations

import array
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Client to polisd.
RUN = b"R"  # a command to judge and run: RunRequest, with descriptors 0, 1 and 2
CALL = b"J"  # an operator's call: JSON {"verb", "token", ...}
ANSWER = (
    b"A"  # JSON {"id", "decision": "allow"|"deny", "scope": "once"|"session"|"1h", "choice": "" or
)
# the word of what was chosen}
SIGNAL = b"G"  # to the command: a signal's name without SIG, e.g. INT
WINDOW = b"W"  # new window size: rows NUL columns

# polisd (later the runner, on the same connection) to the client.
REPLY = b"j"  # JSON; {"fault": {"message", "hint", "status"}} when it failed
TEXT = b"E"  # bytes for the client's standard error
QUESTION = b"Q"  # JSON: Question.describe() of cash/daemon/questions.py
TERMINAL = b"P"  # the master of the command's terminal rides along; copy bytes both ways
STARTED = b"S"  # the command runs; payload: its id in the journal
EXIT = b"X"  # the status to exit with, decimal (128 + N when signal N ended it); the last frame

HEAD = struct.Struct(">cI")
LONGEST_FRAME = 16 * 1024 * 1024


class ConnectionEnded(Exception):
    """The other side is gone, or spoke something that is no frame."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """mode: "argv" (polis exec), "line" (one bash line in arguments[0]) or "shell" (the resident
    bash of `polis shell`, whose lines are judged one by one by CALLs).
    agent: a name, or "" to find it by cwd. terminals: three of "0"/"1": which of descriptors
    0, 1, 2 are the client's terminal and must become one made inside. environment: NAME=value.
    extra: how many descriptors follow the first three (shell mode: 200, 201, … inside)."""

    token: bytes
    agent: str
    cwd: bytes
    mode: str
    terminals: str = "000"
    rows: int = 24
    columns: int = 80
    arguments: tuple[bytes, ...] = ()
    environment: tuple[bytes, ...] = ()
    extra: int = 0

    def encode(self) -> bytes:
        """The payload of a RUN frame."""
        head = (
            self.token,
            self.agent.encode(),
            self.cwd,
            self.mode.encode(),
            self.terminals.encode(),
            b"%d" % self.rows,
            b"%d" % self.columns,
            b"%d" % self.extra,
            b"%d" % len(self.arguments),
        )
        return b"\0".join((*head, *self.arguments, *self.environment))

    @classmethod
    def decode(cls, payload: bytes) -> RunRequest:
        """The request in a RUN frame; ConnectionEnded when it is malformed."""
        fields = payload.split(b"\0")
        try:
            token, agent, cwd, mode, terminals, rows, columns, extra, count = fields[:9]
            number = int(count)
            if mode not in (b"argv", b"line", b"shell") or not 0 <= number <= len(fields) - 9:
                raise ValueError(mode)
            return cls(
                token=token,
                agent=agent.decode(),
                cwd=cwd,
                mode=mode.decode(),
                terminals=terminals.decode(),
                rows=int(rows),
                columns=int(columns),
                extra=int(extra),
                arguments=tuple(fields[9 : 9 + number]),
                environment=tuple(fields[9 + number :]),
            )
        except ValueError as fault:
            raise ConnectionEnded(f"malformed run request: {fault}") from fault


def pack_frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    return HEAD.pack(kind, len(payload)) + payload


def send_frame(
    connection: socket.socket, kind: bytes, payload: bytes = b"", descriptors: Sequence[int] = ()
) -> None:
    """Writes one frame whole. Blocking sockets only; OSError when the other side is gone."""
    data = pack_frame(kind, payload)
    sent = 0
    if descriptors:
        rights = array.array("i", descriptors)
        sent = connection.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    if sent < len(data):  # sendall(b"") sends, too, and fails where the answer came already
        connection.sendall(data[sent:])


def send_some(connection: socket.socket, data: bytes, descriptors: Sequence[int] = ()) -> bytes:
    """Writes what can be written now; what is left. Nothing is where the other side is gone: what
    it said last is still to be read."""
    rights = array.array("i", descriptors)
    passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    try:
        return data[connection.sendmsg([data], passed, socket.MSG_DONTWAIT) :]
    except BlockingIOError:
        return data
    except OSError:
        return b""


def receive_frame(
    connection: socket.socket, most_descriptors: int = 0
) -> tuple[bytes, bytes, list[int]]:
    """Reads one frame: kind, payload, descriptors (the caller owns them; close-on-exec).
    Blocking sockets only. ConnectionEnded at the end or on nonsense."""
    head, descriptors = receive_head(connection, most_descriptors)
    head += _receive_exactly(connection, HEAD.size - len(head))
    kind, length = HEAD.unpack(head)
    if length > LONGEST_FRAME:
        raise ConnectionEnded("frame too long")
    return kind, _receive_exactly(connection, length), descriptors


def receive_head(connection: socket.socket, most: int) -> tuple[bytes, list[int]]:
    """The first bytes of a frame (at least one) and the descriptors that ride on them."""
    space = socket.CMSG_SPACE(most * array.array("i").itemsize) if most else 0
    flags = socket.MSG_CMSG_CLOEXEC
    data, ancillary, _, _ = connection.recvmsg(HEAD.size, space, flags)
    rights = array.array("i")
    for level, kind, body in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            rights.frombytes(body[: len(body) - len(body) % rights.itemsize])
    if not data:
        raise ConnectionEnded("closed")
    return data, rights.tolist()


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    chunks = []
    while length:
        chunk = connection.recv(min(length, 1 << 20))
        if not chunk:
            raise ConnectionEnded("closed in mid-frame")
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


# What of the caller's environment goes inside: how the terminal looks and which language is
# spoken, nothing that can hold a secret. The agent's own environment is set by polis.
_CARRIED = (b"TERM", b"COLORTERM", b"LANG", b"LANGUAGE", b"TZ", b"NO_COLOR", b"COLUMNS", b"LINES")


def carried_environment(entries: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    """The entries of a caller's environment that a command inside may see, as NAME=value."""
    return tuple(
        name + b"=" + value
        for name, value in entries
        if name in _CARRIED or name.startswith(b"LC_")
    )


def split_frames(buffer: bytearray) -> list[tuple[bytes, bytes]]:
    """Takes the whole frames (kind, payload) off the front of what has arrived so far: for who
    may not block. ConnectionEnded on nonsense."""
    frames = []
    while len(buffer) >= HEAD.size:
        kind, length = HEAD.unpack_from(buffer)
        if length > LONGEST_FRAME:
            raise ConnectionEnded("frame too long")
        end = HEAD.size + length
        if len(buffer) < end:
            break
        frames.append((kind, bytes(buffer[HEAD.size : end])))
        del buffer[:end]
    return frames
