"""What polisd, zygote, keeper and starter say to each other: one JSON object a packet.

SOCK_SEQPACKET keeps packets whole; descriptors ride along. Bytes become text by surrogateescape.
A packet too long for a socket's buffer goes into a memfd that rides as the last descriptor.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cash.walls.passing import receive_with, send_with

_LONGEST: Final = 64 * 1024
_MOST_DESCRIPTORS: Final = 253  # SCM_MAX_FD
_ELSEWHERE: Final = b"memfd"


class LinkEnded(Exception):
    """The other side has closed."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The walls stand. running: ids of the commands inside. keeper, holder: their pids. died: the
    words of execs that were being judged when the keeper before this one was killed."""

    running: tuple[str, ...] = ()
    keeper: int = 0
    holder: int = 0
    died: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A command has ended. status: as a shell gives it (128 + N for signal N). seconds: wall
    time. user, system: CPU seconds of it and what it waited for. memory: peak bytes of the
    largest process. lost: why, when it did not end by itself ("" otherwise)."""

    id: str
    status: int
    report: bytes
    seconds: float
    user: float = 0.0
    system: float = 0.0
    memory: int = 0
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Listening:
    """A listening TCP socket inside the agent's network; the receiver owns the descriptor."""

    port: int
    descriptor: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The walls do not stand (any more), or something asked of the keeper could not be done."""

    message: str
    hint: str = ""
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """An exec that polisd has to judge, or news of one (cash/keeper/execs.py): plain values."""

    question: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a command has started: argv, whether no line predicted it, how often. more: how many
    others were only counted."""

    command: str
    execs: tuple[tuple[tuple[str, ...], bool, int], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Wrote:
    """What a command has changed: path and how. more: how many others were only counted. moved:
    those of the files that a git has, which was moving the tree."""

    command: str
    files: tuple[tuple[str, str], ...]
    more: int = 0
    moved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that the next keeper needs, should this one be killed; the receiver owns the
    descriptors. what, id: of which there is one at a time (cash/keeper/estate.py)."""

    what: str
    id: str
    values: dict[str, Any]
    descriptors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LetGo:
    """No keeper needs that any more."""

    what: str
    id: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The keeper has ended without a word; said by the link, not by it."""


Message = Ready | Ended | Listening | Asked | Seen | Wrote | Failed | Kept | LetGo | Gone


def send_packet(
    link: socket.socket, values: dict[str, Any], descriptors: Sequence[int] = (), *, flags: int = 0
) -> None:
    """Sends one packet. BlockingIOError when `flags` or the socket forbid to wait."""
    data = json.dumps(values, separators=(",", ":")).encode()
    if len(data) <= _LONGEST:
        send_with(link, data, descriptors, flags=flags)
        return
    overflow = os.memfd_create("packet", os.MFD_CLOEXEC)
    try:
        os.write(overflow, data)
        os.lseek(overflow, 0, os.SEEK_SET)
        send_with(link, _ELSEWHERE, [*descriptors, overflow], flags=flags)
    finally:
        os.close(overflow)


def receive_packet(link: socket.socket, *, flags: int = 0) -> tuple[dict[str, Any], list[int]]:
    """One packet and its descriptors (close-on-exec, the caller's). LinkEnded at the end."""
    try:
        data, descriptors = receive_with(link, _LONGEST, _MOST_DESCRIPTORS, flags=flags)
    except ConnectionResetError:
        # The other side died with something unread. That is told once, and before what it had
        # said itself, which is still there.
        data, descriptors = receive_with(link, _LONGEST, _MOST_DESCRIPTORS, flags=flags)
    if not data:
        raise LinkEnded("closed")
    if data == _ELSEWHERE:
        with open(descriptors.pop(), "rb") as overflow:
            data = overflow.read()
    values: dict[str, Any] = json.loads(data)
    return values, descriptors


def pack_message(message: Message) -> tuple[dict[str, Any], list[int]]:
    """A keeper's message as a packet."""
    match message:
        case Ready():
            return {"kind": "ready", **_fields(message)}, []
        case Ended():
            return {"kind": "ended", **_fields(message), "report": to_text(message.report)}, []
        case Listening(port, descriptor):
            return {"kind": "listening", "port": port}, [descriptor]
        case Asked(question):
            return {"kind": "asked", "question": question}, []
        case Seen(command, execs, more):
            return {"kind": "seen", "command": command, "execs": execs, "more": more}, []
        case Wrote(command, files, more, moved):
            shown = [(to_text(os.fsencode(path)), kind) for path, kind in files]
            packed = {"kind": "wrote", "command": command, "files": shown, "more": more}
            return packed | {"moved": [to_text(os.fsencode(path)) for path in moved]}, []
        case Kept(what, id, values, descriptors):
            packed = {"kind": "kept", "what": what, "id": id, "values": values}
            return packed, list(descriptors)
        case LetGo() | Gone():
            return {"kind": type(message).__name__.lower(), **_fields(message)}, []
        case Failed(text, hint, fatal):
            return {"kind": "failed", "message": text, "hint": hint, "fatal": fatal}, []


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__dataclass_fields__}


def unpack_message(values: dict[str, Any], descriptors: list[int]) -> Message:
    """The reverse of pack_message."""
    kind = values.pop("kind")
    match kind:
        case "ready":
            died = tuple([tuple(argv) for argv in values["died"]])
            return Ready(tuple(values["running"]), values["keeper"], values["holder"], died)
        case "ended":
            return Ended(**{**values, "report": to_bytes(values["report"])})
        case "listening":
            return Listening(values["port"], descriptors[0])
        case "asked":
            return Asked(values["question"])
        case "seen":
            execs = tuple([(tuple(argv), bool(s), int(n)) for argv, s, n in values["execs"]])
            return Seen(values["command"], execs, values["more"])
        case "wrote":
            files = tuple([(path, kind) for path, kind in values["files"]])
            return Wrote(values["command"], files, values["more"], frozenset(values["moved"]))
        case "kept":
            return Kept(values["what"], values["id"], values["values"], tuple(descriptors))
        case "letgo":
            return LetGo(values["what"], values["id"])
        case _:
            return Failed(values["message"], values["hint"], values["fatal"])


def to_text(data: bytes) -> str:
    """Any bytes as text that JSON can carry."""
    return data.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes that to_text was given."""
    return text.encode("utf-8", "surrogateescape")
