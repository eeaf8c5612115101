"""A rule as it is judged: what it speaks of, what it decides, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.identity import Naming
from cash.policy.matcher import Matcher, Narrow, Test
from cash.policy.rewriters.result import Rewriter
from cash.policy.subject import Key, Subject
from cash.policy.template import Template
from cash.policy.verdict import Decision, Level


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rule stands: its layer, its file, its first line (from 1)."""

    layer: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """levels: other decisions at some levels (None: silent there). unknown: what to decide
    where the rule may match but the line does not tell (None: nothing)."""

    id: str
    kinds: frozenset[str]
    body: Matcher
    decision: Decision
    reason: str
    hint: str | None = None
    rewrite: Rewriter | Template | None = None
    levels: Mapping[Level, Decision | None] = field(default_factory=dict)
    unknown: Decision | None = None
    when: Matcher | None = None
    unless: tuple[Matcher, ...] = ()
    locked: bool = False
    origin: Origin = field(default_factory=Origin)

    def matchers(self) -> Iterator[Matcher]:
        """Its body and conditions, with all that stand in them as choices."""
        waiting: list[Matcher] = [self.body, *self.unless]
        if self.when is not None:
            waiting.append(self.when)
        while waiting:
            matcher = waiting.pop()
            waiting.extend(matcher.choices)
            yield matcher

    def tests(self) -> Iterator[Test]:
        """Everything that it asks, wherever that stands in it."""
        for matcher in self.matchers():
            yield from matcher.tests

    def narrow(self, key: Key) -> NarrowRule | None:
        """What is left of it for actions with this key; None: it surely says nothing of them."""
        body = self.body.narrow(key)
        when = None if self.when is None else self.when.narrow(key)
        if body is None or (when is None and self.when is not None):
            return None
        unless = tuple([one for each in self.unless if (one := each.narrow(key)) is not None])
        # A rule that loosens may guess nothing.
        return NarrowRule(self, body, when, unless, self.decision is Decision.ALLOW)

    def decide(self, certainty: Certainty, level: Level, *, enforced: bool) -> Decision | None:
        """What follows from a match; None: nothing."""
        if certainty == MAYBE:
            # What a keeper judges again, with its real words, need not be guessed at here.
            return None if enforced else self.unknown
        if certainty == NO:
            return None
        if not self.levels:
            return self.decision
        # Observing notes what the usual level would have decided.
        at = Level.BALANCED if level is Level.OBSERVE else level
        return self.levels.get(at, self.decision)


@dataclass(frozen=True, slots=True)
class NarrowRule:
    """A rule as far as it can speak of actions with one key."""

    rule: Rule
    body: Narrow
    when: Narrow | None
    unless: tuple[Narrow, ...]
    exact: bool

    def match(self, subject: Subject) -> tuple[Certainty, Naming | None]:
        """How sure it is that the rule speaks of subject, and under which of its names."""
        exact = self.exact
        best: Certainty = NO
        under: Naming | None = None
        for naming in self.body.namings(subject, exact):
            found = self.body.holds(subject, naming, exact)
            if found == NO:
                continue
            if self.when is not None:
                found = min(found, self.when.test(subject, naming, exact))
            if found <= best or self._is_excused(subject, naming):
                continue
            best, under = found, naming
            if best == YES:
                break
        return best, under

    def _is_excused(self, subject: Subject, naming: Naming | None) -> bool:
        # What loosens must be certain.
        return any([one.test(subject, naming, True) == YES for one in self.unless])
