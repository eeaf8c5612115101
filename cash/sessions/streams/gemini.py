"""Gemini CLI's --output-format stream-json (0.61.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cash.sessions.streams.told import Told, call_line, failure_line, in_short


def read_event(event: Mapping[str, Any]) -> Told | None:
    """What it tells. An event of type error is one that it goes on after."""
    match event:
        case {"type": "init"}:
            return Told("running", "it has begun")
        case {"type": "message", "role": "user"}:
            return Told("running", "a turn has begun")
        case {"type": "message", "role": "assistant"}:
            return Told("running", "it answers")
        case {"type": "tool_use", "tool_name": str(tool), "tool_id": str(call)}:
            given = event.get("parameters", {})
            about = given.get("command") or given.get("file_path") or ""
            return Told("running", in_short(f"{tool}: {about}" if about else tool), call)
        case {"type": "tool_result", "tool_id": str(call), "status": status}:
            failed = status == "error"
            return Told("running", "a call has failed" if failed else "a call has ended", call)
        case {"type": "error", "message": str(message)}:
            return Told("running", in_short(message))
        case {"type": "result", "status": "success"}:
            return Told("completed", "its turn is done")
        case {"type": "result", "status": "error"}:
            error = event.get("error") or {}
            return Told("error", in_short(error.get("message") or "its turn has failed"))
        case _:
            return None


def tell_event(event: Mapping[str, Any]) -> list[str]:
    """What people read of it. A message may come in pieces, each of which is told by itself."""
    match event:
        case {"type": "message", "role": "assistant", "content": str(text)}:
            return text.splitlines()
        case {"type": "tool_use", "tool_name": str(tool)}:
            given = event.get("parameters", {})
            return [call_line(tool, given.get("command") or given.get("file_path"))]
        case {"type": "tool_result", "status": "error"}:
            return [failure_line(event.get("output") or event.get("error") or "")]
        case {"type": "error", "message": str(message)}:
            return [in_short(message)]
        case {"type": "result", "status": "error"}:
            return [in_short((event.get("error") or {}).get("message") or "its turn has failed")]
        case _:
            return []


def begins(event: Mapping[str, Any]) -> bool:
    """Whether it is the first of a run."""
    return event.get("type") == "init"
