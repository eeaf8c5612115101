"""What git ignores in the tree of a removed agent (`.env`, a local database), kept for a while.

No commit holds it: it may be secret, and refs are pushed by `git push --mirror`. So it lies in
polis' own folder, as links to the very files, which take no room of their own until the tree is
gone. What a build or an install makes again is too much for that, and is named instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# One agent's: more than this are packages and builds.
_MOST_FILES: Final = 2000
_MOST_BYTES: Final = 64 << 20
_SECONDS: Final = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class KeptIgnored:
    """folder: where they are, below it as in the tree; None: there was nothing to keep. left_out:
    paths that were too much, or could not be kept; a folder's end in a slash."""

    folder: Path | None
    left_out: tuple[str, ...]


class _TooMuch(Exception):
    """More files or bytes than may be."""


@dataclass(slots=True)
class _Allowance:
    files: int = _MOST_FILES
    bytes: int = _MOST_BYTES

    def take(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if self.files < 0 or self.bytes < 0:
            raise _TooMuch


def keep_ignored(tree: Path, paths: tuple[str, ...], place: Path) -> KeptIgnored:
    """Links the files at these paths into `place`, which is made. paths: in the tree, a folder's
    end in a slash; files go first. Never raises: what cannot be kept is left out."""
    left_out: list[str] = []
    allowance = _Allowance()
    for path in sorted(paths, key=lambda one: one.endswith("/")):
        rest = _Allowance(allowance.files, allowance.bytes)
        try:
            found = list(_measure(tree / path, rest))
            for file in found:
                _link(file, tree, place)
        except (OSError, _TooMuch):
            left_out.append(path)
        else:
            allowance = rest
    return KeptIgnored(place if place.is_dir() else None, tuple(left_out))


def _measure(path: Path, allowance: _Allowance) -> Iterator[Path]:
    """The files at and below a path, links too; neither sockets nor fifos, which hold nothing.
    Stops as soon as it is too much."""
    if path.is_symlink() or not path.is_dir():
        if path.is_symlink() or path.is_file():
            allowance.take(os.lstat(path).st_size)
            yield path
        return
    with os.scandir(path) as entries:
        for entry in entries:
            yield from _measure(Path(entry.path), allowance)


def _link(file: Path, tree: Path, place: Path) -> None:
    to = place / file.relative_to(tree)
    # Whoever the repository belongs to may look, be it root that works here: the folder around
    # all of them is closed to others.
    to.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    os.link(file, to, follow_symlinks=False)


def drop_old(folder: Path) -> None:
    """Deletes what was kept longer than it is promised; never raises. folder: a repository's."""
    for kept in (folder / "ignored").glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - kept.stat().st_mtime > _SECONDS:
                shutil.rmtree(kept, ignore_errors=True)
