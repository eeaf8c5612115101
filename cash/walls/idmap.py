"""A user namespace whose only use is its map: files' owner on disk to the kernel uid inside."""

from __future__ import annotations

import os
import signal

from cash.walls import syscalls


def open_map(owner: tuple[int, int], ids: tuple[int, int]) -> int:
    """A user-namespace descriptor for MOUNT_ATTR_IDMAP: `owner` on disk is `ids` in the kernel.

    Needs CAP_SETUID in the caller's user namespace. Every other owner on disk maps to nobody.
    """
    pid, pidfd = syscalls.clone(syscalls.CLONE_NEWUSER)
    if pid == 0:
        while True:
            signal.pause()
    try:
        _write(f"/proc/{pid}/uid_map", f"{owner[0]} {ids[0]} 1")
        _write(f"/proc/{pid}/gid_map", f"{owner[1]} {ids[1]} 1")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(pidfd)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
