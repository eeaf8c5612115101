"""A git filter that knows the objects of one store of Git LFS and nothing else.

git outside runs it (gitattributes(5), "long running filter process") where git-lfs itself would
download, and would run on what an agent wrote. What the store has not is left as it is, or, for a
snapshot, put into it. It is handed to Python as text: whoever git runs as need not be able to read
polis' own files.
"""

from __future__ import annotations

import contextlib
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


def serve(store: bytes, said: BinaryIO, told: BinaryIO, *, keeps: bool = False) -> None:
    """Answers git until it has no more files. keeps: what is cleaned comes into the store."""
    clean = _keep if keeps else _clean
    list(_packets(said))
    _write(told, b"git-filter-server\n", b"version=2\n")
    told.flush()
    list(_packets(said))
    _write(told, b"capability=clean\n", b"capability=smudge\n")
    told.flush()
    while header := list(_packets(said)):
        answer = clean if b"command=clean\n" in header else _smudge
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
    return _pointer(oid, size) if _has(store, oid, size) else None


def _keep(store: bytes, content: Iterator[bytes]) -> Iterator[bytes] | None:
    """The same, and the store has it then; where that cannot be written, the file stays as it is,
    and so do an empty one and a pointer, as with git-lfs."""
    digest, size, head = hashlib.sha256(), 0, b""
    # Where git-lfs itself tidies up, should this be killed. One file at a time in a process.
    passing = b"%b/tmp/polis-%d" % (os.path.dirname(store), os.getpid())
    try:
        os.makedirs(os.path.dirname(passing), exist_ok=True)
        with open(passing, "wb") as file:
            for piece in content:
                digest.update(piece)
                size += len(piece)
                head += piece[: _LONGEST_POINTER + 1 - len(head)]
                file.write(piece)
        oid = digest.hexdigest().encode()
        if not size or _POINTER.fullmatch(head):
            return None
        if not _has(store, oid, size):
            os.makedirs(os.path.dirname(_place(store, oid)), exist_ok=True)
            os.rename(passing, _place(store, oid))
        return _pointer(oid, size)
    except OSError:
        for _ in content:
            pass
        return None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(passing)


def _pointer(oid: bytes, size: int) -> Iterator[bytes]:
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
    keeps = sys.argv[2:] == ["keeps"]
    serve(os.fsencode(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer, keeps=keeps)
