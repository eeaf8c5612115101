"""What an agent's git directory says, read as bytes: no git, no trust.

The agent writes there, so a ref may be a symlink, a fifo or a gigabyte; nothing here follows,
waits or reads without end.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LONGEST_REF = 4096
# Longer than this its time stamps are taken for it: git replaces the file whole.
_LONGEST_PACKED = 256 * 1024
_MOST_REFS = 5_000
_DEEPEST = 32
_BRANCH = re.compile(r"refs/heads/[^\x00-\x20\x7f~^:?*\[\\]+")
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class RefsRead:
    """fingerprint: changes when any ref does, or what stands in place of one. head: a full
    branch name, a commit id, or "" when it is neither."""

    fingerprint: str
    head: str


def read_refs(git_directory: Path) -> RefsRead:
    """Reads HEAD, packed-refs and refs/ of an agent's git directory; a missing one gives a
    fingerprint as well. About a millisecond for a hundred refs."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        root = os.open(git_directory, _OPEN | os.O_DIRECTORY)
    except OSError as fault:
        return RefsRead(f"missing {fault.errno}", "")
    try:
        head = _read_file(root, "HEAD", _LONGEST_REF)
        packed = _read_file(root, "packed-refs", _LONGEST_PACKED)
        loose = itertools.islice(_walk(root, "refs", 0), _MOST_REFS)
        for name, content in (("HEAD", head), ("packed-refs", packed), *loose):
            said = _stamp(root, name) if content is None else content
            digest.update(b"%b\0%b\0" % (os.fsencode(name), said))
    finally:
        os.close(root)
    return RefsRead(digest.hexdigest(), _head(head or b""))


def _stamp(root: int, name: str) -> bytes:
    """In place of what is not read (too long, no file): size, inode and times, of which an
    agent cannot choose the last."""
    try:
        found = os.stat(name, dir_fd=root, follow_symlinks=False)
    except OSError as fault:
        return b"? %d" % (fault.errno or 0)
    told = (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return repr(told).encode()


def read_small(path: Path, limit: int) -> bytes | None:
    """A regular file's content; None when there is none, or something else, or a longer one."""
    try:
        folder = os.open(path.parent, _OPEN | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        return _read_file(folder, path.name, limit) or None
    finally:
        os.close(folder)


def _head(content: bytes) -> str:
    text = content.decode("utf-8", "replace").strip()
    if text.startswith("ref:"):
        name = text.removeprefix("ref:").strip()
        return name if _BRANCH.fullmatch(name) and ".." not in name else ""
    return text if _OBJECT.fullmatch(text) else ""


def _walk(parent: int, path: str, depth: int) -> Iterator[tuple[str, bytes | None]]:
    """(path, content) of every file below; content None for what is no readable file."""
    try:
        folder = os.open(os.path.basename(path), _OPEN | os.O_DIRECTORY, dir_fd=parent)
    except OSError:
        yield path, None
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in itertools.islice(entries, _MOST_REFS + 1))
        for name in names:
            if name.endswith(".lock"):  # git's own, about to become the ref
                continue
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode) and depth < _DEEPEST:
                    yield from _walk(folder, f"{path}/{name}", depth + 1)
                else:
                    yield f"{path}/{name}", _read_file(folder, name, _LONGEST_REF)
    finally:
        os.close(folder)


def _read_file(folder: int, name: str, limit: int) -> bytes | None:
    """A regular file's content up to `limit`; empty when there is none, None when it is
    something else or longer."""
    try:
        descriptor = os.open(name, _OPEN, dir_fd=folder)
    except FileNotFoundError:
        return b""
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            return None
        content = os.read(descriptor, limit + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content if len(content) <= limit else None
