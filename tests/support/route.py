"""One way for an agent to start a program, and the files that it needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from compiling import build

# What is found inside walls of tests (walled.lay_ground).
PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Forbidden:
    """A program that a rule denies, called in a way that harms nothing. proof: what stands in
    its output when it has really run."""

    path: str
    argument: str
    proof: str

    @property
    def name(self) -> str:
        """Its name, as it is looked up along PATH."""
        return os.path.basename(self.path)

    @property
    def line(self) -> str:
        """Its call by name."""
        return f"{self.name} {self.argument}"

    @property
    def full_line(self) -> str:
        """Its call by path, for where PATH is lost."""
        return f"{self.path} {self.argument}"


class Content(Protocol):
    """What stands at a path of a route."""

    def write(self, path: Path) -> None:
        """Makes it on disk."""


@dataclass(frozen=True)
class Text:
    """A file that is read."""

    text: str
    mode: int = 0o644

    def write(self, path: Path) -> None:
        path.write_text(self.text)
        path.chmod(self.mode)


@dataclass(frozen=True)
class Script:
    """A file that is run."""

    text: str

    def write(self, path: Path) -> None:
        Text(self.text, 0o755).write(path)


@dataclass(frozen=True)
class Symlink:
    """A symbolic link; the target is a path inside."""

    target: str

    def write(self, path: Path) -> None:
        path.symlink_to(self.target)


@dataclass(frozen=True)
class HardLink:
    """A second name of a file. Made outside: no link can be made across mounts, and inside the
    system's folders are mounts of their own."""

    source: str

    def write(self, path: Path) -> None:
        path.hardlink_to(self.source)


@dataclass(frozen=True)
class Copy:
    """A copy of a file, with its mode, or of a folder."""

    source: str

    def write(self, path: Path) -> None:
        if os.path.isdir(self.source):
            shutil.copytree(self.source, path, symlinks=True)
        else:
            shutil.copy(self.source, path)


@dataclass(frozen=True)
class Built:
    """What gcc makes of a source below tests/support."""

    source: str
    flags: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        shutil.copy(build(self.source, *self.flags), path)


@dataclass(frozen=True)
class Route:
    """argv starts the forbidden program, once, from a folder where the files lie.

    needs: programs besides argv[0]. copy: only a rule that knows the file by its content sees it.
    heard: what the program says on stderr comes out of the route's stderr; False where it ends in
    a terminal or a log of the program in between.
    """

    argv: tuple[str, ...]
    files: Mapping[str, Content] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    copy: bool = False
    heard: bool = True

    @property
    def is_possible(self) -> bool:
        """Everything that it needs is on this machine."""
        # A program of the route's own is made with the files.
        names = [name for name in (self.argv[0], *self.needs) if not name.startswith("./")]
        return all(shutil.which(name, path=PATH) for name in names)


def place(route: Route, folder: Path, owner: tuple[int, int]) -> None:
    """Makes the files of a route in a folder, as files of this owner."""
    for name, content in route.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content.write(path)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            # A file of the system under another name stays the system's.
            if path.is_symlink() or path.is_dir() or path.stat().st_nlink == 1:
                os.chown(path, *owner, follow_symlinks=False)


def sh(line: str, *needs: str, copy: bool = False, heard: bool = True, **files: Content) -> Route:
    """A line of sh."""
    return Route(("sh", "-c", line), files, needs, copy, heard)


def bash(line: str, *needs: str, copy: bool = False, heard: bool = True, **files: Content) -> Route:
    """A line of bash."""
    return Route(("bash", "-c", line), files, needs, copy, heard)
