"""What a tool can do to a file: a closed set of values, and what each makes of the content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cash.faults import UsageFault

Kind = Literal["write", "append", "replace", "delete", "move"]
# What is read and written as a whole; more than a tool ever edits.
LARGEST: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Write:
    """The file has this content afterwards, whether it was there or not."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Append:
    """This stands behind what was there; a file that was not there begins with it."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """The one place where `old` stands has `new` afterwards."""

    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """The file is gone afterwards; of a link, the link."""


@dataclass(frozen=True, slots=True)
class Move:
    """The file bears another name afterwards, one that nothing had. to: as Order.path."""

    to: str


Change = Write | Append | Replace | Delete | Move


@dataclass(frozen=True, slots=True)
class Order:
    """One change of one file. path: below the tree, as cash.guard.naming gives it."""

    path: str
    change: Change

    @property
    def paths(self) -> tuple[str, ...]:
        """The names it changes, as they were given."""
        match self.change:
            case Move(to):
                return (self.path, to)
            case _:
                return (self.path,)

    @property
    def follows(self) -> bool:
        """Whether a link that bears the name is written through. A link that is deleted or moved
        is itself the file."""
        return not isinstance(self.change, Delete | Move)


def kind_of(change: Change) -> Kind:
    """The word for it."""
    match change:
        case Write():
            return "write"
        case Append():
            return "append"
        case Replace():
            return "replace"
        case Delete():
            return "delete"
        case Move():
            return "move"


def content_after(change: Write | Append | Replace, before: bytes | None, shown: str) -> bytes:
    """before: None where there is no file. shown: its name for people. UsageFault when the text to
    be replaced does not stand there just once, or the file would be too large."""
    after = _made_of(change, before, shown)
    if len(after) > LARGEST:
        raise UsageFault(f"{shown} would have more than {LARGEST >> 20} MB")
    return after


def _made_of(change: Write | Append | Replace, before: bytes | None, shown: str) -> bytes:
    match change:
        case Write(content):
            return content
        case Append(content):
            return (before or b"") + content
        case Replace(old, new):
            return _replaced(old, new, before, shown)


def _replaced(old: bytes, new: bytes, before: bytes | None, shown: str) -> bytes:
    if before is None:
        raise UsageFault(f"{shown} is not there", hint="write it instead of replacing in it")
    if not old:
        raise UsageFault("there is no text to replace", hint="give a text that stands there once")
    first = before.find(old)
    if first < 0:
        raise UsageFault(f"the text does not stand in {shown}", hint="read the file again")
    if before.find(old, first + 1) >= 0:
        raise UsageFault(
            f"the text stands in {shown} more than once", hint="give more of what is around it"
        )
    return before[:first] + new + before[first + len(old) :]
