"""The hand that changes a file, in steps between which others decide; this one where it stands."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cash.faults import Fault, UsageFault
from cash.guard.change import Append, Delete, Move, Order, Replace, Write
from cash.guard.digest import hash_content
from cash.guard.draft import (
    Draft,
    Hashes,
    Old,
    check_unchanged,
    keep_folder,
    make_draft,
    read,
    tidy,
)
from cash.guard.finding import Spot, find
from cash.guard.naming import shown
from cash.walls import syscalls


class Hand(Protocol):
    """One order, step by step. Each step raises Fault; after one that did, there is only close."""

    def find(self) -> tuple[str, ...]:
        """The files that are meant, by their real paths from the tree's top. Nothing changes."""
        ...

    def draft(self) -> Hashes:
        """Makes all ready; the file is still as it was."""
        ...

    def commit(self) -> None:
        """Does it, for good."""
        ...

    def tidy(self) -> None:
        """After find, in place of the other steps: takes away what a killed hand has left."""
        ...

    def close(self) -> None:
        """Takes away what is not done, and lets go. Once it returns, nothing more happens."""
        ...


@dataclass(slots=True)
class LocalHand:
    """A hand with the rights of its process. tree: the absolute path of the tree."""

    tree: str
    order: Order
    _top: int = -1
    _spots: list[Spot] = field(default_factory=list)
    _draft: Draft | None = None
    _old: Old | None = None

    def find(self) -> tuple[str, ...]:
        """See Hand."""
        with told(self.order.path):
            self._top = os.open(self.tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            follow = self.order.follows
            self._look(self.order.paths, follow=follow)
        return tuple([spot.path for spot in self._spots])

    def _look(self, paths: tuple[str, ...], *, follow: bool) -> None:
        for path in paths:
            self._spots.append(find(self._top, self.tree, path, follow=follow))

    def draft(self) -> Hashes:
        """See Hand. By now the lock is held; so the paths are looked for once more, as they were
        found: a link on the way would lead elsewhere than to what is locked."""
        found = tuple([spot.path for spot in self._spots])
        self._let_go()
        with told(self.order.path):
            self._look(found, follow=False)
            if found != tuple([spot.path for spot in self._spots]):
                raise Fault(f"{shown(found[0])} was moved meanwhile", hint="try again")
            match self.order.change:
                case Write() | Append() | Replace() as change:
                    self._draft = make_draft(self._spots[0], change)
                    return self._draft.hashes
                case Delete():
                    return Hashes(self._take(), None)
                case Move():
                    digest = self._take()
                    return Hashes(digest, digest)

    def _take(self) -> str:
        """The hash of what is to be gone from the first spot."""
        spot = self._spots[0]
        tidy(spot)
        if (found := spot.look()) is None:
            raise UsageFault(f"{shown(spot.path)} is not there")
        if link := _target_of(spot):
            self._old = Old(link, found, ())
        else:
            self._old = read(spot)
        if self._old is None:
            raise UsageFault(f"{shown(spot.path)} is not there")
        for other in self._spots[1:]:
            _check_free(other)
        return hash_content(self._old.content)

    def commit(self) -> None:
        """See Hand."""
        with told(self.order.path):
            if self._draft is not None:
                self._draft.commit()
                self._draft = None
                return
            spot, *others = self._spots
            check_unchanged(spot, self._old)
            for other in others:
                _rename(spot, other)
                keep_folder(other.folder)
            if not others:
                os.unlink(spot.name, dir_fd=spot.folder)
            keep_folder(spot.folder)

    def tidy(self) -> None:
        """See Hand."""
        with told(self.order.path):
            for spot in self._spots:
                tidy(spot)

    def close(self) -> None:
        """See Hand."""
        draft, self._draft = self._draft, None
        try:
            if draft is not None:
                draft.discard()
        finally:
            self._let_go()
            if self._top >= 0:
                os.close(self._top)
                self._top = -1

    def _let_go(self) -> None:
        while self._spots:
            self._spots.pop().close()


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Turns what the system says of a file into a Fault of one line."""
    try:
        yield
    except OSError as fault:
        reason = os.strerror(fault.errno) if fault.errno else str(fault)
        hint = None
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space there; nothing was changed"
        raise Fault(f"{shown(path)} cannot be changed: {reason}", hint=hint) from fault


def _target_of(spot: Spot) -> bytes:
    try:
        return os.fsencode(os.readlink(spot.name, dir_fd=spot.folder))
    except OSError:
        return b""


def _rename(spot: Spot, other: Spot) -> None:
    """To a name that nothing has, even now."""
    try:
        syscalls.rename_new(spot.folder, spot.name, other.folder, other.name)
    except FileExistsError:
        _check_free(other)
        raise


def _check_free(spot: Spot) -> None:
    if spot.look() is not None:
        raise UsageFault(f"{shown(spot.path)} is there already", hint="delete it first")
