"""GitHub Copilot CLI's --output-format json (1.0.102)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cash.sessions.streams.told import Told, call_line, failure_line, in_short


def read_event(event: Mapping[str, Any]) -> Told | None:
    """What it tells. A failed call of its model is followed by another try or by session.error."""
    match event:
        case {"type": "user.message"}:
            return Told("running", "a turn has begun")
        case {"type": "assistant.message_start"}:
            return Told("running", "it answers")
        case {"type": "tool.execution_start", "data": {"toolName": str(tool), **data}}:
            given: Any = data.get("arguments") or {}
            about = given.get("command") or given.get("path") or ""
            call = str(data.get("toolCallId") or "")
            return Told("running", in_short(f"{tool}: {about}" if about else tool), call)
        case {"type": "tool.execution_complete", "data": {"toolCallId": str(call), **data}}:
            failed = data.get("success") is False
            return Told("running", "a call has failed" if failed else "a call has ended", call)
        case {"type": "model.call_failure", "data": {"errorMessage": str(message)}}:
            return Told("running", in_short(message))
        case {"type": "session.error", "data": {"message": str(message)}}:
            return Told("error", in_short(message))
        case {"type": "result", "exitCode": 0}:
            return Told("completed", "its turn is done")
        case _:
            return None


def tell_event(event: Mapping[str, Any]) -> list[str]:
    """What people read of it."""
    match event:
        case {"type": "assistant.message", "data": {"content": str(text)}}:
            return text.splitlines()
        case {"type": "tool.execution_start", "data": {"toolName": str(tool), **data}}:
            given: Any = data.get("arguments") or {}
            return [call_line(tool, given.get("command") or given.get("path"))]
        case {"type": "tool.execution_complete", "data": {"success": False, **data}}:
            failed: Any = data.get("error") or data.get("result") or {}
            return [failure_line(failed.get("message") or failed.get("content") or "")]
        case {"type": "model.call_failure", "data": {"errorMessage": str(message)}}:
            return [in_short(message)]
        case {"type": "session.error", "data": {"message": str(message)}}:
            return [in_short(message)]
        case _:
            return []


def begins(event: Mapping[str, Any]) -> bool:
    """Whether it is the first of a run."""
    return event.get("type") == "user.message"
