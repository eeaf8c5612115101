"""A verdict is an ordered decision and its reasons."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Decision(enum.IntEnum):
    """Ordered by strictness; verdicts combine by max()."""

    ALLOW = 0
    REWRITE = 1
    ASK = 2
    DENY = 3

    @property
    def word(self) -> str:
        """allow, rewrite, ask or deny: the word policies and JSON use."""
        return self.name.lower()


class Level(enum.Enum):
    """How strict the defaults are; OBSERVE journals and lets everything pass."""

    OBSERVE = "observe"
    RELAXED = "relaxed"
    BALANCED = "balanced"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer besides yes and no: `setting` becomes `word` for the repository, and the line is
    judged again. key: the letter that gives it in the shell. meaning, effect: for people."""

    word: str
    key: str
    meaning: str
    effect: str
    setting: str


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that spoke. words: the command or path it spoke of, as written. hint: what to do
    instead, or None. choices: what may be answered besides yes and no; a question that has some
    takes no plain yes. The rule's pattern is not carried: agents see matches."""

    rule: str
    decision: Decision
    reason: str
    hint: str | None = None
    words: str = ""
    choices: tuple[Choice, ...] = ()


# A tuple, since every command has one: a frozen dataclass takes twice as long to make.
class Grant(NamedTuple):
    """A command a judged line predicted: it may run while the line runs."""

    argv: tuple[str, ...]
    cwd: str | None
    program: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """decision: the strictest match. matches: strictest first. rewritten: the whole line as it
    would run instead, when rules rewrote parts of it (also under ASK: a question shows it).
    commands: the argv of every command found, expansions as written. hosts: the host and port of
    every connection that is foreseen. far: what git is foreseen to ask of other repositories: the
    operation, the remote, and what of it is to become what (a refspec), "" for whatever is new."""

    decision: Decision
    matches: tuple[Match, ...] = ()
    rewritten: str | None = None
    grants: tuple[Grant, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    hosts: tuple[tuple[str, int], ...] = ()
    readers: Mapping[str, str] = field(default_factory=dict)
    far: tuple[tuple[str, str, str], ...] = ()
