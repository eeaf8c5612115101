"""Codex's hooks (seen with 0.169.0): Claude Code's words, with a patch for what writes files."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from cash.providers.hooks import claude
from cash.providers.hooks.event import Asked, HookEvent, Protocol, Ruling, Told

_PATCH: Final = "apply_patch"
_TARGET: Final = re.compile(
    r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\s*$", re.MULTILINE
)


def read(asked: Asked) -> HookEvent:
    """The event of one hook's input. ValueError when it is none."""
    event = claude.read(asked)
    kind = "turn-ends" if event.name == "Interrupt" else event.kind
    writes = event.writes
    if event.tool == _PATCH:
        found = [name for text in event.arguments.values() for name in _TARGET.findall(text)]
        writes = tuple(dict.fromkeys(found))
    # It knows no question from a hook: it would say that it does not understand.
    return replace(event, kind=kind, writes=writes, can_ask=False)


def tell(event: HookEvent, ruling: Ruling) -> Told:
    """As Claude Code is told."""
    return claude.tell(event, ruling)


PROTOCOL: Final = Protocol(
    read, tell, ".codex/hooks.json", "codex/hooks.json", ".codex/skills/polis/SKILL.md"
)
