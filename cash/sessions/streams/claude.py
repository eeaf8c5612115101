"""Claude Code's --output-format stream-json (2.1.197)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cash.sessions.streams.told import Told, call_line, failure_line, in_short


def read_event(event: Mapping[str, Any]) -> Told | None:
    """What it tells; hooks, which it reports too, tell for themselves."""
    match event:
        case {"type": "system", "subtype": "init"}:
            return Told("running", "it has begun")
        case {"type": "assistant" | "user", "message": {"content": [*blocks]}}:
            return _read_block(blocks[-1]) if blocks else None
        case {"type": "control_request", "request": {"subtype": "can_use_tool", "tool_name": tool}}:
            return Told("waiting_approval", f"may it use {tool}?", str(event.get("request_id", "")))
        case {"type": "result", "is_error": True}:
            return Told("error", in_short(event.get("result") or event.get("subtype", "")))
        case {"type": "result", "is_error": False}:
            return Told("completed", in_short(event.get("result", "")))
        case _:
            return None


def tell_event(event: Mapping[str, Any]) -> list[str]:
    """What people read of it."""
    match event:
        case {"type": "assistant" | "user", "message": {"content": [*blocks]}}:
            return [line for block in blocks for line in _tell_block(block)]
        case {"type": "control_request", "request": {"subtype": "can_use_tool", "tool_name": tool}}:
            return [f"? {tool}"]
        case {"type": "result", "is_error": True}:
            return [in_short(event.get("result") or event.get("subtype", ""))]
        case _:
            return []  # the result of a task that went well is its last message


def begins(event: Mapping[str, Any]) -> bool:
    """Whether it is the first of a run."""
    return event.get("type") == "system" and event.get("subtype") == "init"


def _tell_block(block: Mapping[str, Any]) -> list[str]:
    match block:
        case {"type": "text", "text": str(text)}:
            return text.splitlines()
        case {"type": "tool_use", "name": str(tool), "input": given}:
            return [call_line(tool, given.get("command") or given.get("file_path"))]
        case {"type": "tool_result", "is_error": True, "content": content}:
            return [failure_line(content)]
        case _:
            return []


def _read_block(block: Mapping[str, Any]) -> Told | None:
    match block:
        case {"type": "tool_use", "id": str(call), "name": str(tool), "input": given}:
            about = given.get("command") or given.get("file_path") or ""
            return Told("running", in_short(f"{tool}: {about}" if about else tool), call)
        case {"type": "tool_result", "tool_use_id": str(call)}:
            failed = bool(block.get("is_error"))
            return Told("running", "a call has failed" if failed else "a call has ended", call)
        case {"type": "text" | "thinking"}:
            return Told("running", "it answers")
        case _:
            return None
