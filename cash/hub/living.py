"""Which processes may still own a file that git made: who has it open, and which gits were there
before it. What cannot be looked at counts as an owner."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The kernel tells times of processes in these; a file's time may be one tick of its own behind.
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SLACK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Living:
    """opened: device and inode of every open file. oldest: when the oldest git began that may work
    in the repository, in seconds of the clock; None when there is none."""

    opened: frozenset[tuple[int, int]]
    oldest: float | None

    def may_own(self, status: os.stat_result) -> bool:
        """Whether somebody may still need it."""
        if (status.st_dev, status.st_ino) in self.opened:
            return True
        # git closes a lock before it renames it: one that was there before may be about to.
        return self.oldest is not None and self.oldest < status.st_mtime + _SLACK_SECONDS


def look_around(common_dir: Path) -> Living:
    """Looks at all processes that this one can see; its own git is not among them yet."""
    opened: set[tuple[int, int]] = set()
    began: list[float] = []
    boot = _boot_time()
    places = _places_of(common_dir)
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            process = Path("/proc", name)
            comm, _, rest = (process / "stat").read_bytes().partition(b"(")[2].rpartition(b") ")
            fields = rest.split()
            if fields[0] in b"ZX":
                continue
            known = _add_open_files(process, opened)
            is_git = comm.startswith(b"git")
            if is_git and (not known or _works_in(process, common_dir, places)):
                began.append(boot + int(fields[19]) / _TICKS)
    return Living(frozenset(opened), min(began, default=None))


def _add_open_files(process: Path, opened: set[tuple[int, int]]) -> bool:
    """Whether its files can be seen."""
    try:
        descriptors = os.listdir(process / "fd")
    except OSError:
        return False
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            status = os.stat(process / "fd" / descriptor)
            opened.add((status.st_dev, status.st_ino))
    return True


def _works_in(process: Path, common_dir: Path, places: tuple[bytes, ...]) -> bool:
    """Whether the git may work in the repository: by where it is, or by what it was told. One that
    sees another folder in the repository's place, as those inside agents' walls do, cannot."""
    try:
        own = os.stat(f"{process}/root{common_dir}")
        here = os.stat(common_dir)
        if (own.st_dev, own.st_ino) != (here.st_dev, here.st_ino):
            return False
        said = (process / "cmdline").read_bytes()
        if b"--daemon" in said.split(b"\0")[1]:  # file system monitor, credential cache
            return False
        said += (process / "environ").read_bytes()
        cwd = os.fsencode(os.readlink(process / "cwd")) + b"/"
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return any(cwd.startswith(place + b"/") or place in said for place in places)


def _places_of(common_dir: Path) -> tuple[bytes, ...]:
    """The git directory, and the trees it is shared by."""
    trees = [common_dir.parent] if common_dir.name == ".git" else []
    for file in (common_dir / "worktrees").glob("*/gitdir"):
        with contextlib.suppress(OSError):
            trees.append(Path(os.fsdecode(file.read_bytes().rstrip(b"\n"))).parent)
    return tuple(os.fsencode(place) for place in (common_dir, *trees))


def _boot_time() -> float:
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            if line.startswith("btime "):
                return float(line.split()[1])
    return 0.0
