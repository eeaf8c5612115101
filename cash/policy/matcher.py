"""A matcher: the keys of a rule, or of one of its conditions, as tests of a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cash.policy.certainty import NO, YES, Certainty
from cash.policy.identity import Naming
from cash.policy.pattern import Pattern
from cash.policy.subject import Subject
from cash.policy.usage import Usage


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


@dataclass(frozen=True, slots=True)
class Matcher:
    """All tests must hold. condition: a key that cannot speak of an action fails there (in a
    rule's own keys it is left out, since `on` may list several kinds)."""

    program: Pattern | None = None
    tests: tuple[Test, ...] = ()
    choices: tuple[Matcher, ...] = ()
    condition: bool = False
    usages: Mapping[str, Usage] = field(default_factory=dict)

    def test(self, subject: Subject, inherited: Naming | None, *, exact: bool) -> Certainty:
        """inherited: the naming that a surrounding matcher settled on."""
        best = NO
        for naming in self._namings(subject, inherited, exact=exact):
            best = max(best, self._test(subject, Asking(naming, self.usages, exact)))
            if best == YES:
                break
        return best

    def namings(self, subject: Subject, *, exact: bool) -> tuple[Naming | None, ...]:
        """The namings under which the program key holds."""
        return self._namings(subject, None, exact=exact)

    def _namings(
        self, subject: Subject, inherited: Naming | None, *, exact: bool
    ) -> tuple[Naming | None, ...]:
        if self.program is None:
            return (inherited if inherited is not None else next(iter(subject.namings), None),)
        program = self.program
        found = [one for one in subject.namings if program.test(one.name) == YES]
        return tuple(one for one in found if one.sure or not exact)

    def _test(self, subject: Subject, asking: Asking) -> Certainty:
        found = YES
        for test in self.tests:
            if subject.kind not in test.kinds:
                if self.condition:
                    return NO
                continue
            found = min(found, test.test(subject, asking))
            if found == NO:
                return NO
        if self.choices:
            found = min(
                found,
                max(one.test(subject, asking.naming, exact=asking.exact) for one in self.choices),
            )
        return found
