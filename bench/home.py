"""A home of the benchmarks' own: a small repository under polis, with agent alice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from cash.cli.tour.repository import make_repository

_BIN = Path(sys.executable).parent


class Home:
    """HOME, state and sockets below `folder`, made anew; everything is stopped at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # codex refuses a home below /tmp; srt and codex are found by PATH.
        self.environment = {
            "PATH": os.pathsep.join([os.fspath(_BIN), os.environ["PATH"]]),
            "HOME": os.fspath(folder / "home"),
            "XDG_STATE_HOME": os.fspath(folder / "state"),
            "XDG_RUNTIME_DIR": os.fspath(folder / "run"),
        }
        self.repository = folder / "shop"
        # What runs without walls has a home and a folder to work in as well.
        self.bare = folder / "bare"
        self.bare_environment = {
            "PATH": self.environment["PATH"],
            "HOME": os.fspath(self.bare / "home"),
            "TMPDIR": os.fspath(self.bare / "tmp"),
            "LANG": "C.UTF-8",
        }

    def __enter__(self) -> Home:
        if (self.folder / "state").exists():
            self.polis("down")
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("home", "run"):
            (self.folder / name).mkdir(parents=True, mode=0o700)
        for name in ("home", "tmp"):
            (self.bare / name).mkdir(parents=True)
        make_repository(self.repository)
        self.polis("init")
        self.polis("agents", "add", "alice")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.polis("down")
        shutil.rmtree(self.folder, ignore_errors=True)

    def polis(self, *argv: str, root: Path | None = None) -> str:
        """Runs `polis ARGV…` in the repository, or in another one at root; its output."""
        ended = subprocess.run(
            ["polis", *argv],
            cwd=root or self.repository,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if ended.returncode != 0:
            raise RuntimeError(f"polis {' '.join(argv)}: {ended.stderr.strip()}")
        return ended.stdout

    @property
    def tree(self) -> Path:
        """The tree of alice, from outside."""
        return self._of_alice("volume/tree")

    @property
    def own(self) -> Path:
        """The private home of alice, from outside."""
        return self._of_alice("home")

    @property
    def packages(self) -> Path:
        """What the package managers of alice keep, from outside."""
        return self._of_alice("volume/packages")

    def _of_alice(self, name: str) -> Path:
        (found,) = (self.folder / "state/polis").glob(f"*/agents/alice/{name}")
        return found

    def agents(self, count: int) -> list[str]:
        """The names of so many agents, alice among them; those not there yet are added."""
        there = {path.name for path in self.own.parents[1].iterdir()}
        names = ["alice", *(f"a{number}" for number in range(count - 1))]
        for name in names:
            if name not in there:
                self.polis("agents", "add", name)
        return names

    def stand_in_repository(self) -> None:
        """What is spawned from now on starts in the repository."""
        os.chdir(self.repository)
