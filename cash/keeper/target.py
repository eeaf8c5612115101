"""Reading what a thread's waiting call points to."""

from __future__ import annotations

import errno
import os
from typing import Final

from cash.keeper.calls import Named
from cash.keeper.notification import Notification
from cash.walls import syscalls

_PAGE: Final = 4096
_LONGEST: Final = 4096  # PATH_MAX
_USUAL: Final = 256
_HERE: Final = -100  # AT_FDCWD
_EMPTY_PATH: Final = 0x1000  # AT_EMPTY_PATH


def read_text(tid: int, address: int) -> bytes:
    """The NUL-ended text there, at most PATH_MAX long. OSError as the kernel's own reading of it
    would give: EFAULT, ENAMETOOLONG."""
    found = b""
    while len(found) < _LONGEST:
        # Never over a page's end: the next one need not be there.
        room = _PAGE - (address + len(found)) % _PAGE
        chunk = syscalls.read_memory(tid, address + len(found), min(room, _USUAL))
        end = chunk.find(b"\0")
        if end >= 0:
            return found + chunk[:end]
        found += chunk
    raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def path_at(note: Notification, at: int, directory: int | None) -> bytes:
    """The absolute path a call's argument names. OSError as the call itself would have."""
    path = read_text(note.tid, note.arguments[at])
    if path.startswith(b"/"):
        return path
    if not path:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    number = _HERE if directory is None else _signed(note.arguments[directory])
    link = f"/proc/{note.tid}/cwd" if number == _HERE else f"/proc/{note.tid}/fd/{number}"
    try:
        place = os.fsencode(os.readlink(link))
    except FileNotFoundError:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
    if place.endswith(b" (deleted)"):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    return os.path.join(place, path)


def is_descriptor_alone(note: Notification, named: Named) -> bool:
    """Whether a call is about the very file that is open as its directory: without a path, where
    it may be without (utimensat), or with an empty one and AT_EMPTY_PATH."""
    address = note.arguments[named.path]
    if not address:
        return named.flags is not None
    is_empty = named.flags is not None and note.arguments[named.flags] & _EMPTY_PATH
    return bool(is_empty) and not read_text(note.tid, address)


def path_of_descriptor(tid: int, number: int) -> str | None:
    """The path of an open file; None when there is no such descriptor."""
    try:
        return os.readlink(f"/proc/{tid}/fd/{_signed(number)}").removesuffix(" (deleted)")
    except OSError:
        return None


def _signed(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def path_of_exec(note: Notification, argument: int) -> bytes | None:
    """The absolute path an exec names; None when only the kernel can tell what it will find.
    OSError as the call itself would have."""
    path = read_text(note.tid, note.arguments[argument])
    if not path or path.startswith(b"/"):
        return path
    cwd = os.fsencode(os.readlink(f"/proc/{note.tid}/cwd"))
    return None if cwd.endswith(b" (deleted)") else os.path.join(cwd, path)


def leader_of(tid: int) -> int:
    """The first thread of its process, 0 when it is that itself. OSError."""
    if not syscalls.is_first(tid):
        with open(f"/proc/{tid}/status", "rb") as lines:
            for line in lines:
                if line.startswith(b"Tgid:"):
                    return int(line[5:])
    return 0


def parent_of(pid: int) -> int:
    """Its parent's pid, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def program_of(pid: int) -> str:
    """The path of what it runs, "" when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""
