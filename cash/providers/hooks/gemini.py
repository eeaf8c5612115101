"""Gemini CLI's hooks (seen with 0.61.0). It names no tool call: one is made of what is called."""

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
    "SessionStart": "session-begins",
    "BeforeAgent": "prompted",
    "BeforeTool": "tool-begins",
    "AfterTool": "tool-ends",
    "AfterAgent": "turn-ends",
    "SessionEnd": "session-ends",
}
_SHELL: Final = "run_shell_command"
_WRITERS: Final = ("write_file", "replace")


def read(asked: Asked) -> HookEvent:
    """The event of one hook's input. ValueError when it is none."""
    name = asked.text("hook_event_name")
    if not name:
        raise ValueError("no hook_event_name")
    kind = _KINDS.get(name, "other")
    if name == "Notification" and asked.text("notification_type") == "ToolPermission":
        kind = "asks-permission"
    if name == "SessionEnd" and asked.text("reason") == "clear":
        kind = "turn-ends"
    tool, arguments = asked.text("tool_name"), texts_of(asked.values.get("tool_input"))
    path = arguments.get("file_path", "") if tool in _WRITERS else ""
    return HookEvent(
        kind=kind,
        name=name,
        session=asked.text("session_id"),
        tool=tool,
        call=name_call("gemini", asked.text("session_id"), tool, arguments),
        arguments=arguments,
        line=arguments.get("command") if tool == _SHELL else None,
        intent=shorten(arguments.get("description", "")),
        writes=(path,) if path else (),
        cwd=asked.text("cwd"),
        note=shorten(asked.text("message", "prompt", "reason")),
    )


def tell(event: HookEvent, ruling: Ruling) -> Told:
    """It knows yes and no; no question."""
    if ruling.decision != "deny" or event.name != "BeforeTool":
        return Told()
    return Told(out=json.dumps({"decision": "deny", "reason": ruling.text}))


PROTOCOL: Final = Protocol(
    read, tell, ".gemini/settings.json", "gemini/settings.json", ".gemini/skills/polis/SKILL.md"
)
