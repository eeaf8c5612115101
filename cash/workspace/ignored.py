"""What git ignores in the tree of a removed agent (`.env`, a local database), kept for a while.

No commit holds it: it may be secret, and refs are pushed by `git push --mirror`. It is no folder
either: an agent could have made it look like a repository, whose settings run a program in the git
of whoever stands in it. So it is an archive in polis' own folder. What a build or an install makes
again is too much for that, and is named instead.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cash.hub.walking import walk

# One agent's: more than this are packages and builds.
_MOST_FILES: Final = 2000
_MOST_BYTES: Final = 64 << 20
_SECONDS: Final = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class KeptIgnored:
    """archive: with the files by their paths in the tree; None: there was nothing to keep.
    left_out: paths that were too much, or could not be kept; a folder's end in a slash."""

    archive: Path | None
    left_out: tuple[str, ...]


def keep_ignored(tree: Path, paths: tuple[str, ...], archive: Path) -> KeptIgnored:
    """Puts what is at these paths into an archive, which is made. paths: in the tree, a folder's
    end in a slash; files go first. Never raises: what cannot be kept is left out."""
    left_out: list[str] = []
    chosen: list[Path] = []
    size = 0
    for path in sorted(paths, key=lambda one: one.endswith("/")):
        found, more = _measure(tree / path, _MOST_FILES - len(chosen), _MOST_BYTES - size)
        if found is None:
            left_out.append(path)
        else:
            chosen += found
            size += more
    if not chosen:
        return KeptIgnored(None, tuple(left_out))
    try:
        _pack(tree, chosen, archive)
    except (OSError, tarfile.TarError):
        with contextlib.suppress(OSError):
            archive.unlink()
        return KeptIgnored(None, paths)
    return KeptIgnored(archive, tuple(left_out))


def _measure(path: Path, files: int, size: int) -> tuple[list[Path] | None, int]:
    """The files at and below a path, links too, and their bytes; neither sockets nor fifos, which
    hold nothing. None as soon as there are more than so many, or of more bytes."""
    is_folder = path.is_dir() and not path.is_symlink()
    places = walk(path) if is_folder else [(os.fspath(path.parent), [path.name])]
    found: list[Path] = []
    taken = 0
    for folder, names in places:
        for name in names:
            one = Path(folder, name)
            if not one.is_symlink() and not one.is_file():
                continue
            found.append(one)
            taken += one.lstat().st_size
            if len(found) > files or taken > size:
                return None, 0
    return found, taken


def _pack(tree: Path, files: list[Path], archive: Path) -> None:
    """Whole, or not at all."""
    descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as packed:
        for one in files:
            packed.add(one, os.fspath(one.relative_to(tree)), recursive=False)


def list_archives(folder: Path) -> tuple[Path, ...]:
    """What is kept of a repository's removed agents. folder: the repository's."""
    return tuple(sorted((folder / "ignored").glob("*.tar")))


def drop_old(folder: Path) -> None:
    """Deletes what was kept longer than it is promised; never raises. folder: a repository's."""
    for kept in list_archives(folder):
        with contextlib.suppress(OSError):
            if time.time() - kept.stat().st_mtime > _SECONDS:
                kept.unlink()
