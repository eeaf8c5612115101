"""An agent's tree and git directory from outside, where it may put a link at any moment.

A path is below the tree; `.git/…` is below the git directory, which inside is shown there. It is
resolved beneath its root without following anything (openat2), to a folder that is open and a
name in it. What is done to that name then, follows no link either.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cash.walls import syscalls

GIT: Final = ".git"
# The agent's objects: git only ever adds to them, and what was added harms nobody.
OBJECTS: Final = ".git/objects"
_BENEATH: Final = (
    syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_MAGICLINKS
)
_FOLDER: Final = os.O_PATH | os.O_DIRECTORY


@dataclass(frozen=True, slots=True)
class Ground:
    """tree, git: the two roots, as they are outside."""

    tree: Path
    git: Path

    def path_of(self, inside: str) -> str | None:
        """The path that stands for an absolute one inside; None: nothing that is kept."""
        for root, first in ((str(self.git), f"{GIT}/"), (str(self.tree), "")):
            if inside.startswith(f"{root}/"):
                path = first + inside[len(root) + 1 :]
                return None if path == GIT else path
        return None

    @contextlib.contextmanager
    def at(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder that holds it, open as a place only, and its name there. OSError: there is
        no such folder, or a link in its place."""
        if path == GIT:
            raise ValueError("the tree's own .git is nobody's to change")
        root = self.tree
        if path.startswith(f"{GIT}/"):
            root, path = self.git, path[len(GIT) + 1 :]
        head, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise ValueError(f"no path of a tree: {path!r}")
        top = os.open(root, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            folder = syscalls.openat2(top, head, _FOLDER, _BENEATH) if head else os.dup(top)
        finally:
            os.close(top)
        try:
            yield folder, name
        finally:
            os.close(folder)


def is_gits(path: str) -> bool:
    """Whether it is of git's own state, which is brought back whole or not at all."""
    return path.startswith(f"{GIT}/") and not is_object(path)


def is_object(path: str) -> bool:
    """Whether it lies among git's objects."""
    return path == OBJECTS or path.startswith(f"{OBJECTS}/")
