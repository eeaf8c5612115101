"""What a claim is on: one path, or what some globs name less what others do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cash.guard.glob import Automaton, Unreadable, make_automaton

__all__ = ["Pattern", "Unreadable", "of_path", "overlap", "read_pattern"]

_SPECIAL: Final = frozenset("*?[\\")
_MOST_GLOBS: Final = 64
_LONGEST_GLOB: Final = 255
LONGEST_PATH: Final = 4096
# Edges: a path of a hundred characters is then compared within some 20 ms at worst.
_MOST_EDGES: Final = 1000
# Edges looked at. What is still undecided then is taken for an overlap: some 40 ms.
_MOST_LOOKS: Final = 40_000
_SLASH: Final = ord("/")

_State = tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int], bool]


@dataclass(frozen=True, slots=True)
class Pattern:
    """sources: as they are written, relative to the repository's root, `!` before what is taken
    out. paths: those of them that are one path. prefixes: of the others, what each begins with."""

    sources: tuple[str, ...]
    paths: frozenset[str]
    prefixes: tuple[str, ...] = ()
    named: Automaton = field(default_factory=Automaton, compare=False)
    left_out: Automaton = field(default_factory=Automaton, compare=False)

    @property
    def size(self) -> int:
        """What it costs whoever compares with it, in edges; 0 for one that is exact."""
        return 0 if self.is_exact else self.named.size + self.left_out.size

    @property
    def is_exact(self) -> bool:
        """Whether it is on nothing but its paths."""
        return not self.prefixes and not self.left_out.edges

    def fits(self, path: str) -> bool:
        """Whether this path, relative to the repository's root, is claimed."""
        if self.is_exact:
            return path in self.paths
        if path not in self.paths and not path.startswith(self.prefixes):
            return False
        return self.named.fits(path) and not self.left_out.fits(path)

    def __str__(self) -> str:
        return " ".join(self.sources)


def of_path(path: str) -> Pattern:
    """Just this file, whatever characters its name has. Unreadable."""
    _check(path, LONGEST_PATH)
    return Pattern((path,), frozenset((path,)))


def below_path(path: str) -> Pattern:
    """A path and everything below it; "" is the root."""
    glob = f"{_escaped(path)}/**" if path else "**"
    return Pattern((glob,), frozenset(), (path,), make_automaton((glob,)))


@lru_cache(maxsize=256)
def read_pattern(sources: tuple[str, ...]) -> Pattern:
    """Globs, relative to the repository's root. One that ends in a slash is the folder with all
    below it. With nothing but brackets in it, it is the file of just that name as well: shells put
    such names in for a glob. Unreadable."""
    if len(sources) > _MOST_GLOBS:
        raise Unreadable(f"more than {_MOST_GLOBS} globs at once")
    tidied = tuple([_tidy(source) for source in sources])
    included = [source for source in tidied if not source.startswith("!")]
    excluded = [source[1:] for source in tidied if source.startswith("!")]
    if not included:
        raise Unreadable("a glob with ! takes out of others, and there are no others")
    literal = [_literal(one) for one in included]
    bracketed = [
        one for one in included if "[" in one and _SPECIAL.isdisjoint(one.replace("[", ""))
    ]
    found = Pattern(
        tidied,
        frozenset([one for one in literal if one is not None]).union(bracketed),
        tuple([_prefix(one) for one, text in zip(included, literal, strict=True) if text is None]),
        make_automaton([*included, *map(_escaped, bracketed)]),
        make_automaton(excluded),
    )
    if found.size > _MOST_EDGES:
        raise Unreadable("too many wildcards and characters in all: reserve a folder")
    return found


def _tidy(source: str) -> str:
    sign = "!" if source.startswith("!") else ""
    text = source[len(sign) :]
    if text.startswith("\\!"):
        text = text[1:] if sign else text
    if text.endswith("/"):
        text = text.rstrip("/") + "/**"
    _check(text, _LONGEST_GLOB)
    return sign + text


def _check(text: str, longest: int) -> None:
    if len(text) > longest:
        raise Unreadable(f"longer than {longest} characters")
    if "\0" in text:
        raise Unreadable("a NUL in it")
    if any(name in ("", ".", "..") for name in text.split("/")):
        raise Unreadable("no path below the repository's root")


def _literal(source: str) -> str | None:
    """The one path that a glob means; None: it may mean several."""
    if _SPECIAL.isdisjoint(source):
        return source
    text, at = [], 0
    while at < len(source):
        if source[at] == "\\" and at + 1 < len(source):
            at += 1
        elif source[at] in _SPECIAL:
            return None
        text.append(source[at])
        at += 1
    return "".join(text)


def _prefix(source: str) -> str:
    """What everything begins with that a glob names; `a/**` is a itself too."""
    places = [at for at, char in enumerate(source) if char in _SPECIAL]
    prefix = source[: places[0]]
    return prefix.removesuffix("/") if source[places[0] :] == "**" else prefix


def _escaped(source: str) -> str:
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in source)


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether some path is both's. One that takes too long to tell is taken for yes."""
    if one.is_exact:
        return any(other.fits(path) for path in one.paths)
    if other.is_exact:
        return any(one.fits(path) for path in other.paths)
    if not _may_meet(one, other):
        return False
    try:
        return find_common(one, other) is not None
    except TimeoutError:
        return True


def _may_meet(one: Pattern, other: Pattern) -> bool:
    starts = [(*each.prefixes, *each.paths) for each in (one, other)]
    return any(a.startswith(b) or b.startswith(a) for a in starts[0] for b in starts[1])


def find_common(one: Pattern, other: Pattern) -> str | None:
    """The shortest path that is both's, in some of the characters it may have. TimeoutError."""
    machines = (one.named, other.named, one.left_out, other.left_out)
    first: _State = (*[each.starts for each in machines], True)  # type: ignore[assignment]
    seen: dict[_State, tuple[_State, int] | None] = {first: None}
    pending = deque([first])
    looks = 0
    while pending:
        state = pending.popleft()
        looks += _weight(state, machines)
        if looks > _MOST_LOOKS:
            raise TimeoutError
        if _is_end(state, machines):
            return _spell(state, seen)
        for char, following in _followers(state, machines):
            if following not in seen:
                seen[following] = (state, char)
                pending.append(following)
    return None


def _weight(state: _State, machines: Sequence[Automaton]) -> int:
    """How many edges are looked at to find what follows: each for each character that counts."""
    edges = sum(
        len(each.edges[one]) for each, at in zip(machines, state[:4], strict=True) for one in at
    )
    return (edges + 1) * (2 * edges + 3)


def _is_end(state: _State, machines: Sequence[Automaton]) -> bool:
    ends = [not each.ends.isdisjoint(at) for each, at in zip(machines, state[:4], strict=True)]
    return ends == [True, True, False, False] and not state[4]


def _followers(state: _State, machines: Sequence[Automaton]) -> Iterator[tuple[int, _State]]:
    """Each state that some character leads to. The last of a state: a name has yet to begin, so
    that no slash can come (there are no empty names)."""
    cuts = {_SLASH, _SLASH + 1, 0}
    for each, at in zip(machines, state[:4], strict=True):
        cuts |= each.cuts(at)
    for char in sorted(cuts):
        if char > 0x10FFFF or (char == _SLASH and state[4]):
            continue
        moved = [each.after(at, char) for each, at in zip(machines, state[:4], strict=True)]
        if moved[0] and moved[1]:
            yield char, (*moved, char == _SLASH)  # type: ignore[misc]


def _spell(state: _State, seen: dict[_State, tuple[_State, int] | None]) -> str:
    text = []
    while (before := seen[state]) is not None:
        state, char = before
        text.append(chr(char))
    return "".join(reversed(text))
