"""Contents by the name of their hash, each once: a private folder that no walls show.

A reader takes nothing on trust: what a full disk or a crash has left of an object is not it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
_FICLONE: Final = 0x40049409
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Damaged(OSError):
    """An object is gone, or is not what its name says."""


@dataclass(frozen=True, slots=True)
class Objects:
    """folder: of its own, made by open_objects."""

    folder: Path

    def keep(self, source: int, size: int) -> tuple[str, int]:
        """Keeps the content of an open file of about this size: its name, and how many bytes that
        took (0: it was there). OSError: no room."""
        if size <= _CHUNK:
            content = os.pread(source, _CHUNK + 1, 0)
            if len(content) <= _CHUNK:
                return self._keep_small(content)
        return self._keep_large(source)

    def _keep_small(self, content: bytes) -> tuple[str, int]:
        name = hashlib.sha256(content).hexdigest()
        place = self._place(name)
        if os.path.exists(place):
            return name, 0
        half = self._half()
        try:
            descriptor = os.open(half, _NEW, 0o600)
            try:
                _write_whole(descriptor, content)
            finally:
                os.close(descriptor)
            self._settle(half, place)
        except OSError:
            _remove(half)
            raise
        return name, len(content)

    def _keep_large(self, source: int) -> tuple[str, int]:
        half = self._half()
        try:
            descriptor = os.open(half, _NEW, 0o600)
            try:
                name, size = _copy(source, descriptor)
            finally:
                os.close(descriptor)
            place = self._place(name)
            if os.path.exists(place):
                _remove(half)
                return name, 0
            self._settle(half, place)
        except OSError:
            _remove(half)
            raise
        return name, size

    def take_out(self, name: str, target: int) -> None:
        """Writes an object into an open, empty file. Damaged; OSError: no room."""
        try:
            source = os.open(self._place(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as gone:
            raise Damaged(f"its content, {name[:12]}, is gone") from gone
        try:
            found, _ = _copy(source, target)
        finally:
            os.close(source)
        if found != name:
            raise Damaged(f"its content, {name[:12]}, is damaged")

    def read(self, name: str) -> bytes:
        """A content whole. Damaged."""
        try:
            content = Path(self._place(name)).read_bytes()
        except FileNotFoundError as gone:
            raise Damaged(f"its content, {name[:12]}, is gone") from gone
        if hashlib.sha256(content).hexdigest() != name:
            raise Damaged(f"its content, {name[:12]}, is damaged")
        return content

    def measure(self) -> int:
        """How many bytes they take."""
        return sum(size for _, size in self._all())

    def sizes(self) -> dict[str, int]:
        """The bytes of each."""
        return dict(self._all())

    def sweep(self, kept: Container[str]) -> None:
        """Removes all others."""
        for name, _ in self._all():
            if name not in kept:
                _remove(self._place(name))

    def drop_halves(self) -> None:
        """Removes what nobody finished. The caller is the only one who keeps anything."""
        for half in (self.folder / "half").iterdir():
            _remove(str(half))

    def _all(self) -> Iterator[tuple[str, int]]:
        for number in range(256):
            with (
                contextlib.suppress(FileNotFoundError),
                os.scandir(self.folder / f"{number:02x}") as entries,
            ):
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        size = entry.stat(follow_symlinks=False).st_size
                        yield f"{number:02x}{entry.name}", size

    def _place(self, name: str) -> str:
        return f"{self.folder}/{name[:2]}/{name[2:]}"

    def _half(self) -> str:
        return f"{self.folder}/half/{os.getpid()}-{os.urandom(6).hex()}"

    def _settle(self, half: str, place: str) -> None:
        try:
            os.rename(half, place)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
            os.rename(half, place)


def open_objects(folder: Path) -> Objects:
    """The objects in a folder, which is made where it is missing. OSError."""
    (folder / "half").mkdir(mode=0o700, parents=True, exist_ok=True)
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
