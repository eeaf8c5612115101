"""New namespaces, and joining those of a holder."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import Final

from cash.walls import syscalls
from cash.walls.view import View

# Everything that makes the walls, but the user namespace: only rootless mode needs one.
PLAIN: Final = (
    syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
    | syscalls.CLONE_NEWCGROUP
)
_PR_SET_DUMPABLE: Final = 4
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP_RUNNING: Final = 0x1 | 0x40


def namespaces_of(view: View) -> int:
    """The CLONE_NEW* flags of this view's walls."""
    return PLAIN | (syscalls.CLONE_NEWUSER if view.mode == "rootless" else 0)


def map_own_ids(ids: tuple[int, int]) -> None:
    """Maps the caller's uid and gid to themselves in its fresh user namespace."""
    uid, gid = ids
    # A process that may not be dumped does not own its /proc files.
    show_process()
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    finally:
        hide_process()


def hide_process() -> None:
    """Keeps same-uid processes from reading or tracing the caller."""
    syscalls.prctl(_PR_SET_DUMPABLE, 0)


def show_process() -> None:
    """The opposite of hide_process."""
    syscalls.prctl(_PR_SET_DUMPABLE, 1)


def raise_loopback() -> None:
    """Brings `lo` up; a new network namespace has it down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def join_process_space(holder: int, view: View) -> None:
    """Makes the caller's next child a process of the holder's pid namespace (pidfd `holder`)."""
    user = syscalls.CLONE_NEWUSER if view.mode == "rootless" else 0
    syscalls.setns(holder, user | syscalls.CLONE_NEWPID)


def join_network(holder: int, view: View) -> None:
    """Joins only the holder's network."""
    user = syscalls.CLONE_NEWUSER if view.mode == "rootless" else 0
    syscalls.setns(holder, user | syscalls.CLONE_NEWNET)


def join_rest(holder: int) -> None:
    """Joins the holder's other namespaces; the working directory becomes the inner root."""
    rest = PLAIN & ~syscalls.CLONE_NEWPID
    syscalls.setns(holder, rest)
    os.chdir("/")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
