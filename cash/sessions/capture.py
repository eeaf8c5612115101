"""What stands on an agent's screen, by way of a file.

In an answer of control mode a line of the screen could read `%end …`: its numbers are the time and
a count, which a program inside can guess on forty lines at a time. What followed would be taken
for tmux's own word on any window.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from cash.sessions.control import Control, ControlFault


async def capture(
    control: Control, folder: Path, pane: str, *, above: int = 0, joined: bool = False
) -> list[str]:
    """The lines of a screen, and so many that have left it, without the empty ones below. folder:
    private. joined: what was wrapped is one line. ControlFault when it is gone."""
    name = f"screen-{secrets.token_hex(6)}"
    path = folder / name
    options = ["-J"] if joined else []
    first = f"-{above}" if above else "0"
    await control.ask("capture-pane", *options, "-S", first, "-t", pane, "-b", name)
    try:
        await control.ask("save-buffer", "-b", name, os.fspath(path))
        data = path.read_bytes()
    except OSError as fault:
        raise ControlFault(f"a screen cannot be read: {fault.strerror}") from fault
    finally:
        control.begin("delete-buffer", "-b", name)
        with contextlib.suppress(OSError):
            path.unlink()
    lines = [line.rstrip() for line in data.decode("utf-8", "replace").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines
