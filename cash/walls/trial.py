"""Walls around nothing, raised to try what they promise."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cash.faults import MachineFault
from cash.walls import enter, landlock, proofs
from cash.walls.enter import Walls
from cash.walls.finding import Finding
from cash.walls.view import View, ids_for

_MEND_BROKEN: Final = "polis down: until it holds, agents are not kept in (docs/isolation.md)"


def try_walls(place: str) -> Iterator[Finding]:
    """The whole of it: real walls around nothing, and every promise tried from inside."""
    with tempfile.TemporaryDirectory(prefix="polis-probe-", dir=place) as name:
        folder = Path(name)
        try:
            walls = enter.raise_walls(make_view(folder))
        except (MachineFault, OSError, ValueError) as fault:
            mend = fault.hint if isinstance(fault, MachineFault) else None
            yield Finding("walls", False, str(fault), mend_walls(mend))
            return
        try:
            yield Finding("walls", True, f"raised in {walls.view.mode} mode")
            yield from _promises(walls, folder)
        finally:
            signal.pidfd_send_signal(walls.pidfd, signal.SIGKILL)
            os.waitpid(walls.holder, 0)
            walls.close()


def _promises(walls: Walls, folder: Path) -> Iterator[Finding]:
    secret = folder / "secret"
    secret.write_text("secret")
    other = folder / "other/tree"
    other.mkdir(parents=True)

    def run(argv: tuple[str, ...]) -> int:
        return proofs.run_inside(walls, argv)

    python = find_python()
    with socket.create_server(("127.0.0.1", 0)) as host:
        listed = proofs.list_proofs(
            secret=str(secret),
            other=str(other),
            port=host.getsockname()[1],
            python=python if run((python, "-I", "-S", "-c", "")) == 0 else None,
        )
        held = proofs.prove(listed, run)
    for promise, holds in held.items():
        yield told(promise, holds=holds)


def told(promise: str, *, holds: bool, how: str = "") -> Finding:
    """What was tried from inside walls. how: it was broken."""
    if holds:
        return Finding(promise, True, "tried from inside")
    return Finding(promise, False, f"broken from inside{how and ': '}{how}", _MEND_BROKEN)


def find_python() -> str:
    """A Python for walls of make_view: the system's, or the one that polis runs on."""
    return shutil.which("python3", path="/usr/bin:/bin") or sys.executable


def make_view(folder: Path) -> View:
    """A view of nothing, its files in `folder`: walls in which to try things."""
    owner = (os.geteuid(), os.getegid())
    for name in ("tree", "git", "objects", "home", "scratch"):
        (folder / name).mkdir()
    (folder / "tree/.git").touch()
    (folder / "git-file").touch()
    folder.chmod(0o755)
    return View(
        agent="probe",
        tree=folder / "tree",
        git_directory=folder / "git",
        git_file=folder / "git-file",
        hub_objects=folder / "objects",
        home=folder / "home",
        home_inside=Path("/home/probe"),
        scratch=folder / "scratch",
        path=f"/usr/bin:/bin:{os.path.dirname(sys.executable)}",
        owner=owner,
        ids=ids_for(owner),
        mode="rootless" if owner[0] else "full",
        landlock=landlock.landlock_abi() >= landlock.LEAST_ABI,
    )


def mend_walls(hint: str | None) -> str:
    """The step for walls that cannot be raised. hint: what the fault itself knows."""
    if hint and hint != "polis doctor":
        return hint
    return "see the findings above; in a container, run it with --privileged"
