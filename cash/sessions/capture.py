"""What stands on agents' screens, by way of a file.

In an answer of control mode a line of the screen could read `%end …`: its numbers are the time and
a count, which a program inside can guess on forty lines at a time. What followed would be taken
for tmux's own word on any window.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cash.sessions.control import Control, ControlFault


async def capture(
    control: Control, folder: Path, pane: str, *, above: int = 0, joined: bool = False
) -> list[str]:
    """The lines of a screen, and so many that have left it, without the empty ones below. folder:
    private. joined: what was wrapped is one line. ControlFault when it is gone."""
    found = await capture_all(control, folder, [pane], above=above, joined=joined)
    if pane not in found:
        raise ControlFault(f"the screen {pane} is gone")
    return found[pane]


async def capture_all(
    control: Control, folder: Path, panes: Sequence[str], *, above: int = 0, joined: bool = False
) -> dict[str, list[str]]:
    """The same of many at once, by pane; those that are gone are left out. One file for all, since
    what costs is what tmux is asked: 100 screens took 13 ms (make bench), 26 with a file each."""
    name = f"screen-{secrets.token_hex(6)}"
    path, end = folder / name, secrets.token_hex(16)  # which no program inside can know
    options = (*(["-J"] if joined else []), "-S", f"-{above}" if above else "0")
    asked = [control.begin("set-buffer", "-b", f"{name}-end", end)]
    for pane in panes:
        asked += [
            control.begin("capture-pane", *options, "-t", pane, "-b", name),
            control.begin("save-buffer", "-a", "-b", name, os.fspath(path)),
            control.begin("save-buffer", "-a", "-b", f"{name}-end", os.fspath(path)),
        ]
    try:
        _, *replies = await asyncio.gather(*asked)
        data = path.read_bytes() if panes else b""
    except OSError as fault:
        raise ControlFault(f"a screen cannot be read: {fault.strerror}") from fault
    finally:
        control.begin("delete-buffer", "-b", name)
        control.begin("delete-buffer", "-b", f"{name}-end")
        with contextlib.suppress(OSError):
            path.unlink()
    screens = data.split(end.encode())
    if len(screens) != len(panes) + 1:
        raise ControlFault("a screen cannot be read: tmux could not write all of it")
    # Of a pane that is gone nothing was taken, and what was saved is the one before it.
    taken = [not reply.failed for reply in replies[::3]]
    found = zip(panes, screens, taken, strict=False)
    return {pane: _lines(screen) for pane, screen, is_taken in found if is_taken}


def _lines(screen: bytes) -> list[str]:
    lines = [line.rstrip() for line in screen.decode("utf-8", "replace").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines
