"""The values the state keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cash.store.body import JSON

Decision = Literal["allow", "deny"]
Scope = Literal["once", "session", "1h"]


@dataclass(frozen=True, slots=True)
class Trusted:
    """Policy bytes the user has trusted. path: where they were found then; since: Unix seconds."""

    sha256: str
    path: str
    since: float


@dataclass(frozen=True, slots=True)
class Asked:
    """An open question. agent: the incarnation; subject: the keyed hash of what is asked about;
    asked: Unix seconds; shown: JSON, redacted, what the question is explained with."""

    id: str
    key: str
    agent: str
    subject: bytes
    asked: float
    shown: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user answered about a line. expiry: Unix seconds."""

    decision: Decision
    scope: Scope
    expiry: float
