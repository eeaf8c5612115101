"""What a question shows of a line and its verdict, redacted: read by people, kept in the store."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cash.policy.explain import describe_choice, unique
from cash.policy.verdict import Choice, Decision, Verdict
from cash.store.redaction import redact_argv, redact_text


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that asks, and why. hint: what to do instead, or None."""

    rule: str
    reason: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """line and rewritten are redacted. commands: each command of the line, redacted by itself,
    where redaction took something out of the line: that must not hide a command from who allows
    it. reasons: of every rule that asks, at least one, the one to name first. choices: what is
    answered instead of yes."""

    line: str
    reasons: tuple[Reason, ...]
    rewritten: str | None = None
    commands: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def size(self) -> int:
        """About how many characters it keeps."""
        return sum(map(len, (self.line, self.rewritten or "", *self.commands)))

    def describe(self) -> dict[str, Any]:
        """The JSON of it, all that a question is explained with."""
        return {
            "line": self.line,
            "commands": list(self.commands),
            "rewritten": self.rewritten,
            "rule": self.reasons[0].rule,
            "reason": self.reasons[0].reason,
            "hint": self.reasons[0].hint,
            "rules": [{"id": r.rule, "reason": r.reason, "hint": r.hint} for r in self.reasons],
            "choices": [describe_choice(choice) for choice in self.choices],
        }


def read_shown(body: Mapping[str, Any]) -> Shown:
    """What describe() gave."""
    return Shown(
        line=body["line"],
        commands=tuple(body["commands"]),
        rewritten=body["rewritten"],
        reasons=tuple(Reason(one["id"], one["reason"], one["hint"]) for one in body["rules"]),
        choices=tuple(Choice(**one) for one in body["choices"]),
    )


def show(text: str, verdict: Verdict) -> Shown:
    """A question about a verdict that asks. text: what people read as the line."""
    asking = [one for one in unique(verdict.matches) if one.decision is Decision.ASK]
    # What is chosen may change the whole verdict: the choice comes before the other rules.
    asking.sort(key=lambda one: not one.choices)
    line = redact_text(text)
    return Shown(
        line=line,
        commands=()
        if line == text
        else tuple(shlex.join(redact_argv(argv)) for argv in verdict.commands),
        rewritten=redact_text(verdict.rewritten) if verdict.rewritten else None,
        # A rewriter's reasons and hints quote the line.
        reasons=tuple(
            Reason(one.rule, redact_text(one.reason), one.hint and redact_text(one.hint))
            for one in asking or verdict.matches[:1]
        ),
        choices=asking[0].choices if asking else (),
    )
