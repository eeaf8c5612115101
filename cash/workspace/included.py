"""Ignored files that a new agent's tree gets a copy of (.worktreeinclude): local settings and the
like, which git does not carry.

Nothing is followed: a symlink in the repository cannot make polis read a file from elsewhere, and
one in the agent's tree, where the agent may be at work, cannot make it write one.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from cash.faults import Fault, UsageFault
from cash.hub.account import Account
from cash.hub.repository import Repository

NAME = ".worktreeinclude"
_LARGEST = 64 * 1024  # of the list itself
_MOST_FILES = 20_000
_MOST_BYTES = 1 << 30
# What a person should look at twice before an agent gets it.
_SECRET = (
    *(".env*", "*.env", ".npmrc", ".netrc", ".pypirc", ".pgpass", "*.pem", "*.key", "*.p12"),
    *("*.pfx", "id_rsa*", "id_ed25519*", "*credential*", "*secret*", "*token*", "*.keystore"),
)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MADE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Included:
    """A file to copy. size: bytes. secret: its name is one that credentials have."""

    path: str
    size: int
    secret: bool

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {"path": self.path, "bytes": self.size, "secret": self.secret}


def read_patterns(root: Path) -> bytes:
    """The list in the user's own checkout, empty when there is none. Raises UsageFault."""
    try:
        descriptor = os.open(root / NAME, _READ)
    except FileNotFoundError:
        return b""
    except OSError as fault:
        raise UsageFault(f"{root / NAME}: {fault.strerror}", hint="it must be a file") from fault
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageFault(f"{root / NAME} is no file", hint=f"rm {root / NAME}")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise UsageFault(f"{root / NAME} is longer than {_LARGEST >> 10} kB")
    return content


def list_included(repository: Repository, patterns: bytes) -> tuple[Included, ...]:
    """The files that git ignores and the patterns name, by path. Raises UsageFault when that is
    more than anybody means to copy."""
    if not patterns.strip():
        return ()
    git = replace(repository.git, work_tree=repository.root)
    listed = ("ls-files", "--others", "--ignored", "-z")
    root = repository.root
    ignored = git.run(*listed, "--exclude-standard", cwd=root).split(b"\0")[:-1]
    named = set(git.run(*listed, f"--exclude-from={root / NAME}", cwd=root).split(b"\0"))
    paths = sorted(path for path in ignored if path in named and not path.endswith(b"/"))
    if len(paths) > _MOST_FILES:
        raise UsageFault(
            f"{NAME} names {len(paths)} files; {_MOST_FILES} may be copied",
            hint="name them closer; what can be built anew belongs into setup",
        )
    found = []
    for path in map(os.fsdecode, paths):
        with contextlib.suppress(OSError):
            found.append(Included(path, os.lstat(root / path).st_size, _is_secret(path)))
    if sum(one.size for one in found) > _MOST_BYTES:
        largest = max(found, key=lambda one: one.size)
        raise UsageFault(
            f"{NAME} names more than {_MOST_BYTES >> 30} GiB; the largest file is {largest.path}",
            hint="name them closer; what can be built anew belongs into setup",
        )
    return tuple(found)


def _is_secret(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _SECRET)


def copy_included(
    repository: Repository, tree: Path, files: Iterable[Included]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Copies them into an agent's tree, with their mode and time; (the copied, the others and
    why not). What is there already stays. Raises Fault when the disk does not let it."""
    copied: list[str] = []
    skipped: dict[str, str] = {}
    for one in files:
        try:
            _copy(repository.root, tree, one.path, repository.owner)
            copied.append(one.path)
        except FileExistsError:
            skipped[one.path] = "it is there already"
        except FileNotFoundError:
            skipped[one.path] = "it is gone"
        except (NotADirectoryError, _LeadsOut) as fault:
            skipped[one.path] = str(fault) if isinstance(fault, _LeadsOut) else "a link leads to it"
        except OSError as fault:
            raise Fault(
                f"{one.path} cannot be copied: {fault.strerror}", hint=f"df -h {tree}"
            ) from fault
    return tuple(copied), skipped


class _LeadsOut(Exception):
    """A file that is not copied. Its text says why."""


def _copy(root: Path, tree: Path, path: str, owner: Account) -> None:
    parent, _, name = path.rpartition("/")
    with _entered(root, parent, None) as source, _entered(tree, parent, owner) as target:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            _copy_link(source, target, parent, name, owner)
            return
        if not stat.S_ISREG(found.st_mode):
            raise _LeadsOut("it is no file")
        reading = os.open(name, _READ, dir_fd=source)
        with open(reading, "rb") as old, _made(name, target) as new:
            while part := old.read(1 << 20):
                new.write(part)
            new.flush()
            if owner.foreign:
                os.fchown(new.fileno(), owner.uid, owner.gid)
            os.fchmod(new.fileno(), stat.S_IMODE(found.st_mode) & 0o777)
            os.utime(new.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))


def _made(name: str, folder: int) -> IO[bytes]:
    return open(os.open(name, _MADE, 0o600, dir_fd=folder), "wb")


def _copy_link(source: int, target: int, parent: str, name: str, owner: Account) -> None:
    """A link is copied as one, if what it names lies in the tree."""
    leads = os.readlink(name, dir_fd=source)
    place = os.path.normpath(os.path.join("/tree", parent, leads))
    if os.path.isabs(leads) or not place.startswith("/tree/"):
        raise _LeadsOut(f"it leads out of the repository, to {leads}")
    os.symlink(leads, name, dir_fd=target)
    if owner.foreign:
        os.chown(name, owner.uid, owner.gid, dir_fd=target, follow_symlinks=False)


@contextlib.contextmanager
def _entered(top: Path, folder: str, owner: Account | None) -> Iterator[int]:
    """The folder below `top`, no part of the way a link. owner: whose missing folders are; None
    makes none."""
    place = os.open(top, _FOLDER)
    try:
        for part in filter(None, folder.split("/")):
            if owner is not None:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=place)
                    if owner.foreign:
                        ids = (owner.uid, owner.gid)
                        os.chown(part, *ids, dir_fd=place, follow_symlinks=False)
            below = os.open(part, _FOLDER, dir_fd=place)
            os.close(place)
            place = below
        yield place
    finally:
        os.close(place)
