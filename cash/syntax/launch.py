"""What a command can start: the closed union the finders yield, and the words they build."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cash.syntax.command import Assignment, Expansion, Word
from cash.syntax.options import rest_of

Part = str | Expansion


@dataclass(frozen=True, slots=True)
class Starts:
    """Another command, by its words."""

    argv: tuple[Word, ...]
    label: str
    assignments: tuple[Assignment, ...] = ()
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Reads:
    """Shell text. arguments: its $0, $1, … foreign: not quite bash, so it stays partly unknown.
    quotes: what is unknown in it is put in quoted, so it cannot be more than a word."""

    parts: tuple[Part, ...]
    label: str
    arguments: tuple[Word, ...] = ()
    remote: str | None = None
    foreign: bool = False
    quotes: bool = False


@dataclass(frozen=True, slots=True)
class Listens:
    """Shell text from a file of the command's own: its standard input, or a process
    substitution's output (source)."""

    label: str
    source: Expansion | None = None
    remote: str | None = None
    foreign: bool = False


Launch = Starts | Reads | Listens
# Finds what a program starts, from its base name and its words.
Finder = Callable[[str, Sequence[Word]], Iterator[Launch]]
# What a program adds to the words, unknown before it runs.
GIVEN = Word((Expansion("unknown", "…"),), "…")


def assignment_of(word: Word) -> Assignment | None:
    lead = word.parts[0]
    if not isinstance(lead, str) or "=" not in lead or lead.startswith("="):
        return None
    name = lead.partition("=")[0]
    return Assignment(name, rest_of(word, len(name) + 1))


def joined(words: Sequence[Word]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for word in words:
        if parts:
            parts.append(" ")
        parts.extend(word.parts)
    return tuple(parts)


def replaced(word: Word, mark: str, closing: str = "") -> Word:
    """The word, with the marks where the program puts something in made unknown. mark: not
    empty."""
    parts: list[Part] = []
    for part in word.parts:
        if isinstance(part, Expansion) or mark not in part:
            parts.append(part)
            continue
        position = 0
        while (start := part.find(mark, position)) >= 0:
            end = start + len(mark)
            if closing:
                end = part.find(closing, end) + 1 or len(part)
            parts += [part[position:start], Expansion("unknown", part[start:end])]
            position = end
        parts.append(part[position:])
    changed = tuple(part for part in parts if part != "") or ("",)
    return word if changed == word.parts else Word(changed, word.source)
