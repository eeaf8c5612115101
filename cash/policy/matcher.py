"""A matcher: the keys of a rule, or of one of its conditions, as tests of a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.identity import Naming
from cash.policy.pattern import Pattern
from cash.policy.subject import Key, Subject
from cash.policy.usage import Usage


class Asking(NamedTuple):
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
    """All tests must hold, and one of the choices. condition: a key that cannot speak of an
    action fails there (in a rule's own keys it is left out, since `on` may list several kinds).
    needs: features (see cash.policy.features) without which a test fails; bars: those with which
    one fails."""

    program: Pattern | None = None
    operation: Pattern | None = None
    tests: tuple[Test, ...] = ()
    choices: tuple[Matcher, ...] = ()
    condition: bool = False
    usages: Mapping[str, Usage] = field(default_factory=dict)
    needs: int = 0
    bars: int = 0

    def narrow(self, key: Key) -> Narrow | None:
        """What is left to ask of actions with this key; None: it surely says nothing of them."""
        if self.needs & ~key.features or self.bars & key.features:
            return None
        names: frozenset[str] | None = None
        if self.program is not None:
            certain = {name: self.program.test(name) for name in key.names}
            if not any(certain.values()):
                return None
            names = frozenset([name for name in key.names if certain[name] == YES])
        operation = self.operation
        if operation is not None and key.kind != "git":
            if self.condition:
                return None
            operation = None
        if operation is not None and operation.test(key.operation) == NO:
            return None
        if self.condition and any(key.kind not in test.kinds for test in self.tests):
            return None
        choices = tuple([one for each in self.choices if (one := each.narrow(key)) is not None])
        if self.choices and not choices:
            return None
        tests = tuple([one.test for one in self.tests if key.kind in one.kinds])
        bare = names is None and operation is None and not tests
        if bare and len(choices) == 1 and choices[0].names is None:
            return choices[0]  # `any` with a single entry says what the entry says
        return Narrow(names, operation, tests, choices, self.usages)


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a matcher asks of actions whose key is known. names: those of the key's names that
    the program key speaks of; None where there is no such key."""

    names: frozenset[str] | None
    operation: Pattern | None
    tests: tuple[Callable[[Subject, Asking], Certainty], ...]
    choices: tuple[Narrow, ...]
    usages: Mapping[str, Usage]

    def test(self, subject: Subject, inherited: Naming | None, exact: bool) -> Certainty:
        """inherited: the naming that a surrounding matcher settled on."""
        if self.names is None:
            return self.holds(subject, inherited or subject.first, exact)
        best = NO
        for one in self.namings(subject, exact):
            best = max(best, self.holds(subject, one, exact))
            if best == YES:
                break
        return best

    def namings(self, subject: Subject, exact: bool) -> tuple[Naming | None, ...]:
        """The namings under which the program key holds."""
        if self.names is None:
            return (subject.first,)
        return tuple(
            [one for one in subject.namings if (one.sure or not exact) and one.name in self.names]
        )

    # Every rule of every command passes here, most to be told no: hence no keyword arguments, and
    # the calls that could be saved are.
    def holds(self, subject: Subject, naming: Naming | None, exact: bool) -> Certainty:
        """Like test, under a naming for which the program key is known to hold."""
        found = YES
        if self.operation is not None:
            found = self.operation.test(subject.key.operation)
            if exact and not _is_spelled(subject):
                found = min(found, MAYBE)
        if self.tests:
            asking = Asking(naming, self.usages, exact)
            for test in self.tests:
                here = test(subject, asking)
                if here == NO:
                    return NO
                if here < found:
                    found = here
        if self.choices:
            best = NO
            for one in self.choices:
                if one.names is None:
                    here = one.holds(subject, naming or subject.first, exact)
                else:
                    here = one.test(subject, naming, exact)
                if here > best:
                    best = here
                    if best == YES:
                        break
            if best < found:
                found = best
        return found


def _is_spelled(subject: Subject) -> bool:
    """Whether a git operation stands in the line itself, not in an alias or a variable."""
    words = subject.command.argv if subject.command is not None else ()
    return any(word.literal and word.text == subject.key.operation for word in words)
