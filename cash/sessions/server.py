"""The tmux server of one repository, and the one connection to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cash.sessions import window as windows
from cash.sessions.capture import capture, capture_all
from cash.sessions.control import Control, ControlFault, Heard, Left
from cash.sessions.tmux import Place, find_place, start_server
from cash.sessions.window import Window

_CLOSE_SECONDS: Final = 3.0
_SHOWN: Final = "#{window_id} #{pane_id} #{pane_pid}"


class Server:
    """Is there while it has windows. What is heard of it goes to `hear`."""

    def __init__(self, runtime: Path, repository: str, hear: Callable[[Heard], None]) -> None:
        self._runtime = runtime
        self._repository = repository
        self._hear = hear
        self._place: Place | None = None
        self._control: Control | None = None
        self._connecting = asyncio.Lock()

    @property
    def place(self) -> Place:
        """Where it is. MachineFault when there is no tmux here."""
        if self._place is None:
            path = os.environ.get("PATH", os.defpath)
            self._place = find_place(self._runtime, self._repository, path)
        return self._place

    @property
    def control(self) -> Control:
        """The connection. ControlFault when there is none."""
        if self._control is None:
            raise ControlFault("tmux is gone")
        return self._control

    @property
    def is_there(self) -> bool:
        """Whether there is a connection; without one the server is gone, or was never there."""
        return self._control is not None and self._control.is_open

    async def rejoin(self) -> bool:
        """Whether there was one, to which there is a connection now."""
        place = await asyncio.to_thread(lambda: self.place)
        if not place.socket.exists():
            return False
        async with self._connecting:
            return await self._attach()

    async def open(self, name: str, folder: str, argv: tuple[str, ...]) -> tuple[str, str, int]:
        """A new window in which `argv` runs: its id, its pane's, the pid. The server is started
        if it is not there. MachineFault when there is no tmux, Fault when it does not answer."""
        for _ in range(2):
            # Its last window may just have closed, and it ended with that.
            with contextlib.suppress(ControlFault):
                return await self._open(name, folder, argv)
        return await self._open(name, folder, argv)

    async def _open(self, name: str, folder: str, argv: tuple[str, ...]) -> tuple[str, str, int]:
        async with self._connecting:
            if await self._attach():
                where = ("-t", f"={self.place.session}:", "-n", name, "-c", folder)
                (line,) = await self.control.ask(
                    "new-window", "-d", "-P", "-F", _SHOWN, *where, "--", *argv
                )
            else:
                await asyncio.to_thread(self._start, name, folder, argv)
                if not await self._attach():
                    raise ControlFault("tmux has ended again at once", hint="polis doctor")
                line = (await self.control.ask("list-panes", "-s", "-F", _SHOWN))[0]
        window, pane, pid = line.decode().split()
        return window, pane, int(pid)

    def _start(self, name: str, folder: str, argv: tuple[str, ...]) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.place.socket)  # of a server that was killed
        start_server(self.place, name=name, folder=folder, argv=argv, environment={})

    async def _attach(self) -> bool:
        """Whether there is a connection now."""
        if self.is_there:
            return True
        if not self.place.socket.exists():
            return False
        argv = self.place.argv(
            "-C", "attach-session", "-t", f"={self.place.session}", "-f", "ignore-size"
        )
        try:
            self._control = await Control.attach(argv, self._take)
        except ControlFault:
            self._control = None
        return self._control is not None

    def _take(self, heard: Heard) -> None:
        if isinstance(heard, Left):
            self._control = None
        self._hear(heard)

    async def sweep(self) -> tuple[Window, ...]:
        """All windows, by one question; nothing is forked. ControlFault when it is gone."""
        return windows.read_windows(await self.control.ask(*windows.SWEEP))

    async def screen(self, pane: str, above: int = 0) -> list[str]:
        """What stands on a screen, and so many lines that have left it, without the empty ones
        below. ControlFault when it is gone."""
        folder = self.place.socket.parent
        return await capture(self.control, folder, pane, above=above, joined=True)

    async def screens(self, panes: Sequence[str]) -> dict[str, list[str]]:
        """The same of many at once; those that are gone are left out."""
        return await capture_all(self.control, self.place.socket.parent, panes, joined=True)

    def keep(self, window: str, option: str, value: str) -> None:
        """Keeps something with a window, for the next polisd."""
        with contextlib.suppress(ControlFault):
            self.control.begin("set-option", "-w", "-t", window, option, value)

    async def close(self) -> None:
        """Ends it with all that is in its windows."""
        control = self._control
        if control is not None and control.is_open:
            control.begin("kill-server")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(control.close(), _CLOSE_SECONDS)
