"""Puts settings into an agent's HOME, in which the agent may have written anything.

No link of the agent's is followed: each folder is opened beneath the one before, and what is there
is replaced by a rename, never written through.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cash.faults import Fault

# A settings file that is longer is not read; Claude's own, with its history, is some 100 kB.
LARGEST = 8 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def settle_files(
    home: Path,
    files: Iterable[tuple[str, bytes]],
    owner: tuple[int, int],
    *,
    whole: bool = False,
    written: int = 0,
) -> None:
    """Writes each file below `home`, 0600, owned as `owner`; a `.json` mapping is put into what is
    there, key by key, unless it is given `whole`. written: when that was, in nanoseconds since
    the epoch, for a copy. Fault names the file that cannot be written; those before it are
    there."""
    for path, content in files:
        try:
            with _parent(home, path, owner) as (folder, name):
                wanted = content if whole else _merged(folder, name, content)
                _put(folder, name, wanted, owner, written)
        except OSError as fault:
            raise Fault(
                f"{home / path} cannot be written: {fault.strerror}",
                hint=f"look at what the agent has put there: ls -la {(home / path).parent}",
            ) from fault


def read_settled(home: Path, path: str, *, newer: int = 0) -> bytes | None:
    """What the agent has there; None for nothing, for what is no plain file, or is too long.
    newer: also for what is not younger than that, in nanoseconds since the epoch."""
    try:
        with _parent(home, path, None) as (folder, name):
            return _read(folder, name, newer)
    except OSError:
        return None


def remove_settled(home: Path, path: str) -> bool:
    """Removes the file; whether there was one."""
    try:
        with _parent(home, path, None) as (folder, name):
            os.unlink(name, dir_fd=folder)
    except OSError:
        return False
    return True


def merge(there: Any, wanted: Any) -> Any:
    """`wanted` put into what is there: mappings key by key, everything else replaced."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        return there | {key: merge(there.get(key), value) for key, value in wanted.items()}
    return wanted


@contextlib.contextmanager
def _parent(home: Path, path: str, owner: tuple[int, int] | None) -> Iterator[tuple[int, str]]:
    """The folder of a file, opened without following links, and the file's name in it. owner:
    makes the folders that are missing."""
    *folders, name = path.split("/")
    at = os.open(home, _FOLDER)
    try:
        for folder in folders:
            below = _open_below(at, folder, owner)
            os.close(at)
            at = below
        yield at, name
    finally:
        os.close(at)


def _open_below(at: int, name: str, owner: tuple[int, int] | None) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=at)
    except FileNotFoundError:
        if owner is None:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=at)
    made = os.open(name, _FOLDER, dir_fd=at)
    os.fchown(made, *owner)
    return made


def _merged(folder: int, name: str, content: bytes) -> bytes:
    there = _read(folder, name) if name.endswith(".json") else None
    if not there:
        return content
    try:
        found, wanted = json.loads(there), json.loads(content)
    except (ValueError, RecursionError):
        return content  # the program itself could not read it either
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return content
    return json.dumps(merge(found, wanted), indent=2).encode()


def _read(folder: int, name: str, newer: int = 0) -> bytes | None:
    try:
        # Not waiting: it may be a pipe of the agent's.
        file = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except FileNotFoundError:
        return None
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            return None
        raise
    with open(file, "rb") as reading:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        if newer and found.st_mtime_ns <= newer:
            return None
        return reading.read(LARGEST)


def _put(folder: int, name: str, content: bytes, owner: tuple[int, int], written: int = 0) -> None:
    if _read(folder, name) == content:
        return
    half = f".{name}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(half, flags, 0o600, dir_fd=folder), "wb") as file:
        try:
            os.fchown(file.fileno(), *owner)
            file.write(content)
            file.flush()
            if written:
                os.utime(file.fileno(), ns=(written, written))
            os.fsync(file.fileno())
            os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(half, dir_fd=folder)
            raise
