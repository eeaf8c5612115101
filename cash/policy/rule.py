"""A rule as it is judged: what it speaks of, what it decides, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.identity import Naming
from cash.policy.matcher import Choices, Matcher
from cash.policy.rewriters.result import Rewriter
from cash.policy.subject import Subject
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
    unless: Choices = field(default_factory=Choices)
    locked: bool = False
    origin: Origin = field(default_factory=Origin)

    def match(self, subject: Subject) -> tuple[Certainty, Naming | None]:
        """How sure it is that the rule speaks of subject, and under which of its names."""
        exact = self.decision is Decision.ALLOW
        best: Certainty = NO
        under: Naming | None = None
        for naming in self.body.namings(subject, exact=exact):
            found = self.body.holds(subject, naming, exact=exact)
            if found and self.when is not None:
                found = min(found, self.when.test(subject, naming, exact=exact))
            if found <= best or self._is_excused(subject, naming):
                continue
            best, under = found, naming
            if best == YES:
                break
        return best, under

    def _is_excused(self, subject: Subject, naming: Naming | None) -> bool:
        # What loosens must be certain.
        excuses = self.unless.pick(subject.key)
        return any(one.try_out(subject, naming, exact=True) == YES for one in excuses)

    def decide(self, certainty: Certainty, level: Level, *, enforced: bool) -> Decision | None:
        """What follows from a match; None: nothing."""
        if certainty == MAYBE:
            # What a keeper judges again, with its real words, need not be guessed at here.
            return None if enforced else self.unknown
        if certainty == NO:
            return None
        # Observing notes what the usual level would have decided.
        at = Level.BALANCED if level is Level.OBSERVE else level
        return self.levels.get(at, self.decision)
