"""Who reads what is typed at an agent's terminal."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Final

from cash.sessions.census import Table

# What runs the text that is typed into it.
SHELLS: Final = frozenset(
    (
        *("bash", "sh", "dash", "ash", "zsh", "fish", "ksh", "mksh", "tcsh", "csh", "busybox"),
        *("rbash", "yash", "nu", "xonsh", "pwsh", "elvish"),
    )
)


def shell_in_front(table: Table, command: int, inside: Collection[int]) -> str:
    """The name of the shell that would read what is typed at the terminal of `command`, "" when
    another program would. command: pid of what was started there."""
    started = table.processes.get(command)
    front = started.front if started is not None else -1
    group = [pid for pid in inside if pid in table.processes]
    group = [pid for pid in group if table.processes[pid].group == front]
    names = [_program(pid) for pid in group or [command]]
    # A script's shell that waits for its program is in the same group.
    return names[0] if all(name in SHELLS for name in names) else ""


def _program(pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""
