"""Which processes there are, as /proc tells, and how they ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import struct
from collections.abc import Iterator
from typing import Any, Final

# PIDFD_GET_INFO with the first 64 bytes of struct pidfd_info, which ends with exit_code.
_GET_INFO: Final = 0xC040FF0B
_INFO: Final = struct.Struct("=Q52xi")
_EXIT: Final = 1 << 3


def has_ended(pidfd: int) -> bool:
    """Whether a process has ended, reaped or not."""
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    return bool(waiting.poll(0))


def pid_behind(pidfd: int) -> int:
    """The process of a pidfd as it is numbered here; 0 when it has ended."""
    with open(f"/proc/self/fdinfo/{pidfd}", "rb", buffering=0) as file:
        told = file.read(4096).partition(b"\nPid:")[2]
    return max(int(told.split(maxsplit=1)[0]), 0)


def status_of(pidfd: int) -> int | None:
    """How a process has ended that another one has reaped, as wait tells it. None: nobody has yet,
    or the kernel does not say (before Linux 6.15)."""
    info = bytearray(_INFO.pack(_EXIT, 0))
    try:
        fcntl.ioctl(pidfd, _GET_INFO, info)
    except OSError:
        return None
    known, status = _INFO.unpack(info)
    return int(status) if known & _EXIT else None


def describe_end(status: int, usage: resource.struct_rusage | None = None) -> dict[str, Any]:
    """How a process ended, as JSON: status as a shell gives it, CPU seconds, peak bytes."""
    code = os.waitstatus_to_exitcode(status)
    return {
        "status": code if code >= 0 else 128 - code,
        "user": usage.ru_utime if usage else 0.0,
        "system": usage.ru_stime if usage else 0.0,
        "memory": usage.ru_maxrss * 1024 if usage else 0,
    }


def session_members(session: int) -> list[int]:
    """Every process of a session, as the caller counts."""
    return [pid for pid, _, found in _processes() if found == session]


def children_of(parent: int) -> list[int]:
    """Every child of a process, those too that wait to be reaped."""
    return [pid for pid, found, _ in _processes() if found == parent]


def _processes() -> Iterator[tuple[int, int, int]]:
    """pid, parent, session of each."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # The program's name may hold anything; the fields after its ")" are plain.
                fields = file.read().rpartition(b")")[2].split()
                yield int(name), int(fields[1]), int(fields[3])
