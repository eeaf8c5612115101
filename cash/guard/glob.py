"""A glob as a small automaton, so that whether two of them have a path in common is decided, not
guessed: `*` and `?` stay within a name, `[…]` and `[!…]` are classes, `**` as a whole name crosses
folders (`a/**` is a and all below it), `\\x` is x itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Characters as sorted, disjoint ranges, both ends included.
Chars = tuple[tuple[int, int], ...]

_LAST: Final = 0x10FFFF
_SLASH: Final = ord("/")
_ANY: Final[Chars] = ((0, _LAST),)
_IN_A_NAME: Final[Chars] = ((0, _SLASH - 1), (_SLASH + 1, _LAST))


class Unreadable(ValueError):
    """No glob. args: what is wrong with it, in a few words."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """edges: for each state the characters that lead on, and where to. starts, ends: states.
    Several globs are one automaton: the ends of any of them will do."""

    edges: tuple[tuple[tuple[Chars, int], ...], ...] = ()
    starts: frozenset[int] = frozenset()
    ends: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """How many edges; fits() takes time for each and each character, at worst."""
        return sum(map(len, self.edges))

    def fits(self, text: str) -> bool:
        """Whether the whole text is one of the globs'. Time is the product of the lengths."""
        states = self.starts
        for char in text:
            if not states:
                return False
            states = self.after(states, ord(char))
        return not self.ends.isdisjoint(states)

    def after(self, states: frozenset[int], char: int) -> frozenset[int]:
        """Where a character leads from any of these states."""
        return frozenset(
            [
                target
                for state in states
                for chars, target in self.edges[state]
                if is_among(char, chars)
            ]
        )

    def cuts(self, states: frozenset[int]) -> set[int]:
        """The characters at which what happens in these states may change: from each of them to
        the one before the next, all lead the same way."""
        found: set[int] = set()
        for state in states:
            for chars, _ in self.edges[state]:
                for first, last in chars:
                    found.update((first, last + 1))
        return found


def is_among(char: int, chars: Chars) -> bool:
    """Whether a character is one of these."""
    return any([first <= char <= last for first, last in chars])


def make_automaton(sources: Iterable[str]) -> Automaton:
    """One for all of the globs. Unreadable."""
    edges: list[tuple[tuple[Chars, int], ...]] = []
    starts: set[int] = set()
    ends: set[int] = set()
    for source in sources:
        builder = _Builder(len(edges))
        builder.read(source)
        made, first, last = builder.finish()
        edges += made
        starts |= first
        ends |= last
    return Automaton(tuple(edges), frozenset(starts), frozenset(ends))


class _Builder:
    """Steps one behind the other; some may be passed over, and some go round."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._steps: list[list[tuple[Chars, int]]] = [[]]
        self._free: dict[int, set[int]] = {}

    def read(self, source: str) -> None:
        names = _split(source)
        for place, name in enumerate(names):
            is_last = place == len(names) - 1
            if name == "**":
                self._deep(is_first=place == 0, is_last=is_last)
                continue
            self._name(name)
            # `a/**` is a as well: the slash belongs to what may be left out.
            if not is_last and names[place + 1 :] != ["**"]:
                self._step(((_SLASH, _SLASH),))

    def _deep(self, *, is_first: bool, is_last: bool) -> None:
        start = len(self._steps) - 1
        if is_first and is_last:
            self._round(_ANY)
        elif is_last:
            self._step(((_SLASH, _SLASH),))
            self._round(_ANY)
            self._pass_to_fresh(len(self._steps) - 1)
            self._pass(start)
        else:
            self._pass_to_fresh(start)
            self._round(_ANY)
            self._step(((_SLASH, _SLASH),))
            self._pass(start)

    def _name(self, name: str) -> None:
        at = 0
        while at < len(name):
            char = name[at]
            if char == "\\":
                if at + 1 == len(name):
                    raise Unreadable("a backslash at the end of a name")
                at += 1
                self._step(_just(name[at]))
            elif char == "*":
                while name[at + 1 : at + 2] == "*":
                    at += 1  # says no more than one
                self._pass_to_fresh(len(self._steps) - 1)
                self._round(_IN_A_NAME)
            elif char == "?":
                self._step(_IN_A_NAME)
            elif char == "[":
                at, chars = _read_class(name, at)
                self._step(chars)
            else:
                self._step(_just(char))
            at += 1

    def _step(self, chars: Chars) -> None:
        self._steps[-1].append((chars, len(self._steps)))
        self._steps.append([])

    def _round(self, chars: Chars) -> None:
        here = len(self._steps) - 1
        self._steps[here].append((chars, here))

    def _pass_to_fresh(self, start: int) -> None:
        """A state of its own for what goes round: what led to the last one must not."""
        self._steps.append([])
        self._pass(start)

    def _pass(self, start: int) -> None:
        """From `start` one is here as well, without any character."""
        self._free.setdefault(start, set()).add(len(self._steps) - 1)

    def finish(self) -> tuple[list[tuple[tuple[Chars, int], ...]], set[int], set[int]]:
        """The edges, starts and ends, with nothing left that takes no character."""
        reach = [self._reach(state) for state in range(len(self._steps))]
        edges = [
            tuple(
                [
                    (chars, self._base + end)
                    for chars, target in steps
                    for end in sorted(reach[target])
                ]
            )
            for steps in self._steps
        ]
        starts = {self._base + state for state in reach[0]}
        return edges, starts, {self._base + len(self._steps) - 1}

    def _reach(self, state: int) -> set[int]:
        found, pending = {state}, [state]
        while pending:
            for target in self._free.get(pending.pop(), ()):
                if target not in found:
                    found.add(target)
                    pending.append(target)
        return found


def _split(source: str) -> list[str]:
    """Its names. One `**` behind another says no more than one."""
    names: list[str] = []
    for name in source.split("/"):
        if name != "**" or names[-1:] != ["**"]:
            names.append(name)
    return names


def _just(char: str) -> Chars:
    return ((ord(char), ord(char)),)


def _read_class(name: str, at: int) -> tuple[int, Chars]:
    """The place of the bracket's end, and its characters, never the slash."""
    first = at + 1
    is_negated = name[first : first + 1] in ("!", "^")
    first += is_negated
    end = name.find("]", first + 1)
    if end < 0:
        raise Unreadable("a [ without its ]; write \\[ for the character itself")
    ranges: list[tuple[int, int]] = []
    inner, place = name[first:end], 0
    while place < len(inner):
        low = high = ord(inner[place])
        if inner[place + 1 : place + 2] == "-" and place + 2 < len(inner):
            high = ord(inner[place + 2])
            place += 2
        if high < low:
            raise Unreadable(f"the range {chr(low)}-{chr(high)} is empty")
        ranges.append((low, high))
        place += 1
    chars = _without(ranges) if is_negated else _joined(ranges)
    return end, _both(chars, _IN_A_NAME)


def _joined(ranges: Iterable[tuple[int, int]]) -> Chars:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _without(ranges: Iterable[tuple[int, int]]) -> Chars:
    found, start = [], 0
    for low, high in _joined(ranges):
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        found.append((start, _LAST))
    return tuple(found)


def _both(one: Chars, other: Chars) -> Chars:
    pairs = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return tuple([(low, high) for low, high in pairs if low <= high])
