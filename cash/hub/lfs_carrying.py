"""Objects of Git LFS come out of an agent's git directory.

An agent's git-lfs keeps its objects in its own git directory. From there they are copied into the
user's store: by their SHA-256 alone, entered folder by folder and through no link, so that what
arrives is what its name says, wherever the agent had pointed. What an agent puts there costs no
more than a bounded time: it is read before anything is written, once under however many names, and
not again while it stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from cash.faults import Fault, UsageFault
from cash.hub.account import Account
from cash.hub.lfs import MOST_BYTES, OID, find_store, place_of
from cash.hub.repository import Repository

# Looked at in an agent's store at a time.
_MOST_OBJECTS: Final = 100_000
_MOST_LINES: Final = 20
# Of one pass; an object that was begun is finished, so that a large one comes at all.
MOST_SECONDS: Final = 20.0
# What is remembered of one agent.
_MOST_KNOWN: Final = 10_000
# A file that changed just now may change again without a new time.
_SETTLED_NS: Final = 50_000_000
_PART: Final = re.compile(r"[0-9a-f]{2}")
_CHUNK: Final = 1 << 20
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
# Device, inode, size, and when it was changed: with these the same, a file is what it was.
_Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Carried:
    """taken: how many objects have come. refused: which have not, and why, a line each. left:
    some were not looked at, for want of time."""

    taken: int = 0
    refused: tuple[str, ...] = ()
    left: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The SHA-256 of files of an agent that were read before. It saves reading those that are
    not what their names say; whatever is taken is read in any case."""

    digests: dict[_Stamp, str] = field(default_factory=dict)


class _Stopped(Exception):
    """Nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One look through an agent's store. met: by device and inode, what was read in it."""

    owner: Account
    objects: int
    store: Path
    known: Known
    stop: threading.Event
    until: float
    met: dict[tuple[int, int], tuple[_Stamp, str]] = field(default_factory=dict)

    def is_over(self) -> bool:
        return self.stop.is_set() or time.monotonic() >= self.until


def carry_objects(
    repository: Repository,
    top: Path,
    within: str = "",
    *,
    known: Known | None = None,
    stop: threading.Event | None = None,
    seconds: float = MOST_SECONDS,
) -> Carried:
    """Copies what the user's store lacks out of an agent's. top: a folder that the agent cannot
    move. within: the git directory below it. stop: set, it ends soon, with what it has. Fault when
    it cannot be written."""
    until = time.monotonic() + seconds
    with ExitStack() as held:
        try:
            first = os.open(top, _FOLDER)
            held.callback(os.close, first)
            folder = _enter(held, first, (*_parts(within), "lfs", "objects"))
        except OSError:
            return Carried()
        known, stop = known or Known(), stop or threading.Event()
        if len(known.digests) >= _MOST_KNOWN:
            known.digests.clear()
        store = find_store(repository)
        return _look_through(_Pass(repository.owner, folder, store, known, stop, until))


def _look_through(this: _Pass) -> Carried:
    taken, refused = 0, list[str]()
    for oid in _names(this):
        if place_of(this.store, oid).exists():
            continue
        if this.is_over():
            why = f"is left for the next time with those after it: {MOST_SECONDS:.0f} s are over"
            lines = (f"{oid[:12]} {why}", *refused[: _MOST_LINES - 1])
            return Carried(taken, lines, left=True)
        try:
            why = _take(this, oid)
        except _Stopped:
            return Carried(taken, tuple(refused), left=True)
        taken += not why
        if why and len(refused) < _MOST_LINES:
            refused.append(f"{oid[:12]} {why}")
    return Carried(taken, tuple(refused))


def _parts(within: str) -> list[str]:
    parts = [part for part in within.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UsageFault("that is no git directory of yours")
    return parts


def _enter(held: ExitStack, folder: int, names: Iterable[str]) -> int:
    """Name by name, no link followed."""
    for name in names:
        folder = os.open(name, _FOLDER, dir_fd=folder)
        held.callback(os.close, folder)
    return folder


def _names(this: _Pass) -> Iterator[str]:
    """Of the objects; where the time is over between them, what the next would begin with."""
    count = 0
    for first in _listed(this.objects, (), _PART):
        for second in _listed(this.objects, (first,), _PART):
            if this.is_over():
                yield first + second
                return
            for oid in _listed(this.objects, (first, second), OID):
                count += 1
                if count > _MOST_OBJECTS:
                    return
                if oid.startswith(first + second):
                    yield oid


def _listed(objects: int, names: Iterable[str], wanted: re.Pattern[str]) -> list[str]:
    with ExitStack() as held:
        try:
            found = os.listdir(_enter(held, objects, names))
        except OSError:
            return []
    return sorted(name for name in found if wanted.fullmatch(name))


def _take(this: _Pass, oid: str) -> str:
    """Why it was not taken, "" when it was."""
    with ExitStack() as held:
        try:
            folder = _enter(held, this.objects, (oid[:2], oid[2:4]))
            source = os.open(oid, _FILE, dir_fd=folder)
        except OSError:
            return "cannot be read"
        held.callback(os.close, source)
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode):
            return "is no file"
        if found.st_size > MOST_BYTES:
            return f"has more than {MOST_BYTES >> 30} GiB"
        try:
            if why := _compare(this, source, oid, found):
                return why
        except OSError:
            return "cannot be read"
        try:
            return _keep(this, source, oid, found.st_size)
        except OSError as fault:
            raise Fault(f"{this.store} cannot be written: {fault.strerror}") from fault


def _compare(this: _Pass, source: int, oid: str, found: os.stat_result) -> str:
    """Why it is not what its name says, without a byte written. A file is read once in a pass,
    under whatever names, and never again while nobody has changed it."""
    stamp, inode = _stamp_of(found), (found.st_dev, found.st_ino)
    before, digest = this.met.get(inode, (stamp, this.known.digests.get(stamp, "")))
    if before != stamp:
        return "changes while it is looked at"
    if not digest:
        digest = _read_through(this, source, found.st_size)
        settled = time.time_ns() - found.st_ctime_ns > _SETTLED_NS
        if settled and len(this.known.digests) < _MOST_KNOWN:
            this.known.digests[stamp] = digest
    this.met[inode] = (stamp, digest)
    return "" if digest == oid else "is not what its name says"


def _stamp_of(found: os.stat_result) -> _Stamp:
    times = (found.st_mtime_ns, found.st_ctime_ns)
    return (found.st_dev, found.st_ino, found.st_size, *times)


def _read_through(this: _Pass, source: int, size: int, target: BinaryIO | None = None) -> str:
    """The SHA-256 of a file, which is copied if it is to be."""
    digest, left = hashlib.sha256(), size + 1  # one that grows is not what it was
    os.lseek(source, 0, os.SEEK_SET)
    while left > 0 and (chunk := os.read(source, min(_CHUNK, left))):
        if this.stop.is_set():
            raise _Stopped
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
        left -= len(chunk)
    return digest.hexdigest()


def _keep(this: _Pass, source: int, oid: str, size: int) -> str:
    store, place = this.store, place_of(this.store, oid)
    # Where git-lfs itself tidies up, should this be killed.
    passing = store.parent / "tmp"
    for folder in (store.parent, passing, store, place.parent.parent, place.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.chmod(folder, 0o755)  # whatever the umask
            _give(this.owner, folder)
    descriptor, name = tempfile.mkstemp(prefix="polis-", dir=passing)
    fresh = Path(name)
    try:
        with open(descriptor, "wb") as target:
            digest = _read_through(this, source, size, target)
            os.fchmod(target.fileno(), 0o644)
        if digest != oid:
            return "is not what its name says"  # any more
        _give(this.owner, fresh)
        os.rename(fresh, place)
    finally:
        fresh.unlink(missing_ok=True)
    return ""


def _give(owner: Account, path: Path) -> None:
    if owner.foreign:
        os.lchown(path, owner.uid, owner.gid)
