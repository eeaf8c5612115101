"""What git's index says, but for what it remembers of files' times: `git status` writes it anew
without having changed anything."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

_HEAD: Final = struct.Struct(">4sII")
_MODE: Final = struct.Struct(">24xI12x")  # of a mode's ten numbers, the rest is of lstat's
_EXTENSION: Final = struct.Struct(">4sI")
_LENGTH_BITS: Final = 0x0FFF
_EXTENDED: Final = 0x4000


def meaning_of(content: bytes) -> str:
    """A hash of its entries: path, mode, object, stage and flags. "" when it is not known what it
    says (another format, damaged, split in two)."""
    size = _hash_size(content)
    if not size:
        return ""
    digest = hashlib.sha256()
    try:
        for entry in _entries(content, size):
            digest.update(entry)
    except (struct.error, IndexError, ValueError):
        return ""
    return digest.hexdigest()


def _hash_size(content: bytes) -> int:
    """How long its objects' names are; it ends in a hash of itself."""
    for make in (hashlib.sha1, hashlib.sha256):
        size = make().digest_size
        if content[-size:] == make(content[:-size], usedforsecurity=False).digest():
            return size
    return 0


def _entries(content: bytes, size: int) -> Iterator[bytes]:
    mark, version, count = _HEAD.unpack_from(content)
    if mark != b"DIRC" or version not in (2, 3, 4):
        raise ValueError("another format")
    at, name = _HEAD.size, b""
    for _ in range(count):
        begin = at
        (mode,) = _MODE.unpack_from(content, at)
        at += _MODE.size
        object_ = content[at : at + size]
        at += size
        flags = int.from_bytes(content[at : at + 2], "big")
        at += 2
        more = b"\0\0"
        if flags & _EXTENDED:
            more = content[at : at + 2]
            at += 2
        if version == 4:
            dropped, at = _read_number(content, at)
            kept = len(name) - dropped
            end = content.index(b"\0", at)
            name = name[:kept] + content[at:end]
            at = end + 1
        else:
            end = content.index(b"\0", at)
            name = content[at:end]
            at = begin + (end - begin + 8) // 8 * 8
        yield b"%o %b %x %b %b\0" % (mode, object_, flags & ~_LENGTH_BITS, more, name)
    _refuse_split(content[at:-size])


def _refuse_split(extensions: bytes) -> None:
    at = 0
    while at < len(extensions):
        mark, length = _EXTENSION.unpack_from(extensions, at)
        if mark == b"link":
            raise ValueError("the rest is in another file")
        at += _EXTENSION.size + length


def _read_number(content: bytes, at: int) -> tuple[int, int]:
    """As git writes offsets in packs: seven bits a byte."""
    byte = content[at]
    at += 1
    value = byte & 0x7F
    while byte & 0x80:
        byte = content[at]
        at += 1
        value = (value + 1 << 7) | (byte & 0x7F)
    return value, at
