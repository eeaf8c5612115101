"""Flags that many rules ask for, looked for in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cash.policy.arguments import SHORTEST_ABBREVIATION, Arguments, FlagPattern
from cash.policy.certainty import NO
from cash.policy.pattern import Pattern, join_patterns
from cash.policy.usage import Usage


@dataclass(frozen=True, slots=True)
class FlagNames:
    """names: every spelling. longs: those that may be abbreviated. globs: for all others."""

    names: frozenset[str]
    longs: tuple[str, ...]
    globs: Pattern | None

    def are_in(self, arguments: Arguments) -> bool:
        """Whether one of the patterns may fit: what FlagPattern.test says yes to, this does."""
        if arguments.wild:
            return True
        for flag in arguments.flags:
            name = flag.name
            if name in self.names or (self.globs is not None and self.globs.test(name) != NO):
                return True
            if name[:2] == "--" and self._is_abbreviated(name):
                return True
        return False

    def _is_abbreviated(self, name: str) -> bool:
        return len(name) >= SHORTEST_ABBREVIATION and any(
            [long.startswith(name) for long in self.longs]
        )


def flag_names_of(patterns: Sequence[FlagPattern], usage: Usage) -> FlagNames:
    """usage: of the program whose flags they are."""
    names: set[str] = set()
    for one in patterns:
        names |= usage.aliases.get(one.name, frozenset()) | {one.name}
    globs = [one.names for one in patterns if one.names is not None]
    return FlagNames(
        frozenset(names),
        tuple(sorted([name for name in names if name.startswith("--")])),
        join_patterns(globs) if globs else None,
    )
