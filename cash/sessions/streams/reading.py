"""A line of such a stream → a signal, by the name of the format (a manifest's `output:`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from cash.sessions.signal import Signal, Source
from cash.sessions.streams import claude, codex, copilot, gemini, opencode
from cash.sessions.streams.told import Told

READERS: Mapping[str, Callable[[Mapping[str, Any]], Told | None]] = {
    "claude-stream-json": claude.read_event,
    "codex-json": codex.read_event,
    "copilot-json": copilot.read_event,
    "gemini-stream-json": gemini.read_event,
    "opencode-json": opencode.read_event,
}


def read_line(output: str, line: str | bytes, at: float) -> Signal | None:
    """What the line tells of its state, at seconds since the epoch. None where it tells nothing:
    an unknown format or event, or no JSON at all; whatever a program prints, nothing is raised."""
    read = READERS.get(output)
    event = parse_line(line)
    if read is None or event is None:
        return None
    try:
        told = read(event)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return None  # not of the shape that this version of the program gives it
    if told is None:
        return None
    return Signal(Source.PROTOCOL, told.status, told.reason, at, told.call)


def parse_line(line: str | bytes) -> Mapping[str, Any] | None:
    """The JSON mapping on this line; None when there is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
