"""Globs as token strings, and whether two of them can mean the same text.

A rule's pattern is one glob; a word of a line is another, because of `*` and because of what a
variable may hold. So one question serves all: do the two have a text in common?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

# One private character each, so that words and patterns stay plain strings: a path with a hole
# in it can still be joined and normalised. Text that holds such a character is treated as a hole.
ONE: Final = "\ue000"  # one character, not a slash
NAME: Final = "\ue001"  # any characters, no slash
ANY: Final = "\ue002"  # any characters
UNKNOWN: Final = "\ue003"  # any characters, decided when the line runs
VISIBLE: Final = "\ue004"  # a line's `*` where a name begins: no dot in front

HOLES: Final = frozenset((ONE, NAME, ANY, UNKNOWN, VISIBLE))
_STARS: Final = frozenset((NAME, ANY, UNKNOWN, VISIBLE))
_IN_A_NAME: Final = frozenset((ONE, NAME, VISIBLE))
_LONGEST: Final = 1024


def has_holes(text: str) -> bool:
    """Whether text is a glob rather than one value."""
    return not (text.isascii() or HOLES.isdisjoint(text))


def compile_glob(source: str, *, star: str) -> str:
    """source with `*`, `**`, `?` and `[…]` made tokens. star: what one `*` means (NAME or ANY).
    `\\x` is x itself. A bracket becomes ONE, wider than written: a
    rule says more than it seems to, and so does what excuses from one."""
    out: list[str] = []
    index = 0
    while index < len(source):
        char = source[index]
        if char == "\\" and index + 1 < len(source):
            index += 1
            out.append(source[index])
        elif char == "*":
            if source.startswith("**", index):
                index += 1
                out.append(ANY)
            else:
                out.append(star)
        elif char == "?":
            out.append(ONE)
        elif char == "[" and (end := source.find("]", index + 2)) > 0:
            out.append(ONE)
            index = end
        else:
            out.append(char)
        index += 1
    return "".join(out)


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled glob with what settles most questions at once: its literal ends."""

    tokens: str
    prefix: str
    suffix: str
    star: str = ""
    pieces: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()

    def fits(self, text: str) -> bool:
        """Whether a text without holes is one of the glob's."""
        if not (text.startswith(self.prefix) and text.endswith(self.suffix)):
            return False
        if self.pieces:
            return self._fits_pieces(text)
        if not self.star:
            return self._has_literals(text) and overlap(self.tokens, text)
        end = len(text) - len(self.suffix)
        if end < len(self.prefix):
            return False
        return self.star != NAME or text.find("/", len(self.prefix), end) < 0

    def _has_literals(self, text: str) -> bool:
        return all(literal in text for literal in self.literals)

    def covers(self, text: str) -> bool:
        """Whether every text of another glob is surely one of this one's."""
        return (
            self.star == ANY
            and len(text) >= len(self.prefix) + len(self.suffix)
            and text.startswith(self.prefix)
            and text.endswith(self.suffix)
        )

    def _fits_pieces(self, text: str) -> bool:
        """Only `*`s of any characters between literal pieces: the first place is the best."""
        at, end = len(self.prefix), len(text) - len(self.suffix)
        for piece in self.pieces:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end


class Globs(NamedTuple):
    """Several globs, sorted so that one look at a text's ends settles most questions. ends: by
    their literal end; starts: of the others, by their literal beginning (which may be ""). Each
    glob stands behind a text that must be somewhere in what it fits."""

    all_ends: tuple[str, ...]
    ends: Mapping[str, Sequence[tuple[str, Glob]]]
    all_starts: tuple[str, ...]
    starts: Mapping[str, Sequence[tuple[str, Glob]]]

    def fit(self, text: str) -> bool:
        """Whether a text without holes is one of theirs."""
        if text.endswith(self.all_ends):
            for end, globs in self.ends.items():
                if text.endswith(end) and _fits_one(text, globs):
                    return True
        if text.startswith(self.all_starts):
            for start, globs in self.starts.items():
                if text.startswith(start) and _fits_one(text, globs):
                    return True
        return False


def _fits_one(text: str, globs: Sequence[tuple[str, Glob]]) -> bool:
    return any([needed in text and glob.fits(text) for needed, glob in globs])


def sort_globs(globs: Sequence[Glob]) -> Globs:
    """The same globs, for `fit`."""
    ends: dict[str, list[tuple[str, Glob]]] = {}
    starts: dict[str, list[tuple[str, Glob]]] = {}
    for glob in globs:
        needed = glob.literals[0] if glob.literals else ""
        if glob.suffix:
            ends.setdefault(glob.suffix, []).append((needed, glob))
        else:
            starts.setdefault(glob.prefix, []).append((needed, glob))
    return Globs(tuple(ends), ends, tuple(starts), starts)


def make_glob(tokens: str) -> Glob:
    """tokens: from compile_glob, with at least one hole."""
    holes = [index for index, char in enumerate(tokens) if char in HOLES]
    first, last = holes[0], holes[-1]
    star = tokens[first] if first == last and tokens[first] in _STARS else ""
    plain = all(tokens[index] == ANY for index in holes)
    inner = tokens[first + 1 : last].split(ANY) if plain and first != last else []
    pieces = tuple(piece for piece in inner if piece)
    between = "".join([ANY if char in HOLES else char for char in tokens[first + 1 : last]])
    literals = tuple([literal for literal in between.split(ANY) if literal])
    return Glob(tokens, tokens[:first], tokens[last + 1 :], star, pieces, literals)


def overlap(left: str, right: str) -> bool:
    """Whether some text fits both. left: a line's word, if one of them is (only there VISIBLE is
    understood). Time is the product of the lengths; over 1,024 it says yes."""
    if left == UNKNOWN or len(left) > _LONGEST or len(right) > _LONGEST:
        return True
    if left and right and left[-1] != right[-1] and HOLES.isdisjoint((left[-1], right[-1])):
        return False
    start = 0
    for token, other in zip(left, right, strict=False):
        if token in HOLES or other in HOLES:
            break
        if token != other:
            return False
        start += 1
    front = _skip_stars(right, {start})
    for token in left[start:]:
        if token in _STARS:
            front = _after_star(token, right, front)
        else:
            front = _after_single(token, right, front)
        if not front:
            return False
    return len(right) in front


def _skip_stars(right: str, positions: set[int]) -> set[int]:
    found = set(positions)
    for start in positions:
        index = start
        while index < len(right) and right[index] in _STARS:
            index += 1
            found.add(index)
    return found


def _after_single(token: str, right: str, front: set[int]) -> set[int]:
    following: set[int] = set()
    for index in front:
        if index == len(right):
            continue
        other = right[index]
        if not _shares_character(token, other):
            continue
        following.add(index if other in _STARS else index + 1)
    return _skip_stars(right, following)


def _after_star(token: str, right: str, front: set[int]) -> set[int]:
    """All positions of right that are reached when token swallows what stands there."""
    following = set(front)
    pending = [at for at in front if token != VISIBLE or right[at : at + 1] != "."]
    while pending:
        index = pending.pop()
        if index == len(right) or not _shares_character(token, right[index]):
            continue
        if index + 1 not in following:
            following.add(index + 1)
            pending.append(index + 1)
    return _skip_stars(right, following)


def _shares_character(left: str, right: str) -> bool:
    if left in HOLES or right in HOLES:
        return not ((left == "/" and right in _IN_A_NAME) or (right == "/" and left in _IN_A_NAME))
    return left == right


def covers(pattern: str, text: str) -> bool:
    """Whether all that text may be is surely the pattern's: its holes are swallowed whole. Where
    this says no, it may still be so."""
    front = _skip_stars(pattern, {0})
    for token in text:
        following: set[int] = set()
        for index in front:
            if index == len(pattern):
                continue
            wanted = pattern[index]
            if wanted in _STARS and (wanted in (ANY, UNKNOWN) or token not in _WIDE):
                following.add(index)
            elif (wanted == token and token not in HOLES) or (
                wanted == ONE and token not in _STARS and token != "/"
            ):
                following.add(index + 1)
        front = _skip_stars(pattern, following)
    return len(pattern) in front


_WIDE: Final = frozenset(("/", ANY, UNKNOWN))
