"""`rewrite: rg $args`: a new command from the words of the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cash.syntax.command import Word

ARGS = "$args"
REST = "$rest"


@dataclass(frozen=True, slots=True)
class Template:
    """words: literal, or ARGS (all arguments), or REST (those no fixed pattern named)."""

    words: tuple[str, ...]

    def fill(self, arguments: Sequence[Word], named: frozenset[int]) -> tuple[Word, ...]:
        """named: the positions in arguments that patterns named one by one."""
        found: list[Word] = []
        for word in self.words:
            if word == ARGS:
                found.extend(arguments)
            elif word == REST:
                found.extend(one for at, one in enumerate(arguments) if at not in named)
            else:
                found.append(Word((word,), word))
        return tuple(found)
