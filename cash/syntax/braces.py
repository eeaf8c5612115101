"""Brace expansion, which bash does before every other expansion: `/{etc,usr}` is two words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cash.syntax.command import Expansion

if TYPE_CHECKING:
    from cash.syntax.word import Atom

# More words than this from one word are not listed, nor more braces looked at (the search is
# quadratic); the word stays an expansion.
MOST_WORDS = 256
MOST_BRACES = 64

_SEQUENCE = re.compile(r"(-?\d{1,18}|[A-Za-z])\.\.(-?\d{1,18}|[A-Za-z])(?:\.\.(-?\d{1,18}))?")


class _TooMany(Exception):
    pass


def expand_braces(atoms: Sequence[Atom]) -> list[list[Atom]]:
    """The words that the unquoted braces of one word make, each as its atoms, in bash's order."""
    characters: list[Atom] = []
    for atom in atoms:
        if type(atom) is str:
            characters.extend(atom)
        else:
            characters.append(atom)
    if "{" not in characters:
        return [list(atoms)]
    try:
        if characters.count("{") > MOST_BRACES:
            raise _TooMany
        return [_join(word) for word in _expand(characters, 0)]
    except _TooMany:
        text = "".join(atom if isinstance(atom, str) else atom.text for atom in atoms)
        return [[Expansion("brace", text)]]


def _expand(characters: list[Atom], depth: int) -> list[list[Atom]]:
    if depth > 20:
        raise _TooMany
    start = 0
    while "{" in characters[start:]:
        opening = characters.index("{", start)
        alternatives = _alternatives(characters, opening)
        if alternatives is not None:
            closing, inner = alternatives
            return _combine(characters[:opening], inner, characters[closing + 1 :], depth)
        start = opening + 1
    return [characters]


def _combine(
    before: list[Atom], inner: list[list[Atom]], after: list[Atom], depth: int
) -> list[list[Atom]]:
    tails = _expand(after, depth + 1)
    words = []
    for alternative in inner:
        for middle in _expand(alternative, depth + 1):
            for tail in tails:
                words.append([*before, *middle, *tail])
                if len(words) > MOST_WORDS:
                    raise _TooMany
    return words


def _alternatives(characters: list[Atom], opening: int) -> tuple[int, list[list[Atom]]] | None:
    """Where the brace closes and what stands between its commas; None when it expands to nothing
    (`{}`, `{x}`, no closing brace)."""
    depth = 0
    cuts = [opening]
    for index in range(opening, len(characters)):
        match characters[index]:
            case "{":
                depth += 1
            case "," if depth == 1:
                cuts.append(index)
            case "}":
                depth -= 1
                if depth == 0:
                    return _close(characters, cuts, index)
            case _:
                pass
    return None


def _close(
    characters: list[Atom], cuts: list[int], closing: int
) -> tuple[int, list[list[Atom]]] | None:
    if len(cuts) > 1:
        ends = [*cuts[1:], closing]
        return closing, [characters[cut + 1 : end] for cut, end in zip(cuts, ends, strict=True)]
    inside = characters[cuts[0] + 1 : closing]
    if not all(isinstance(atom, str) for atom in inside):
        return None
    found = _SEQUENCE.fullmatch("".join(atom for atom in inside if isinstance(atom, str)))
    if found is None:
        return None
    sequence = _sequence(found)
    return None if sequence is None else (closing, [list(item) for item in sequence])


def _sequence(found: re.Match[str]) -> list[str] | None:
    first, last, step = found.groups()
    numbers = [text.lstrip("-").isdigit() for text in (first, last)]
    if numbers[0] != numbers[1]:
        return None
    low, high = (int(first), int(last)) if numbers[0] else (ord(first), ord(last))
    stride = abs(int(step)) if step and int(step) else 1
    values = range(low, high + 1, stride) if low <= high else range(low, high - 1, -stride)
    if len(values) > MOST_WORDS:
        raise _TooMany
    if not numbers[0]:
        return [chr(value) for value in values]
    padded = any(re.match(r"-?0\d", text) for text in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return [f"{value:0{width}d}" if width else str(value) for value in values]


def _join(characters: list[Atom]) -> list[Atom]:
    joined: list[Atom] = []
    for atom in characters:
        if type(atom) is str and joined and type(joined[-1]) is str:
            joined[-1] += atom
        else:
            joined.append(atom)
    return joined
