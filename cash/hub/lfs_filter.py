"""A git filter that knows the objects of one store of Git LFS and nothing else.

git outside runs it (gitattributes(5), "long running filter process") where git-lfs itself would
download, and would run on what an agent wrote. What the store has not is left as it is.
It is handed to Python as text: whoever git runs as need not be able to read polis' own files.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

_MOST = 65516
_LONGEST_POINTER = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n"
)
_FLUSH = b"0000"


def serve(store: bytes, said: BinaryIO, told: BinaryIO) -> None:
    """Answers git until it has no more files."""
    list(_packets(said))
    _write(told, b"git-filter-server\n", b"version=2\n")
    told.flush()
    list(_packets(said))
    _write(told, b"capability=clean\n", b"capability=smudge\n")
    told.flush()
    while header := list(_packets(said)):
        answer = _clean if b"command=clean\n" in header else _smudge
        found = answer(store, _packets(said))
        if found is None:
            _write(told, b"status=error\n")
        else:
            _write(told, b"status=success\n")
            _write(told, *found)
            told.write(_FLUSH)  # the status stands
        told.flush()


def _smudge(store: bytes, content: Iterator[bytes]) -> Iterator[bytes] | None:
    text = b""
    for piece in content:
        text = (text + piece)[: _LONGEST_POINTER + 1]
    match = _POINTER.fullmatch(text)
    if match is None or not _has(store, match[1], int(match[2])):
        return None
    return _pieces(_place(store, match[1]))


def _clean(store: bytes, content: Iterator[bytes]) -> Iterator[bytes] | None:
    digest, size = hashlib.sha256(), 0
    for piece in content:
        digest.update(piece)
        size += len(piece)
    oid = digest.hexdigest().encode()
    if not _has(store, oid, size):
        return None
    version = b"version https://git-lfs.github.com/spec/v1"
    return iter((b"%b\noid sha256:%b\nsize %d\n" % (version, oid, size),))


def _has(store: bytes, oid: bytes, size: int) -> bool:
    try:
        return os.stat(_place(store, oid)).st_size == size
    except OSError:
        return False


def _place(store: bytes, oid: bytes) -> bytes:
    return b"/".join((store, oid[:2], oid[2:4], oid))


def _pieces(place: bytes) -> Iterator[bytes]:
    with open(place, "rb") as file:
        while piece := file.read(_MOST):
            yield piece


def _packets(said: BinaryIO) -> Iterator[bytes]:
    """Up to the next flush, or the end."""
    while (length := int(said.read(4) or _FLUSH, 16)) > 4:
        yield said.read(length - 4)


def _write(told: BinaryIO, *pieces: bytes) -> None:
    for piece in pieces:
        told.write(b"%04x%b" % (len(piece) + 4, piece))
    told.write(_FLUSH)


if __name__ == "__main__":
    serve(os.fsencode(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
