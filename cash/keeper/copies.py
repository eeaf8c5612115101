"""Programs that rules name, recognised by their content: a copy elsewhere is the same program.

Only what has just the size of a named program is compared, byte for byte, once. A copy that was
changed is another program; what it does is up to the walls (docs/isolation.md).
"""

from __future__ import annotations

import glob
import os
from typing import Final

from cash.keeper.ground import Ground
from cash.policy.identity import Identities

_CHUNK: Final = 256 * 1024
_MOST_KNOWN: Final = 4096
# ABI documents' places of it (glibc), and musl's.
_LOADERS: Final = ("/lib*/ld-*.so*", "/lib/*/ld-*.so*", "/usr/lib*/*/ld-*.so*")

Where = str | tuple[Ground, str]


class Copies:
    """The files behind a policy's program names."""

    def __init__(self, identities: Identities) -> None:
        loaders = _find_loaders()
        # The dynamic loaders: whoever is one starts what its words name, whatever it is called.
        self.loaders = frozenset(identity for _, identity in loaders)
        self._originals = frozenset(identities.names) | self.loaders
        self._sizes: dict[int, list[tuple[str, tuple[int, int]]]] = {}
        for path, identity in {*identities.files.values(), *loaders}:
            try:
                size = os.stat(path).st_size
            except OSError:
                continue
            self._sizes.setdefault(size, []).append((path, identity))
        self._known: dict[tuple[int, ...], tuple[int, int] | None] = {}

    def original_of(
        self, identity: tuple[int, int], size: int, where: Where
    ) -> tuple[int, int] | None:
        """The identity of the named program that this file is a copy of; None: of none."""
        candidates = self._sizes.get(size)
        if candidates is None or identity in self._originals:
            return None
        try:
            descriptor = _open(where)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            key = (*identity, found.st_mtime_ns, found.st_ctime_ns)
            if key not in self._known:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key] = _find(descriptor, candidates)
            return self._known[key]
        finally:
            os.close(descriptor)


def _find_loaders() -> set[tuple[str, tuple[int, int]]]:
    found = set()
    for pattern in _LOADERS:
        for path in glob.glob(pattern):
            status = os.stat(path)
            found.add((os.path.realpath(path), (status.st_dev, status.st_ino)))
    return found


def _open(where: Where) -> int:
    if isinstance(where, str):
        return os.open(where, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    ground, path = where
    return ground.open(os.fsencode(path), os.O_RDONLY | os.O_NONBLOCK)


def _find(descriptor: int, candidates: list[tuple[str, tuple[int, int]]]) -> tuple[int, int] | None:
    for path, identity in candidates:
        try:
            if _is_same(descriptor, path):
                return identity
        except OSError:
            continue
    return None


def _is_same(descriptor: int, path: str) -> bool:
    place = 0
    with open(path, "rb", buffering=0) as original:
        while chunk := original.read(_CHUNK):
            if os.pread(descriptor, len(chunk), place) != chunk:
                return False
            place += len(chunk)
    return True
