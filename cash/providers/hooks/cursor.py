"""Cursor's hooks, by its documentation (cursor.com/docs/agent/hooks): not tried, since its agent
needs an account."""

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
    shorten,
    texts_of,
)

_KINDS: Final[Mapping[str, Kind]] = {
    "sessionStart": "session-begins",
    "beforeSubmitPrompt": "prompted",
    "beforeShellExecution": "tool-begins",
    "afterShellExecution": "tool-ends",
    "beforeMCPExecution": "tool-begins",
    "afterMCPExecution": "tool-ends",
    "afterFileEdit": "tool-ends",
    "stop": "turn-ends",
    "sessionEnd": "session-ends",
}
_TOOLS: Final = {
    **dict.fromkeys(("beforeShellExecution", "afterShellExecution"), "Shell"),
    "afterFileEdit": "Edit",
}


def read(asked: Asked) -> HookEvent:
    """The event of one hook's input. ValueError when it is none."""
    name = asked.text("hook_event_name") or asked.event
    if not name:
        raise ValueError("no hook_event_name")
    kind = _KINDS.get(name, "other")
    if name == "stop" and asked.text("status") == "error":
        kind = "failed"
    path = asked.text("file_path") if name == "afterFileEdit" else ""
    arguments = {"file_path": path} if path else texts_of(asked.values.get("tool_input"))
    return HookEvent(
        kind=kind,
        name=name,
        session=asked.text("conversation_id", "session_id"),
        tool=_TOOLS.get(name) or asked.text("tool_name"),
        call=asked.identifier("tool_use_id", "generation_id"),
        arguments=arguments,
        line=asked.text("command") if name == "beforeShellExecution" else None,
        writes=(path,) if path else (),
        cwd=asked.text("cwd"),
        note=shorten(asked.text("prompt", "status", "reason")),
        can_ask=name in ("beforeShellExecution", "beforeMCPExecution"),
    )


def tell(event: HookEvent, ruling: Ruling) -> Told:
    """Refusals go to the model and to the person; the names of both have changed once."""
    if ruling.decision == "none" or event.kind != "tool-begins":
        return Told()
    names = ("user_message", "agent_message", "userMessage", "agentMessage")
    return Told(
        out=json.dumps({"permission": ruling.decision, **dict.fromkeys(names, ruling.text)})
    )


PROTOCOL: Final = Protocol(read, tell, ".cursor/hooks.json", "cursor/hooks.json")
