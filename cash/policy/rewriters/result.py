"""What a rewriter answers: another command, nothing to change, or that it cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cash.policy.context import Facts
from cash.policy.verdict import Choice, Decision
from cash.syntax.command import Word


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The command to run instead. Words taken over from the old argv keep their source text;
    new ones are `literal_word(text)`. before: a command that has to succeed first, or ()."""

    argv: tuple[Word, ...]
    before: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The rule has nothing to say about this command."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The command has no equivalent, or more must be known: a person (or nobody) decides."""

    reason: str
    hint: str | None = None
    decision: Literal[Decision.ASK, Decision.DENY] = Decision.ASK
    choices: tuple[Choice, ...] = ()


Rewriter = Callable[[tuple[Word, ...], Facts], Rewritten | Unchanged | Unclear]


def literal_word(text: str) -> Word:
    """A word of that value; it is quoted, where bash needs it, when it is put into a line."""
    return Word(parts=(text,), source=text)
