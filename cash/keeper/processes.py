"""Which processes there are, as /proc tells."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


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
