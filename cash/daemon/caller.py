"""What a verb of polisd may use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cash.daemon.connection import Connection
from cash.daemon.hosting import Hosted
from cash.daemon.repositories import Repositories
from cash.workspace.agent import Agent

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """One call's surroundings."""

    repositories: Repositories
    connection: Connection
    stopping: asyncio.Event

    def agent(self, fields: Fields) -> tuple[Hosted, Agent, str]:
        """The agent that the call's "agent" and "cwd" mean."""
        return self.repositories.find_agent(str(fields.get("agent") or ""), _cwd(fields))

    def hosted(self, fields: Fields) -> Hosted:
        """The repository that the call's "cwd" means."""
        return self.repositories.find_repository(_cwd(fields))


Verb = Callable[[Caller, Fields], Awaitable[dict[str, Any]]]


def _cwd(fields: Fields) -> str:
    return str(fields.get("cwd") or "/")
