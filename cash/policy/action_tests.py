"""The keys that speak of writes, git operations, connections and tools."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from cash.policy.action import Connect, GitOp, ToolCall, Write
from cash.policy.certainty import NO, YES, Certainty, of
from cash.policy.command_tests import weigh_paths
from cash.policy.hosts import HostPattern, PortPattern, normalise_host, test_host
from cash.policy.matcher import Asking
from cash.policy.paths import PathPattern, locate
from cash.policy.pattern import Pattern
from cash.policy.quantified import Quantified, quantify
from cash.policy.subject import Subject
from cash.policy.value import value_of
from cash.syntax.command import Word


@dataclass(frozen=True, slots=True)
class Target:
    """`path:` of a write."""

    kinds: ClassVar[frozenset[str]] = frozenset(("write",))
    asked: Quantified[PathPattern]

    def test(self, subject: Subject, asking: Asking) -> Certainty:
        """The file that changes."""
        return weigh_paths(self.asked, subject.targets, subject, exact=asking.exact)


@dataclass(frozen=True, slots=True)
class Change:
    """`kind:` of a write."""

    kinds: ClassVar[frozenset[str]] = frozenset(("write",))
    asked: frozenset[str]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """How the file changes."""
        return of(isinstance(subject.action, Write) and subject.action.kind in self.asked)


@dataclass(frozen=True, slots=True)
class MoreThan:
    """`more_than:` of a write: how many files the same command has changed before, of those that
    the rule speaks of. Where nobody counts, in a line that has not run, it is none."""

    kinds: ClassVar[frozenset[str]] = frozenset(("write",))
    asked: int

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """The file after so many is the first."""
        return of(isinstance(subject.action, Write) and subject.action.count >= self.asked)


@dataclass(frozen=True, slots=True)
class References:
    """`refspec:` of git."""

    kinds: ClassVar[frozenset[str]] = frozenset(("git",))
    asked: Quantified[Pattern]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """What a push or fetch asks for."""
        if not isinstance(subject.action, GitOp):
            return NO
        return _quantify_words(self.asked, subject.action.refspecs, subject)


@dataclass(frozen=True, slots=True)
class Branch:
    """`branch:`: of the git operation, else the current one."""

    kinds: ClassVar[frozenset[str]] = frozenset(("exec", "write", "git", "connect", "tool"))
    asked: Quantified[Pattern]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Branches touched."""
        action = subject.action
        found = action.branches if isinstance(action, GitOp) else ()
        return _quantify_words(self.asked, found or (subject.scene.context.branch,), subject)


def _quantify_words(
    asked: Quantified[Pattern], elements: tuple[str, ...], subject: Subject
) -> Certainty:
    names = subject.scene.names
    return quantify(asked, elements, lambda pattern: pattern.bind(names).test)


@dataclass(frozen=True, slots=True)
class Configuration:
    """`config: {core.hooksPath: "*"}`: all named must be given."""

    kinds: ClassVar[frozenset[str]] = frozenset(("git",))
    asked: tuple[tuple[Pattern, Pattern], ...]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Git's own keys are compared in lower case."""
        if not isinstance(subject.action, GitOp):
            return NO
        given = subject.action.config
        found = YES
        for name, value in self.asked:
            bound = value.bind(subject.scene.names)
            holds = [min(name.test(key.lower()), bound.test(text)) for key, text in given.items()]
            found = min(found, max(holds, default=NO))
        return found


@dataclass(frozen=True, slots=True)
class Host:
    """`host:` of a connection."""

    kinds: ClassVar[frozenset[str]] = frozenset(("connect",))
    asked: Quantified[tuple[HostPattern, ...]]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """On label boundaries."""
        if not isinstance(subject.action, Connect):
            return NO
        host = normalise_host(subject.action.host)
        return quantify(self.asked, (host,), lambda patterns: partial(test_host, patterns=patterns))


@dataclass(frozen=True, slots=True)
class Port:
    """`port:` of a connection."""

    kinds: ClassVar[frozenset[str]] = frozenset(("connect",))
    asked: tuple[PortPattern, ...]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Within one of the ranges."""
        if not isinstance(subject.action, Connect):
            return NO
        port = subject.action.port
        return of(any(one.first <= port <= one.last for one in self.asked))


@dataclass(frozen=True, slots=True)
class Tool:
    """`tool:`."""

    kinds: ClassVar[frozenset[str]] = frozenset(("tool",))
    asked: Pattern

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """The tool's name."""
        return self.asked.test(subject.action.tool) if isinstance(subject.action, ToolCall) else NO


@dataclass(frozen=True, slots=True)
class ToolArguments:
    """`arguments:`; a value that looks like a path is also compared as one."""

    kinds: ClassVar[frozenset[str]] = frozenset(("tool",))
    asked: tuple[tuple[Pattern, Pattern, PathPattern | None], ...]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """All named must fit."""
        if not isinstance(subject.action, ToolCall):
            return NO
        found = YES
        for name, value, path in self.asked:
            best = NO
            for key, text in subject.action.arguments.items():
                if name.test(key) == YES:
                    best = max(best, self._test(text, value, path, subject))
            found = min(found, best)
        return found

    @staticmethod
    def _test(text: str, value: Pattern, path: PathPattern | None, subject: Subject) -> Certainty:
        safe = value_of(Word((text,), text), {}).text
        best = value.bind(subject.scene.names).test(safe)
        if path is not None and best != YES:
            bound = path.bind(subject.scene.ground, subject.cwd)
            best = max(best, bound.test(locate(safe, subject.cwd)))
        return best
