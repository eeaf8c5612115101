"""Words, flags and variables that many rules ask for, looked for in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cash.policy.arguments import Arguments, FlagPattern
from cash.policy.certainty import NO
from cash.policy.command_tests import Args, Environment, Flags
from cash.policy.flag_names import FlagNames, flag_names_of
from cash.policy.pattern import Pattern, join_patterns
from cash.policy.programs import UNKNOWN_PROGRAM, USAGES
from cash.policy.rule import NarrowRule
from cash.policy.subject import Key, Subject
from cash.policy.usage import Usage


class Need(NamedTuple):
    """What a test cannot hold without. kind: `first` argument, `argument`, `variable`, `flag`."""

    kind: str
    pattern: Pattern | FlagPattern


@dataclass(frozen=True, slots=True)
class Gate:
    """Rules that speak only of commands with one of these: a first argument, any argument, a
    variable that is set, a flag. usages: how the rules' file says that flags are read."""

    rules: tuple[NarrowRule, ...]
    usages: Mapping[str, Usage]
    first: Pattern | None
    anywhere: Pattern | None
    variables: Pattern | None
    flags: FlagNames | None

    def opens(self, subject: Subject) -> bool:
        """Whether the rules may speak of the subject. Where a test may say yes, this does."""
        if self.variables is not None and _has(self.variables, subject.settings):
            return True
        arguments = subject.arguments(subject.first, self.usages)
        if self.flags is not None and self.flags.are_in(arguments):
            return True
        return bool(arguments.positionals) and self._fits(arguments)

    def _fits(self, arguments: Arguments) -> bool:
        if self.first is not None:
            value, doubtful = arguments.positionals[0]
            if doubtful or value.loose or self.first.test(value.text) != NO:
                return True
        if self.anywhere is not None:
            for value, _ in arguments.positionals:
                if value.loose or self.anywhere.test(value.text) != NO:
                    return True
        return False


def _has(names: Pattern, settings: Sequence[tuple[str, str]]) -> bool:
    return any([names.test(name) != NO for name, _ in settings])


def make_gate(
    rules: Sequence[NarrowRule], needs: Sequence[Need], program: str, usage: Usage | None
) -> Gate:
    """needs: of which each rule has one. usage: the rules' own for the program, or None."""

    def join(kind: str) -> Pattern | None:
        found = [one.pattern for one in needs if one.kind == kind]
        return join_patterns([one for one in found if isinstance(one, Pattern)]) if found else None

    flags = [one.pattern for one in needs if isinstance(one.pattern, FlagPattern)]
    known = usage or USAGES.get(program) or UNKNOWN_PROGRAM
    return Gate(
        tuple(rules),
        {} if usage is None else {program: usage},
        join("first"),
        join("argument"),
        join("variable"),
        flag_names_of(flags, known) if flags else None,
    )


def words_needed(test: object, key: Key) -> list[Need] | None:
    """Of these a command must have one for the test to hold; None: no such thing is known."""
    match test:
        case Flags(asked=flags) if key.kind in ("exec", "git"):
            asked = flags.any or (flags.every[0] if flags.every else ())
            named = [one.names for one in asked if one.names is not None]
            if not asked or not all(map(_is_choosy, named)):
                return None
            return [Need("flag", one) for one in asked]
        case Args(asked=args) if key.kind == "exec":
            words = [_word_needed(choice) for choice in args.choices]
            found = [one for one in words if one is not None]
            return found if len(found) == len(words) else None
        case Environment(asked=variables) if key.kind == "exec" and variables:
            name, _ = variables[0]
            return [Need("variable", name)] if _is_choosy(name) else None
        case _:
            return None


def _word_needed(choice: Sequence[Pattern | None]) -> Need | None:
    """The first pattern that tells: what ArgsTest looks at first, too."""
    for place, pattern in enumerate(choice):
        if pattern is not None and _is_choosy(pattern):
            return Need("argument" if place else "first", pattern)
    return None


def _is_choosy(pattern: Pattern) -> bool:
    """Whether many texts do not fit, and that is cheap to tell."""
    if pattern.named or pattern.regexes:
        return False
    return all(one.prefix or one.suffix or one.literals for one in pattern.globs)
