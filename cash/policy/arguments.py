"""An argv split into flags and the rest, as its program would; and what rules ask of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.glob import HOLES, UNKNOWN, has_holes
from cash.policy.pattern import Pattern
from cash.policy.usage import Usage
from cash.policy.value import Value

SHORTEST_ABBREVIATION = 4  # `--fo`
_NONE: frozenset[str] = frozenset()


class Flag(NamedTuple):
    """name: `-r`, `--recursive`. value: of `--name=value` or the next word; None without."""

    name: str
    value: Value | None = None


@dataclass(slots=True)
class Arguments:
    """positionals: (value, doubtful): a doubtful one may be the value of the flag before it.
    wild: some word may turn into any flag when the line runs."""

    usage: Usage
    flags: list[Flag] = field(default_factory=list)
    positionals: list[tuple[Value, bool]] = field(default_factory=list)
    wild: bool = False
    _known: tuple[frozenset[str], tuple[str, ...]] | None = None

    def may_have(self, name: str) -> bool:
        """Whether some flag may be this one: most rules ask for flags that are not there."""
        if self._known is None:
            aliases = self.usage.aliases
            given = {flag.name for flag in self.flags}
            for one in tuple(given):
                given |= aliases.get(one, _NONE)
            longs = [one for one in given if one[:2] == "--" and len(one) >= SHORTEST_ABBREVIATION]
            self._known = (frozenset(given), tuple(longs))
        names, longs_given = self._known
        if name in names:
            return True
        if not longs_given:
            return False
        group = self.usage.aliases.get(name)
        return any([one.startswith(longs_given) for one in group or (name,)])


def split_arguments(values: Sequence[Value], usage: Usage) -> Arguments:
    """values: the words behind the program."""
    found = Arguments(usage)
    index, ended, doubtful = 0, False, False
    while index < len(values):
        value = values[index]
        text = value.text
        index += 1
        if ended or text[:1] != "-" or text == "-":
            found.positionals.append((value, doubtful))
            found.wild = found.wild or (value.loose and not ended and text[:1] in HOLES)
            doubtful = False
            if usage.leading and not ended:
                index += text in usage.values  # `+o posix`
                ended = _is_operand(value)
        elif text == "--":
            ended, doubtful = True, False
        else:
            doubtful = False
            needs = _add_flag(found, value)
            if needs is None:
                doubtful = not usage.known
            elif needs and index < len(values):
                found.flags[-1] = Flag(found.flags[-1].name, values[index])
                index += 1
    return found


def _is_operand(value: Value) -> bool:
    """Whether it is one for certain: no `+o` of a shell's, nothing that may become a flag."""
    return not (value.loose or value.holes or value.text[:1] in ("+", ""))


def _add_flag(found: Arguments, value: Value) -> bool | None:
    """Adds what one word says; True: the next word is its value; None: it may be; False: no."""
    text, usage = value.text, found.usage
    if not text.isascii() and has_holes(text[:2]):
        found.wild = True
        return False
    name, equals, rest = text.partition("=")
    if equals:
        found.flags.append(Flag(name, _part(value, rest)))
        if text[1] == "-" or not usage.bundles:
            return False
        return _add_letters(found, value)
    if text[1] == "-" or not usage.bundles or len(text) == 2:
        found.flags.append(Flag(text))
        return _takes(usage, text)
    takes = _add_letters(found, value)
    if not usage.known:
        found.flags.insert(0, Flag(text))
    return takes


def _takes(usage: Usage, name: str) -> bool | None:
    if name in usage.values:
        return True
    return False if usage.known else None


def _add_letters(found: Arguments, value: Value) -> bool | None:
    text = value.text
    for place in range(1, len(text)):
        letter = text[place]
        if letter == UNKNOWN:
            found.wild = True
            return False
        name = "-" + letter
        if name in found.usage.values:
            rest = text[place + 1 :]
            found.flags.append(Flag(name, _part(value, rest) if rest else None))
            return not rest
        found.flags.append(Flag(name))
    return _takes(found.usage, "-" + text[-1])


def _part(value: Value, text: str) -> Value:
    return Value(text, value.word, value.assumed, value.loose, has_holes(text))


@dataclass(frozen=True, slots=True)
class FlagPattern:
    """name: `-r`, or a glob pattern when `names` is set. value: what its value must be."""

    name: str
    names: Pattern | None = None
    value: Pattern | None = None

    def test(self, arguments: Arguments, *, exact: bool) -> Certainty:
        """exact: no abbreviations and no guesses (for what loosens)."""
        best = MAYBE if arguments.wild and not exact else NO
        if self.names is None and not arguments.may_have(self.name):
            return best
        group = arguments.usage.aliases.get(self.name)
        for flag in arguments.flags:
            if not self._names(flag.name, group, exact=exact):
                continue
            found = self._value(flag)
            if exact and flag.value is not None and flag.value.assumed and self.value:
                found = min(found, MAYBE)
            best = max(best, found)
            if best == YES:
                break
        return best

    def _names(self, given: str, group: frozenset[str] | None, *, exact: bool) -> bool:
        if given == self.name or (group is not None and given in group):
            return True
        if self.names is not None:
            return self.names.test(given) == YES
        if exact or given[:2] != "--" or len(given) < SHORTEST_ABBREVIATION:
            return False
        return any(name.startswith(given) for name in (group or (self.name,)))

    def _value(self, flag: Flag) -> Certainty:
        if self.value is None:
            return YES
        return self.value.test(flag.value.text) if flag.value is not None else NO


@dataclass(frozen=True, slots=True)
class FlagTest:
    """What a rule asks of flags; each entry of `every` is a choice."""

    any: tuple[FlagPattern, ...] = ()
    every: tuple[tuple[FlagPattern, ...], ...] = ()
    none: tuple[FlagPattern, ...] = ()
    only: tuple[FlagPattern, ...] | None = None

    def test(self, arguments: Arguments, *, exact: bool) -> Certainty:
        """How sure it is that the flags are as asked."""
        found = YES
        if self.any:
            found = max([one.test(arguments, exact=exact) for one in self.any])
        for choice in self.every:
            if found == NO:
                return NO
            found = min(found, max(one.test(arguments, exact=exact) for one in choice))
        if self.none and found:
            # What is excluded is excluded only when it is certainly there: an unknown word never
            # excuses. For a rule that loosens, an unknown word excludes it already.
            there = max(one.test(arguments, exact=not exact) for one in self.none)
            found = NO if there == YES else min(found, MAYBE) if exact and there else found
        if self.only is not None and found:
            found = min(found, self._test_only(arguments, self.only))
        return found

    @staticmethod
    def _test_only(arguments: Arguments, allowed: tuple[FlagPattern, ...]) -> Certainty:
        for flag in arguments.flags:
            one = Arguments(arguments.usage, [flag])
            if not any(pattern.test(one, exact=True) for pattern in allowed):
                return NO
        return MAYBE if arguments.wild else YES


REST = None  # `...` in a list of argument patterns


@dataclass(frozen=True, slots=True)
class ArgsTest:
    """Alternatives of positional patterns; None stands for any number of arguments."""

    choices: tuple[tuple[Pattern | None, ...], ...]
    _is_named: bool = field(init=False, compare=False, repr=False, default=False)

    def __post_init__(self) -> None:
        patterns = [one for choice in self.choices for one in choice if one is not None]
        object.__setattr__(self, "_is_named", any(one.named for one in patterns))

    def bind(self, names: Mapping[str, str]) -> ArgsTest:
        """With `$agent` and `$branch` put in."""
        if not self._is_named:
            return self
        bound = (tuple(one and one.bind(names) for one in choice) for choice in self.choices)
        return ArgsTest(tuple(bound))

    def test(self, arguments: Arguments, *, exact: bool) -> Certainty:
        """How sure it is that the arguments fit one of the choices."""
        best = NO
        for choice in self.choices:
            if _is_out(choice, arguments.positionals):
                continue
            best = max(best, _fit(choice, arguments.positionals, exact=exact))
            if best == YES:
                break
        return best


def _is_out(choice: Sequence[Pattern | None], positionals: Sequence[tuple[Value, bool]]) -> bool:
    """The usual case, settled at once: the subcommand is another one, or what must stand
    somewhere among the arguments stands nowhere."""
    if not choice:
        return False
    if not positionals:
        return choice[0] is not None
    first = choice[0]
    if first is not None:
        value, doubtful = positionals[0]
        if not (doubtful or value.loose) and first.test(value.text) == NO:
            return True
    for pattern in choice[1:]:
        if pattern is not None:
            for value, _ in positionals:
                if value.loose or pattern.test(value.text) != NO:
                    break
            else:
                return True
    return False


def _fit(
    choice: Sequence[Pattern | None], positionals: Sequence[tuple[Value, bool]], *, exact: bool
) -> Certainty:
    """Walks the arguments once, keeping every place of the patterns that may be reached (an argv
    of thousands of variables must not cost a tree of guesses)."""
    front = _past_rests({0: YES}, choice)
    for value, doubtful in positionals:
        following: dict[int, Certainty] = {}
        for place, so_far in front.items():
            for reached, certainty in _steps(choice, place, value, doubtful, exact=exact):
                best = min(so_far, certainty)
                if best > following.get(reached, NO):
                    following[reached] = best
        front = _past_rests(following, choice)
        if not front:
            return NO
    return front.get(len(choice), NO)


def _past_rests(
    front: dict[int, Certainty], choice: Sequence[Pattern | None]
) -> dict[int, Certainty]:
    """`...` may also stand for nothing."""
    for place in sorted(front):
        following = place
        while following < len(choice) and choice[following] is None:
            following += 1
            front[following] = max(front.get(following, NO), front[place])
    return front


def _steps(
    choice: Sequence[Pattern | None], place: int, value: Value, doubtful: bool, *, exact: bool
) -> Iterator[tuple[int, Certainty]]:
    """The places one argument may lead to from place."""
    pattern = choice[place] if place < len(choice) else None
    if pattern is not None:
        here = pattern.test(value.text)
        if here and ((value.loose and value.holes) or (exact and value.assumed)):
            here = MAYBE
        yield place + 1, here
    elif place < len(choice):
        yield place, YES
    if exact:
        return
    if doubtful:
        yield place, YES
    if value.loose and value.text[:1] == UNKNOWN:
        # `$ARGS` unquoted may be no word at all, or several.
        for reached in range(place, len(choice) + 1):
            yield reached, MAYBE


def consumed(test: ArgsTest, arguments: Arguments) -> frozenset[int]:
    """The positions (among positionals) that patterns before the first `...` took: what a
    rewriting template leaves out of `$rest`."""
    for choice in test.choices:
        if _fit(choice, arguments.positionals, exact=False) == YES:
            fixed = choice.index(None) if None in choice else len(choice)
            return frozenset(range(fixed))
    return frozenset()
