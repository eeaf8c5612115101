"""The keys of conditions: who acts, where, how strictly, with what at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cash.policy.action import Exec, Write
from cash.policy.certainty import NO, Certainty, of
from cash.policy.glob import UNKNOWN
from cash.policy.matcher import Asking
from cash.policy.paths import PathPattern, locate
from cash.policy.pattern import Pattern
from cash.policy.quantified import Quantified, quantify
from cash.policy.subject import KINDS, Subject
from cash.policy.value import value_of
from cash.policy.verdict import Level

_ALL = frozenset(KINDS)


@dataclass(frozen=True, slots=True)
class Agent:
    """`agent:`."""

    kinds: ClassVar[frozenset[str]] = _ALL
    asked: Pattern

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """The agent's name."""
        return self.asked.bind(subject.scene.names).test(subject.scene.context.agent)


@dataclass(frozen=True, slots=True)
class Directory:
    """`cwd:`."""

    kinds: ClassVar[frozenset[str]] = _ALL
    asked: Quantified[PathPattern]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Where the line is by then."""
        return quantify(
            self.asked,
            (subject.cwd or UNKNOWN,),
            lambda pattern: pattern.bind(subject.scene.ground, subject.cwd).test,
        )


@dataclass(frozen=True, slots=True)
class AtLevel:
    """`level:` in a condition."""

    kinds: ClassVar[frozenset[str]] = _ALL
    asked: frozenset[Level]

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """The level in force."""
        return of(subject.scene.context.level in self.asked)


@dataclass(frozen=True, slots=True)
class Has:
    """`lockfile:`, `has:`, `adopted:`: which is told by `source`."""

    kinds: ClassVar[frozenset[str]] = _ALL
    asked: Pattern
    source: str

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """What was found in the tree and on the PATH."""
        facts = subject.scene.context.facts
        match self.source:
            case "lockfile":
                return max((self.asked.test(one) for one in facts.lockfiles), default=NO)
            case "has":
                return max((self.asked.test(one) for one in facts.programs), default=NO)
            case _:
                return self.asked.test(facts.adopted)


@dataclass(frozen=True, slots=True)
class Surprise:
    """`surprise:`: whether no judged line predicted the program."""

    kinds: ClassVar[frozenset[str]] = frozenset(("exec",))
    asked: bool

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """Execs only."""
        return of(isinstance(subject.action, Exec) and subject.action.surprise == self.asked)


@dataclass(frozen=True, slots=True)
class Locked:
    """`while: {locked_by_other: true}`: another agent holds the path that is written, or one
    of the command's paths."""

    kinds: ClassVar[frozenset[str]] = _ALL
    asked: bool

    def test(self, subject: Subject, asking: Asking) -> Certainty:
        """By the write's path, not by where the agent is."""
        locks = subject.scene.context.locks
        if not locks:
            return of(not self.asked)
        action = subject.action
        if isinstance(action, Write):
            value = value_of(action.path, subject.scene.variables)
            paths = [locate(value.text, subject.cwd)]
        else:
            paths = [one.text for one in subject.paths(asking.naming, asking.usages)]
        return of(any(path in locks for path in paths) == self.asked)


@dataclass(frozen=True, slots=True)
class Conflicting:
    """`while: {conflicts_with_other: true}`: a conflict with another agent's work is foreseen, in
    the path that is written, or, for all else, in any."""

    kinds: ClassVar[frozenset[str]] = _ALL
    asked: bool

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """By the write's path, not by where the agent is."""
        context, action = subject.scene.context, subject.action
        if not isinstance(action, Write):
            return of(bool(context.conflicts) == self.asked)
        value = value_of(action.path, subject.scene.variables)
        path = locate(value.text, subject.cwd)
        below = path.removeprefix(f"{context.tree.rstrip('/')}/")
        return of((below in context.conflicts) == self.asked)
