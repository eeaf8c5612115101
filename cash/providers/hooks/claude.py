"""Claude Code's hooks (seen with 2.1.197): JSON on standard input, JSON on standard output."""

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
    "SessionStart": "session-begins",
    "UserPromptSubmit": "prompted",
    "PreToolUse": "tool-begins",
    "PostToolUse": "tool-ends",
    "PostToolUseFailure": "tool-ends",
    "PermissionRequest": "asks-permission",
    "Stop": "turn-ends",
    "StopFailure": "failed",
    "SessionEnd": "session-ends",
}
_NOTICES: Final[Mapping[str, Kind]] = {
    "permission_prompt": "asks-permission",
    "idle_prompt": "waits-for-input",
    "elicitation_dialog": "waits-for-input",
}
# Its tools that write a file, by the argument that names it.
_WRITERS: Final = {
    **dict.fromkeys(("Write", "Edit", "MultiEdit"), "file_path"),
    "NotebookEdit": "notebook_path",
}


def read(asked: Asked) -> HookEvent:
    """The event of one hook's input. ValueError when it is none."""
    name = asked.text("hook_event_name")
    if not name:
        raise ValueError("no hook_event_name")
    kind = _KINDS.get(name, "other")
    if name == "Notification":
        kind = _NOTICES.get(asked.text("notification_type"), "other")
    if name == "SessionEnd" and asked.text("reason") == "clear":
        kind = "turn-ends"  # the program goes on
    tool, arguments = asked.text("tool_name"), texts_of(asked.values.get("tool_input"))
    path = arguments.get(_WRITERS.get(tool, ""), "")
    return HookEvent(
        kind=kind,
        name=name,
        session=asked.text("session_id"),
        tool=tool,
        call=asked.identifier("tool_use_id"),
        arguments=arguments,
        line=arguments.get("command") if tool == "Bash" else None,
        intent=shorten(arguments.get("description", "")),
        writes=(path,) if path else (),
        cwd=asked.text("cwd"),
        note=shorten(asked.text("message", "prompt", "error", "reason")),
        # With -p or from an SDK nobody is there: a question would be a refusal without an answer.
        can_ask=asked.entry == "cli",
    )


def tell(event: HookEvent, ruling: Ruling) -> Told:
    """Only what comes before a tool is answered."""
    if ruling.decision == "none" or event.name != "PreToolUse":
        return Told()
    answer = {
        "hookEventName": event.name,
        "permissionDecision": ruling.decision,
        "permissionDecisionReason": ruling.text,
    }
    return Told(out=json.dumps({"hookSpecificOutput": answer}))


PROTOCOL: Final = Protocol(
    read, tell, ".claude/settings.json", "claude/settings.json", ".claude/skills/polis/SKILL.md"
)
