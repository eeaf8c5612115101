"""A matcher: the keys of a rule, or of one of its conditions, as tests of a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.identity import Naming
from cash.policy.pattern import Pattern
from cash.policy.subject import Key, Subject
from cash.policy.usage import Usage

MOST_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Asking:
    """The circumstances of a test. exact: the rule loosens, so nothing may be guessed."""

    naming: Naming | None
    usages: Mapping[str, Usage]
    exact: bool


class Test(Protocol):
    """One key of a rule. kinds: the actions it can speak of."""

    @property
    def kinds(self) -> frozenset[str]:
        """Words of `on:`."""

    def test(self, subject: Subject, asking: Asking, /) -> Certainty:
        """How sure it is that the subject is as the key says."""


class Choices:
    """Alternatives, of which only those that may speak of an action are tried for it."""

    def __init__(self, matchers: Sequence[Matcher] = ()) -> None:
        self.matchers = tuple(matchers)
        self._picked: dict[Key, tuple[Matcher, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.matchers)

    def pick(self, key: Key) -> tuple[Matcher, ...]:
        """The alternatives for actions with this key."""
        known = self._picked.get(key)
        if known is None:
            known = tuple(one for one in self.matchers if one.may_speak_of(key))
            if len(self._picked) > MOST_KEYS:  # names come from agents: no end of them
                self._picked.clear()
            self._picked[key] = known
        return known


@dataclass(frozen=True, slots=True)
class Matcher:
    """All tests must hold. condition: a key that cannot speak of an action fails there (in a
    rule's own keys it is left out, since `on` may list several kinds). needs: features (see
    cash.policy.subject) without which a test fails."""

    program: Pattern | None = None
    operation: Pattern | None = None
    tests: tuple[Test, ...] = ()
    choices: Choices = field(default_factory=Choices)
    condition: bool = False
    usages: Mapping[str, Usage] = field(default_factory=dict)
    needs: int = 0

    def may_speak_of(self, key: Key) -> bool:
        """False when it surely says nothing of an action with this key."""
        if self.needs & ~key.features:
            return False
        if self.program is not None and not any(self.program.test(one) for one in key.names):
            return False
        if self.operation is not None and not self._may_be_operation(self.operation, key):
            return False
        if self.condition and any(key.kind not in test.kinds for test in self.tests):
            return False
        return not self.choices or bool(self.choices.pick(key))

    def _may_be_operation(self, operation: Pattern, key: Key) -> bool:
        return operation.test(key.operation) > NO if key.kind == "git" else not self.condition

    def test(self, subject: Subject, inherited: Naming | None, *, exact: bool) -> Certainty:
        """inherited: the naming that a surrounding matcher settled on."""
        if not self.may_speak_of(subject.key):
            return NO
        return self.try_out(subject, inherited, exact=exact)

    def try_out(self, subject: Subject, inherited: Naming | None, *, exact: bool) -> Certainty:
        """test, where may_speak_of(subject.key) is known to hold."""
        if self.program is None:
            naming = inherited if inherited is not None else subject.first
            return self._test(subject, Asking(naming, self.usages, exact))
        best = NO
        for one in self._named(subject, self.program, exact=exact):
            best = max(best, self._test(subject, Asking(one, self.usages, exact)))
            if best == YES:
                break
        return best

    def namings(self, subject: Subject, *, exact: bool) -> tuple[Naming | None, ...]:
        """The namings under which the program key holds."""
        if self.program is None:
            return (subject.first,)
        return self._named(subject, self.program, exact=exact)

    @staticmethod
    def _named(subject: Subject, program: Pattern, *, exact: bool) -> tuple[Naming, ...]:
        return tuple(
            one
            for one in subject.namings
            if (one.sure or not exact) and program.test(one.name) == YES
        )

    def holds(self, subject: Subject, naming: Naming | None, *, exact: bool) -> Certainty:
        """Like test, under a naming for which the program key is known to hold."""
        return self._test(subject, Asking(naming, self.usages, exact))

    def _test(self, subject: Subject, asking: Asking) -> Certainty:
        """may_speak_of(subject.key) holds."""
        found = YES
        if self.operation is not None and subject.kind == "git":
            found = self.operation.test(subject.key.operation)
            if asking.exact and not _is_spelled(subject):
                found = min(found, MAYBE)
        for test in self.tests:
            if subject.kind in test.kinds:
                found = min(found, test.test(subject, asking))
            if found == NO:
                return NO
        if self.choices:
            best = NO
            for one in self.choices.pick(subject.key):
                best = max(best, one.try_out(subject, asking.naming, exact=asking.exact))
                if best == YES:
                    break
            found = min(found, best)
        return found


def _is_spelled(subject: Subject) -> bool:
    """Whether a git operation stands in the line itself, not in an alias or a variable."""
    words = subject.command.argv if subject.command is not None else ()
    return any(word.literal and word.text == subject.key.operation for word in words)
