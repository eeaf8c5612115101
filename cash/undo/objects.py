"""Contents by the hash of what they are: a private folder that no walls show.

Small ones are appended to a segment, one file for thousands: making a file for each costs a file
system more than all the rest. A segment is one writer's own. Large ones are files of their own,
which a file system that can fills without copying.

A reader takes nothing on trust: what a full disk or a crash has left of an object is not it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_CHUNK: Final = 1 << 20
_SMALL: Final = 1 << 18
_LONGEST_SEGMENT: Final = 1 << 25
# How many small ones are known again, so that they need not be kept twice.
_MOST_KNOWN: Final = 1 << 15
# A segment that was written to just now may be needed by what is not written yet.
_YOUNG: Final = 60.0
_FICLONE: Final = 0x40049409
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Damaged(OSError):
    """An object is gone, or is not what its name says."""


class Kept(NamedTuple):
    """name: the hash. place: where it lies, "" for a file of its own. used: the bytes that it took
    now."""

    name: str
    place: str
    used: int


@dataclass(slots=True)
class Objects:
    """folder: of its own, made by open_objects. One process, one thread."""

    folder: Path
    _known: dict[bytes, str] = field(default_factory=dict)
    _segment: str = ""
    _descriptor: int = -1
    _end: int = 0

    def close(self) -> None:
        """Lets go of the segment."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # Keeping

    def keep(self, source: int, size: int) -> Kept:
        """Keeps the content of an open file of about this size. OSError: no room."""
        if size <= _SMALL:
            content = os.pread(source, size + 1, 0)
            if len(content) <= size:
                return self._keep_small(content)
        return self._keep_large(source)

    def _keep_small(self, content: bytes) -> Kept:
        digest = hashlib.sha256(content)
        place = self._known.get(digest.digest())
        if place is not None:
            return Kept(digest.hexdigest(), place, 0)
        if self._descriptor < 0 or self._end > _LONGEST_SEGMENT:
            self._begin_segment()
        place = f"{self._segment}:{self._end}:{len(content)}"
        self._end += len(content)
        _write_whole(self._descriptor, content)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[digest.digest()] = place
        return Kept(digest.hexdigest(), place, len(content))

    def _begin_segment(self) -> None:
        self.close()
        self._segment = f"{time.time_ns():020d}-{os.getpid()}"
        self._end = 0
        flags = _NEW | os.O_APPEND
        self._descriptor = os.open(self.folder / "segments" / self._segment, flags, 0o600)

    def _keep_large(self, source: int) -> Kept:
        half = self.new_half()
        try:
            descriptor = os.open(half, _NEW, 0o600)
            try:
                name, size = _copy(source, descriptor)
            finally:
                os.close(descriptor)
            place = self._file(name)
            if os.path.exists(place):
                _remove(half)
                return Kept(name, "", 0)
            os.rename(half, place)
        except OSError:
            _remove(half)
            raise
        return Kept(name, "", size)

    def new_half(self) -> str:
        """A name for what is being made, in the same file system as the tree."""
        return f"{self.folder}/half/{os.getpid()}-{os.urandom(8).hex()}"

    # Taking out

    def take_out(self, name: str, place: str, target: int) -> None:
        """Writes an object into an open, empty file. Damaged; OSError: no room."""
        if place:
            _write_whole(target, self.read(name, place))
            return
        try:
            source = os.open(self._file(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as gone:
            raise Damaged(f"its content, {name[:12]}, is gone") from gone
        try:
            found, _ = _copy(source, target)
        finally:
            os.close(source)
        if found != name:
            raise Damaged(f"its content, {name[:12]}, is damaged")

    def read(self, name: str, place: str) -> bytes:
        """A content whole. Damaged."""
        segment, at, size = place.split(":") if place else ("", "0", "0")
        path = self.folder / "segments" / segment if place else Path(self._file(name))
        try:
            with open(path, "rb") as file:
                file.seek(int(at))
                content = file.read(int(size)) if place else file.read()
        except FileNotFoundError as gone:
            raise Damaged(f"its content, {name[:12]}, is gone") from gone
        if hashlib.sha256(content).hexdigest() != name:
            raise Damaged(f"its content, {name[:12]}, is damaged")
        return content

    # Room

    def sizes(self) -> dict[str, int]:
        """The bytes of each file: segments by their name, others by that of the object."""
        return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in self._all()}

    def sweep(self, needed: Collection[str]) -> None:
        """Removes all files that are not needed, by their names as in sizes()."""
        self._known.clear()
        for entry in self._all():
            written = entry.stat(follow_symlinks=False).st_mtime
            if entry.name not in needed and time.time() - written > _YOUNG:
                _remove(entry.path)

    def _all(self) -> Iterator[os.DirEntry[str]]:
        for part in ("segments", "files", "half"):
            with os.scandir(self.folder / part) as entries:
                yield from entries

    def _file(self, name: str) -> str:
        return f"{self.folder}/files/{name}"


def file_of(name: str, place: str) -> str:
    """The file that an object lies in, by its name as in sizes()."""
    return place.split(":")[0] if place else name


def open_objects(folder: Path) -> Objects:
    """The objects in a folder, which is made where it is missing. OSError."""
    for part in ("segments", "files", "half"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Objects(folder)


def hash_of(source: int) -> str:
    """The name that the content of an open file would have. OSError."""
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(source, _CHUNK, at):
        digest.update(chunk)
        at += len(chunk)
    return digest.hexdigest()


def _copy(source: int, target: int) -> tuple[str, int]:
    """Into an empty file: what it is then, and its size. On a file system that can, it shares the
    blocks; what is hashed is the copy, which nobody else can change."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(target, _FICLONE, source)
        return hash_of(target), os.fstat(target).st_size
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(source, _CHUNK, at):
        digest.update(chunk)
        _write_whole(target, chunk)
        at += len(chunk)
    return digest.hexdigest(), at


def _write_whole(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
