"""Who still has a file open to write to it, and what is in it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable

from cash.walls import syscalls

_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
# What is longer takes more than a moment to read.
_LONGEST = 64 << 20
_CHUNK = 1 << 20


def is_written(place: str, tree: str, pids: Iterable[int]) -> bool:
    """Whether one of these processes has the file open for writing. One that cannot be looked into
    may have."""
    found = _open(place, tree, os.O_PATH)
    if found is None:
        return False
    try:
        status = os.fstat(found)
    finally:
        os.close(found)
    return any(_has_open(pid, (status.st_dev, status.st_ino)) for pid in pids)


def _has_open(pid: int, file: tuple[int, int]) -> bool:
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        return True
    except OSError:
        return False
    for number in numbers:
        with contextlib.suppress(OSError):  # closed meanwhile
            status = os.stat(f"/proc/{pid}/fd/{number}")
            if (status.st_dev, status.st_ino) == file and _may_write(pid, number):
                return True
    return False


def _may_write(pid: int, number: str) -> bool:
    with open(f"/proc/{pid}/fdinfo/{number}", "rb") as file:
        for line in file:
            if line.startswith(b"flags:"):
                return int(line[6:], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def hash_file(place: str, tree: str) -> str | None:
    """The SHA-256 of the file; None where there is none (any more), or a very long one."""
    found = _open(place, tree, os.O_RDONLY | os.O_NONBLOCK)
    if found is None:
        return None
    with open(found, "rb") as file:
        status = os.fstat(found)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
            return None
        digest, left = hashlib.sha256(), _LONGEST
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _open(place: str, tree: str, flags: int) -> int | None:
    """By no link: what is elsewhere is none of the tree's files."""
    try:
        top = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return syscalls.openat2(top, os.fsencode(place), flags | os.O_CLOEXEC, _RESOLVE)
    except OSError:
        return None
    finally:
        os.close(top)
