"""Texts that a command of a line hands to a shell: judging asks for them, others read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cash.syntax.command import Line

# Scripts inside each other, and all scripts of one line: aliases can name each other in circles.
_DEEPEST: Final = 5
_MOST: Final = 256


@dataclass(slots=True)
class Scripts:
    """known: text → its Line, as far as read. unread: texts that are wanted too, in order. depth:
    how many scripts stand around this place. Shared by all scenes of one judgement."""

    known: Mapping[str, Line] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)
    depth: int = 0
    _taken: list[None] = field(default_factory=list)

    def take(self, text: str) -> Line | None:
        """The script as commands; None when it is not read (yet), or there are too many."""
        if self.depth >= _DEEPEST or len(self._taken) >= _MOST:
            return None
        self._taken.append(None)
        line = self.known.get(text)
        if line is None:
            self.unread[text] = None
        return line

    def inside(self) -> Scripts:
        """The same one script further in."""
        return Scripts(self.known, self.unread, self.depth + 1, self._taken)
