"""Where a file of a tree really is, link by link, never leaving the tree.

Whoever works in the tree may put a link in the place of a folder at any moment. So nothing here
follows one for us: each folder is opened by its name alone, and held; a link is read, and its
target looked for in the same way.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from typing import Final

from cash.faults import UsageFault
from cash.guard.naming import check_name, shown

_MOST_LINKS: Final = 40  # MAXSYMLINKS
_FOLDER: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Spot:
    """`name` in the folder open as `folder` (close it by close()). path: both, from the tree's
    top, without links."""

    folder: int
    name: str
    path: str

    def look(self) -> os.stat_result | None:
        """What is there, a link as itself; None: nothing."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Lets go of the folder."""
        os.close(self.folder)


@dataclass(slots=True)
class _Walk:
    """folders: the open ones, the tree's first; names: of all but that one; ahead: what is still
    to be walked."""

    tree: str
    folders: list[int]
    ahead: list[str]
    names: list[str] = field(default_factory=list)
    links: int = 0

    def enter(self, name: str) -> None:
        self.folders.append(os.open(name, _FOLDER | os.O_DIRECTORY, dir_fd=self.folders[-1]))
        self.names.append(name)

    def leave(self, path: str) -> None:
        if not self.names:
            raise UsageFault(f"{shown(path)} leads out of the tree")
        os.close(self.folders.pop())
        self.names.pop()

    def follow(self, name: str, path: str) -> None:
        self.links += 1
        if self.links > _MOST_LINKS:
            raise UsageFault(f"{shown(path)} leads in a circle: its links never end")
        target = os.readlink(name, dir_fd=self.folders[-1])
        if target.startswith("/"):
            below = target.removeprefix(self.tree.rstrip("/") + "/")
            if below == target:
                raise UsageFault(f"{shown(path)} leads out of the tree, to {shown(target)}")
            target = below
            while self.names:
                self.leave(path)
        self.ahead[:0] = target.split("/")

    def end(self, name: str) -> Spot:
        return Spot(self.folders.pop(), name, "/".join((*self.names, name)))


def find(top: int, tree: str, path: str, *, follow: bool) -> Spot:
    """The spot of a path from the tree's top; the file need not be there, its folder must. top: the
    tree, open. tree: its absolute path, by which links may name it. follow: a link at the end too.
    UsageFault when there can be no such file; OSError."""
    walk = _Walk(tree, [os.dup(top)], path.split("/"))
    try:
        while walk.ahead:
            name = walk.ahead.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                walk.leave(path)
                continue
            is_last = not any(walk.ahead)
            if _is_link(walk.folders[-1], name) and (follow or not is_last):
                walk.follow(name, path)
            elif is_last:
                spot = walk.end(name)
                check_name(spot.path)
                return spot
            else:
                _enter(walk, name, path)
        raise UsageFault(f"{shown(path)} is a folder", hint="name a file in it")
    finally:
        for folder in walk.folders:
            os.close(folder)


def _is_link(folder: int, name: str) -> bool:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISLNK(found.st_mode)


def _enter(walk: _Walk, name: str, path: str) -> None:
    try:
        walk.enter(name)
    except OSError as fault:
        where = shown("/".join((*walk.names, name)))
        if fault.errno == errno.ENOENT:
            raise UsageFault(
                f"{shown(path)}: there is no folder {where}", hint="make the folder first"
            ) from fault
        if fault.errno in (errno.ENOTDIR, errno.ELOOP):
            raise UsageFault(f"{shown(path)}: {where} is no folder") from fault
        raise
