"""A file's next content, beside it until it takes its place in one step.

Whatever dies at whatever moment, the file is the old one or the new one. What a draft that was
killed has left lies beside it under a name of its own, and the next draft of that file takes it
away: whoever drafts holds the file's lock, so nobody else's draft of it can be alive.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from dataclasses import dataclass
from typing import Final

from cash.faults import Fault, UsageFault
from cash.guard.change import LARGEST, Append, Replace, Write, content_after
from cash.guard.digest import hash_content
from cash.guard.finding import Spot
from cash.guard.naming import shown

# NAME.tmp.PID.HEX: cash/guard/naming.py knows that such a name stands for NAME. Others call
# their files so too: ours are told by how the last part begins.
_OURS: Final = "90115"
_LEFT: Final = re.compile(rf"\.tmp\.\d+\.{_OURS}[0-9a-f]{{8}}")
_ROOM: Final = 255 - len(".tmp.4194304.") - len(_OURS) - 8
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ACCESS_LIST: Final = "system.posix_acl_access"


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 of a file's content, in hexadecimal. None: there is no file."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Old:
    """A file as it was read. names: its extended attributes, the access list among them."""

    content: bytes
    found: os.stat_result
    attributes: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """spot: where it belongs. name: its own, in the same folder. old: what it is made from."""

    spot: Spot
    name: str
    old: Old | None
    hashes: Hashes

    def commit(self) -> None:
        """Puts it in its place, for good. Fault when the file is another one by now; OSError."""
        check_unchanged(self.spot, self.old)
        folder = self.spot.folder
        os.rename(self.name, self.spot.name, src_dir_fd=folder, dst_dir_fd=folder)
        keep_folder(folder)

    def discard(self) -> None:
        """Takes it away; nothing, if it is in its place."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name, dir_fd=self.spot.folder)


def make_draft(spot: Spot, change: Write | Append | Replace) -> Draft:
    """The draft, whole on the disk. UsageFault when the change cannot be made, Fault when the new
    file could not be like the old one; OSError."""
    tidy(spot)
    old = read(spot)
    after = content_after(change, old.content if old else None, shown(spot.path))
    hashes = Hashes(hash_content(old.content) if old else None, hash_content(after))
    mark = f".tmp.{os.getpid()}.{_OURS}{os.urandom(4).hex()}"
    draft = Draft(spot, _stem(spot.name) + mark, old, hashes)
    descriptor = os.open(draft.name, _MAKE, 0o666 if old is None else 0o600, dir_fd=spot.folder)
    try:
        _write_all(descriptor, after)
        if old is not None:
            _make_like(descriptor, old, spot)
        os.fsync(descriptor)
    except BaseException:
        draft.discard()
        raise
    finally:
        os.close(descriptor)
    return draft


def read(spot: Spot) -> Old | None:
    """What is there now. UsageFault for what is no file, or too large a one; OSError."""
    try:
        descriptor = os.open(spot.name, _READ, dir_fd=spot.folder)
    except FileNotFoundError:
        return None
    except OSError as fault:
        if fault.errno in (errno.ELOOP, errno.ENXIO):  # a link came meanwhile; a socket
            raise UsageFault(f"{shown(spot.path)} is no file") from fault
        raise
    try:
        found = os.fstat(descriptor)
        check_file(spot, found)
        content = bytearray()
        while len(content) <= LARGEST and (part := os.read(descriptor, 1 << 20)):
            content += part
        if len(content) > LARGEST:
            raise UsageFault(f"{shown(spot.path)} has more than {LARGEST >> 20} MB")
        return Old(bytes(content), found, _attributes(descriptor))
    finally:
        os.close(descriptor)


def check_file(spot: Spot, found: os.stat_result) -> None:
    """UsageFault unless it is an ordinary file."""
    if stat.S_ISDIR(found.st_mode):
        raise UsageFault(f"{shown(spot.path)} is a folder", hint="name a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise UsageFault(f"{shown(spot.path)} is no file")


def check_unchanged(spot: Spot, old: Old | None) -> None:
    """Fault when another program, which asks for no lock, has changed the file meanwhile."""
    now = spot.look()
    if (now is None, old is None) == (True, True):
        return
    if now is None or old is None or _mark_of(now) != _mark_of(old.found):
        raise Fault(f"{shown(spot.path)} was changed meanwhile", hint="read it again")


def tidy(spot: Spot) -> None:
    """Takes away what killed drafts of this file have left. OSError."""
    stem = _stem(spot.name)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=spot.folder)
    try:
        for name in os.listdir(folder):
            if name.startswith(stem) and _LEFT.fullmatch(name[len(stem) :]):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)


def keep_folder(folder: int) -> None:
    """Has the kernel put on the disk which names a folder has. OSError."""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stem(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:_ROOM])


def _mark_of(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_like(descriptor: int, old: Old, spot: Spot) -> None:
    """Owner, mode, access list, attributes. Fault when one of them cannot be had."""
    own = os.fstat(descriptor)
    try:
        if (own.st_uid, own.st_gid) != (old.found.st_uid, old.found.st_gid):
            os.fchown(descriptor, old.found.st_uid, old.found.st_gid)
        # No set-uid file comes into being inside (cash/walls/seccomp.py).
        os.fchmod(descriptor, old.found.st_mode & 0o1777)
        for name, value in old.attributes:
            os.setxattr(descriptor, name, value)
    except OSError as fault:
        raise Fault(
            f"{shown(spot.path)} would not keep its owner, mode or attributes: {fault.strerror}",
            hint="write into the file as it is: cat >>, sed -i",
        ) from fault


def _attributes(descriptor: int) -> tuple[tuple[str, bytes], ...]:
    """Its user's and its access list. What the system labels files with, it labels the new one
    with; a capability goes with the content it was given to."""
    try:
        names = os.listxattr(descriptor)
    except OSError as fault:
        if fault.errno == errno.ENOTSUP:
            return ()
        raise
    kept = [name for name in names if name.startswith("user.") or name == _ACCESS_LIST]
    return tuple([(name, os.getxattr(descriptor, name)) for name in kept])
