"""Gemini CLI's hooks (seen with 0.61.0). It names no tool call: one is made of what is called."""

from __future__ import annotations

import hashlib
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
        call=_name_call(asked.text("session_id"), tool, arguments) if tool else "",
        arguments=arguments,
        line=arguments.get("command") if tool == _SHELL else None,
        intent=shorten(arguments.get("description", "")),
        writes=(path,) if path else (),
        cwd=asked.text("cwd"),
        note=shorten(asked.text("message", "prompt", "reason")),
    )


def _name_call(session: str, tool: str, arguments: Mapping[str, str]) -> str:
    """The same before and after: of two equal calls at once nobody can tell which has ended."""
    called = json.dumps([session, tool, sorted(arguments.items())])
    return f"gemini-{hashlib.blake2b(called.encode(), digest_size=8).hexdigest()}"


def tell(event: HookEvent, ruling: Ruling) -> Told:
    """It knows yes and no; no question."""
    if ruling.decision != "deny" or event.name != "BeforeTool":
        return Told()
    return Told(out=json.dumps({"decision": "deny", "reason": ruling.text}))


PROTOCOL: Final = Protocol(
    read, tell, ".gemini/settings.json", "gemini/settings.json", ".gemini/skills/polis/SKILL.md"
)
