"""OpenCode's `run --format json` (1.18.33). It tells of a call when that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cash.sessions.streams.told import Told, call_line, failure_line, in_short


def read_event(event: Mapping[str, Any]) -> Told | None:
    """What it tells. A turn is of several steps: each that calls a tool is followed by another."""
    match event:
        case {"type": "step_start"} | {"type": "text"}:
            return Told("running", "it answers")
        case {"type": "tool_use", "part": {"tool": str(tool), "callID": str(call), "state": state}}:
            end = "failed" if state.get("status") == "error" else "ended"
            return Told("running", f"a call has {end}: {tool}", call)
        case {"type": "step_finish", "part": {"reason": "stop"}}:
            return Told("completed", "its turn is done")
        case {"type": "step_finish"}:
            return Told("running", "a step is done")
        case {"type": "error", "error": {"data": {"message": str(message)}}}:
            return Told("error", in_short(message))
        case {"type": "error", "error": {"name": str(name)}}:
            return Told("error", in_short(name))
        case _:
            return None


def tell_event(event: Mapping[str, Any]) -> list[str]:
    """What people read of it."""
    match event:
        case {"type": "text", "part": {"text": str(text)}}:
            return text.splitlines()
        case {"type": "tool_use", "part": {"tool": str(tool), "state": state}}:
            given = state.get("input") or {}
            called = call_line(tool, given.get("command") or given.get("filePath"))
            failed = state.get("status") == "error"
            return [called, *([failure_line(state.get("error") or "")] if failed else [])]
        case {"type": "error", "error": {"data": {"message": str(message)}}}:
            return [in_short(message)]
        case {"type": "error", "error": {"name": str(name)}}:
            return [in_short(name)]
        case _:
            return []


def begins(_event: Mapping[str, Any]) -> bool:
    """Its runs begin with what begins each step as well."""
    return False
