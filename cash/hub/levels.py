"""How much of the hub a git command needs for itself: a level, and the resources behind it.

The four levels are the public face: none, ref-read (keeps gc out), ref-write, exclusive. Below
them lie resources, each with a lock of its own: two commands that touch different ones run at
once. Everything but `none` shares `repo`, which an exclusive command takes alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

REPO: Final = "repo"
WORKTREES: Final = "worktrees"
CONFIG: Final = "config"
PACKED: Final = "packed"
_REMOTE: Final = "remote:"
_REF: Final = "refs/"
# More refs than these one by one take longer to lock than the whole.
_MOST: Final = 16


class Level(IntEnum):
    """A stricter one is greater."""

    NONE = 0
    REF_READ = 1
    REF_WRITE = 2
    EXCLUSIVE = 3

    @property
    def word(self) -> str:
        """As people read it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Need:
    """shared, exclusive: the resources, disjoint. Made by the functions below, so that the level
    says what they are."""

    level: Level = Level.NONE
    shared: frozenset[str] = frozenset()
    exclusive: frozenset[str] = frozenset()

    def __or__(self, other: Need) -> Need:
        """What both need."""
        level = max(self.level, other.level)
        if level is Level.EXCLUSIVE:
            return EXCLUSIVE
        exclusive = self.exclusive | other.exclusive
        if len(exclusive) > _MOST:
            return EXCLUSIVE
        return Need(level, (self.shared | other.shared) - exclusive, exclusive)

    def in_order(self) -> tuple[tuple[str, bool], ...]:
        """(resource, whether for itself), in the one order in which everybody takes them."""
        found = [(name, False) for name in self.shared] + [(name, True) for name in self.exclusive]
        return tuple(sorted(found, key=lambda pair: rank(pair[0])))


NOTHING: Final = Need()
EXCLUSIVE: Final = Need(Level.EXCLUSIVE, frozenset(), frozenset((REPO,)))


def reading(*shared: str) -> Need:
    """ref-read: nothing may be collected meanwhile."""
    return Need(Level.REF_READ, frozenset((REPO, *shared)))


def writing(*exclusive: str, shared: Iterable[str] = ()) -> Need:
    """ref-write of these resources."""
    return NOTHING | Need(
        Level.REF_WRITE, frozenset((REPO, *shared)) - {*exclusive}, frozenset(exclusive)
    )


def remote(name: str) -> str:
    """The resource of what is known of a remote: refs/remotes/<name>/*."""
    return f"{_REMOTE}{name}"


def branch_ref(name: str) -> str:
    """A branch in full."""
    return name if name.startswith(_REF) else f"refs/heads/{name}"


def rank(resource: str) -> tuple[int, str]:
    """Where the resource stands in the order. ValueError for what is none."""
    first = (REPO, WORKTREES, _REMOTE, CONFIG, PACKED)
    if resource.startswith(_REMOTE):
        return first.index(_REMOTE), resource
    if resource.startswith(_REF):
        return len(first), resource
    return first.index(resource), resource
