"""Lines of such a stream → what people read: messages as they are, a line for each call of a tool
and for each that has failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cash.sessions.ansi import strip
from cash.sessions.streams import claude, codex, copilot, gemini, opencode
from cash.sessions.streams.reading import parse_line

_TELLERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "claude-stream-json": claude.tell_event,
    "codex-json": codex.tell_event,
    "copilot-json": copilot.tell_event,
    "gemini-stream-json": gemini.tell_event,
    "opencode-json": opencode.tell_event,
}
_BEGINNINGS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "claude-stream-json": claude.begins,
    "codex-json": codex.begins,
    "copilot-json": copilot.begins,
    "gemini-stream-json": gemini.begins,
    "opencode-json": opencode.begins,
}
# Of a line that is no event: of one that was torn apart, say.
_LONGEST: Final = 2000


def tell_line(output: str, line: str) -> list[str]:
    """What people read of the line; nothing of an event that tells them nothing. What is no event
    of the format is shown as it is; whatever a program prints, nothing is raised."""
    tell, event = _TELLERS.get(output), parse_line(line)
    if tell is None or event is None:
        line = strip(line).rstrip()
        return [line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"] if line else []
    try:
        # What JSON has escaped would move the cursor of who reads it.
        return [strip(said) for said in tell(event) if strip(said).strip()]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return []  # not of the shape that this version of the program gives it


def last_run(output: str, lines: Sequence[str]) -> Sequence[str]:
    """Those of the last run among them."""
    begins = _BEGINNINGS.get(output)
    for place in reversed(range(len(lines)) if begins else ()):
        event = parse_line(lines[place])
        if begins and event is not None and begins(event):
            return lines[place:]
    return lines


def tell_run(output: str, lines: Sequence[str]) -> list[str]:
    """What people read of the last run. What a program says twice in a row, as a message and as
    its result, is told once."""
    found: list[str] = []
    for line in last_run(output, lines):
        found += [said for said in tell_line(output, line) if found[-1:] != [said]]
    return found
