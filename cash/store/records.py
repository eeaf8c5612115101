"""The values the state keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decision = Literal["allow", "deny"]
Scope = Literal["once", "session", "1h"]


@dataclass(frozen=True, slots=True)
class RepositoryRecord:
    """An adopted repository. root, common_dir: absolute paths; adopted: Unix seconds."""

    id: str
    root: str
    common_dir: str
    adopted: float


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """One agent of one repository. repository: its id; incarnation: unique, of this life of the
    name; base: the commit it started from; created: Unix seconds."""

    repository: str
    name: str
    incarnation: str
    provider: str
    branch: str
    from_ref: str
    base: str
    mode: str
    status: str
    created: float


@dataclass(frozen=True, slots=True)
class Trusted:
    """Policy bytes the user has trusted. path: where they were found then; since: Unix seconds."""

    sha256: str
    path: str
    since: float


@dataclass(frozen=True, slots=True)
class Session:
    """A governed shell. agent: the incarnation; started, ended: Unix seconds."""

    id: str
    agent: str
    started: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user answered about a line. expiry: Unix seconds."""

    decision: Decision
    scope: Scope
    expiry: float
