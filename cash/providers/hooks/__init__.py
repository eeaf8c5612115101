"""The hook protocols of agents' own programs, one a file: what they tell, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cash.providers.hooks import claude, codex, copilot, cursor, gemini
from cash.providers.hooks.event import Protocol

PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "claude": claude.PROTOCOL,
    "codex": codex.PROTOCOL,
    "gemini": gemini.PROTOCOL,
    "cursor": cursor.PROTOCOL,
    "copilot": copilot.PROTOCOL,
}
