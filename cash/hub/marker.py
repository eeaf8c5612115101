"""Which repository this is, wherever it lies: a marker in its git directory, and the record that
polis keeps of it.

<git common dir>/polis/id   the name of the repository's folder in polis' state, and a token
<folder>/place              the same token, where the git directory was last seen, and its inode

Moving a repository moves the marker; copying one copies it, but not the inode.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cash.hub.account import Account

_FOLDER = "polis"
_NAME = "id"
_LONGEST = 4096
_MARKER = re.compile(r"([a-z0-9][a-z0-9-]{0,63}) ([0-9a-f]{32})\n")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Marker:
    """id: the name of the folder in polis' state. token: stands in that folder's record too."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository was last seen. common_dir: its git directory, whose inode this is.
    earlier: where that was before, oldest first."""

    token: str
    common_dir: Path
    inode: int
    earlier: tuple[Path, ...] = ()


def new_token() -> str:
    """A token for a repository that is adopted."""
    import secrets  # half as long as git takes for a commit, and `polis git` makes no token

    return secrets.token_hex(16)


def read_marker(common_dir: Path | str) -> Marker | None:
    """The marker in a git directory; None when there is none."""
    with suppress(OSError), _opened(common_dir) as folder:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(_NAME, flags, dir_fd=folder)
        try:
            found = _MARKER.fullmatch(os.read(descriptor, _LONGEST).decode("ascii", "replace"))
        finally:
            os.close(descriptor)
        return None if found is None else Marker(found[1], found[2])
    return None


def write_marker(common_dir: Path, marker: Marker, owner: Account) -> None:
    """Writes the marker, whole. Raises OSError. Root writes in a user's repository: no symbolic
    link in there is followed."""
    with suppress(FileExistsError):
        os.mkdir(common_dir / _FOLDER, 0o755)
    with _opened(common_dir) as folder:
        fresh = f"{_NAME}.new"
        with suppress(FileNotFoundError):
            os.unlink(fresh, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(fresh, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(f"{marker.id} {marker.token}\n".encode())
            if owner.foreign:
                os.fchown(file.fileno(), owner.uid, owner.gid)
                os.fchown(folder, owner.uid, owner.gid)
            file.flush()
            os.fsync(file.fileno())
        os.rename(fresh, _NAME, src_dir_fd=folder, dst_dir_fd=folder)


def remove_marker(common_dir: Path) -> None:
    """Takes the marker away, and its folder when nothing else is in there."""
    with suppress(OSError):
        with _opened(common_dir) as folder:
            os.unlink(_NAME, dir_fd=folder)
            with suppress(FileNotFoundError):
                os.unlink("stashes", dir_fd=folder)
        os.rmdir(common_dir / _FOLDER)


def nearest_marker(path: Path) -> tuple[Path, Marker] | None:
    """The git directory of the repository around `path` with its marker, looked up without git;
    None when it has none."""
    here = os.fspath(path)  # of each call: pathlib would take most of the time
    while not os.path.lexists(git := os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    with suppress(OSError, ValueError):
        if os.path.isfile(git):  # git init --separate-git-dir
            line = Path(git).read_bytes()[:_LONGEST].rstrip(b"\n")
            git = os.path.join(here, os.fsdecode(line.removeprefix(b"gitdir: ")))
        marker = read_marker(git)
        return None if marker is None else (Path(os.path.realpath(git)), marker)
    return None


def read_place(folder: Path) -> Place | None:
    """The record in a repository's folder; None where there is none."""
    try:
        values = json.loads((folder / "place").read_bytes())
        return Place(
            str(values["token"]),
            Path(values["common_dir"]),
            int(values["inode"]),
            tuple(Path(one) for one in values["earlier"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def encode_place(place: Place) -> bytes:
    """What read_place reads."""
    values = {
        "token": place.token,
        "common_dir": str(place.common_dir),
        "inode": place.inode,
        "earlier": [str(one) for one in place.earlier],
    }
    return json.dumps(values).encode()


def inode_of(common_dir: Path) -> int:
    """The inode of a git directory, 0 when it is not there. Without the device, whose number
    may be another one after the next start of the machine."""
    try:
        return os.stat(common_dir).st_ino
    except OSError:
        return 0


@contextmanager
def _opened(common_dir: Path | str) -> Iterator[int]:
    descriptor = os.open(os.path.join(common_dir, _FOLDER), _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
