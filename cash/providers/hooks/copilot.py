"""GitHub Copilot CLI's hooks (seen with 1.0.102). Its input does not name the event: the installed
command does. It names no tool call: one is made of what is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from cash.providers.hooks.event import (
    Asked,
    HookEvent,
    Kind,
    Protocol,
    Ruling,
    Told,
    name_call,
    shorten,
    texts_of,
)

_KINDS: Final[Mapping[str, Kind]] = {
    "sessionStart": "session-begins",
    "userPromptSubmitted": "prompted",
    "preToolUse": "tool-begins",
    "postToolUse": "tool-ends",
    # It tells this before every call that it carries out, also where it asks nobody.
    "permissionRequest": "other",
    "agentStop": "turn-ends",
    "sessionEnd": "session-ends",
    "errorOccurred": "failed",
}
# The first two seen; the others are of other versions' documentation.
_WRITERS: Final = ("create", "edit", "str_replace_editor", "write")


def read(asked: Asked) -> HookEvent:
    """The event of one hook's input. ValueError when it is none."""
    name = asked.event or asked.text("hook_event_name")
    if name not in _KINDS:
        raise ValueError("the command does not name the event")
    tool, arguments = asked.text("toolName"), texts_of(asked.values.get("toolArgs"))
    path = arguments.get("path", "") if tool in _WRITERS else ""
    return HookEvent(
        kind=_KINDS[name],
        name=name,
        session=asked.text("sessionId"),
        tool=tool,
        call=name_call("copilot", asked.text("sessionId"), tool, arguments),
        arguments=arguments,
        line=arguments.get("command") if tool == "bash" else None,
        intent=shorten(arguments.get("description", "")),
        writes=(path,) if path else (),
        cwd=asked.text("cwd"),
        note=shorten(asked.text("prompt", "initialPrompt", "reason")),
    )


def tell(event: HookEvent, ruling: Ruling) -> Told:
    """A refusal; its own question comes as it would."""
    if ruling.decision != "deny" or event.name != "preToolUse":
        return Told()
    answer = {"permissionDecision": "deny", "permissionDecisionReason": ruling.text}
    return Told(out=json.dumps(answer))


PROTOCOL: Final = Protocol(read, tell, ".copilot/hooks/polis.json", "copilot/polis.json")
