"""Codex's `exec --json` (0.169.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cash.sessions.streams.told import Told, call_line, failure_line, in_short


def read_event(event: Mapping[str, Any]) -> Told | None:
    """What it tells. An item of type error is a warning, and an event of that type is followed by
    another try or by turn.failed."""
    match event:
        case {"type": "thread.started"}:
            return Told("running", "it has begun")
        case {"type": "turn.started"}:
            return Told("running", "a turn has begun")
        case {"type": "item.started" | "item.updated", "item": item}:
            return _read_item(item, "")
        case {"type": "item.completed", "item": item}:
            return _read_item(item, "failed" if item.get("status") == "failed" else "ended")
        case {"type": "error", "message": str(message)}:
            return Told("running", in_short(message))
        case {"type": "turn.failed", "error": {"message": str(message)}}:
            return Told("error", in_short(message))
        case {"type": "turn.completed"}:
            return Told("completed", "its turn is done")
        case _:
            return None


def tell_event(event: Mapping[str, Any]) -> list[str]:
    """What people read of it."""
    match event:
        case {"type": "item.completed", "item": {"type": "agent_message", "text": str(text)}}:
            return text.splitlines()
        case {"type": "item.started", "item": {"type": "command_execution", "command": command}}:
            return [call_line("", command)]
        case {"type": "item.started", "item": {"type": str(kind)}} if kind not in _OWN:
            return [call_line(kind, "")]
        case {"type": "item.completed", "item": {"status": "failed", **item}}:
            return [failure_line(item.get("aggregated_output") or item.get("type", ""))]
        case {"type": "item.completed", "item": {"type": "error", "message": str(message)}}:
            return [in_short(message)]
        case {"type": "error", "message": str(message)}:
            return [in_short(message)]
        case {"type": "turn.failed", "error": {"message": str(message)}}:
            return [in_short(message)]
        case _:
            return []


def begins(event: Mapping[str, Any]) -> bool:
    """Whether it is the first of a run."""
    return event.get("type") == "thread.started"


# Told when they are whole.
_OWN = ("agent_message", "reasoning", "error")


def _read_item(item: Mapping[str, Any], end: str) -> Told | None:
    match item:
        case {"type": "error"}:
            return None
        case {"type": "agent_message" | "reasoning"}:
            return Told("running", "it answers")
        case {"type": str(kind), "id": str(call)} if end:
            return Told("running", f"a call has {end}: {kind}", call)
        case {"type": str(kind), "id": str(call)}:
            return Told("running", in_short(f"{kind}: {item.get('command') or ''}"), call)
        case _:
            return None
