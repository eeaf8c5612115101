"""Reading what a thread's waiting call points to."""

from __future__ import annotations

import os
from typing import Final

from cash.keeper.notification import Notification

_PAGE: Final = 4096
_LONGEST: Final = 4096  # PATH_MAX


def read_text(tid: int, address: int, longest: int = _LONGEST) -> bytes | None:
    """The NUL-ended text there; None when it is longer, or leads nowhere. OSError when the
    memory may not be read at all."""
    found = b""
    descriptor = os.open(f"/proc/{tid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        while len(found) < longest:
            # Never over a page's end: the next one need not be there.
            size = _PAGE - (address + len(found)) % _PAGE
            try:
                chunk = os.pread(descriptor, size, address + len(found))
            except (OSError, OverflowError):
                return None
            end = chunk.find(b"\0")
            if end >= 0:
                return found + chunk[:end]
            if not chunk:
                return None
            found += chunk
    finally:
        os.close(descriptor)
    return None


def path_of_exec(note: Notification, argument: int) -> bytes | None:
    """The absolute path an exec names; None when only the kernel can tell what it will find."""
    path = read_text(note.tid, note.arguments[argument])
    if not path or path.startswith(b"/"):
        return path
    cwd = os.fsencode(os.readlink(f"/proc/{note.tid}/cwd"))
    return None if cwd.endswith(b" (deleted)") else os.path.join(cwd, path)


def leader_of(tid: int) -> int:
    """The first thread of its process, 0 when it is that itself. OSError."""
    try:
        os.close(os.pidfd_open(tid))
    except OSError:  # EINVAL, ENOENT since 6.14: there are pidfds of first threads only
        with open(f"/proc/{tid}/status", "rb") as lines:
            for line in lines:
                if line.startswith(b"Tgid:"):
                    return int(line[5:])
    return 0
