"""The keys that speak of a command: its arguments, flags, paths, words, surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from cash.policy.action import GitOp
from cash.policy.arguments import ArgsTest, FlagTest
from cash.policy.certainty import MAYBE, NO, YES, Certainty, of
from cash.policy.hosts import HostPattern, normalise_host, test_host
from cash.policy.matcher import Asking
from cash.policy.paths import PathPattern
from cash.policy.pattern import Pattern
from cash.policy.quantified import Quantified, quantify
from cash.policy.subject import OUTPUTS, Subject
from cash.policy.value import Value

_COMMANDS = frozenset(("exec", "write", "git", "connect"))


@dataclass(frozen=True, slots=True)
class Args:
    """`args: [install|i, ...]`."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    asked: ArgsTest

    def test(self, subject: Subject, asking: Asking) -> Certainty:
        """Positional arguments in order."""
        if subject.command is None:
            return NO
        arguments = subject.arguments(asking.naming, asking.usages)
        asked = self.asked.bind(subject.scene.names)
        return asked.test(arguments, exact=asking.exact)


@dataclass(frozen=True, slots=True)
class Flags:
    """`flags: {any: [--force]}`."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    asked: FlagTest

    def test(self, subject: Subject, asking: Asking) -> Certainty:
        """Flags by meaning."""
        if subject.command is None:
            return NO
        arguments = subject.arguments(asking.naming, asking.usages)
        return self.asked.test(arguments, exact=asking.exact)


@dataclass(frozen=True, slots=True)
class Paths:
    """`paths:`, `reads:`, `redirect:`: which is told by `source`."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    asked: Quantified[PathPattern]
    source: str

    def test(self, subject: Subject, asking: Asking) -> Certainty:
        """Paths, made absolute."""
        if subject.command is None:
            return NO
        exact = asking.exact
        match self.source:
            case "paths":
                found = subject.paths(asking.naming, asking.usages)
            case "reads":
                found = subject.reads(asking.naming, asking.usages)
                # `cat *` reads what is there; that a secret is among it is a guess.
                return weigh_paths(self.asked, found, subject, exact=exact, guess=False)
            case _:
                found = subject.redirected(OUTPUTS)
        return weigh_paths(self.asked, found, subject, exact=exact)


def weigh_paths(
    asked: Quantified[PathPattern],
    values: Sequence[Value],
    subject: Subject,
    *,
    exact: bool,
    guess: bool = True,
) -> Certainty:
    """values: located. exact: one that rests on a guess is never sure. guess: a bare `*` may be
    taken for any name."""
    if not values:
        return YES if asked.any is None and asked.all is None else NO
    ground, cwd = subject.scene.ground, subject.cwd
    paths = [value.text for value in values]

    def bind(pattern: PathPattern) -> Callable[[str], Certainty]:
        bound = pattern.bind(ground, cwd)
        return lambda path: bound.best((path,), whole=exact, guess=guess)

    if asked.any is not None and asked.all is None and asked.none is None:
        # What rules ask of nearly every command, in one go.
        found = asked.any.bind(ground, cwd).best(paths, whole=exact, guess=guess)
    else:
        found = quantify(asked, paths, bind)
    return min(found, MAYBE) if exact and any([value.assumed for value in values]) else found


@dataclass(frozen=True, slots=True)
class Text:
    """`text:` over the words joined by blanks, here-documents and here-strings."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    asked: Pattern

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """As written where a word is not known."""
        asked = self.asked.bind(subject.scene.names)
        for text in subject.texts:
            if asked.test(text) == YES:
                return YES
        return NO


@dataclass(frozen=True, slots=True)
class Inside:
    """`inside: sudo`."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    asked: Pattern

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Constructs and wrappers around the command."""
        if subject.command is None:
            return NO
        return max((self.asked.test(one) for one in subject.command.inside), default=NO)


@dataclass(frozen=True, slots=True)
class Environment:
    """`env: {LD_PRELOAD: "*"}`: all named must be set."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    asked: tuple[tuple[Pattern, Pattern], ...]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Assignments before the command, also those that env or export make."""
        if subject.command is None:
            return NO
        given = subject.settings
        found = YES
        for name, value in self.asked:
            bound = value.bind(subject.scene.names)
            holds = [
                min(there, bound.test(text)) for key, text in given if (there := name.test(key))
            ]
            found = min(found, max(holds, default=NO))
        return found


@dataclass(frozen=True, slots=True)
class Remote:
    """`remote: true | false | HOST` for commands, a remote's name or URL for git."""

    kinds: ClassVar[frozenset[str]] = _COMMANDS
    wanted: bool | None
    hosts: tuple[HostPattern, ...] = ()
    names: Pattern | None = None

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Where it runs; for git: what it speaks to."""
        if isinstance(subject.action, GitOp) and self.names is not None:
            remote = subject.action.remote
            return NO if remote is None else self.names.bind(subject.scene.names).test(remote)
        host = subject.command.remote if subject.command is not None else None
        if self.wanted is not None:
            return of((host is not None) == self.wanted)
        if host is None:
            return NO
        return test_host(normalise_host(host.rpartition("@")[2]), self.hosts)
