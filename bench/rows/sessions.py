"""A look at all agents' windows, as polisd takes it: over its one connection to tmux."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Row, Unready, summarise
from cash.sessions import tmux, window
from cash.sessions.capture import capture_all
from cash.sessions.control import Control

_WINDOWS = 100
_LOOKS = 100


def measure_sessions(home: Home, rounds: int) -> Row:
    """100 real windows with `sleep` in them, without walls: those have no part in a look."""
    if shutil.which("tmux", path=home.environment["PATH"]) is None:
        raise Unready("tmux is not installed")
    folder = home.folder / "windows"
    folder.mkdir()
    place = tmux.find_place(folder, "bench", home.environment["PATH"])
    sweeps, screens, forked = asyncio.run(_look(place, max(rounds, _LOOKS)))
    figures = {"what each window is": summarise(sweeps), "with every screen": summarise(screens)}
    looked, shown = figures.values()
    return Row(
        name="sessions",
        title=f"A look at {_WINDOWS} agents' windows",
        figures=figures,
        budgets=[
            Budget("what each window is", looked.median * 1000, 20, "ms"),
            Budget("with every screen", shown.median * 1000, 20, "ms"),
            Budget("processes started by all the looks", forked, 0, "processes"),
        ],
        notes=["The windows are real and run `sleep`, without walls, which are not looked at."],
    )


async def _look(place: tmux.Place, looks: int) -> tuple[list[float], list[float], int]:
    argv = ("sleep", "600")
    await asyncio.to_thread(
        tmux.start_server, place, name="a0", folder="/", argv=argv, environment={}
    )
    attach = place.argv("-C", "attach-session", "-t", f"={place.session}", "-f", "ignore-size")
    control = await Control.attach(attach, lambda _heard: None)
    try:
        await _add_windows(control, place, argv)
        (told,) = await control.ask("display-message", "-p", "#{pid} #{client_pid}")
        processes = [os.getpid(), *map(int, told.split())]
        before = [_started(pid) for pid in processes]
        sweeps = [await _sweep(control, place, screens=False) for _ in range(looks)]
        screens = [await _sweep(control, place, screens=True) for _ in range(looks)]
        after = [_started(pid) for pid in processes]
    finally:
        control.begin("kill-server")
        await control.close()
    return sweeps, screens, sum(one != other for one, other in zip(before, after, strict=True))


async def _add_windows(control: Control, place: tmux.Place, argv: tuple[str, ...]) -> None:
    for number in range(1, _WINDOWS):
        target = ("-d", "-t", f"={place.session}:", "-n", f"a{number}")
        await control.ask("new-window", *target, "--", *argv)
    for line in await control.ask("list-windows", "-F", "#{window_id} #{window_name}"):
        found, name = line.decode().split()
        for option, value in (
            (window.AGENT, name),
            (window.INCARNATION, "0" * 8),
            (window.NUMBER, "0" * 12),
        ):
            await control.ask("set-option", "-w", "-t", found, option, value)


async def _sweep(control: Control, place: tmux.Place, *, screens: bool) -> float:
    began = time.perf_counter()
    found = window.read_windows(await control.ask(*window.SWEEP))
    if screens:
        panes = [one.pane for one in found]
        seen = await capture_all(control, place.socket.parent, panes, joined=True)
        found = tuple(one for one in found if one.pane in seen)
    seconds = time.perf_counter() - began
    if len(found) != _WINDOWS:
        raise RuntimeError(f"{len(found)} windows were seen, not {_WINDOWS}")
    return seconds


def _started(pid: int) -> tuple[str, str]:
    """What changes when a process starts another: its children, and the pages that children it
    has waited for have touched."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    children = [(one / "children").read_text() for one in sorted((process / "task").iterdir())]
    return fields[8], " ".join(children)
