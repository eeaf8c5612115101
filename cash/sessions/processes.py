"""The processes inside an agent's walls, seen from outside."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

# What runs the text that is typed into it.
SHELLS: Final = frozenset(
    (
        *("bash", "sh", "dash", "ash", "zsh", "fish", "ksh", "mksh", "tcsh", "csh", "busybox"),
        *("rbash", "yash", "nu", "xonsh", "pwsh", "elvish"),
    )
)


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat. group: its process group; front: the group that its terminal
    listens to, -1 without one."""

    pid: int
    parent: int
    group: int
    front: int


def processes_inside(holder: int, commands: Collection[int]) -> frozenset[int]:
    """What an agent runs: everything in the holder's pid namespace but what polis itself has
    there. commands: pids of what was started from outside. Empty when the holder is gone."""
    try:
        space = os.readlink(f"/proc/{holder}/ns/pid")
    except OSError:
        return frozenset()
    found = {one.pid: one for one in map(read_process, _pids(space)) if one is not None}
    own = {
        pid
        for pid, one in found.items()
        if pid == holder or (one.parent not in found and pid not in commands)
    }
    # The starter of commands does polisd's errands, too; an orphan's parent is the holder.
    return frozenset(
        pid
        for pid, one in found.items()
        if pid not in own and (one.parent not in own or one.parent == holder)
    )


def _pids(space: str) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == space:
                    found.append(int(name))
            except OSError:
                continue  # ended meanwhile, or another user's
    return found


def read_process(pid: int) -> Process | None:
    """The process of that number; None when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    _, parent, group, _, _, front = fields[:6]
    return Process(pid, int(parent), int(group), int(front))


def shell_in_front(command: int, inside: Collection[int]) -> str:
    """The name of the shell that would read what is typed at the terminal of `command`, "" when
    another program would. command: pid of what was started there."""
    started = read_process(command)
    front = started.front if started is not None else -1
    group = [one for one in map(read_process, inside) if one is not None and one.group == front]
    names = [_program(one.pid) for one in group] or [_program(command)]
    # A script's shell that waits for its program is in the same group.
    return names[0] if all(name in SHELLS for name in names) else ""


def _program(pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""
