"""How much may be kept: the oldest goes first."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Final

from cash.undo.objects import Objects
from cash.undo.steps import Steps, files_of

# Down to this part of what may be, so that it is not to be done again at once.
_PART: Final = 0.8


class Room:
    """used: the bytes that contents take, as far as they are known."""

    def __init__(self, folder: Path, objects: Objects, steps: Steps, most: int) -> None:
        self._folder = folder
        self._objects = objects
        self._steps = steps
        self._most = most
        self._enough = -1
        self.used = 0

    @property
    def is_short(self) -> bool:
        """Whether room is to be made, or it is not known yet. What could not be made in vain is not
        tried again until more is used."""
        return self.used > self._enough

    def make(self, kept: Container[str]) -> None:
        """Drops the oldest steps, but for those that go on, until little enough is left. Not while
        somebody undoes one."""
        self.used = sum(self._objects.sizes().values())
        if self.used > self._most:
            with holding(self._folder, wait=False) as is_held:
                if is_held:
                    self._drop(kept)
        self._enough = max(self._most, self.used + self._most // 10)
        if self.used <= self._most:
            self._enough = self._most

    def _drop(self, kept: Container[str]) -> None:
        sizes = self._objects.sizes()
        needed: set[str] = set()
        used, is_full = 0, False
        for step in self._steps.all():
            own = set(files_of(step)) - needed
            used += sum(sizes.get(name, 0) for name in own)
            is_full = is_full or used > self._most * _PART
            if is_full and step.id not in kept:
                self._steps.drop(step.id)
            else:
                needed |= own
        self._objects.sweep(needed)
        self.used = sum(self._objects.sizes().values())


@contextlib.contextmanager
def holding(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Nobody drops anything meanwhile; whether it could be had without waiting."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)
